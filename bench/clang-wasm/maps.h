/* SPDX-License-Identifier: MIT */
/*
 * Maps as somebody who ports a program to C would write them. Sizes are constants where these functions are called, and they are
 * inlined there: comparing keys is a few loads. Keys are of whole words. One CPU: a per-CPU array is an array.
 */
#pragma once
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/types.h>

/* Chains of elements that were made before, as many as the map may hold. */
struct hash {
	__u32 mask;
	__u32 free;
	__u32 *heads;
	/* struct element, each with its key and its value. */
	__u8 *elements;
};

/* Elements are numbered from 1: 0 ends a chain. */
struct element {
	__u32 next;
	__u32 hash;
	__u64 data[];
};

static __always_inline __u32 rotl(__u32 value, int bits)
{
	return value << bits | value >> (32 - bits);
}

/* lookup3 over whole words, as the kernel hashes keys of whole words. */
static __always_inline __u32 hash_of(const __u32 *key, __u32 words)
{
	__u32 a = 0xdeadbeef + (words << 2), b = a, c = a;

	for (; words > 3; words -= 3, key += 3) {
		a += key[0];
		b += key[1];
		c += key[2];
		a -= c; a ^= rotl(c, 4); c += b;
		b -= a; b ^= rotl(a, 6); a += c;
		c -= b; c ^= rotl(b, 8); b += a;
		a -= c; a ^= rotl(c, 16); c += b;
		b -= a; b ^= rotl(a, 19); a += c;
		c -= b; c ^= rotl(b, 4); b += a;
	}
	if (words == 3)
		c += key[2];
	if (words >= 2)
		b += key[1];
	a += key[0];
	c ^= b; c -= rotl(b, 14);
	a ^= c; a -= rotl(c, 11);
	b ^= a; b -= rotl(a, 25);
	c ^= b; c -= rotl(b, 16);
	a ^= c; a -= rotl(c, 4);
	b ^= a; b -= rotl(a, 14);
	c ^= b; c -= rotl(b, 24);
	return c;
}

static __always_inline int equal(const __u32 *a, const __u32 *b, __u32 words)
{
	__u32 difference = 0;

	for (__u32 i = 0; i < words; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

static __always_inline __u32 element_size(__u32 key_size, __u32 value_size)
{
	return sizeof(struct element) + ((key_size + 7) & ~7) + ((value_size + 7) & ~7);
}

static __always_inline struct element *element_at(struct hash *map, __u32 i, __u32 size)
{
	return (void *)(map->elements + (i - 1) * size);
}

static __always_inline void *value_of(struct element *element, __u32 key_size)
{
	return (__u8 *)element->data + ((key_size + 7) & ~7);
}

/* Where the number of the key's element is, or 0 at the end of its chain. */
static __always_inline __u32 *hash_find(struct hash *map, __u32 hash, __u32 key_size, __u32 size,
							     const void *key)
{
	__u32 *at = &map->heads[hash & map->mask];

	while (*at) {
		struct element *element = element_at(map, *at, size);

		if (element->hash == hash && equal((void *)element->data, key, key_size / 4))
			break;
		at = &element->next;
	}
	return at;
}

static __always_inline void *map_lookup(__u32 type, void *values, __u32 max_entries,
							      __u32 key_size, __u32 value_size, const void *key)
{
	__u32 size = element_size(key_size, value_size), hash, found;

	if (type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY) {
		__u32 index = *(const __u32 *)key;

		return index < max_entries ? (__u8 *)values + index * value_size : 0;
	}
	hash = hash_of(key, key_size / 4);
	found = *hash_find(values, hash, key_size, size, key);
	return found ? value_of(element_at(values, found, size), key_size) : 0;
}

static __always_inline long map_update(__u32 type, void *values, __u32 max_entries, __u32 key_size,
						    __u32 value_size, const void *key, const void *value,
							     __u64 flags)
{
	__u32 size = element_size(key_size, value_size), hash, *at;
	struct hash *map = values;
	struct element *element;

	if (type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY) {
		void *place = map_lookup(type, values, max_entries, key_size, value_size, key);

		if (!place)
			return -E2BIG;
		__builtin_memcpy(place, value, value_size);
		return 0;
	}
	hash = hash_of(key, key_size / 4);
	at = hash_find(map, hash, key_size, size, key);
	if (*at) {
		if (flags == BPF_NOEXIST)
			return -EEXIST;
		__builtin_memcpy(value_of(element_at(map, *at, size), key_size), value, value_size);
		return 0;
	}
	if (flags == BPF_EXIST)
		return -ENOENT;
	if (!map->free)
		return -E2BIG;
	element = element_at(map, map->free, size);
	*at = map->free;
	map->free = element->next;
	element->next = 0;
	element->hash = hash;
	__builtin_memcpy(element->data, key, key_size);
	__builtin_memcpy(value_of(element, key_size), value, value_size);
	return 0;
}

static __always_inline long map_delete(__u32 type, void *values, __u32 key_size, __u32 value_size,
							     const void *key)
{
	__u32 size = element_size(key_size, value_size), found, *at;
	struct hash *map = values;
	struct element *element;

	if (type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return -EINVAL;
	at = hash_find(map, hash_of(key, key_size / 4), key_size, size, key);
	found = *at;
	if (!found)
		return -ENOENT;
	element = element_at(map, found, size);
	*at = element->next;
	element->next = map->free;
	map->free = found;
	return 0;
}

/* All elements are free: each one's next is the one behind it. */
static inline void hash_init(struct hash *map, __u32 max_entries, __u32 size)
{
	for (__u32 i = 1; i < max_entries; i++)
		element_at(map, i, size)->next = i + 1;
	map->free = 1;
}
