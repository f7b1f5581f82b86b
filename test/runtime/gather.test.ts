// Packets that passed as records of a pcap file, against the file that is written here by hand.
import { describe, expect, test } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { type Harness, harness, prng } from './harness.ts';
import { placeRecords } from './records.ts';

const GIVEN = [2, 3, 4];
const SECOND = 1_000_000_000n;

interface Ran {
  readonly bytes: Uint8Array;
  readonly time: bigint;
  readonly wire: number;
  readonly verdict: number;
}

function sample(count: number): Ran[] {
  const random = prng(9);
  return Array.from({ length: count }, () => ({
    bytes: Uint8Array.from({ length: random() % 300 }, random),
    time: BigInt(random()) * SECOND + BigInt(random() % 1_000_000_000),
    wire: random() % 400,
    verdict: random() % 7,
  }));
}

function recordOf({ bytes, time, wire }: Ran, nanoseconds: boolean): Uint8Array {
  const out = new Uint8Array(16 + bytes.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, Number(time / SECOND), true);
  view.setUint32(4, Number(nanoseconds ? time % SECOND : (time % SECOND) / 1000n), true);
  view.setUint32(8, bytes.length, true);
  view.setUint32(12, Math.max(bytes.length, wire), true);
  out.set(bytes, 16);
  return out;
}

const join = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Records of packets that have run. */
function ran(h: Harness, packets: readonly Ran[]): number {
  const { ctx } = placeRecords(h, packets);
  for (const [i, { verdict }] of packets.entries()) h.mem.setU32(ctx + i * abi.CTX_SIZE + abi.CTX_VERDICT, verdict);
  return ctx;
}

function gatherer(h: Harness, room: number) {
  const [area, gather] = [h.alloc(room), h.alloc(abi.GATHER_SIZE)];
  const used = () => h.mem.u32(gather + abi.GATHER_USED);
  return {
    run: (ctx: number, count: number, flags: number, times = 0) =>
      h.rt.pcap_gather(ctx, count, times, flags, area, room, gather),
    file: () => h.mem.read(area, used()),
    packets: () => h.mem.u32(gather + abi.GATHER_PACKETS),
    clear: () => h.mem.setU64(gather, 0n),
  };
}

describe.each([
  ['nanoseconds', abi.PCAP_NANO],
  ['microseconds', 0],
])('%s', (_name, flags) => {
  const packets = sample(60);
  const kept = packets.filter(({ verdict }) => GIVEN.includes(verdict));
  const file = join(kept.map((packet) => recordOf(packet, flags !== 0)));

  test('TX, PASS and REDIRECT as records, one behind the other', async () => {
    const h = await harness();
    const to = gatherer(h, 1 << 16);
    const ctx = ran(h, packets);
    expect(to.run(ctx, 20, flags)).toBe(20);
    expect(to.run(ctx + 20 * abi.CTX_SIZE, 40, flags)).toBe(40);
    expect(to.packets()).toBe(kept.length);
    expect(to.file()).toEqual(file);
  });

  test('an area that is full: it goes on in the next one', async () => {
    const h = await harness();
    const to = gatherer(h, 700);
    const ctx = ran(h, packets);
    const parts: Uint8Array[] = [];
    for (let done = 0; done < packets.length; ) {
      done += to.run(ctx + done * abi.CTX_SIZE, packets.length - done, flags);
      parts.push(to.file());
      to.clear();
    }
    expect(parts.length).toBeGreaterThan(5);
    expect(join(parts)).toEqual(file);
  });

  test('times may be elsewhere', async () => {
    const h = await harness();
    const to = gatherer(h, 1 << 16);
    const ctx = ran(h, packets);
    const times = h.alloc(8 * packets.length);
    h.rt.batch_untimed(ctx, packets.length, times);
    to.run(ctx, packets.length, flags, times);
    expect(to.file()).toEqual(file);
  });
});

test('fragments are joined', async () => {
  const h = await harness();
  const bytes = Uint8Array.from({ length: 9000 }, (_, i) => i % 251);
  const packet = { bytes, time: SECOND, wire: 9100, verdict: 2 };
  const to = gatherer(h, 1 << 16);
  const ctx = ran(h, [packet]);
  h.rt.batch_split(ctx, 1, 100, h.alloc(1024));
  expect(h.mem.u32(ctx + abi.XDP_MD_DATA_END) - h.mem.u32(ctx)).toBe(100);
  expect(to.run(ctx, 1, abi.PCAP_NANO)).toBe(1);
  expect(to.file()).toEqual(recordOf(packet, true));
});

test('what the format has no words for ends it', async () => {
  const h = await harness();
  const good = { bytes: Uint8Array.of(1), time: SECOND, wire: 1, verdict: 2 };
  const to = gatherer(h, 1 << 19);
  const late = ran(h, [good, { ...good, time: SECOND << 32n }, good]);
  expect(to.run(late, 3, 0)).toBe(1);
  const long = ran(h, [good, good, { ...good, bytes: new Uint8Array(abi.PCAP_MAX_SNAPLEN + 1) }]);
  expect(to.run(long, 3, 0)).toBe(2);
  expect(to.packets()).toBe(3);
});
