// The helpers of BPF_MAP_TYPE_RINGBUF: every flag, full rings, records that wrap, records committed out of order, dynptrs.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} ring SEC(".maps");

// libbpf makes 8192 of it.
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 5000);
} rounded SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u8[1024]);
} text SEC(".maps");

struct event {
  __u32 length;
  __u16 kind;
  __u8 bytes[6];
};

static void note(__u32 slot, long result) {
  __u64 value = result;
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

static __always_inline void query(void *map, __u32 at) {
  note(at, bpf_ringbuf_query(map, BPF_RB_AVAIL_DATA));
  note(at + 1, bpf_ringbuf_query(map, BPF_RB_RING_SIZE));
  note(at + 2, bpf_ringbuf_query(map, BPF_RB_CONS_POS));
  note(at + 3, bpf_ringbuf_query(map, BPF_RB_PROD_POS));
}

SEC("xdp")
int output(struct xdp_md *ctx) {
  __u32 length = bpf_xdp_get_buff_len(ctx), zero = 0;
  __u8 *buffer = bpf_map_lookup_elem(&text, &zero);
  if (!buffer) return XDP_ABORTED;
  buffer[length & 1023]++;
  note(0, bpf_ringbuf_output(&ring, buffer, length & 255, 0));
  note(1, bpf_ringbuf_output(&ring, buffer, (length * 7) & 255, BPF_RB_NO_WAKEUP));
  note(2, bpf_ringbuf_output(&ring, buffer, 9, BPF_RB_FORCE_WAKEUP));
  note(3, bpf_ringbuf_output(&ring, buffer, 8, BPF_RB_FORCE_WAKEUP | BPF_RB_NO_WAKEUP));
  note(4, bpf_ringbuf_output(&ring, buffer, 8, 4));
  note(5, bpf_ringbuf_output(&ring, buffer, 0, 0));
  query(&ring, 8);
  note(12, bpf_ringbuf_query(&ring, 4));
  note(13, bpf_ringbuf_query(&ring, 1ULL << 32));
  query(&rounded, 14);
  return XDP_PASS;
}

SEC("xdp")
int reserve(struct xdp_md *ctx) {
  __u32 length = bpf_xdp_get_buff_len(ctx);
  struct event *first = bpf_ringbuf_reserve(&ring, sizeof(*first), 0);
  struct event *second = bpf_ringbuf_reserve(&ring, sizeof(*second) + 40, 0);
  void *flagged = bpf_ringbuf_reserve(&ring, 8, BPF_RB_NO_WAKEUP);
  note(20, flagged == 0);
  if (flagged) bpf_ringbuf_discard(flagged, 0);
  void *large = bpf_ringbuf_reserve(&ring, 4089, 0);
  note(21, large == 0);
  if (large) bpf_ringbuf_discard(large, 0);
  void *huge = bpf_ringbuf_reserve(&ring, 0x40000000, 0);
  note(22, huge == 0);
  if (huge) bpf_ringbuf_discard(huge, 0);
  note(23, first != 0);
  note(24, second != 0);
  // The second one first: a reader gets neither before both are done.
  if (second) {
    __builtin_memset(second, 0, sizeof(*second) + 40);
    second->length = length;
    second->kind = 2;
    if (length & 1) bpf_ringbuf_submit(second, BPF_RB_NO_WAKEUP);
    else bpf_ringbuf_discard(second, 0);
  }
  query(&ring, 25);
  if (first) {
    __builtin_memset(first, 'a', sizeof(*first));
    first->length = length;
    first->kind = 1;
    if (length % 3) bpf_ringbuf_submit(first, 0);
    else bpf_ringbuf_discard(first, BPF_RB_FORCE_WAKEUP);
  }
  query(&ring, 29);
  return XDP_PASS;
}

// Until it is full; and the largest record an empty ring takes.
SEC("xdp")
int fill(struct xdp_md *ctx) {
  __u32 zero = 0;
  __u8 *buffer = bpf_map_lookup_elem(&text, &zero);
  if (!buffer) return XDP_ABORTED;
  long error = 0;
  int i;
  for (i = 0; i < 64; i++) {
    buffer[0] = i;
    error = bpf_ringbuf_output(&ring, buffer, 100 + i, 0);
    if (error) break;
  }
  note(33, i);
  note(34, error);
  query(&ring, 35);
  void *whole = bpf_ringbuf_reserve(&rounded, 8184, 0);
  note(39, whole != 0);
  if (whole) bpf_ringbuf_discard(whole, 0);
  whole = bpf_ringbuf_reserve(&rounded, 8176, 0);
  note(40, whole != 0);
  if (whole) bpf_ringbuf_discard(whole, 0);
  return XDP_PASS;
}

SEC("xdp")
int dynptrs(struct xdp_md *ctx) {
  __u32 length = bpf_xdp_get_buff_len(ctx);
  struct bpf_dynptr ptr;
  note(44, bpf_ringbuf_reserve_dynptr(&ring, (length & 3) * 8 + 8, 0, &ptr));
  for (__u32 at = 0; at < 32; at += 8) {
    __u64 word = length * at;
    note(45, bpf_dynptr_write(&ptr, at, &word, sizeof(word), 0));
  }
  __u32 *data = bpf_dynptr_data(&ptr, 4, 4);
  if (data) *data = 0x12345678;
  note(46, data != 0);
  if (length & 1) bpf_ringbuf_submit_dynptr(&ptr, 0);
  else bpf_ringbuf_discard_dynptr(&ptr, BPF_RB_NO_WAKEUP);
  query(&ring, 47);
  // What cannot be had: too large for a dynptr, for the ring, with flags.
  note(51, bpf_ringbuf_reserve_dynptr(&ring, 0x1000000, 0, &ptr));
  bpf_ringbuf_submit_dynptr(&ptr, 0);
  note(52, bpf_ringbuf_reserve_dynptr(&ring, 5000, 0, &ptr));
  bpf_ringbuf_discard_dynptr(&ptr, 0);
  note(53, bpf_ringbuf_reserve_dynptr(&ring, 8, 1, &ptr));
  bpf_ringbuf_submit_dynptr(&ptr, 0);
  note(54, bpf_ringbuf_reserve_dynptr(&ring, 0, 0, &ptr));
  note(55, bpf_dynptr_data(&ptr, 0, 1) != 0);
  bpf_ringbuf_submit_dynptr(&ptr, 0);
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
