// Programs for several threads: some keep what they know of a flow in its own element, some have all threads write to one place.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>

struct flow {
  __u32 saddr, daddr;
  __u16 source, dest;
  __u32 zero;
};

struct seen {
  __u64 packets;
  __u64 bytes;
  __u32 last;
  __u32 disorder;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, struct flow);
  __type(value, struct seen);
} flows SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 65536);
  __type(key, struct flow);
  __type(value, struct seen);
} recent SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u64);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} hosts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} jumps SEC(".maps");

struct shared {
  __u64 added, fetched, sum, exchanged;
  __u32 swaps, or, xor, small;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct shared);
} shared SEC(".maps");

struct locked {
  struct bpf_spin_lock lock;
  __u32 a;
  __u64 b;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct locked);
} locked SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} crowd SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 256);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, __u32);
  __type(value, __u64);
} coming SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct timer {
  struct bpf_timer timer;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct timer);
} timers SEC(".maps");

struct packet {
  struct ethhdr eth;
  struct iphdr ip;
  struct udphdr udp;
  __u32 number;
} __attribute__((packed));

static __always_inline struct packet *packet(struct xdp_md *ctx) {
  struct packet *p = (void *)(long)ctx->data;
  return (void *)(p + 1) > (void *)(long)ctx->data_end ? 0 : p;
}

static __always_inline int add(void *map, struct packet *p, struct seen **out) {
  struct flow key = {p->ip.saddr, p->ip.daddr, p->udp.source, p->udp.dest, 0};
  struct seen *seen = bpf_map_lookup_elem(map, &key);
  if (!seen) {
    struct seen first = {};
    if (bpf_map_update_elem(map, &key, &first, BPF_NOEXIST)) return -1;
    seen = bpf_map_lookup_elem(map, &key);
    if (!seen) return -1;
  }
  seen->packets++;
  seen->bytes += __builtin_bswap16(p->udp.len);
  if (p->number <= seen->last) seen->disorder++;
  seen->last = p->number;
  *out = seen;
  return 0;
}

SEC("xdp")
int per_flow(struct xdp_md *ctx) {
  struct packet *p = packet(ctx);
  if (!p || p->eth.h_proto != __builtin_bswap16(ETH_P_IP)) return XDP_PASS;
  __u32 zero = 0, host = p->ip.saddr;
  __u64 one = 1;
  __u64 *count = bpf_map_lookup_elem(&counts, &zero);
  if (count) ++*count;
  count = bpf_map_lookup_elem(&hosts, &host);
  if (count) ++*count;
  else bpf_map_update_elem(&hosts, &host, &one, BPF_ANY);
  struct seen *seen;
  if (add(&flows, p, &seen)) return XDP_ABORTED;
  // What happens to a packet depends on how many of its flow came before.
  if (seen->packets % 3 == 0) return XDP_DROP;
  p->ip.ttl = seen->packets;
  if (seen->packets % 5 == 0) bpf_tail_call(ctx, &jumps, p->udp.dest & 3);
  return seen->packets % 7 == 0 ? XDP_TX : XDP_PASS;
}

SEC("xdp")
int per_flow_lru(struct xdp_md *ctx) {
  struct packet *p = packet(ctx);
  struct seen *seen;
  if (!p || p->eth.h_proto != __builtin_bswap16(ETH_P_IP)) return XDP_PASS;
  if (add(&recent, p, &seen)) return XDP_ABORTED;
  return seen->packets % 2 ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int taller(struct xdp_md *ctx) {
  // Moves the packet's beginning: packets are copied.
  if (bpf_xdp_adjust_head(ctx, -8)) return XDP_ABORTED;
  struct packet *p = packet(ctx);
  if (!p) return XDP_ABORTED;
  *(__u64 *)p = 0x1122334455667788;
  return XDP_TX;
}

SEC("xdp")
int jumped(struct xdp_md *ctx) {
  __u32 one = 1;
  __u64 *count = bpf_map_lookup_elem(&counts, &one);
  if (count) ++*count;
  return XDP_TX;
}

SEC("xdp")
int dropped(struct xdp_md *ctx) {
  return XDP_DROP;
}

SEC("xdp")
int jumps_always(struct xdp_md *ctx) {
  bpf_tail_call(ctx, &jumps, 0);
  return XDP_ABORTED;
}

SEC("xdp")
int prints(struct xdp_md *ctx) {
  struct packet *p = packet(ctx);
  if (!p) return XDP_PASS;
  bpf_printk("packet %u", p->number);
  if (p->number % 3 == 0) bpf_printk("and again %d", p->number);
  return XDP_PASS;
}

SEC("xdp")
int atomics(struct xdp_md *ctx) {
  struct packet *p = packet(ctx);
  __u32 zero = 0;
  struct shared *s = bpf_map_lookup_elem(&shared, &zero);
  if (!s || !p) return XDP_ABORTED;
  __sync_fetch_and_add(&s->added, 1);
  __u64 before = __sync_fetch_and_add(&s->fetched, 2);
  __sync_fetch_and_add(&s->sum, before);
  __sync_fetch_and_or(&s->or, 1 << (p->number & 31));
  __sync_fetch_and_xor(&s->xor, p->number);
  __sync_fetch_and_add(&s->small, 3);
  for (int i = 0; i < 64; i++) {
    __u64 old = *(volatile __u64 *)&s->exchanged;
    if (__sync_val_compare_and_swap(&s->exchanged, old, old + 1) == old) return XDP_PASS;
    __sync_fetch_and_add(&s->swaps, 1);
  }
  return XDP_DROP;
}

SEC("xdp")
int locks(struct xdp_md *ctx) {
  __u32 zero = 0;
  struct locked *l = bpf_map_lookup_elem(&locked, &zero);
  if (!l) return XDP_ABORTED;
  bpf_spin_lock(&l->lock);
  l->a++;
  l->b += l->a;
  bpf_spin_unlock(&l->lock);
  return XDP_PASS;
}

SEC("xdp")
int crowds(struct xdp_md *ctx) {
  struct packet *p = packet(ctx);
  __u64 value = 1, *found;
  if (!p) return XDP_ABORTED;
  __u32 key = p->number & 63, other = p->number & 255;
  found = bpf_map_lookup_elem(&crowd, &key);
  if (found) __sync_fetch_and_add(found, 1);
  else if (bpf_map_update_elem(&crowd, &key, &value, BPF_NOEXIST)) {
    found = bpf_map_lookup_elem(&crowd, &key);
    if (!found) return XDP_ABORTED;
    __sync_fetch_and_add(found, 1);
  }
  value = p->number;
  // Elements come, are replaced and go, under everybody's hands.
  if (p->number & 256) bpf_map_delete_elem(&coming, &other);
  else if (bpf_map_update_elem(&coming, &other, &value, BPF_ANY)) return XDP_DROP;
  found = bpf_map_lookup_elem(&coming, &other);
  return found && (*found & 255) != other ? XDP_TX : XDP_PASS;
}

SEC("xdp")
int rings(struct xdp_md *ctx) {
  struct packet *p = packet(ctx);
  if (!p) return XDP_ABORTED;
  struct {
    __u32 number, size;
    __u8 bytes[24];
  } *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
  if (!record) return XDP_DROP;
  record->number = p->number;
  record->size = ctx->data_end - ctx->data;
  __builtin_memset(record->bytes, p->number, sizeof(record->bytes));
  if (p->number % 16 == 15) bpf_ringbuf_discard(record, 0);
  else bpf_ringbuf_submit(record, 0);
  return XDP_PASS;
}

static int fires(void *map, int *key, void *value) {
  return 0;
}

SEC("xdp")
int times(struct xdp_md *ctx) {
  __u32 zero = 0;
  struct timer *t = bpf_map_lookup_elem(&timers, &zero);
  if (!t) return XDP_ABORTED;
  bpf_timer_init(&t->timer, &timers, 1);
  bpf_timer_set_callback(&t->timer, fires);
  bpf_timer_start(&t->timer, 1000, 0);
  return XDP_PASS;
}

SEC("xdp")
int cpu(struct xdp_md *ctx) {
  return bpf_get_smp_processor_id() + 1;
}

char _license[] SEC("license") = "GPL";
