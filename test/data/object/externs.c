// Externs: kernel configuration, kernel symbols, kfuncs; strong and weak.
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern int CONFIG_NOT_THERE __kconfig __weak;
extern const void weak_symbol __ksym __weak;
extern const void strong_symbol __ksym;
extern int strong_kfunc(struct xdp_md *ctx) __ksym;
extern int weak_kfunc(struct xdp_md *ctx) __ksym __weak;

SEC("xdp")
int kconfig(struct xdp_md *ctx)
{
	return LINUX_KERNEL_VERSION > 0x050000 && CONFIG_BPF_SYSCALL ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int weak(struct xdp_md *ctx)
{
	return CONFIG_NOT_THERE || &weak_symbol ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int ksym(struct xdp_md *ctx)
{
	return (long)&strong_symbol & 1;
}

SEC("xdp")
int kfuncs(struct xdp_md *ctx)
{
	int verdict = strong_kfunc(ctx);

	return weak_kfunc ? weak_kfunc(ctx) + verdict : verdict;
}

char _license[] SEC("license") = "GPL";
