// Declaration tags of global functions' arguments: which go with which type, and with each other.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct bpf_dynptr;
struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

#define T(tag) __attribute__((btf_decl_tag("arg:" #tag)))
#define ONE(name, type, tags)                                                                                          \
	__attribute__((noinline)) int g_##name(type a tags)                                                             \
	{                                                                                                              \
		asm volatile("");                                                                                      \
		return 0;                                                                                              \
	}                                                                                                              \
	SEC("tc") int name(struct __sk_buff *ctx)                                                                      \
	{                                                                                                              \
		return g_##name((type)(long)ctx);                                                                      \
	}
#define EACH(name, type)                                                                                               \
	ONE(name, type, )                                                                                              \
	ONE(name##_ctx, type, T(ctx))                                                                                  \
	ONE(name##_nonnull, type, T(nonnull))                                                                          \
	ONE(name##_nullable, type, T(nullable))                                                                        \
	ONE(name##_trusted, type, T(trusted))                                                                          \
	ONE(name##_untrusted, type, T(untrusted))                                                                      \
	ONE(name##_arena, type, T(arena))                                                                              \
	ONE(name##_nonnull_nullable, type, T(nonnull) T(nullable))                                                     \
	ONE(name##_ctx_nullable, type, T(ctx) T(nullable))                                                             \
	ONE(name##_untrusted_nonnull, type, T(untrusted) T(nonnull))

EACH(ctx, struct __sk_buff *)
EACH(mem, int *)
EACH(task, struct task_struct *)
EACH(nothing, void *)

char _license[] SEC("license") = "GPL";
