// bpf_perf_event_output with every kind of flag, and what reads counters.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} events SEC(".maps");

// libbpf gives it a slot for each CPU.
struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(key_size, 4);
  __uint(value_size, 4);
} each_cpu SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static void note(__u32 slot, long result) {
  __u64 value = result;
  bpf_map_update_elem(&seen, &slot, &value, BPF_ANY);
}

#define OUT(SLOT, FLAGS) note(SLOT, bpf_perf_event_output(ctx, &events, FLAGS, &data, sizeof(data)))

SEC("xdp")
int answers(struct xdp_md *ctx) {
  __u64 length = bpf_xdp_get_buff_len(ctx);
  struct bpf_perf_event_value value = {1, 2, 3};
  __u64 data = length;
  OUT(0, BPF_F_CURRENT_CPU);
  OUT(1, 0);
  OUT(2, 3);
  OUT(3, 4);
  OUT(4, 1ULL << 52);
  OUT(5, BPF_F_CURRENT_CPU | length << 32);
  OUT(6, BPF_F_CURRENT_CPU | (length + 1) << 32);
  OUT(7, 4 | (length + 1) << 32);
  OUT(8, 1ULL << 63 | (length + 1) << 32);
  note(9, bpf_perf_event_output(ctx, &each_cpu, BPF_F_CURRENT_CPU, &data, sizeof(data)));
  note(10, bpf_perf_event_output(ctx, &each_cpu, 100000, &data, sizeof(data)));
  note(11, bpf_perf_event_read(&events, BPF_F_CURRENT_CPU));
  note(12, bpf_perf_event_read(&events, 1));
  note(13, bpf_perf_event_read(&events, 4));
  note(14, bpf_perf_event_read(&events, 1ULL << 32));
  note(15, bpf_perf_event_read_value(&events, BPF_F_CURRENT_CPU, &value, sizeof(value)));
  note(16, value.counter + value.enabled + value.running);
  value.counter = 5;
  note(17, bpf_perf_event_read_value(&events, 4, &value, 16));
  note(18, value.counter);
  note(19, value.running);
  note(20, bpf_perf_event_read_value(&events, 4, &value, sizeof(value)));
  note(21, bpf_perf_event_read_value(&events, 1ULL << 32, &value, sizeof(value)));
  return XDP_PASS;
}

// The packet's length, then half of its bytes.
SEC("xdp")
int sample(struct xdp_md *ctx) {
  __u64 length = bpf_xdp_get_buff_len(ctx);
  __u32 data = length;
  note(32, bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU | (length / 2) << 32, &data, sizeof(data)));
  note(33, bpf_perf_event_output(ctx, &events, 1, &data, sizeof(data)));
  note(34, bpf_perf_event_read(&events, BPF_F_CURRENT_CPU));
  note(35, bpf_perf_event_read(&events, 1));
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
