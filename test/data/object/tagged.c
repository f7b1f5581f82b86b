// What today's data paths rely on: static programs, slots from declaration tags, constants the loader fills, pinning values of their own.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define __declare_tail(map, slot) __attribute__((btf_decl_tag("tail:" #map "/" #slot)))
#define CONFIG(type, name) const volatile type SEC(".rodata.config") name

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__type(key, int);
	__type(value, int);
	__uint(pinning, 16);
} calls SEC(".maps");

struct globals {
	unsigned int host_ip;
	unsigned short port;
	char name[16];
	unsigned int jumps[4];
};
const volatile struct globals __globals;
CONFIG(unsigned int, answer);
CONFIG(_Bool, enabled) = 1;

SEC("xdp/tail") __declare_tail(calls, 5) static int tail_five(struct xdp_md *ctx)
{
	return answer;
}
SEC("xdp/tail") __declare_tail(calls, 2) static int tail_two(struct xdp_md *ctx)
{
	return __globals.jumps[1];
}
SEC("xdp") int entry(struct xdp_md *ctx)
{
	if (!enabled)
		return XDP_DROP;
	bpf_tail_call_static(ctx, &calls, 5);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
