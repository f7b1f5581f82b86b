// SPDX-License-Identifier: MIT
/* A token bucket for all CPUs, under a spin lock. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Bytes a microsecond, and how many may come at once: so many that no timed run exhausts them. */
#define RATE 1000
#define BURST (1ULL << 44)

struct bucket {
	struct bpf_spin_lock lock;
	__u32 started;
	__u64 tokens;
	__u64 last_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bucket);
} buckets SEC(".maps");

char _license[] SEC("license") = "GPL";

SEC("xdp")
int limiter(struct xdp_md *ctx)
{
	__u64 bytes = (void *)(long)ctx->data_end - (void *)(long)ctx->data, now, tokens;
	__u32 zero = 0;
	struct bucket *bucket = bpf_map_lookup_elem(&buckets, &zero);
	int verdict = XDP_DROP;

	/* Under the lock no helper may be called. */
	now = bpf_ktime_get_ns();
	if (!bucket)
		return XDP_ABORTED;
	bpf_spin_lock(&bucket->lock);
	if (!bucket->started) {
		bucket->started = 1;
		bucket->tokens = BURST;
		bucket->last_ns = now;
	}
	tokens = bucket->tokens;
	/* Another CPU may have been here with a later time. */
	if (now > bucket->last_ns) {
		tokens += (now - bucket->last_ns) * RATE / 1000;
		bucket->last_ns = now;
		if (tokens > BURST)
			tokens = BURST;
	}
	if (tokens >= bytes) {
		tokens -= bytes;
		verdict = XDP_PASS;
	}
	bucket->tokens = tokens;
	bpf_spin_unlock(&bucket->lock);
	return verdict;
}
