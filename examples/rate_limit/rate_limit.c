// SPDX-License-Identifier: MIT
/*
 * A rate limit for each IPv4 source: a token bucket behind a spin lock.
 *
 * A bucket holds up to `burst` packets' worth of tokens and gains `rate` a second. A packet takes one; without one it is dropped. Tokens are
 * counted in units of 1e-9, so that the nanoseconds that passed times the rate are what came in, with no division and nothing lost.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TOKEN 1000000000ull
/* Longer pauses count as this one: 2^34 ns are 17 s; times a 29-bit rate they fit 64 bits. */
#define PAUSE_MAX (1ull << 34)
#define SOURCES 1024

struct bucket {
	struct bpf_spin_lock lock;
	__u32 unused;
	__u64 tokens;
	/* When tokens were last added. */
	__u64 time_ns;
	__u64 passed;
	__u64 dropped;
};

/* By source address. When it is full, sources that are new share the bucket of 0.0.0.0. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SOURCES);
	__type(key, __u8[4]);
	__type(value, struct bucket);
} buckets SEC(".maps");

struct total {
	__u64 passed;
	__u64 dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct total);
} totals SEC(".maps");

/* Packets a second, below 2^29. */
const volatile __u32 rate = 10;
/* Packets at once. */
const volatile __u32 burst = 5;

char _license[] SEC("license") = "Dual MIT/GPL";

static __always_inline struct bucket *find_bucket(const void *source, __u64 now)
{
	const __u32 shared = 0;
	struct bucket *bucket = bpf_map_lookup_elem(&buckets, source);
	struct bucket fresh = { .tokens = burst * TOKEN, .time_ns = now };

	if (bucket)
		return bucket;
	/* Another CPU may be first: then its bucket is the one. */
	bpf_map_update_elem(&buckets, source, &fresh, BPF_NOEXIST);
	bucket = bpf_map_lookup_elem(&buckets, source);
	return bucket ? bucket : bpf_map_lookup_elem(&buckets, &shared);
}

/* Takes a token; 0 when there is none. No helper may be called under the lock: the time is taken before. */
static __always_inline int take(struct bucket *bucket, __u64 now)
{
	const __u64 full = burst * TOKEN;
	__u64 passed, tokens;
	int taken = 0;

	bpf_spin_lock(&bucket->lock);
	/* The other CPU's clock may have been read later. */
	passed = now > bucket->time_ns ? now - bucket->time_ns : 0;
	if (passed > PAUSE_MAX)
		passed = PAUSE_MAX;
	tokens = bucket->tokens + passed * rate;
	if (tokens > full)
		tokens = full;
	if (tokens >= TOKEN) {
		tokens -= TOKEN;
		bucket->passed += 1;
		taken = 1;
	} else {
		bucket->dropped += 1;
	}
	bucket->tokens = tokens;
	if (now > bucket->time_ns)
		bucket->time_ns = now;
	bpf_spin_unlock(&bucket->lock);
	return taken;
}

SEC("xdp")
int rate_limit(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1);
	__u64 now = bpf_ktime_get_ns();
	const __u32 zero = 0;
	struct bucket *bucket;
	struct total *total;
	__u32 source;
	int taken;

	if ((void *)(iph + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	source = iph->saddr;
	bucket = find_bucket(&source, now);
	/* Full, and user space has made no common bucket. */
	if (!bucket)
		return XDP_DROP;
	taken = take(bucket, now);
	total = bpf_map_lookup_elem(&totals, &zero);
	if (total && taken)
		total->passed += 1;
	else if (total)
		total->dropped += 1;
	return taken ? XDP_PASS : XDP_DROP;
}
