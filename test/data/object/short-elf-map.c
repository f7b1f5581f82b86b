// struct bpf_elf_map as older iproute2 and aya have it, 28 bytes; sections that say a slot; maps in a section of their own.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct map_def {
	unsigned int type;
	unsigned int size_key;
	unsigned int size_value;
	unsigned int max_elem;
	unsigned int flags;
	unsigned int id;
	unsigned int pinning;
};

struct map_def SEC("maps") jumps = { BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, 2, 0 };
struct map_def SEC("maps") shared = { BPF_MAP_TYPE_HASH, 4, 8, 16, 0, 0, 2 };
struct {
	unsigned int type, key_size, value_size, max_entries, map_flags;
} counters SEC("maps/counters") = { BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0 };

extern void __bpf_trap(void);

SEC("2/1") int slot_one(struct __sk_buff *skb)
{
	return 1;
}
SEC("0x2/0x3") int slot_three(struct __sk_buff *skb)
{
	return 3;
}
SEC("classifier") int entry(struct __sk_buff *skb)
{
	int key = 0;
	long *count = bpf_map_lookup_elem(&counters, &key);
	if (count)
		++*count;
	bpf_map_lookup_elem(&shared, &key);
	bpf_tail_call(skb, &jumps, skb->mark);
	return 0;
}
SEC("classifier") int trapped(struct __sk_buff *skb)
{
	__bpf_trap();
	return 0;
}

char _license[] SEC("license") = "GPL";
