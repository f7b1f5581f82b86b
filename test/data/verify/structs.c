// Kernel structs, allocated objects and exception handlers: what the verifier is told of them.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define __kptr __attribute__((btf_type_tag("kptr")))
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define __exception_cb(name) __attribute__((btf_decl_tag("exception_callback:" #name)))
#define __noinline __attribute__((noinline))

struct bpf_refcount {
	unsigned int : 32;
} __attribute__((aligned(4)));
struct bpf_rb_node {
	unsigned long long opaque[4];
} __attribute__((aligned(8)));

struct nf_conn {
	int none;
};
struct nf_conn___init {
	int none;
};
struct bpf_sock_tuple___x;
struct bpf_ct_opts {
	int netns_id;
	int error;
	unsigned char l4proto, dir, reserved[2];
};

extern void bpf_throw(unsigned long long cookie) __ksym;
extern void *bpf_obj_new_impl(unsigned long long local_type_id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *object, void *meta) __ksym;
extern void *bpf_refcount_acquire_impl(void *object, void *meta) __ksym;
extern struct nf_conn___init *bpf_xdp_ct_alloc(struct xdp_md *ctx, struct bpf_sock_tuple *tuple, unsigned int tuple__sz,
					       struct bpf_ct_opts *opts, unsigned int opts__sz) __ksym;
extern int bpf_ct_change_timeout(struct nf_conn___init *ct, unsigned int timeout) __ksym;
extern struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *ct) __ksym;
extern void bpf_ct_release(struct nf_conn *ct) __ksym;

struct stashed {
	long key;
	int *number;
	struct bpf_refcount refs;
	struct bpf_rb_node node;
};

struct stash {
	struct stashed __kptr *node;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, struct stash);
	__uint(max_entries, 1);
} stashes SEC(".maps");

// A stashed object that a tree may hold belongs to nobody here: another reference to it may not be had.
SEC("tc")
int shared_object(struct __sk_buff *ctx)
{
	int key = 0;
	struct stash *stash = bpf_map_lookup_elem(&stashes, &key);
	if (!stash)
		return 1;
	struct stashed *node = stash->node;
	if (!node)
		return 2;
	node = bpf_refcount_acquire_impl(node, 0);
	bpf_obj_drop_impl(node, 0);
	return 0;
}

// A pointer to a number in an object: what it points to may be read, with care.
SEC("tc")
int pointer_to_number(struct __sk_buff *ctx)
{
	struct stashed *node = bpf_obj_new_impl(__builtin_btf_type_id(*(struct stashed *)0, 0), 0);
	if (!node)
		return 1;
	int *number = node->number;
	bpf_obj_drop_impl(node, 0);
	return *number;
}

// An entry that is not in the table yet is no entry.
SEC("xdp")
int half_made(struct xdp_md *ctx)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_ct_opts opts = { .l4proto = 6, .netns_id = -1 };
	struct nf_conn___init *made = bpf_xdp_ct_alloc(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (!made)
		return XDP_ABORTED;
	bpf_ct_change_timeout(made, 10);
	struct nf_conn *ct = bpf_ct_insert_entry(made);
	if (ct)
		bpf_ct_release(ct);
	return XDP_PASS;
}

__noinline int handler(unsigned long long cookie)
{
	return cookie & 1;
}
__noinline int bad_handler(void *cookie)
{
	return 0;
}
__noinline int throwing_handler(unsigned long long cookie)
{
	bpf_throw(cookie);
	return 0;
}

SEC("tc")
__exception_cb(handler) int handled(struct __sk_buff *ctx)
{
	bpf_throw(ctx->len);
	return 0;
}
SEC("tc")
__exception_cb(bad_handler) int badly_handled(struct __sk_buff *ctx)
{
	bpf_throw(ctx->len);
	return 0;
}
SEC("tc")
__exception_cb(throwing_handler) int thrown_again(struct __sk_buff *ctx)
{
	bpf_throw(ctx->len);
	return 0;
}

// Functions are laid out depth first.
static __noinline int inner(struct __sk_buff *ctx)
{
	return ctx->len + ctx->mark;
}
static __noinline int first(struct __sk_buff *ctx)
{
	return inner(ctx) + ctx->hash;
}
static __noinline int second(struct __sk_buff *ctx)
{
	return ctx->priority + ctx->queue_mapping;
}
SEC("tc")
int calls(struct __sk_buff *ctx)
{
	return first(ctx) + second(ctx);
}

char _license[] SEC("license") = "GPL";
