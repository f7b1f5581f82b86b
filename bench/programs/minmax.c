// SPDX-License-Identifier: MIT
/* The smallest and the largest of 64 random numbers (Marsaglia's xorshift, with 64 bits of state), and choices that depend on them: no processor can predict them. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define NUMBERS 64

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} state SEC(".maps");

char _license[] SEC("license") = "GPL";

SEC("xdp")
int minmax(struct xdp_md *ctx)
{
	__u32 zero = 0, least = ~0u, most = 0;
	__u64 *saved = bpf_map_lookup_elem(&state, &zero);
	__u64 sum = 0, random;

	if (!saved)
		return XDP_ABORTED;
	random = *saved | 1;
	for (int i = 0; i < NUMBERS; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		__u32 number = random;

		least = number < least ? number : least;
		most = number > most ? number : most;
		sum += number < 0x80000000u ? number : 0x80000000u;
		sum += number & 0x1000 ? least : most;
	}
	*saved = random + least + most + sum;
	return XDP_PASS;
}
