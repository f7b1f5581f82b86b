// pcapng: blocks, sections, interfaces, time units, and every kind of damage.
import { describe, expect, test } from 'vitest';
import { CaptureError } from '../src/errors/index.ts';
import { CaptureReader, MAX_SNAPLEN } from '../src/replay/capture.ts';
import { MAX_BLOCK_BYTES, MAX_INTERFACES } from '../src/replay/pcapng.ts';
import { type Bytes, block, concat, option, payload, pcapng } from './data/captures/build.ts';
import { FIXTURES } from './data/captures/fixtures.ts';
import { chunked, readAll } from './data/captures/read.ts';

const le = pcapng(true);
const be = pcapng(false);

test('three sections in two byte orders, four interfaces, every kind of packet block', async () => {
  const bytes = FIXTURES['pcapng, three sections'];
  const { packets, error } = await readAll(bytes);
  expect(error).toBeUndefined();
  expect(packets).toEqual([
    { timestampNs: 1700000000123456789n, data: payload(21), originalLength: 21, interfaceId: 0 },
    { timestampNs: 1700000001_500000000n, data: payload(10, 3), originalLength: 10, interfaceId: 1 },
    { timestampNs: 0n, data: payload(16, 5), originalLength: 100, interfaceId: 2 },
    { timestampNs: 1700000002_000001000n, data: payload(13, 8), originalLength: 14, interfaceId: 2 },
    { timestampNs: 0n, data: payload(3, 1), originalLength: 3, interfaceId: 2 },
    { timestampNs: 1700000003_000000000n, data: payload(64), originalLength: 64, interfaceId: 3 },
  ]);
  const reader = await CaptureReader.open(bytes);
  expect(reader.format).toBe('pcapng');
  while (await reader.next());
  const micro = { linkType: 1, snapLen: 0, unitsPerSecond: 1000000n, offsetSeconds: 0n };
  expect(reader.interfaces).toEqual([
    { ...micro, index: 0, section: 0, id: 0, unitsPerSecond: 1000000000n, name: 'eth0' },
    {
      index: 1,
      section: 0,
      id: 1,
      linkType: 1,
      snapLen: 20,
      unitsPerSecond: 1024n,
      offsetSeconds: 1700000000n,
      name: 'wlan0',
    },
    { ...micro, index: 2, section: 1, id: 0, snapLen: 16 },
    { ...micro, index: 3, section: 2, id: 0 },
  ]);
});

describe.each([
  ['little-endian', le],
  ['big-endian', be],
])('time units, %s', (_order, w) => {
  test.each<[what: string, idb: { tsresol?: number; tsoffset?: bigint }, time: bigint, ns: bigint]>([
    ['microseconds by default', {}, 1700000000_123456n, 1700000000_123456000n],
    ['seconds', { tsresol: 0 }, 1700000000n, 1700000000_000000000n],
    ['milliseconds', { tsresol: 3 }, 1700000000_123n, 1700000000_123000000n],
    ['microseconds, told', { tsresol: 6 }, 0xffffffffn, 0xffffffffn * 1000n],
    ['100 nanoseconds', { tsresol: 7 }, 1700000000_1234567n, 1700000000_123456700n],
    ['nanoseconds', { tsresol: 9 }, 0xffffffffffffffffn, 0xffffffffffffffffn],
    ['picoseconds, rounded down', { tsresol: 12 }, 1700000_123456789_999n, 1700000_123456789n],
    ['2^-1 s', { tsresol: 0x81 }, 3n, 1_500000000n],
    ['2^-10 s', { tsresol: 0x8a }, 1023n, 999023437n],
    ['2^-32 s', { tsresol: 0xa0 }, (1700000000n << 32n) | 0x80000000n, 1700000000_500000000n],
    ['the finest of all', { tsresol: 0xff }, 0xffffffffffffffffn, 0n],
    ['microseconds and an offset', { tsoffset: 1700000000n }, 5n, 1700000000_000005000n],
    ['nanoseconds and a negative offset', { tsresol: 9, tsoffset: -1n }, 1_000000007n, 7n],
  ])('%s', async (_what, idb, time, ns) => {
    const { packets, error } = await readAll(concat(w.shb(), w.idb(idb), w.epb(payload(1), { time })));
    expect(error).toBeUndefined();
    expect(packets.map((packet) => packet.timestampNs)).toEqual([ns]);
  });

  test.each<[what: string, idb: { tsresol?: number; tsoffset?: bigint }, time: bigint]>([
    ['past 64 bits of nanoseconds', {}, 0xffffffffffffffffn],
    ['past them by one microsecond', {}, 18446744073709552n],
    ['past them the slow way', { tsresol: 0 }, 18446744074n],
    ['before 1970', { tsoffset: -2n }, 1_999999n],
  ])('%s is a typed error', async (_what, idb, time) => {
    const bytes = concat(w.shb(), w.idb(idb), w.epb(payload(1)), w.epb(payload(1), { time }));
    const { error } = await readAll(
      idb.tsoffset === undefined ? bytes : concat(w.shb(), w.idb(idb), w.epb(payload(1), { time })),
    );
    expect(error).toMatchObject({ code: 'CAPTURE_TIMESTAMP', message: expect.stringContaining(String(time)) });
  });
});

test('the last microsecond that fits is read', async () => {
  const time = 18446744073709551n;
  const { packets } = await readAll(concat(le.shb(), le.idb(), le.epb(payload(1), { time })));
  expect(packets[0].timestampNs).toBe(time * 1000n);
});

describe('simple packet blocks', () => {
  test.each([
    ['no snapshot length', 0, 40, 40],
    ['a longer one', 100, 40, 40],
    ['a shorter one', 24, 40, 24],
  ])('%s', async (_what, snapLen, origLen, capLen) => {
    const { packets, error } = await readAll(concat(be.shb(), be.idb({ snapLen }), be.spb(payload(capLen), origLen)));
    expect(error).toBeUndefined();
    expect(packets).toEqual([{ timestampNs: 0n, data: payload(capLen), originalLength: origLen, interfaceId: 0 }]);
  });

  test('have no time even where a stale one lies in the batch', async () => {
    const bytes = concat(le.shb(), le.idb(), le.epb(payload(2), { time: 77n }), le.spb(payload(2)));
    const reader = await CaptureReader.open(bytes, { batchPackets: 1 });
    expect((await reader.next())?.timestampNs(0)).toBe(77000n);
    expect((await reader.next())?.timestampNs(0)).toBe(0n);
  });
});

test('sections without packets, and no interfaces at all, are captures of no packets', async () => {
  expect(await readAll(concat(le.shb()))).toEqual({ packets: [], error: undefined });
  expect(await readAll(concat(le.shb(), le.idb(), be.shb()))).toEqual({ packets: [], error: undefined });
});

test('options that readers may ignore are ignored, and end where they say', async () => {
  const fixed = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);
  const options = concat(option(true, 12, payload(5)), option(true, 0, payload(0)), option(true, 9, payload(3)));
  const bytes = concat(le.shb(), block(true, 1, concat(fixed, options)), le.epb(payload(4), { time: 1n }));
  const { packets, error } = await readAll(bytes);
  expect(error).toBeUndefined();
  expect(packets[0].timestampNs).toBe(1000n);
});

const HEAD = concat(le.shb(), le.idb()); // 28 + 20 bytes
const ONE = concat(HEAD, le.epb(payload(4))); // + 36
const FIXED_IDB = payload(8).fill(0).fill(1, 0, 1);

/** Bytes, how many packets come out before the error, the error's code and what its text must say. */
const DAMAGE: readonly [what: string, bytes: Bytes, packets: number, code: string, text: string][] = [
  [
    'four bytes',
    le.shb().slice(0, 4),
    0,
    'CAPTURE_TRUNCATED',
    'block header at offset 0: it needs 8 bytes and 4 are left',
  ],
  [
    'ten bytes',
    le.shb().slice(0, 10),
    0,
    'CAPTURE_TRUNCATED',
    'section header block at offset 0: it needs 12 bytes and 10 are left',
  ],
  [
    'half a section header',
    be.shb().slice(0, 27),
    0,
    'CAPTURE_TRUNCATED',
    'section header block at offset 0: it needs 28 bytes and 27 are left',
  ],
  ['a foreign byte-order magic', le.shb({ magic: 0x1a2b3c4e }), 0, 'CAPTURE_BLOCK', 'byte-order magic is 1a2b3c4e'],
  ['version 2.0', be.shb({ major: 2 }), 0, 'CAPTURE_VERSION', 'pcapng header at offset 12 has version 2.0'],
  ['a short section header', block(true, 0x0a0d0d0a, le.shb().slice(8, 20)), 0, 'CAPTURE_BLOCK', 'at least 28'],
  [
    'a block length of 0',
    concat(ONE, block(true, 9, payload(0), { first: 0 })),
    1,
    'CAPTURE_BLOCK',
    'total length is 0',
  ],
  ['an odd block length', concat(ONE, block(true, 9, payload(1))), 1, 'CAPTURE_BLOCK', 'total length is 13'],
  [
    'a huge block',
    concat(ONE, block(true, 9, payload(4), { first: MAX_BLOCK_BYTES + 4 })),
    1,
    'CAPTURE_TOO_LONG',
    'block of type 0x00000009 at offset 84 says it is 16777220 bytes long',
  ],
  [
    'two lengths that differ',
    concat(ONE, block(true, 9, payload(4), { last: 20 })),
    1,
    'CAPTURE_BLOCK',
    'block of type 0x00000009 at offset 84 is malformed: second total length is 20, where 16',
  ],
  ['an enhanced packet block too short', concat(ONE, block(true, 6, payload(16))), 1, 'CAPTURE_BLOCK', 'at least 32'],
  ['a packet block too short', concat(ONE, block(true, 2, payload(16))), 1, 'CAPTURE_BLOCK', 'at least 32'],
  ['a simple packet block too short', concat(ONE, block(true, 3, payload(0))), 1, 'CAPTURE_BLOCK', 'at least 16'],
  ['an interface too short', concat(ONE, block(true, 1, payload(4))), 1, 'CAPTURE_BLOCK', 'at least 20'],
  [
    'a packet longer than its block',
    concat(ONE, le.epb(payload(4), { capLen: 5 })),
    1,
    'CAPTURE_BLOCK',
    'enhanced packet block at offset 84 is malformed: captured length is 5, where at most 4',
  ],
  [
    'a packet over the limit',
    concat(ONE, le.epb(payload(4), { capLen: MAX_SNAPLEN + 1 })),
    1,
    'CAPTURE_TOO_LONG',
    'packet of the enhanced packet block at offset 84 says it is 262145 bytes',
  ],
  [
    'a simple packet longer than its block',
    concat(ONE, le.spb(payload(4), 9)),
    1,
    'CAPTURE_BLOCK',
    'captured length is 9',
  ],
  [
    'an interface nobody described',
    concat(ONE, le.epb(payload(4), { id: 1 })),
    1,
    'CAPTURE_INTERFACE',
    'enhanced packet block at offset 84 names interface 1, and its section has described 1 so far',
  ],
  ['a simple packet without interface', concat(le.shb(), le.spb(payload(4))), 0, 'CAPTURE_INTERFACE', 'described 0'],
  [
    'an interface of the section before',
    concat(ONE, be.shb(), be.pb(payload(4))),
    1,
    'CAPTURE_INTERFACE',
    'packet block at offset 112 names interface 0',
  ],
  [
    'an option past its block',
    concat(le.shb(), block(true, 1, concat(FIXED_IDB, Uint8Array.of(2, 0, 5, 0, 1, 2, 3, 4)))),
    0,
    'CAPTURE_BLOCK',
    'interface option at offset 44 is malformed: length is 5, where at most 4',
  ],
  [
    'a time resolution of two bytes',
    concat(le.shb(), block(true, 1, concat(FIXED_IDB, option(true, 9, payload(2))))),
    0,
    'CAPTURE_BLOCK',
    'length is 2, where 1',
  ],
  [
    'a time offset of four bytes',
    concat(le.shb(), block(true, 1, concat(FIXED_IDB, option(true, 14, payload(4))))),
    0,
    'CAPTURE_BLOCK',
    'length is 4, where 8',
  ],
  [
    'an unknown block that is cut',
    concat(ONE, le.unknown(0x77, payload(40)).slice(0, 51)),
    1,
    'CAPTURE_TRUNCATED',
    'block of type 0x00000077 at offset 84: it needs 52 bytes and 51 are left',
  ],
];

describe('damage gives the packets before it and one typed error', () => {
  test.each(DAMAGE)('%s', async (_what, bytes, count, code, text) => {
    for (const input of [bytes, chunked(bytes, [1]), chunked(bytes, [13, 2])]) {
      const result = await readAll(input);
      expect(result.packets).toHaveLength(count);
      expect(result.error).toBeInstanceOf(CaptureError);
      expect(result.error).toMatchObject({ stage: 'capture', code, message: expect.stringContaining(text) });
    }
  });

  test('interfaces are limited', async () => {
    const idb = le.idb();
    const bytes = new Uint8Array(28 + idb.length * (MAX_INTERFACES + 1));
    bytes.set(le.shb());
    for (let at = 28; at < bytes.length; at += idb.length) bytes.set(idb, at);
    const { error } = await readAll(bytes);
    expect(error).toMatchObject({ code: 'CAPTURE_INTERFACES', fields: { limit: MAX_INTERFACES } });
  });
});

test('an unknown block of the largest size is skipped, in small chunks too', async () => {
  const bytes = concat(HEAD, le.unknown(0x77, new Uint8Array(MAX_BLOCK_BYTES - 12)), le.epb(payload(4)));
  for (const input of [bytes, chunked(bytes, [65536])]) {
    const { packets, error } = await readAll(input);
    expect(error).toBeUndefined();
    expect(packets).toHaveLength(1);
  }
});
