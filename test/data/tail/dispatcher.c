// libxdp's dispatcher without freplace: each place is a function that tail-calls, and what the program returns decides whether the next one is asked.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define NONE 31
#define PLACES 4

const volatile struct {
	unsigned int places;
	unsigned int go_on[PLACES];
} config;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, PLACES);
	__type(key, int);
	__type(value, int);
} places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 40);
	__type(key, int);
	__type(value, long);
} verdicts SEC(".maps");

#define PLACE(i)                                                                                                       \
	static __attribute__((noinline)) int place##i(struct xdp_md *ctx)                                               \
	{                                                                                                              \
		volatile int verdict = NONE;                                                                           \
		if (!ctx)                                                                                              \
			return XDP_ABORTED;                                                                            \
		bpf_tail_call(ctx, &places, i);                                                                        \
		return verdict;                                                                                        \
	}
PLACE(0)
PLACE(1)
PLACE(2)
PLACE(3)

static __always_inline void note(int verdict, int place)
{
	int key = verdict < 10 ? verdict * PLACES + place : 39;
	long *value = bpf_map_lookup_elem(&verdicts, &key);

	if (value)
		++*value;
}

#define ASK(i)                                                                                                         \
	if (config.places < i + 1)                                                                                     \
		return verdict;                                                                                        \
	verdict = place##i(ctx);                                                                                       \
	note(verdict, i);                                                                                              \
	if (!((1U << (verdict & 31)) & config.go_on[i]))                                                               \
		return verdict;

SEC("xdp")
int dispatch(struct xdp_md *ctx)
{
	int verdict = XDP_PASS;

	ASK(0)
	ASK(1)
	ASK(2)
	ASK(3)
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
