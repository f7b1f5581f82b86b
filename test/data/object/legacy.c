// Legacy maps: struct bpf_map_def of 20 bytes; no BTF is needed for them.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#ifdef EXTENDED
struct map_def {
	__u32 type, key_size, value_size, max_entries, map_flags, inner_map_idx, numa_node;
};
#else
struct map_def {
	__u32 type, key_size, value_size, max_entries, map_flags;
};
#endif

struct map_def SEC("maps") counters = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 2,
};

struct map_def SEC("maps") jumps = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 3,
};

SEC("xdp1")
int count(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	bpf_tail_call(ctx, &jumps, 2);
	return XDP_PASS;
}
