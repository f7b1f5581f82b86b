// bpf_loop: what it hands on, where it stops, what it refuses; and sections in which nothing else may run.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;

struct state {
  __u64 sum;
  __u32 stop;
  __u32 calls;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 8);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static void note(__u32 slot, __u64 value) {
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

static long add(__u32 index, void *ctx) {
  struct state *state = ctx;
  state->sum += index * index + 1;
  state->calls++;
  return index == state->stop;
}

static long nested(__u32 index, void *ctx) {
  struct state *state = ctx;
  struct state inner = {.stop = index};
  bpf_loop(index + 3, add, &inner, 0);
  state->sum += inner.sum;
  return 0;
}

SEC("xdp")
int loops(struct xdp_md *ctx) {
  __u32 length = ctx->data_end - ctx->data;
  struct state state = {.stop = length / 2};
  note(0, bpf_loop(length, add, &state, 0));
  note(1, state.sum);
  state.stop = -1;
  note(2, bpf_loop(length, add, &state, 0));
  note(3, bpf_loop(0, add, &state, 0));
  bpf_rcu_read_lock();
  note(5, bpf_loop(length & 15, nested, &state, 0));
  bpf_rcu_read_unlock();
  bpf_preempt_disable();
  note(6, state.sum);
  bpf_preempt_enable();
  note(7, state.calls);
  return XDP_PASS;
}

static long count(__u32 index, void *ctx) {
  *(__u64 *)ctx += index ^ 5;
  return 0;
}

static long skip(__u32 index, void *ctx) {
  *(__u64 *)ctx += 1;
  return index == 9;
}

// Linux makes a loop of a call with one callback and no flags, and calls the helper otherwise: what is refused differs.
SEC("xdp")
int limits(struct xdp_md *ctx) {
  __u32 length = ctx->data_end - ctx->data;
  __u64 sum = 0, odd = length & 1;
  note(0, bpf_loop((1 << 23) + odd, count, &sum, 0));
  note(1, bpf_loop((1 << 23) + odd, length & 2 ? count : skip, &sum, 0));
  note(2, bpf_loop(length, count, &sum, odd));
  note(3, bpf_loop((1 << 23) + 1 + odd, skip, &sum, length >> 5));
  note(4, sum);
  return XDP_PASS;
}

// R1 is 64 bits wide, of which the helper takes the low half.
SEC("xdp")
int wide(struct xdp_md *ctx) {
  __u64 length = ctx->data_end - ctx->data, sum = 0;
  long (*loop)(__u64, void *, void *, __u64) = (void *)BPF_FUNC_loop;
  note(0, loop(((length & 1) << 32) + length, count, &sum, 0));
  note(1, loop(((length & 1) << 32) + length, skip, &sum, length >> 8));
  note(2, sum);
  return XDP_PASS;
}

static long all_again(__u32 index, void *ctx) {
  bpf_loop(1 << 23, index & 1 ? count : skip, ctx, 0);
  return 0;
}

static long all_inlined(__u32 index, void *ctx) {
  bpf_loop(1 << 23, count, ctx, 0);
  return 0;
}

// Days of work for any machine.
SEC("xdp")
int endless(struct xdp_md *ctx) {
  __u64 sum = 0;
  bpf_loop(1 << 23, all_again, &sum, 0);
  return sum & 1;
}

SEC("xdp")
int endless_inlined(struct xdp_md *ctx) {
  __u64 sum = 0;
  bpf_loop(1 << 23, all_inlined, &sum, 0);
  return sum & 1;
}

char _license[] SEC("license") = "GPL";
