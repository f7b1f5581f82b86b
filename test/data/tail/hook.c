// The hook of Cloudflare's xdpcap: every exit offers the packet to a program in the slot of its verdict.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 5);
	__type(key, int);
	__type(value, int);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} xdpcap_hook SEC(".maps");

static __always_inline int leave(struct xdp_md *ctx, int verdict)
{
	bpf_tail_call(ctx, &xdpcap_hook, verdict);
	return verdict;
}

SEC("xdp")
int filter(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	if ((void *)(data + 14) > end)
		return leave(ctx, XDP_ABORTED);
	if (data[0] & 1)
		return leave(ctx, XDP_DROP);
	data[5] ^= 0xff;
	return leave(ctx, data[1] & 1 ? XDP_TX : XDP_PASS);
}

char _license[] SEC("license") = "GPL";
