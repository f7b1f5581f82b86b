// Programs that go on to one another through an array that the object fills; the last one is in another's hands.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

int first(struct xdp_md *ctx), second(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(int));
	__array(values, int(struct xdp_md *));
} next SEC(".maps") = {
	.values = { [0] = (void *)&first, [1] = (void *)&second },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, int);
	__type(value, long);
} steps SEC(".maps");

long packets;
static long odd = 7;

static __attribute__((noinline)) long step(int number, int length)
{
	long one = length, *value = bpf_map_lookup_elem(&steps, &number);

	if (value)
		*value += length;
	else
		bpf_map_update_elem(&steps, &number, &one, BPF_ANY);
	return number;
}

static __attribute__((noinline)) int go_on(struct xdp_md *ctx, int to)
{
	bpf_tail_call(ctx, &next, to);
	step(100 + to, 1);
	return to;
}

SEC("xdp") int entry(struct xdp_md *ctx)
{
	int length = ctx->data_end - ctx->data;

	packets++;
	step(1, length);
	// Comes back with what `first` returns.
	int found = go_on(ctx, 0);
	odd = odd * 31 + found;
	return step(2, length) + found;
}
SEC("xdp") int first(struct xdp_md *ctx)
{
	step(3, ctx->data_end - ctx->data);
	return go_on(ctx, 1) + 1;
}
SEC("xdp") int second(struct xdp_md *ctx)
{
	step(4, 1);
	if (ctx->data_end - ctx->data > 60)
		bpf_tail_call(ctx, &next, 3);
	bpf_tail_call(ctx, &next, 77);
	return 2;
}

char _license[] SEC("license") = "GPL";
