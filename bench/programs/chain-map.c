// SPDX-License-Identifier: MIT
/*
 * As many tail calls as one run may take, each through the slot that an array names: a service chain whose order is configured
 * at run time. No index is known before it is read.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define HOPS 33

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, HOPS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} hops SEC(".maps");

/* By hop, the slot of the program behind it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOPS);
	__type(key, __u32);
	__type(value, __u32);
} order SEC(".maps");

char _license[] SEC("license") = "GPL";

#define HOP(number)                                                   \
	SEC("xdp")                                                    \
	int hop_##number(struct xdp_md *ctx)                          \
	{                                                             \
		__u32 at = number;                                    \
		__u32 *slot = bpf_map_lookup_elem(&order, &at);       \
                                                                      \
		if (slot)                                             \
			bpf_tail_call(ctx, &hops, *slot);             \
		return XDP_ABORTED;                                   \
	}

HOP(0) HOP(1) HOP(2) HOP(3) HOP(4) HOP(5) HOP(6) HOP(7) HOP(8) HOP(9) HOP(10)
HOP(11) HOP(12) HOP(13) HOP(14) HOP(15) HOP(16) HOP(17) HOP(18) HOP(19) HOP(20) HOP(21)
HOP(22) HOP(23) HOP(24) HOP(25) HOP(26) HOP(27) HOP(28) HOP(29) HOP(30) HOP(31) HOP(32)

/* Behind the thirty-third call. */
SEC("xdp")
int last(struct xdp_md *ctx)
{
	return XDP_TX;
}

/* The order: hop i + 1 is in slot 7 i + 5, modulo the number of slots, so that no hop jumps to the slot behind its own. */
SEC("xdp")
int fill(struct xdp_md *ctx)
{
	for (__u32 i = 0; i < HOPS; i++) {
		__u32 key = i, slot = (7 * i + 5) % HOPS;

		bpf_map_update_elem(&order, &key, &slot, BPF_ANY);
	}
	return XDP_PASS;
}
