// Initial values that name static maps and programs: the relocation names their section, and their offset there is in the data.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
};

static struct inner first SEC(".maps");
static struct inner second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = {[0] = &second, [1] = &first},
};

SEC("xdp")
static int one(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
static int two(struct xdp_md *ctx)
{
	return XDP_TX;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = {[0] = (void *)&two, [1] = (void *)&one},
};

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	__u32 slot = 1;

	if (bpf_map_lookup_elem(&outer, &slot))
		bpf_tail_call(ctx, &jumps, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
