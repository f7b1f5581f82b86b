// A map value with fields that have rules of their own.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_list_head { __u64 opaque[2]; } __attribute__((aligned(8)));
struct bpf_list_node { __u64 opaque[3]; } __attribute__((aligned(8)));
struct bpf_rb_root { __u64 opaque[2]; } __attribute__((aligned(8)));
struct bpf_rb_node { __u64 opaque[4]; } __attribute__((aligned(8)));
struct task_struct;

#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __contains(type, node) __attribute__((btf_decl_tag("contains:" #type ":" #node)))

struct element {
	__u64 key;
	struct bpf_list_node list;
	struct bpf_rb_node tree;
};

struct value {
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(element, list);
	struct bpf_rb_root root __contains(element, tree);
	struct task_struct __kptr *task;
	struct element __kptr_untrusted *element;
	struct bpf_timer timers[2];
	__u64 hits;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct value);
} objects SEC(".maps");

SEC("xdp")
int locked(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&objects, &key);

	if (!value)
		return XDP_PASS;
	bpf_spin_lock(&value->lock);
	value->hits++;
	bpf_spin_unlock(&value->lock);
	return XDP_PASS;
}

SEC("xdp")
int touches_timer(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&objects, &key);

	if (!value)
		return XDP_PASS;
	*(volatile __u64 *)&value->timers[1] = 0;
	return XDP_PASS;
}

struct element *keep_the_type;
char LICENSE[] SEC("license") = "GPL";
