// Maps of maps that the object fills, variables in sections of their own, and configuration values.
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern unsigned int CONFIG_NOT_THERE __kconfig __weak;

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, int);
	__type(value, long);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, int);
	__array(values, struct inner);
} by_number SEC(".maps") = {
	.values = { [1] = &inner_a, [3] = &inner_b },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, int);
	__array(values, struct inner);
} by_name SEC(".maps") = {
	.values = { [0] = &inner_b },
};

int seen SEC(".data.counters") = 3;
const volatile int step SEC(".rodata.config") = 5;
int missed;

static __always_inline int add(void *outer, int key, int slot, long value)
{
	void *inner = bpf_map_lookup_elem(outer, &key);
	long *found;

	if (!inner) {
		missed++;
		return 1;
	}
	found = bpf_map_lookup_elem(inner, &slot);
	if (!found)
		return 2;
	*found += value;
	if (*found > 100)
		bpf_map_update_elem(inner, &slot, &value, BPF_ANY);
	return 0;
}

SEC("xdp")
int nested(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;
	int found;

	if ((void *)(data + 2) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	seen += step;
	found = add(&by_number, data[0] & 7, data[1] & 3, seen);
	found = found * 4 + add(&by_name, data[1] & 1, 1, 1);
	return LINUX_KERNEL_VERSION > 0x060000 && CONFIG_BPF_SYSCALL && !CONFIG_NOT_THERE ? found : -1;
}

SEC("?xdp")
int never(struct xdp_md *ctx)
{
	return *(int *)0;
}

char _license[] SEC("license") = "GPL";
