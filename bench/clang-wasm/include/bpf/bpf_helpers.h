/* SPDX-License-Identifier: MIT */
/*
 * libbpf's bpf_helpers.h for programs that clang compiles straight to Wasm: sections mean nothing, map definitions are the same
 * structs of pointers, and helpers are plain C (maps.h). Where a map's elements lie is in its `value` pointer, or `value_size` of a
 * prog array, which on the BPF side is there for its type alone.
 */
#pragma once
#include <linux/types.h>

#define NULL ((void *)0)
#define __uint(name, number) int (*name)[number]
#define __type(name, type) typeof(type) *name
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define SEC(name) __attribute__((used, visibility("default")))

/* What __uint said. */
#define MAP_UINT(map, name) (sizeof(*(map)->name) / sizeof(int))

#include "../../maps.h"
#include "../../tail-call.h"

#define bpf_map_lookup_elem(map, key_)                                                                              \
	map_lookup(MAP_UINT(map, type), (map)->value, MAP_UINT(map, max_entries), sizeof(*(map)->key),              \
		   sizeof(*(map)->value), key_)
#define bpf_map_update_elem(map, key_, value_, flags)                                                               \
	map_update(MAP_UINT(map, type), (map)->value, MAP_UINT(map, max_entries), sizeof(*(map)->key),              \
		   sizeof(*(map)->value), key_, value_, flags)
#define bpf_map_delete_elem(map, key_)                                                                              \
	map_delete(MAP_UINT(map, type), (map)->value, sizeof(*(map)->key), sizeof(*(map)->value), key_)

/* The example's leaves print; nobody listens. */
#define bpf_printk(...) ((void)0)
