// SPDX-License-Identifier: MIT
/* An event of 24 bytes for every packet into a ring buffer: copied in one call, and written where it was reserved. */
#include "five-tuple.h"

/* Room for what one timed run of the bench makes: nobody reads meanwhile. */
#define RING_BYTES (8 << 20)

struct event {
	struct five_tuple flow;
	__u32 bytes;
	__u32 queue;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

char _license[] SEC("license") = "GPL";

SEC("xdp")
int output(struct xdp_md *ctx)
{
	struct event event = { .bytes = ctx->data_end - ctx->data, .queue = ctx->rx_queue_index };

	if (!five_tuple_of(ctx, &event.flow))
		return XDP_ABORTED;
	return bpf_ringbuf_output(&events, &event, sizeof(event), 0) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int reserve(struct xdp_md *ctx)
{
	struct five_tuple flow;
	struct event *event;

	if (!five_tuple_of(ctx, &flow))
		return XDP_ABORTED;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return XDP_DROP;
	*event = (struct event){ flow, ctx->data_end - ctx->data, ctx->rx_queue_index };
	bpf_ringbuf_submit(event, 0);
	return XDP_PASS;
}
