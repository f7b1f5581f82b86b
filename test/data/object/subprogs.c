// Subprograms: static and global in .text, static ones beside their program, a callback, data of every kind.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

const volatile __u32 limit = 100;
const volatile char greeting[16] = "hello";
__u64 total = 7;
static volatile __u32 calls;
static volatile __u8 pair[2] = {1, 2};

static __attribute__((noinline)) __u32 clamp(__u32 value)
{
	calls++;
	return value > limit ? limit : value;
}

__attribute__((noinline)) int twice(__u32 value)
{
	return clamp(value) * 2;
}

static __attribute__((noinline)) long step(__u32 index, void *ctx)
{
	total += index + pair[1];
	return 0;
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	__u32 length = ctx->data_end - ctx->data;

	bpf_loop(4, step, &length, 0);
	return twice(length) > 60 ? XDP_PASS : XDP_DROP;
}

static __attribute__((noinline, section("tc"))) int beside(__u32 mark)
{
	volatile __u32 copy = mark;

	return copy + greeting[mark & 7];
}

SEC("tc")
int second(struct __sk_buff *skb)
{
	return beside(skb->mark) + clamp(skb->len);
}

SEC("?xdp.frags")
int third(struct xdp_md *ctx)
{
	return XDP_TX;
}

char _license[] SEC("license") = "Dual MIT/GPL";
__u32 _version SEC("version") = 0x060102;
