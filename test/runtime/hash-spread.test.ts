// How the hash of keyed maps spreads keys as programs have them: counters in either byte order, addresses, ports, tuples that differ in one field.
import { expect, test } from 'vitest';
import { BPF_MAP_TYPE_HASH, ENOENT, ENOSPC } from '../../assembly/isa.ts';
import { harness } from './harness.ts';

const COUNT = 4096;
/** Of as many random keys the longest chain is rarely longer than 6, whatever the sizes below. */
const LONGEST = 9;

type Write = (view: DataView, i: number) => void;
const PATTERNS: readonly (readonly [string, number, Write])[] = [
  ['a counter', 4, (v, i) => v.setUint32(0, i, true)],
  ['a counter, steps of 4096', 4, (v, i) => v.setUint32(0, i << 12, true)],
  ['an IPv4 address, network order', 4, (v, i) => v.setUint32(0, 0x0a000000 + i)],
  ['a port', 2, (v, i) => v.setUint16(0, i)],
  ['a MAC address', 6, (v, i) => v.setUint32(2, 0x42000000 + i)],
  [
    'an address and a port',
    8,
    (v, i) => {
      v.setUint32(0, 0xc0a80000 + (i & 63));
      v.setUint16(4, 1024 + (i >> 6));
    },
  ],
  ['the upper half of 64 bits', 8, (v, i) => v.setUint32(4, i, true)],
  [
    'addresses and ports',
    12,
    (v, i) => {
      v.setUint32(0, 0x0a000000 + (i & 63));
      v.setUint16(8, i >> 6);
    },
  ],
  [
    'a packed tuple',
    13,
    (v, i) => {
      v.setUint16(8, 40000 + (i >> 1));
      v.setUint8(12, i & 1 ? 6 : 17);
    },
  ],
  [
    'two equal words',
    16,
    (v, i) => {
      v.setUint32(0, i, true);
      v.setUint32(4, i, true);
    },
  ],
  [
    'words that add up to the same',
    16,
    (v, i) => {
      v.setUint32(8, i, true);
      v.setUint32(12, -i, true);
    },
  ],
  ['the end of an IPv6 address', 16, (v, i) => v.setUint32(12, i)],
  [
    'an IPv6 tuple',
    40,
    (v, i) => {
      v.setUint32(28, i & 255);
      v.setUint32(36, i >> 8);
    },
  ],
  ['a name of 64 bytes', 64, (v, i) => v.setUint32(60, i)],
  ['a name of 100 bytes, the front', 100, (v, i) => v.setUint32(0, i)],
  ['a name of 131 bytes, the end', 131, (v, i) => v.setUint16(129, i)],
];

test.each(PATTERNS)('%s', async (_, size, write) => {
  for (const seed of [0, 1, 0xdeadbeef]) {
    const h = await harness();
    h.rt.seed(seed, 0);
    const map = h.map({ type: BPF_MAP_TYPE_HASH, key: size, max: COUNT });
    for (let i = 0; i < COUNT; i++) {
      const key = new Uint8Array(size);
      write(new DataView(key.buffer), i);
      expect(h.rt.map_update(map, h.key(key), h.value(i), 0)).toBe(0);
    }
    // A batch takes whole buckets, and says so when the first one is larger than all of it.
    let found = 0;
    for (let bucket = 0; bucket < h.rt.hash_buckets(map); bucket = h.mem.u32(h.outAt)) {
      const count = h.rt.hash_batch(map, bucket, LONGEST, h.outAt);
      expect(count, `seed ${seed}: a chain of more than ${LONGEST}`).not.toBe(-ENOSPC);
      if (count === -ENOENT) break;
      found += count;
    }
    expect(found).toBe(COUNT);
  }
});
