// CO-RE: a type whose layout the compiler leaves open.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct sk_buff {
	unsigned int len;
	unsigned int data_len;
} __attribute__((preserve_access_index));

SEC("kprobe/consume_skb")
int probe(struct sk_buff *skb)
{
	return skb->data_len;
}

SEC("xdp")
int plain(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
