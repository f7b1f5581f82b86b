// SPDX-License-Identifier: MIT
/*
 * Answers DNS questions (RFC 1035) for IPv4 addresses of names it knows, before they reach a server.
 *
 * One question of type A and class IN, over UDP, for a name in the map: the packet is turned round, made longer or shorter, and sent back with the
 * answer. Everything else goes to the server behind.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_DF 0x4000
#define FRAGMENT_MASK 0x3fff
#define DNS_PORT 53
/* Names that are longer go to the server. */
#define NAME_MAX 64

#define DNS_RESPONSE 0x8000
#define DNS_OPCODE 0x7800
#define DNS_AUTHORITATIVE 0x0400
#define DNS_RECURSION_DESIRED 0x0100
#define DNS_TYPE_A 1
#define DNS_CLASS_IN 1

struct dns_header {
	__be16 id;
	__be16 flags;
	__be16 questions;
	__be16 answers;
	__be16 authorities;
	__be16 additionals;
};

/* Behind the name of a question. */
struct dns_question {
	__be16 type;
	__be16 class;
};

/* An answer whose name is a pointer to the question's. */
struct dns_answer {
	__be16 name;
	__be16 type;
	__be16 class;
	__be32 ttl;
	__be16 length;
	__u8 addr[4];
} __attribute__((packed, aligned(2)));

/* `www.example`: lower case, dots between labels, zeros behind. */
struct name {
	char text[NAME_MAX];
};

struct record {
	__u8 addr[4];
	__u32 ttl;
	__u64 hits;
};

enum event {
	EVENT_ANSWERED,
	EVENT_UNKNOWN_NAME,
	EVENT_OTHER_TYPE,
	/* No question this program understands. */
	EVENT_NOT_PARSED,
	EVENT_COUNT,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct name);
	__type(value, struct record);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EVENT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} events SEC(".maps");

char _license[] SEC("license") = "Dual MIT/GPL";

/* Where the headers in front of the question are. */
struct headers {
	struct ethhdr *eth;
	struct iphdr *ip;
	struct udphdr *udp;
	struct dns_header *dns;
};

#define HEADER_BYTES (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr) + sizeof(struct dns_header))

static __always_inline int count(__u32 event, int verdict)
{
	__u64 *counter = bpf_map_lookup_elem(&events, &event);

	if (counter)
		*counter += 1;
	return verdict;
}

/*
 * Reads labels into dotted text. Returns the bytes they take in the packet, with the zero at their end; 0 for a name that is cut, too long, or
 * made of pointers.
 */
static __always_inline __u32 parse_name(const __u8 *at, const void *data_end, struct name *name)
{
	__u32 left = 0;
	int i;

	/* Two bytes more than the text: its first label has its length in front, and the last one a zero behind. */
	for (i = 0; i < NAME_MAX + 2; i++) {
		__u8 byte;

		if ((const void *)(at + i + 1) > data_end)
			return 0;
		byte = at[i];
		if (left == 0) {
			if (byte == 0)
				return i + 1;
			/* 64 and above: a pointer, or nothing there is. */
			if (byte >= 64)
				return 0;
			left = byte;
			byte = '.';
		} else {
			left--;
			if (byte >= 'A' && byte <= 'Z')
				byte += 'a' - 'A';
		}
		if (i > NAME_MAX)
			return 0;
		/* The length of the first label is no dot. */
		if (i > 0)
			name->text[i - 1] = byte;
	}
	return 0;
}

static __always_inline __u16 ip_checksum(const struct iphdr *ip)
{
	const __u16 *words = (const __u16 *)ip;
	__u32 sum = 0;
	int i;

	for (i = 0; i < (int)sizeof(*ip) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline struct headers headers_at(void *data)
{
	struct headers h;

	h.eth = data;
	h.ip = (void *)(h.eth + 1);
	h.udp = (void *)(h.ip + 1);
	h.dns = (void *)(h.udp + 1);
	return h;
}

/* Turns the headers of a question into those of its answer. */
static __always_inline void turn_round(const struct headers *h, __u16 ip_bytes)
{
	__u8 mac[ETH_ALEN];
	__be32 addr = h->ip->saddr;
	__be16 port = h->udp->source;

	__builtin_memcpy(mac, h->eth->h_source, ETH_ALEN);
	__builtin_memcpy(h->eth->h_source, h->eth->h_dest, ETH_ALEN);
	__builtin_memcpy(h->eth->h_dest, mac, ETH_ALEN);
	h->ip->saddr = h->ip->daddr;
	h->ip->daddr = addr;
	h->ip->tos = 0;
	h->ip->tot_len = bpf_htons(ip_bytes);
	h->ip->id = 0;
	h->ip->frag_off = bpf_htons(IP_DF);
	h->ip->ttl = 64;
	h->ip->check = 0;
	h->ip->check = ip_checksum(h->ip);
	h->udp->source = h->udp->dest;
	h->udp->dest = port;
	h->udp->len = bpf_htons(ip_bytes - sizeof(struct iphdr));
	/* 0 says that there is no checksum (RFC 768): the one of the answer would need a walk over all of it. */
	h->udp->check = 0;
	h->dns->flags = (h->dns->flags & bpf_htons(DNS_RECURSION_DESIRED)) | bpf_htons(DNS_RESPONSE | DNS_AUTHORITATIVE);
	h->dns->answers = bpf_htons(1);
	h->dns->authorities = 0;
	h->dns->additionals = 0;
}

static __always_inline int respond(struct xdp_md *ctx, const struct record *record, __u32 question_bytes)
{
	__u32 bytes = HEADER_BYTES + question_bytes + sizeof(struct dns_answer);
	int grow = (int)bytes - (int)bpf_xdp_get_buff_len(ctx);
	struct dns_answer *answer;
	void *data, *data_end;
	struct headers h;

	if (bpf_xdp_adjust_tail(ctx, grow))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	answer = data + HEADER_BYTES + question_bytes;
	if (data + HEADER_BYTES > data_end || (void *)(answer + 1) > data_end)
		return XDP_ABORTED;
	h = headers_at(data);
	turn_round(&h, bytes - sizeof(struct ethhdr));
	answer->name = bpf_htons(0xc000 | sizeof(struct dns_header));
	answer->type = bpf_htons(DNS_TYPE_A);
	answer->class = bpf_htons(DNS_CLASS_IN);
	answer->ttl = bpf_htonl(record->ttl);
	answer->length = bpf_htons(sizeof(answer->addr));
	__builtin_memcpy(answer->addr, record->addr, sizeof(answer->addr));
	return count(EVENT_ANSWERED, XDP_TX);
}

SEC("xdp")
int dns_responder(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct headers h = headers_at(data);
	struct dns_question *question;
	struct record *record;
	struct name name = {};
	__u32 name_bytes;

	if (data + HEADER_BYTES > data_end || h.eth->h_proto != bpf_htons(ETH_P_IP) || h.ip->version != 4 ||
	    h.ip->ihl != 5 || h.ip->protocol != IPPROTO_UDP || h.ip->frag_off & bpf_htons(FRAGMENT_MASK) ||
	    h.udp->dest != bpf_htons(DNS_PORT))
		return XDP_PASS;
	if (h.dns->flags & bpf_htons(DNS_RESPONSE | DNS_OPCODE) || h.dns->questions != bpf_htons(1) || h.dns->answers)
		return count(EVENT_NOT_PARSED, XDP_PASS);

	name_bytes = parse_name(data + HEADER_BYTES, data_end, &name);
	question = data + HEADER_BYTES + name_bytes;
	if (name_bytes == 0 || (void *)(question + 1) > data_end)
		return count(EVENT_NOT_PARSED, XDP_PASS);
	if (question->type != bpf_htons(DNS_TYPE_A) || question->class != bpf_htons(DNS_CLASS_IN))
		return count(EVENT_OTHER_TYPE, XDP_PASS);
	record = bpf_map_lookup_elem(&names, &name);
	if (!record)
		return count(EVENT_UNKNOWN_NAME, XDP_PASS);
	__sync_fetch_and_add(&record->hits, 1);
	return respond(ctx, record, name_bytes + sizeof(*question));
}
