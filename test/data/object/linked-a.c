// One half of what `bpftool gen object` links: names that both halves have, hidden, weak and extern ones.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define __hidden __attribute__((visibility("hidden")))

extern int shared_counter;
extern const volatile int shared_limit;
int other_half(int value);
__hidden int hidden_helper(int value);

static volatile int own = 3;
static __attribute__((noinline)) int local(int value)
{
	return value * own;
}

__weak int chosen(int value)
{
	asm volatile("");
	return value + 1;
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	shared_counter++;
	if (shared_counter > shared_limit)
		return XDP_DROP;
	return local(ctx->data_end - ctx->data) + other_half(2) + hidden_helper(3) + chosen(4);
}

char _license[] SEC("license") = "GPL";
