// Classic pcap: every variant, every kind of damage, and the writer.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CaptureError } from '../src/errors/index.ts';
import { readChunks } from '../src/platform/node-files.ts';
import { CaptureReader, linkTypeName, MAX_SNAPLEN, packets } from '../src/replay/capture.ts';
import { PcapWriter, type PcapWriterOptions } from '../src/replay/pcap-writer.ts';
import { type Bytes, concat, payload, pcapHeader, pcapRecord } from './data/captures/build.ts';
import { FIXTURES } from './data/captures/fixtures.ts';
import { chunked, readAll } from './data/captures/read.ts';

describe('the four variants', () => {
  test.each([
    { little: true, magic: 0xa1b2c3d4, unit: 1000n, name: 'pcap, little-endian, microseconds' },
    { little: false, magic: 0xa1b2c3d4, unit: 1000n, name: 'pcap, big-endian, microseconds' },
    { little: true, magic: 0xa1b23c4d, unit: 1n, name: 'pcap, little-endian, nanoseconds' },
    { little: false, magic: 0xa1b23c4d, unit: 1n, name: 'pcap, big-endian, nanoseconds' },
  ])('$name', async ({ name, unit }) => {
    const { packets: read, error } = await readAll(FIXTURES[name]);
    expect(error).toBeUndefined();
    const second = 1_000_000_000n;
    expect(read).toEqual([
      { timestampNs: 1700000000n * second + 999999n * unit, data: payload(60), originalLength: 60, interfaceId: 0 },
      { timestampNs: 1700000000n * second + 5n * unit, data: payload(0), originalLength: 70, interfaceId: 0 },
      { timestampNs: 1700000001n * second + unit, data: payload(33, 7), originalLength: 1514, interfaceId: 0 },
      { timestampNs: 4294967295n * second, data: payload(5, 9), originalLength: 5, interfaceId: 0 },
    ]);
    const reader = await CaptureReader.open(FIXTURES[name]);
    expect(reader.format).toBe('pcap');
    expect(reader.interfaces).toEqual([
      {
        index: 0,
        section: 0,
        id: 0,
        linkType: 1,
        snapLen: 262144,
        unitsPerSecond: second / unit,
        offsetSeconds: 0n,
      },
    ]);
  });

  test('the link type is told apart from the FCS bits, and named', async () => {
    const reader = await CaptureReader.open(pcapHeader({ linkType: 0x54000071, snapLen: 96 }));
    expect(reader.interfaces[0]).toMatchObject({ linkType: 113, snapLen: 96 });
    expect(linkTypeName(113)).toBe('LINKTYPE_LINUX_SLL');
    expect(linkTypeName(4711)).toBe('link type 4711');
  });

  test('a header alone is a capture of no packets', async () => {
    expect(await readAll(pcapHeader())).toEqual({ packets: [], error: undefined });
  });
});

const RECORD = pcapRecord(payload(8));

/** Bytes, how many packets come out before the error, the error's code and what its text must say. */
const DAMAGE: readonly [what: string, bytes: Bytes, packets: number, code: string, text: string][] = [
  ['an empty file', concat(), 0, 'CAPTURE_EMPTY', '0 bytes'],
  ['two bytes', payload(2), 0, 'CAPTURE_TRUNCATED', 'file header at offset 0: it needs 24 bytes and 2 are left'],
  [
    'half a file header',
    pcapHeader().slice(0, 23),
    0,
    'CAPTURE_TRUNCATED',
    'file header at offset 0: it needs 24 bytes and 23 are left',
  ],
  [
    'an ELF file',
    concat(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46), payload(60)),
    0,
    'CAPTURE_MAGIC',
    'begins with 7f454c46',
  ],
  ['gzip', concat(Uint8Array.of(0x1f, 0x8b, 8, 0), payload(60)), 0, 'CAPTURE_COMPRESSED', 'zcat FILE | '],
  ['zstd', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), 0, 'CAPTURE_COMPRESSED', 'zstdcat FILE | '],
  ['xz', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58), 0, 'CAPTURE_COMPRESSED', 'xzcat FILE | '],
  ['bzip2', Uint8Array.of(0x42, 0x5a, 0x68, 0x39), 0, 'CAPTURE_COMPRESSED', 'bzcat FILE | '],
  ['lz4', Uint8Array.of(0x04, 0x22, 0x4d, 0x18), 0, 'CAPTURE_COMPRESSED', 'lz4cat FILE | '],
  ['modified pcap', pcapHeader({ magic: 0xa1b2cd34 }), 0, 'CAPTURE_VARIANT', "Kuznetzov's modified pcap"],
  [
    'the same, big-endian',
    pcapHeader({ magic: 0xa1b2cd34, little: false }),
    0,
    'CAPTURE_VARIANT',
    "Kuznetzov's modified",
  ],
  ['another', pcapHeader({ magic: 0xa1b234cd }), 0, 'CAPTURE_VARIANT', "Mesquita's modified pcap"],
  ['a third', pcapHeader({ magic: 0xa12b3c4d }), 0, 'CAPTURE_VARIANT', "Navtel's modified pcap"],
  ['snoop', new TextEncoder().encode('snoop\0\0\0'), 0, 'CAPTURE_VARIANT', 'Solaris snoop'],
  ['version 2.3', pcapHeader({ minor: 3 }), 0, 'CAPTURE_VERSION', 'at offset 4 has version 2.3, where 2.4'],
  ['version 1.4', pcapHeader({ major: 1 }), 0, 'CAPTURE_VERSION', 'version 1.4'],
  [
    'half a record header',
    concat(pcapHeader(), RECORD, RECORD.slice(0, 15)),
    1,
    'CAPTURE_TRUNCATED',
    'record header at offset 48: it needs 16 bytes and 15 are left',
  ],
  [
    'half a packet',
    concat(pcapHeader(), RECORD, RECORD, RECORD.slice(0, 17)),
    2,
    'CAPTURE_TRUNCATED',
    'packet record at offset 72: it needs 24 bytes and 17 are left',
  ],
  [
    'a packet over the limit',
    concat(pcapHeader(), RECORD, pcapRecord(payload(64), { capLen: MAX_SNAPLEN + 1 })),
    1,
    'CAPTURE_TOO_LONG',
    'packet record at offset 48 says it is 262145 bytes long, and the limit is 262144',
  ],
];

describe('damage gives the packets before it and one typed error', () => {
  test.each(DAMAGE)('%s', async (_what, bytes, count, code, text) => {
    for (const input of [bytes, chunked(bytes, [1]), chunked(bytes, [7, 3])]) {
      const result = await readAll(input);
      expect(result.packets).toHaveLength(count);
      expect(result.error).toBeInstanceOf(CaptureError);
      expect(result.error).toMatchObject({ stage: 'capture', code, message: expect.stringContaining(text) });
    }
  });

  test('the error stays: every later call throws it again', async () => {
    const reader = await CaptureReader.open(concat(pcapHeader(), RECORD, RECORD.slice(0, 3)));
    expect((await reader.next())?.count).toBe(1);
    await expect(reader.next()).rejects.toThrow('record header at offset 48');
    await expect(reader.next()).rejects.toThrow('record header at offset 48');
  });

  test('a packet of exactly the limit is read', async () => {
    const bytes = concat(pcapHeader(), pcapRecord(payload(MAX_SNAPLEN)));
    const result = await readAll(chunked(bytes, [1000]));
    expect(result.error).toBeUndefined();
    expect(Buffer.compare(result.packets[0].data, payload(MAX_SNAPLEN))).toBe(0);
  });
});

describe('input', () => {
  test.each([
    ['null', null, 'this is null'],
    ['text', 'a1b2c3d4', 'this is a string'],
    ['an object', {}, 'this is an object of class Object'],
    [
      'an iterable of text',
      (async function* () {
        yield 'a1b2';
      })(),
      'this is an iterable of a string',
    ],
  ])('%s is refused', async (_what, input, text) => {
    await expect(CaptureReader.open(input as unknown as Uint8Array)).rejects.toMatchObject({
      code: 'CAPTURE_INPUT',
      message: expect.stringContaining(text),
    });
  });

  test('a ReadableStream gives the same packets and is cancelled when given up', async () => {
    const bytes = FIXTURES['pcap, big-endian, nanoseconds'];
    let cancelled = false;
    const stream = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += 50) controller.enqueue(bytes.slice(at, at + 50));
          controller.close();
        },
      });
    expect(await readAll(stream())).toEqual(await readAll(bytes));
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes.slice(0, 100)),
      cancel: () => {
        cancelled = true;
      },
    });
    const reader = await CaptureReader.open(endless);
    await reader.close();
    expect(cancelled).toBe(true);
    expect(await reader.next()).toBeUndefined();
  });

  test('an error of the input itself passes through, after the packets before it', async () => {
    const bytes = concat(pcapHeader(), RECORD);
    async function* failing() {
      yield bytes;
      throw new RangeError('the disk is gone');
    }
    const result = await readAll(failing());
    expect(result.packets).toHaveLength(1);
    expect(result.error).toBeInstanceOf(RangeError);
  });

  test('leaving the loop early closes the input', async () => {
    let closed = false;
    async function* source() {
      try {
        for (;;) yield FIXTURES['pcap, little-endian, microseconds'];
      } finally {
        closed = true;
      }
    }
    for await (const packet of packets(source())) {
      expect(packet.data).toHaveLength(60);
      break;
    }
    expect(closed).toBe(true);
  });

  test('files are read in chunks, with one buffer or many; a missing one is a typed error', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bpf2wasm-'));
    try {
      const path = join(dir, 'a.pcap');
      const bytes = FIXTURES['pcapng, three sections'];
      writeFileSync(path, bytes);
      const expected = await readAll(bytes);
      expect(await readAll(readChunks(path))).toEqual(expected);
      for (const reuse of [false, true]) {
        expect(await readAll(readChunks(path, { chunkBytes: 11, reuse }))).toEqual(expected);
      }
      const missing = await readAll(readChunks(join(dir, 'none.pcap')));
      expect(missing.error).toMatchObject({
        code: 'CAPTURE_UNREADABLE',
        message: expect.stringContaining('no such file or directory'),
      });
      const directory = await readAll(readChunks(dir));
      expect(directory.error).toMatchObject({ code: 'CAPTURE_UNREADABLE' });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe('batches', () => {
  test('are at most as large as asked for, lie in the input itself, and can be copied as one range', async () => {
    const bytes = concat(pcapHeader(), ...Array.from({ length: 10 }, (_, i) => pcapRecord(payload(i * 3, i))));
    const reader = await CaptureReader.open(bytes, { batchPackets: 4 });
    const counts: number[] = [];
    let total = 0;
    for (let batch = await reader.next(); batch; batch = await reader.next()) {
      counts.push(batch.count);
      expect(batch.bytes.buffer).toBe(bytes.buffer);
      const range = batch.bytes.slice(batch.start, batch.end);
      for (let i = 0; i < batch.count; i++) {
        const at = batch.offset[i] - batch.start;
        expect(range.slice(at, at + batch.capLen[i])).toEqual(payload(total * 3, total));
        total++;
      }
    }
    expect(counts).toEqual([4, 4, 2]);
    expect(reader.offset).toBe(bytes.length);
  });

  test('span at most batchBytes', async () => {
    const bytes = concat(pcapHeader(), ...Array.from({ length: 12 }, () => pcapRecord(payload(100_000))));
    const reader = await CaptureReader.open(bytes, { batchBytes: MAX_SNAPLEN });
    const counts: number[] = [];
    for (let batch = await reader.next(); batch; batch = await reader.next()) {
      counts.push(batch.count);
      expect(batch.end - batch.start).toBeLessThanOrEqual(MAX_SNAPLEN);
    }
    expect(counts).toEqual([2, 2, 2, 2, 2, 2]);
  });

  test.each([{ batchPackets: 0 }, { batchPackets: 1.5 }, { batchBytes: MAX_SNAPLEN - 1 }, { batchBytes: Number.NaN }])(
    'refuses %o',
    async (options) => {
      await expect(CaptureReader.open(pcapHeader(), options)).rejects.toMatchObject({ code: 'CAPTURE_PARAMETER' });
    },
  );
});

function written(options: PcapWriterOptions, fill: (writer: PcapWriter) => void): Bytes {
  const chunks: Uint8Array[] = [];
  const writer = new PcapWriter((chunk) => chunks.push(chunk), options);
  fill(writer);
  writer.flush();
  return concat(...chunks);
}

describe('the writer', () => {
  test('writes what the format says', () => {
    const bytes = written({ precision: 'us', linkType: 101, snapLen: 96 }, (writer) => {
      writer.add({ timestampNs: 1700000000_123456789n, data: payload(6), originalLength: 60 });
    });
    expect(bytes).toEqual(
      concat(
        pcapHeader({ linkType: 101, snapLen: 96 }),
        pcapRecord(payload(6), { seconds: 1700000000, fraction: 123456, origLen: 60 }),
      ),
    );
  });

  test('no packets is a header alone', () => {
    expect(written({}, () => {})).toEqual(pcapHeader({ magic: 0xa1b23c4d }));
  });

  test('a range of a larger memory, in large pieces that may be kept', async () => {
    const memory = payload(70_000);
    const sizes: number[] = [];
    const chunks: Uint8Array[] = [];
    const writer = new PcapWriter((chunk) => {
      sizes.push(chunk.length);
      chunks.push(chunk);
    });
    for (let i = 0; i < 100; i++) writer.addRange(memory, i, 60_000, { timeLo: i, timeHi: 1, originalLength: 65_000 });
    writer.flush();
    expect(writer.packets).toBe(100);
    expect(sizes.slice(0, -1).every((size) => size > 900_000)).toBe(true);
    const { packets: read } = await readAll(concat(...chunks));
    expect(read).toHaveLength(100);
    for (const [i, packet] of read.entries()) {
      expect(packet.timestampNs).toBe((1n << 32n) + BigInt(i));
      expect(packet.originalLength).toBe(65_000);
      expect(Buffer.compare(packet.data, memory.subarray(i, i + 60_000))).toBe(0);
    }
  });

  test('what is read back is what was written', async () => {
    const packet = fc.record({
      timestampNs: fc.bigInt({ min: 0n, max: 4294967296n * 1_000_000_000n - 1n }),
      data: fc.uint8Array({ maxLength: 200 }),
      originalLength: fc.nat(70_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { maxLength: 20 }), async (list) => {
        const bytes = written({}, (writer) => {
          for (const one of list) writer.add(one);
        });
        const result = await readAll(bytes);
        expect(result.error).toBeUndefined();
        expect(result.packets.map(({ interfaceId: _, ...rest }) => rest)).toEqual(
          list.map((one) => ({ ...one, data: Uint8Array.from(one.data) })),
        );
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['too long', { timestampNs: 0n, data: payload(MAX_SNAPLEN + 1) }, 'its length is 262145'],
    ['before 1970', { timestampNs: -1n, data: payload(1) }, 'its time is -1 ns'],
    ['after 2106', { timestampNs: 4294967296_000000000n, data: payload(1) }, 'its time is 4294967296000000000 ns'],
    ['beyond 64 bits', { timestampNs: 1n << 64n, data: payload(1) }, 'its time is 18446744073709551616 ns'],
  ])('refuses a packet %s', (_what, packet, text) => {
    expect(() => written({}, (writer) => writer.add(packet))).toThrowError(
      expect.objectContaining({ code: 'CAPTURE_WRITE', message: expect.stringContaining(text) }),
    );
  });

  test('refuses a range outside its memory', () => {
    const meta = { timeLo: 0, timeHi: 0, originalLength: 0 };
    expect(() => written({}, (writer) => writer.addRange(payload(10), 5, 6, meta))).toThrowError(
      expect.objectContaining({ code: 'CAPTURE_WRITE', message: expect.stringContaining('5..11') }),
    );
  });
});
