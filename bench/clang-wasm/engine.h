/* SPDX-License-Identifier: MIT */
/* What makes an engine of a program: memory for its maps, and the loop over a batch of context records. */
#pragma once
#include <linux/bpf.h>

/* A context record as bpf2wasm lays it out (struct XdpCtx of assembly/abi.ts): 64 bytes, the verdict behind what the program sees. */
struct record {
	struct xdp_md ctx;
	__u32 hard_start;
	__u32 hard_end;
	__u64 time;
	__u32 verdict;
	__u32 rest[5];
};
_Static_assert(sizeof(struct record) == 64, "a cache line");

#define BATCH(name)                                                                        \
	SEC("") void run_##name(struct record *at, struct record *end)                     \
	{                                                                                  \
		for (; at < end; at++) {                                                   \
			tail_calls = 0;                                                    \
			at->verdict = name(&at->ctx);                                      \
		}                                                                          \
	}

/* An array, or a per-CPU array of one CPU. */
#define ARRAY(map)                                                                         \
	static typeof(*map.value) map##_values[MAP_UINT(&map, max_entries)];               \
	__attribute__((constructor)) static void map##_init(void)                          \
	{                                                                                  \
		map.value = map##_values;                                                  \
	}

#define PROG_ARRAY(map)                                                                    \
	static prog *map##_slots[MAP_UINT(&map, max_entries)];                             \
	__attribute__((constructor)) static void map##_init(void)                          \
	{                                                                                  \
		map.value_size = (void *)map##_slots;                                      \
	}                                                                                  \
	SEC("") void set_##map(__u32 index, prog *prog)                                    \
	{                                                                                  \
		map##_slots[index] = prog;                                                 \
	}

/* Twice as many heads as elements; max_entries is a power of two. */
#define HASH(map)                                                                          \
	static __u32 map##_heads[2 * MAP_UINT(&map, max_entries)];                         \
	static __u64 map##_elements[MAP_UINT(&map, max_entries) *                          \
				    ELEMENT_SIZE(map) / 8];                                \
	static struct hash map##_hash = { 2 * MAP_UINT(&map, max_entries) - 1, 0,          \
					  map##_heads, (void *)map##_elements };           \
	__attribute__((constructor)) static void map##_init(void)                          \
	{                                                                                  \
		map.value = (void *)&map##_hash;                                           \
		hash_init(&map##_hash, MAP_UINT(&map, max_entries), ELEMENT_SIZE(map));    \
	}
/* element_size(), for the size of an array. */
#define ELEMENT_SIZE(map) \
	(sizeof(struct element) + ((sizeof(*map.key) + 7) & ~7) + ((sizeof(*map.value) + 7) & ~7))

/* The address of a key's value, 0 if there is none: how the bench compares maps. */
#define LOOK_AT(map)                                                                       \
	SEC("") void *get_##map(const void *key)                                           \
	{                                                                                  \
		return bpf_map_lookup_elem(&map, key);                                     \
	}

/* Memory for what the bench puts there: packets, records, keys. */
extern __u8 __heap_base;
SEC("") void *heap(void)
{
	return &__heap_base;
}
