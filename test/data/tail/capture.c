// What sits in xdpcap's slots: it sees the packet and gives the verdict back. An object of its own, which knows the hook by its pin alone.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 5);
	__type(key, int);
	__type(value, long);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 5);
	__type(key, int);
	__type(value, int);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} xdpcap_hook SEC(".maps");

static __always_inline int count(struct xdp_md *ctx, int verdict)
{
	long *value = bpf_map_lookup_elem(&seen, &verdict);

	if (value)
		*value += ctx->data_end - ctx->data;
	return verdict;
}

SEC("xdp") int seen_drop(struct xdp_md *ctx)
{
	return count(ctx, XDP_DROP);
}
SEC("xdp") int seen_pass(struct xdp_md *ctx)
{
	return count(ctx, XDP_PASS);
}

char _license[] SEC("license") = "GPL";
