// iproute2's maps: struct bpf_elf_map of 36 bytes, with an inner map named by id.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct bpf_elf_map {
	__u32 type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx;
};

struct bpf_elf_map SEC("maps") inner = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 8,
	.max_elem = 1,
	.id = 7,
};

struct bpf_elf_map SEC("maps") outer = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 2,
	.pinning = 2,
	.inner_id = 7,
};

SEC("from-netdev")
int from_netdev(struct __sk_buff *skb)
{
	__u32 key = 1;

	return bpf_map_lookup_elem(&outer, &key) ? 0 : 2;
}

char _license[] SEC("license") = "GPL";
