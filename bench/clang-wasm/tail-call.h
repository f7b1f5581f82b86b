/* SPDX-License-Identifier: MIT */
/* Tail calls: function pointers in an array. Wasm has an instruction for them (-mtail-call); without it each is a call on top of the last. */
#pragma once
#include <linux/bpf.h>

#define MAX_TAIL_CALLS 33

typedef int prog(struct xdp_md *ctx);

static __u32 tail_calls;

#ifdef __wasm_tail_call__
#define TAIL __attribute__((musttail))
#else
#define TAIL
#endif

#define bpf_tail_call(ctx, map, index_)                                                    \
	do {                                                                               \
		__u32 index__ = index_;                                                    \
		prog *next__;                                                              \
                                                                                           \
		if (index__ >= MAP_UINT(map, max_entries) || tail_calls >= MAX_TAIL_CALLS) \
			break;                                                             \
		next__ = ((prog **)(map)->value_size)[index__];                            \
		if (!next__)                                                               \
			break;                                                             \
		tail_calls++;                                                              \
		TAIL return next__(ctx);                                                   \
	} while (0)
