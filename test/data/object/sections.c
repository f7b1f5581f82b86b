// Section names, static programs, data sections with names of their own, a pointer in data.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

__u32 tuned SEC(".data.tuned") = 42;
const __u32 fixed SEC(".rodata.fixed") = 43;
__u64 zeroes[4] SEC(".bss.zeroes");
static __u32 pointee = 5;
static volatile __u32 *const volatile pointer SEC(".data.pointer") = &pointee;

static __attribute__((used, section("tc/tail"))) int static_prog(struct __sk_buff *skb)
{
	return tuned + fixed + zeroes[1];
}

SEC("something-else")
int untyped(struct __sk_buff *skb)
{
	return 0;
}

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	return 1;
}

SEC("kprobe/do_sys_open")
int probe(void *ctx)
{
	return *pointer;
}
