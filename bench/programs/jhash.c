// SPDX-License-Identifier: MIT
/*
 * Bob Jenkins' lookup3 mix (public domain, burtleburtle.net/bob/c/lookup3.c) over the payload, 12 bytes a step: 32-bit
 * additions, subtractions, rotations. Each step checks its bytes against data_end, as the verifier wants. And a thousand
 * rounds of it over the same 12 bytes, where nothing but the arithmetic is left.
 */
#include "payload.h"

#define MAX_STEPS 128
#define ROUNDS 1000

char _license[] SEC("license") = "GPL";

static __always_inline __u32 rol(__u32 value, int bits)
{
	return value << bits | value >> (32 - bits);
}

#define MIX()                                     \
	do {                                      \
		a -= c; a ^= rol(c, 4); c += b; \
		b -= a; b ^= rol(a, 6); a += c; \
		c -= b; c ^= rol(b, 8); b += a; \
		a -= c; a ^= rol(c, 16); c += b;\
		b -= a; b ^= rol(a, 19); a += c;\
		c -= b; c ^= rol(b, 4); b += a; \
	} while (0)

static __always_inline __u32 final(__u32 a, __u32 b, __u32 c)
{
	c ^= b; c -= rol(b, 14);
	a ^= c; a -= rol(c, 11);
	b ^= a; b -= rol(a, 25);
	c ^= b; c -= rol(b, 16);
	a ^= c; a -= rol(c, 4);
	b ^= a; b -= rol(a, 14);
	c ^= b; c -= rol(b, 24);
	return c;
}

SEC("xdp")
int jhash(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	__u32 *at = udp_payload((void *)(long)ctx->data, data_end);
	__u32 a = 0xdeadbeef, b = 0xdeadbeef, c = 0xdeadbeef;

	if (!at)
		return XDP_PASS;
	for (int i = 0; i < MAX_STEPS; i++) {
		if ((void *)(at + 3) > data_end)
			break;
		a += at[0];
		b += at[1];
		c += at[2];
		MIX();
		at += 3;
	}
	return final(a, b, c);
}

SEC("xdp")
int jhash_1000(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	__u32 *at = udp_payload((void *)(long)ctx->data, data_end);
	__u32 a = 0xdeadbeef, b = 0xdeadbeef, c = 0xdeadbeef;
	__u32 x, y, z;

	if (!at || (void *)(at + 3) > data_end)
		return XDP_PASS;
	x = at[0];
	y = at[1];
	z = at[2];
	for (int i = 0; i < ROUNDS; i++) {
		a += x;
		b += y;
		c += z;
		MIX();
	}
	return final(a, b, c);
}
