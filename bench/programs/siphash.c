// SPDX-License-Identifier: MIT
/*
 * SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012) over the payload, 8 bytes a step: 64-bit
 * additions, rotations, exclusive ors. The rest behind the last whole word is left out; its length goes in, as in the paper.
 * And a thousand rounds between a first and a last word, where nothing but the arithmetic is left.
 */
#include "payload.h"

#define MAX_STEPS 192
#define ROUNDS 1000
#define KEY_0 0x0706050403020100ULL
#define KEY_1 0x0f0e0d0c0b0a0908ULL

char _license[] SEC("license") = "GPL";

#define ROL(value, bits) ((value) << (bits) | (value) >> (64 - (bits)))
#define ROUND()                                                  \
	do {                                                     \
		v0 += v1; v1 = ROL(v1, 13); v1 ^= v0; v0 = ROL(v0, 32); \
		v2 += v3; v3 = ROL(v3, 16); v3 ^= v2;            \
		v0 += v3; v3 = ROL(v3, 21); v3 ^= v0;            \
		v2 += v1; v1 = ROL(v1, 17); v1 ^= v2; v2 = ROL(v2, 32); \
	} while (0)

SEC("xdp")
int siphash(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	__u64 *at = udp_payload((void *)(long)ctx->data, data_end);
	__u64 v0 = KEY_0 ^ 0x736f6d6570736575ULL, v1 = KEY_1 ^ 0x646f72616e646f6dULL;
	__u64 v2 = KEY_0 ^ 0x6c7967656e657261ULL, v3 = KEY_1 ^ 0x7465646279746573ULL;
	__u64 length = 0;

	if (!at)
		return XDP_PASS;
	for (int i = 0; i < MAX_STEPS; i++) {
		__u64 word;

		if ((void *)(at + 1) > data_end)
			break;
		word = *at++;
		v3 ^= word;
		ROUND();
		ROUND();
		v0 ^= word;
		length += 8;
	}
	v3 ^= length << 56;
	ROUND();
	ROUND();
	v0 ^= length << 56;
	v2 ^= 0xff;
	ROUND();
	ROUND();
	ROUND();
	ROUND();
	return fold(v0 ^ v1 ^ v2 ^ v3);
}

SEC("xdp")
int siphash_1000(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	__u64 *at = udp_payload((void *)(long)ctx->data, data_end);
	__u64 v0 = KEY_0 ^ 0x736f6d6570736575ULL, v1 = KEY_1 ^ 0x646f72616e646f6dULL;
	__u64 v2 = KEY_0 ^ 0x6c7967656e657261ULL, v3 = KEY_1 ^ 0x7465646279746573ULL;

	if (!at || (void *)(at + 2) > data_end)
		return XDP_PASS;
	v3 ^= at[0];
	for (int i = 0; i < ROUNDS; i++)
		ROUND();
	v0 ^= at[1];
	return fold(v0 ^ v1 ^ v2 ^ v3);
}
