// The other half.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define __hidden __attribute__((visibility("hidden")))

int shared_counter = 0;
const volatile int shared_limit = 100;

static volatile int own = 5;
static __attribute__((noinline)) int local(int value)
{
	return value - own;
}

int other_half(int value)
{
	return local(value) * 10;
}

__hidden int hidden_helper(int value)
{
	return local(value) + 7;
}

int chosen(int value)
{
	asm volatile("");
	return value + 1000;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return hidden_helper(ctx->data_end - ctx->data);
}

char _license[] SEC("license") = "GPL";
