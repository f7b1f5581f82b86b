// bpf_user_ringbuf_drain: what callbacks see, when they stop, flags, drains within drains.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_USER_RINGBUF);
  __uint(max_entries, 4096);
} commands SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

struct state {
  __u32 stop;
  __u32 calls;
  __u64 sum;
};

static void note(__u32 slot, long result) {
  __u64 value = result;
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

static long nested(struct bpf_dynptr *sample, void *context) { return 0; }

static long one(struct bpf_dynptr *sample, void *context) {
  struct state *state = context;
  __u32 word = 0;
  note(8, bpf_dynptr_read(&word, sizeof(word), sample, 0, 0));
  state->sum += word;
  note(9, bpf_dynptr_read(&word, sizeof(word), sample, 8, 0));
  state->sum += 3 * word;
  const __u32 *data = bpf_dynptr_data(sample, 4, 4);
  note(10, data != 0);
  if (data) state->sum += 5 * *data;
  note(11, bpf_dynptr_write(sample, 0, &word, sizeof(word), 0));
  note(12, bpf_user_ringbuf_drain(&commands, nested, 0, 0));
  state->calls++;
  return state->calls == state->stop;
}

SEC("xdp")
int drain(struct xdp_md *ctx) {
  __u32 length = ctx->data_end - ctx->data;
  struct state state = {.stop = length & 3 ? length & 3 : 1000};
  note(0, bpf_user_ringbuf_drain(&commands, one, &state, 4));
  note(1, bpf_user_ringbuf_drain(&commands, one, &state, length & 1 ? BPF_RB_NO_WAKEUP : 0));
  note(2, state.calls);
  note(3, state.sum);
  note(4, bpf_user_ringbuf_drain(&commands, one, &state, length & 16 ? BPF_RB_FORCE_WAKEUP : 3));
  note(5, state.calls);
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
