// An arena, and variables in its address space.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define __arena __attribute__((address_space(1)))
#define __ulong2(name, value) enum { unique_##name = value } name

struct {
	__uint(type, 33);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 10);
	__ulong2(map_extra, 0x1ull << 44);
} arena SEC(".maps");

int __arena counter;

SEC("tc") int count(struct __sk_buff *ctx)
{
	asm volatile("r9 = %[arena] ll" : : [arena] "i"(&arena) : "r9");
	counter++;
	return 0;
}
