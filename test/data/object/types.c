// Types for BTF: all kinds that C has, bit-fields, tags, and variables that decode to known values.
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

enum small { SMALL_MINUS = -1, SMALL_ONE = 1 };
#if __clang_major__ >= 15
enum wide { WIDE_LOW = 3, WIDE_HIGH = 0x100000000ULL };
#define HAS_TAGS 1
#else
enum wide { WIDE_LOW = 3, WIDE_HIGH = 0x10000000 };
#endif

struct unknown;
typedef int (*callback_t)(struct unknown *context, const char *name, ...);

struct bits {
	__u32 a : 3;
	__s32 b : 5;
	__u64 c : 40;
	bool d : 1;
};

union either {
	__u32 word;
	__u8 bytes[4];
};

struct everything {
	bool flag;
	char text[8];
	char raw[4];
	__s16 negative;
	__u64 large;
	enum small small;
	enum wide wide;
	union either either;
	struct {
		__u16 inner_a;
		__u16 inner_b;
	};
	const volatile void *const pointer;
	callback_t callback;
	struct bits bits;
	__u8 grid[2][3];
	struct everything *next;
	float single;
	double twofold;
};

volatile struct everything sample = {
	.flag = true,
	.text = "text",
	.raw = {1, 2, 3, 4},
	.negative = -2,
	.large = 0x123456789abcdef0ULL,
	.small = SMALL_MINUS,
	.wide = WIDE_HIGH,
	.either = {.word = 0x04030201},
	.inner_a = 11,
	.inner_b = 12,
	.bits = {.a = 5, .b = -3, .c = 0x123456789aULL, .d = true},
	.grid = {{1, 2, 3}, {4, 5, 6}},
	.single = 1.5,
	.twofold = -0.25,
};

#ifdef HAS_TAGS
#define __noted __attribute__((btf_decl_tag("noted")))
#define __user __attribute__((btf_type_tag("user")))
#else
#define __noted
#define __user
#endif

volatile int __user *tagged_pointer __noted;

SEC("xdp")
int use_types(struct xdp_md *ctx)
{
	return sample.flag ? XDP_PASS : tagged_pointer ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "GPL";
