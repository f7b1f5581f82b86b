// Dynptrs over map values and over packets: what is read, written, sliced, copied and refused, with offsets and sizes from the packet.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 offset, void *buffer, __u32 size) __ksym;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 offset, void *buffer, __u32 size) __ksym;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, __u32 start, __u32 end) __ksym;
extern _Bool bpf_dynptr_is_null(const struct bpf_dynptr *p) __ksym;
extern _Bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p) __ksym;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *p) __ksym;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone__uninit) __ksym;
extern int bpf_dynptr_copy(struct bpf_dynptr *dst, __u32 dst_off, struct bpf_dynptr *src, __u32 src_off, __u32 size) __ksym;
extern int bpf_dynptr_memset(struct bpf_dynptr *p, __u32 offset, __u32 size, __u8 val) __ksym;

struct block {
  __u8 bytes[64];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct block);
} blocks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __s64);
} seen SEC(".maps");

static __always_inline void note(__u32 slot, __s64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

static __always_inline struct block *block(__u32 index) {
  return bpf_map_lookup_elem(&blocks, &index);
}

// Three numbers of the packet, small enough to hit and to miss.
#define ARGUMENTS(ctx, a, b, c)                             \
  void *data = (void *)(long)(ctx)->data;                   \
  if (data + 14 > (void *)(long)(ctx)->data_end)            \
    return XDP_ABORTED;                                     \
  __u32 a = *(__u8 *)data & 127, b = *(__u8 *)(data + 1) & 127, c = *(__u8 *)(data + 2) & 127

SEC("xdp")
int local(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  struct block *from = block(0), *to = block(1);
  struct bpf_dynptr ptr;
  __u8 buffer[128] = {};
  if (!from || !to)
    return XDP_ABORTED;
  *(__u64 *)&from->bytes[8] = *(__u64 *)data;
  note(0, bpf_dynptr_from_mem(from, 64, 0, &ptr));
  note(1, bpf_dynptr_read(buffer, b, &ptr, a, 0));
  note(2, bpf_dynptr_write(&ptr, c, buffer, b, 0));
  note(3, bpf_dynptr_read(buffer, 0, &ptr, c, 0));
  note(4, bpf_dynptr_write(&ptr, c, buffer, 0, 0));
  note(5, bpf_dynptr_read(buffer, 4, &ptr, a, 1));
  note(6, bpf_dynptr_read(buffer, 128, &ptr, 0, 1));
  note(7, bpf_dynptr_write(&ptr, a, buffer, 4, 1));
  note(8, bpf_dynptr_write(&ptr, 0, buffer, 128, 1));
  note(9, bpf_dynptr_read(buffer, 4, &ptr, 0x100000000ull + a, 0));
  note(10, bpf_dynptr_write(&ptr, 0x100000000ull + a, buffer, 4, 0));
  note(11, bpf_dynptr_read(buffer, 4, &ptr, 0xfffffffe, 0));
  __u64 *word = bpf_dynptr_data(&ptr, a, 8);
  note(12, word != 0);
  if (word)
    *word = c;
  note(13, bpf_dynptr_data(&ptr, c, 0) != 0);
  note(14, bpf_dynptr_data(&ptr, 0x100000000ull + a, 3) != 0);
  note(15, bpf_dynptr_read(to, 64, &ptr, 0, 0));
  note(16, bpf_dynptr_size(&ptr));
  note(17, bpf_dynptr_is_null(&ptr));
  note(18, bpf_dynptr_is_rdonly(&ptr));
  // A copy onto itself, shifted.
  word = bpf_dynptr_data(&ptr, 8, 32);
  if (word)
    note(19, bpf_dynptr_write(&ptr, 4, word, 32, 0));
  return XDP_PASS;
}

SEC("xdp")
int refused(struct xdp_md *ctx) {
  struct block *from = block(0);
  struct bpf_dynptr ptr, clone;
  __u8 buffer[8] = {};
  if (!from)
    return XDP_ABORTED;
  note(0, bpf_dynptr_from_mem(from, 64, 1, &ptr));
  note(1, bpf_dynptr_read(buffer, 8, &ptr, 0, 0));
  note(2, bpf_dynptr_write(&ptr, 0, buffer, 8, 0));
  note(3, bpf_dynptr_data(&ptr, 0, 8) != 0);
  note(4, bpf_dynptr_is_null(&ptr));
  note(5, bpf_dynptr_is_rdonly(&ptr));
  note(6, (int)bpf_dynptr_size(&ptr));
  note(7, bpf_dynptr_adjust(&ptr, 0, 0));
  note(8, bpf_dynptr_clone(&ptr, &clone));
  note(9, bpf_dynptr_is_null(&clone));
  note(10, bpf_dynptr_slice(&ptr, 0, buffer, 8) != 0);
  note(11, bpf_dynptr_slice_rdwr(&ptr, 0, buffer, 8) != 0);
  note(12, bpf_dynptr_memset(&ptr, 0, 8, 1));
  note(13, bpf_dynptr_memset(&ptr, 0, 0, 1));
  bpf_dynptr_from_mem(from, 64, 0, &clone);
  note(14, bpf_dynptr_copy(&clone, 0, &ptr, 0, 8));
  note(15, bpf_dynptr_copy(&ptr, 0, &clone, 0, 8));
  note(16, bpf_dynptr_copy(&ptr, 0, &clone, 0, 0));
  note(17, bpf_dynptr_copy(&clone, 0, &ptr, 0, 0));
  note(18, bpf_dynptr_copy(&ptr, 0, &ptr, 0, 0));
  note(19, bpf_dynptr_from_xdp(ctx, 1, &ptr));
  note(20, bpf_dynptr_is_null(&ptr));
  note(21, bpf_dynptr_from_xdp(ctx, 1ull << 32, &clone));
  note(22, bpf_dynptr_size(&clone));
  note(23, bpf_dynptr_read(buffer, 0, &ptr, 0, 0));
  note(24, bpf_dynptr_write(&ptr, 0, buffer, 0, 0));
  note(25, bpf_dynptr_from_mem(from, 0, 0, &clone));
  note(26, bpf_dynptr_is_null(&clone));
  note(27, bpf_dynptr_read(buffer, 0, &clone, 0, 0));
  note(28, bpf_dynptr_data(&clone, 0, 0) != 0);
  note(29, bpf_dynptr_read(buffer, 0, &clone, 1, 0));
  return XDP_PASS;
}

SEC("xdp")
int narrowed(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  struct block *from = block(2);
  struct bpf_dynptr ptr, clone;
  __u8 buffer[16] = {};
  if (!from)
    return XDP_ABORTED;
  *(__u64 *)&from->bytes[16] = *(__u64 *)data;
  bpf_dynptr_from_mem(from, 60, 0, &ptr);
  note(0, bpf_dynptr_clone(&ptr, &clone));
  note(1, bpf_dynptr_adjust(&ptr, a, b));
  note(2, bpf_dynptr_size(&ptr));
  note(3, bpf_dynptr_adjust(&ptr, a / 4, b / 4));
  note(4, bpf_dynptr_size(&ptr));
  note(5, bpf_dynptr_read(buffer, 8, &ptr, 1, 0));
  note(6, bpf_dynptr_write(&ptr, 2, buffer, 4, 0));
  note(7, bpf_dynptr_size(&clone));
  note(8, bpf_dynptr_memset(&ptr, c / 8, b / 8, a + 0x100));
  note(9, bpf_dynptr_memset(&clone, c, b / 8, c));
  note(10, bpf_dynptr_copy(&clone, c, &ptr, a / 8, b / 8));
  note(11, bpf_dynptr_copy(&ptr, c / 8, &clone, a, b / 8));
  note(12, bpf_dynptr_copy(&ptr, c / 8, &clone, a, 0));
  __u8 *at = bpf_dynptr_slice(&ptr, c / 8, 0, 4);
  note(13, at ? at[3] : -1);
  at = bpf_dynptr_slice_rdwr(&clone, c, buffer, sizeof(buffer));
  note(14, at != 0);
  if (at)
    at[15] = a;
  return XDP_PASS;
}

SEC("xdp")
int packet(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  struct block *to = block(3);
  struct bpf_dynptr ptr, memory;
  __u8 buffer[128] = {};
  if (!to)
    return XDP_ABORTED;
  note(0, bpf_dynptr_from_xdp(ctx, 0, &ptr));
  note(1, bpf_dynptr_size(&ptr));
  note(2, bpf_dynptr_read(buffer, b, &ptr, a, 0));
  note(3, bpf_dynptr_write(&ptr, c, buffer, b, 0));
  note(4, bpf_dynptr_write(&ptr, c, buffer, b, 1));
  note(5, bpf_dynptr_write(&ptr, 90, buffer, b, 1));
  note(6, bpf_dynptr_data(&ptr, 0, 4) != 0);
  note(7, bpf_dynptr_is_rdonly(&ptr));
  __u8 *at = bpf_dynptr_slice(&ptr, a, 0, 8);
  note(8, at ? at[7] : -1);
  at = bpf_dynptr_slice(&ptr, b, buffer, 60);
  note(9, at ? at[59] : -1);
  at = bpf_dynptr_slice_rdwr(&ptr, c, buffer, 16);
  note(10, at != 0);
  if (at)
    at[1] = a;
  note(11, bpf_dynptr_memset(&ptr, c, b / 4, 7));
  bpf_dynptr_from_mem(to, 64, 0, &memory);
  note(12, bpf_dynptr_copy(&memory, a / 2, &ptr, b / 2, c / 2));
  note(13, bpf_dynptr_copy(&ptr, a / 2, &memory, b / 2, c / 2));
  note(14, bpf_dynptr_copy(&ptr, a / 2, &ptr, b / 2, c / 2));
  note(15, bpf_dynptr_adjust(&ptr, a / 2, b));
  note(16, bpf_dynptr_read(buffer, 4, &ptr, c / 4, 0));
  note(17, buffer[3]);
  note(18, bpf_dynptr_read(buffer, 0, &ptr, c / 4, 0));
  return XDP_PASS;
}

// A dynptr of a packet lives on when the packet's ends move; its size is what it was.
SEC("xdp")
int moved(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  struct bpf_dynptr ptr;
  __u8 buffer[16] = {};
  bpf_dynptr_from_xdp(ctx, 0, &ptr);
  note(0, bpf_xdp_adjust_head(ctx, (int)a - 40));
  note(1, bpf_xdp_adjust_tail(ctx, (int)b - 40));
  note(2, bpf_dynptr_size(&ptr));
  note(3, bpf_dynptr_read(buffer, 16, &ptr, c, 0));
  note(4, *(__s64 *)buffer);
  note(5, bpf_dynptr_write(&ptr, c / 2, buffer, 8, 0));
  __u8 *at = bpf_dynptr_slice(&ptr, c, 0, 4);
  note(6, at ? at[3] : -1);
  at = bpf_dynptr_slice(&ptr, c, buffer, 16);
  note(7, at ? at[3] : -1);
  at = bpf_dynptr_slice_rdwr(&ptr, c, buffer, 16);
  if (at)
    at[2] = 9;
  note(8, bpf_dynptr_memset(&ptr, c, b, 5));
  note(9, bpf_dynptr_copy(&ptr, a, &ptr, c, b));
  return XDP_PASS;
}

// Callbacks and functions are given a dynptr that they may only use.
static __noinline long use(const struct bpf_dynptr *ptr, __u32 at) {
  __u8 byte = 0;
  return bpf_dynptr_read(&byte, 1, ptr, at, 0) ?: byte;
}

__noinline int global(const struct bpf_dynptr *ptr, __u32 at) {
  __u8 byte = 0;
  if (bpf_dynptr_read(&byte, 1, ptr, at, 0))
    return -1;
  return byte;
}

SEC("xdp")
int passed(struct xdp_md *ctx) {
  ARGUMENTS(ctx, a, b, c);
  struct bpf_dynptr ptr;
  bpf_dynptr_from_xdp(ctx, 0, &ptr);
  note(0, use(&ptr, a));
  note(1, global(&ptr, b));
  note(2, c);
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
