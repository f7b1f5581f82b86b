// SPDX-License-Identifier: MIT
/* bpf_loop with a thousand rounds of a callback that does next to nothing: what a round costs. */
#include "payload.h"

#define ROUNDS 1000

struct state {
	__u32 sum;
	__u32 seed;
};

char _license[] SEC("license") = "GPL";

static long round(__u32 index, struct state *state)
{
	state->sum = state->sum * 31 + (state->seed ^ index);
	return 0;
}

SEC("xdp")
int loop(struct xdp_md *ctx)
{
	__u32 *at = udp_payload((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	struct state state = {};

	if (!at || (void *)(at + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	state.seed = *at;
	bpf_loop(ROUNDS, round, &state, 0);
	return state.sum;
}
