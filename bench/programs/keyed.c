// SPDX-License-Identifier: MIT
/* Lookups in large keyed maps, at random keys that are in them: an LPM trie of IPv4 prefixes, a hash with keys of 16 bytes, an LRU hash that is full. */
#include "payload.h"

#define ENTRIES 100000
#define LRU_ENTRIES 16384

struct prefix {
	__u32 prefixlen;
	__u32 address;
};

struct flow {
	__u32 word[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, ENTRIES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u64);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ENTRIES);
	__type(key, struct flow);
	__type(value, __u64);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LRU_ENTRIES);
	__type(key, __u32);
	__type(value, __u64);
} recent SEC(".maps");

/* Where each program is in its sequence of keys: packets are all the same, the keys must not be. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} turns SEC(".maps");

char _license[] SEC("license") = "GPL";

static __always_inline __u32 mixed(__u32 x)
{
	x ^= x >> 16;
	x *= 0x7feb352d;
	x ^= x >> 15;
	x *= 0x846ca68b;
	return x ^ (x >> 16);
}

/* The next of `count` numbers that come round again. */
static __always_inline __u32 turn(__u32 which, __u32 count)
{
	__u32 *at = bpf_map_lookup_elem(&turns, &which);
	__u32 now;

	if (!at)
		return 0;
	now = *at;
	*at = now + 1;
	return mixed(now) % count;
}

static __always_inline struct flow flow_of(__u32 i)
{
	return (struct flow){ { mixed(i), mixed(i + 0x10000000), mixed(i + 0x20000000), mixed(i + 0x30000000) } };
}

/* One key on its way: the cost of choosing one, which is in the figures of those below. */
SEC("xdp")
int choose(struct xdp_md *ctx)
{
	return mixed(turn(0, ENTRIES)) == 1 ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp")
int route(struct xdp_md *ctx)
{
	struct prefix key = { 32, mixed(turn(1, ENTRIES)) };
	__u64 *value = bpf_map_lookup_elem(&routes, &key);

	return value ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int flow(struct xdp_md *ctx)
{
	struct flow key = flow_of(turn(2, ENTRIES));
	__u64 *value = bpf_map_lookup_elem(&flows, &key);

	return value ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int lru_find(struct xdp_md *ctx)
{
	__u32 key = mixed(turn(3, LRU_ENTRIES / 2));
	__u64 *value = bpf_map_lookup_elem(&recent, &key);

	return value ? XDP_PASS : XDP_DROP;
}

/* Every key is new: each update takes an element from another. */
SEC("xdp")
int lru_churn(struct xdp_md *ctx)
{
	__u32 which = 4, *at = bpf_map_lookup_elem(&turns, &which), key;
	__u64 value = 1;

	if (!at)
		return XDP_ABORTED;
	key = mixed(++*at);
	return bpf_map_update_elem(&recent, &key, &value, BPF_ANY) ? XDP_DROP : XDP_PASS;
}

/* Fill: as many elements as there are packets, in a test run or in a batch. */
SEC("xdp")
int fill(struct xdp_md *ctx)
{
	__u32 which = 5, *at = bpf_map_lookup_elem(&turns, &which), i;
	__u64 value = 1;
	struct prefix prefix;
	struct flow key;

	if (!at)
		return XDP_ABORTED;
	i = (*at)++;
	if (i >= ENTRIES)
		return XDP_PASS;
	prefix.address = mixed(i);
	/* Lengths as in routing tables: half of them 24 bits, the others from 8 to 32. */
	prefix.prefixlen = mixed(i + 7) & 1 ? 24 : 8 + mixed(i + 9) % 25;
	bpf_map_update_elem(&routes, &prefix, &value, BPF_ANY);
	key = flow_of(i);
	bpf_map_update_elem(&flows, &key, &value, BPF_ANY);
	if (i < LRU_ENTRIES / 2) {
		__u32 small = mixed(i);

		bpf_map_update_elem(&recent, &small, &value, BPF_ANY);
	}
	return XDP_PASS;
}
