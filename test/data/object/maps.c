// BTF-defined maps: every attribute, per-CPU kinds, map-in-maps and a prog array with initial values.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct flow {
	__u32 source;
	__u32 target;
	__u16 ports[2];
};

enum state {
	STATE_NEW,
	STATE_OPEN = 5,
};

struct counter {
	__u64 packets;
	__u64 bytes;
	enum state state;
	__u32 low : 5;
	__u32 high : 27;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct flow);
	__type(value, struct counter);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__uint(numa_node, 1);
	__uint(map_extra, 3);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 4);
} per_cpu SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u64));
	__uint(max_entries, 1);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = {[0] = &inner_a, [2] = &inner_b},
};

int leaf(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = {[5] = (void *)&leaf},
};

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	struct flow key = {.source = 1};
	__u32 slot = 0;
	struct counter *counter = bpf_map_lookup_elem(&flows, &key);
	__u64 *cpu = bpf_map_lookup_elem(&per_cpu, &slot);

	if (counter)
		counter->packets++;
	if (cpu)
		*cpu += 1;
	if (bpf_map_lookup_elem(&outer, &slot))
		bpf_tail_call(ctx, &jumps, 5);
	return XDP_PASS;
}

SEC("xdp/leaf")
int leaf(struct xdp_md *ctx)
{
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
