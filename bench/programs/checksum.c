// SPDX-License-Identifier: MIT
/* The Internet checksum (RFC 1071) of a whole packet of up to 1,500 bytes, 16 bits a step and each step checked against data_end. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define MAX_STEPS 750

char _license[] SEC("license") = "GPL";

SEC("xdp")
int checksum(struct xdp_md *ctx)
{
	void *data_end = (void *)(long)ctx->data_end;
	__u16 *at = (void *)(long)ctx->data;
	__u32 sum = 0;

	for (int i = 0; i < MAX_STEPS; i++) {
		if ((void *)(at + 1) > data_end)
			break;
		sum += *at++;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}
