// More mistakes: pointers that a call made stale, an access behind a cast.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int stale(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;

	if (data + 20 > data_end)
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, 4))
		return XDP_ABORTED;
	return *(__u8 *)data;
}

SEC("xdp")
int cast(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;

	return *(__u8 *)(data + 30);
}

char _license[] SEC("license") = "GPL";
