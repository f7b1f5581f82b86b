// Every kind of CO-RE relocation, against core-target.c. Each program returns one answer.
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define CORE __attribute__((preserve_access_index))

enum color { RED = 1, GREEN = 2, GONE = 9 };
enum color64 { HUGE64 = 0x123456789aULL };

struct inner {
	int a;
	int b;
} CORE;

typedef struct {
	int wide;
	struct inner in;
} CORE anon_t;

typedef int (*callback_t)(struct inner *in, int n);

struct outer {
	int first;
	struct inner in;
	struct inner list[4];
	union {
		int u1;
		long u2;
	};
	unsigned int bits1 : 3;
	unsigned int bits2 : 11;
	int signed_bits : 5;
	unsigned int shrunk;
	unsigned long grown;
	int changed_sign;
	void *ptr;
	enum color color;
	callback_t cb;
	char name[16];
	int missing;
	int retyped;
	unsigned char flex[];
} CORE;

// Flavours: other layouts of the same type.
struct outer___v2 {
	long newer;
	int missing;
} CORE;

struct nowhere {
	int x;
} CORE;

struct same {
	int a;
	unsigned long b;
	struct inner *p;
	int arr[3];
};

struct other_sizes {
	int a;
	long b;
};

struct same *keep_same;
struct other_sizes *keep_other;

#define ANSWER(name, type, value)                                                                                     \
	SEC("xdp") int name(struct xdp_md *ctx)                                                                        \
	{                                                                                                              \
		type *o = (void *)(long)ctx->rx_queue_index;                                                           \
		return value;                                                                                          \
	}

// Offsets, where only addresses are taken.
#define OFFSET(name, type, field) ANSWER(name, type, (long)&o->field - (long)o)
OFFSET(off_first, struct outer, first)
OFFSET(off_nested, struct outer, in.b)
OFFSET(off_array, struct outer, list[2].b)
OFFSET(off_anonymous, struct outer, u2)
OFFSET(off_flex, struct outer, flex[7])
OFFSET(off_index, struct outer, list[3])
OFFSET(off_flavour, struct outer___v2, newer)
OFFSET(off_typedef, anon_t, in.b)
OFFSET(off_missing, struct outer, missing)
OFFSET(off_retyped, struct outer, retyped)
OFFSET(off_nowhere, struct nowhere, x)

// Existence.
#define EXISTS(name, type, field) ANSWER(name, type, bpf_core_field_exists(o->field))
EXISTS(has_first, struct outer, first)
EXISTS(has_missing, struct outer, missing)
EXISTS(has_retyped, struct outer, retyped)
EXISTS(has_flavour, struct outer___v2, newer)
EXISTS(has_flavour_missing, struct outer___v2, missing)
EXISTS(has_nowhere, struct nowhere, x)
EXISTS(has_cb, struct outer, cb)
EXISTS(has_color, struct outer, color)
EXISTS(has_elem, struct outer, list[3].a)
EXISTS(has_elem_beyond, struct outer, name[15])

#define SIZE(name, type, field) ANSWER(name, type, bpf_core_field_size(o->field))
SIZE(size_shrunk, struct outer, shrunk)
SIZE(size_grown, struct outer, grown)
SIZE(size_name, struct outer, name)
SIZE(size_in, struct outer, in)
SIZE(size_elem, struct outer, list[1])
SIZE(size_missing, struct outer, missing)

// Bit-fields, and signedness.
#define KIND(name, type, field, kind) ANSWER(name, type, __builtin_preserve_field_info(o->field, kind))
KIND(bits1_off, struct outer, bits1, BPF_FIELD_BYTE_OFFSET)
KIND(bits1_size, struct outer, bits1, BPF_FIELD_BYTE_SIZE)
KIND(bits1_lshift, struct outer, bits1, BPF_FIELD_LSHIFT_U64)
KIND(bits1_rshift, struct outer, bits1, BPF_FIELD_RSHIFT_U64)
KIND(bits2_off, struct outer, bits2, BPF_FIELD_BYTE_OFFSET)
KIND(bits2_size, struct outer, bits2, BPF_FIELD_BYTE_SIZE)
KIND(bits2_lshift, struct outer, bits2, BPF_FIELD_LSHIFT_U64)
KIND(bits2_rshift, struct outer, bits2, BPF_FIELD_RSHIFT_U64)
KIND(bits2_signed, struct outer, bits2, BPF_FIELD_SIGNED)
KIND(signed_bits_signed, struct outer, signed_bits, BPF_FIELD_SIGNED)
KIND(whole_lshift, struct outer, shrunk, BPF_FIELD_LSHIFT_U64)
KIND(whole_rshift, struct outer, shrunk, BPF_FIELD_RSHIFT_U64)
KIND(sign_changed, struct outer, changed_sign, BPF_FIELD_SIGNED)
KIND(color_signed, struct outer, color, BPF_FIELD_SIGNED)

// Loads change their width for integers without a sign and for pointers; anything else is refused when it is reached.
struct loads {
	unsigned int shrunk;
	unsigned int grown;
	int was_signed;
	void *ptr;
	unsigned long big;
} CORE;
SEC("xdp") int load_shrunk(struct xdp_md *ctx)
{
	struct loads *o = (void *)ctx;
	return o->shrunk;
}
SEC("xdp") int load_signed(struct xdp_md *ctx)
{
	struct loads *o = (void *)ctx;
	return o->was_signed;
}
SEC("xdp") int load_grown(struct xdp_md *ctx)
{
	struct loads *o = (void *)ctx;
	return o->grown;
}
SEC("xdp") int load_ptr(struct xdp_md *ctx)
{
	struct loads *o = (void *)ctx;
	return o->ptr == 0;
}
SEC("xdp") int store_big(struct xdp_md *ctx)
{
	struct loads *o = (void *)ctx;
	o->big = 0;
	return 0;
}

// Types.
ANSWER(type_exists, struct outer, bpf_core_type_exists(struct inner))
ANSWER(type_exists_nowhere, struct outer, bpf_core_type_exists(struct nowhere))
ANSWER(type_exists_typedef, struct outer, bpf_core_type_exists(anon_t))
ANSWER(type_exists_callback, struct outer, bpf_core_type_exists(callback_t))
ANSWER(type_exists_flavour, struct outer, bpf_core_type_exists(struct outer___v2))
ANSWER(type_exists_enum, struct outer, bpf_core_type_exists(enum color))
ANSWER(type_size, struct outer, bpf_core_type_size(struct inner))
ANSWER(type_size_nowhere, struct outer, bpf_core_type_size(struct nowhere))
ANSWER(type_id_local, struct outer, bpf_core_type_id_local(struct inner))
ANSWER(type_id_kernel, struct outer, bpf_core_type_id_kernel(struct inner))
ANSWER(type_id_nowhere, struct outer, bpf_core_type_id_kernel(struct nowhere))
#if __clang_major__ >= 15
ANSWER(type_matches_same, struct outer, bpf_core_type_matches(struct same))
ANSWER(type_matches_sizes, struct outer, bpf_core_type_matches(struct other_sizes))
ANSWER(type_matches_inner, struct outer, bpf_core_type_matches(struct inner))
ANSWER(type_matches_enum, struct outer, bpf_core_type_matches(enum color))
ANSWER(type_matches_callback, struct outer, bpf_core_type_matches(callback_t))
ANSWER(type_matches_nowhere, struct outer, bpf_core_type_matches(struct nowhere))
#endif

// Enumerators.
ANSWER(enum_exists, struct outer, bpf_core_enum_value_exists(enum color, GREEN))
ANSWER(enum_gone, struct outer, bpf_core_enum_value_exists(enum color, GONE))
ANSWER(enum_value, struct outer, bpf_core_enum_value(enum color, GREEN))
ANSWER(enum_value_gone, struct outer, bpf_core_enum_value(enum color, GONE))
#if __clang_major__ >= 15 // Before it BTF had no enumerators of 64 bits.
ANSWER(enum_value64, struct outer, bpf_core_enum_value(enum color64, HUGE64) >> 32)
#endif

// A guard keeps what is missing from being reached.
SEC("xdp") int guarded(struct xdp_md *ctx)
{
	struct outer *o = (void *)(long)ctx->rx_queue_index;
	if (!bpf_core_field_exists(o->missing))
		return XDP_PASS;
	return (long)&o->missing - (long)o;
}

// In a subprogram.
static __attribute__((noinline)) int offset_in(struct xdp_md *ctx)
{
	struct outer *o = (void *)(long)ctx->rx_queue_index;
	return (long)&o->in.b - (long)o;
}
SEC("xdp") int in_subprog(struct xdp_md *ctx)
{
	return offset_in(ctx);
}

char _license[] SEC("license") = "GPL";
