// Reading ring buffers from JavaScript: async iteration, wake-ups, replays, closing, one reader at a time; and what creation refuses.
import { describe, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import type { BpfError } from '../src/errors/index.ts';
import type { Loaded } from '../src/loader.ts';
import { newMap } from '../src/object/map-spec.ts';
import type { CapturePacket } from '../src/replay/capture.ts';
import { PcapWriter } from '../src/replay/pcap-writer.ts';
import { replay } from '../src/replay/replay.ts';
import type { RingBuf } from '../src/runtime/ringbuf.ts';
import { describeKernel } from './kernel/available.ts';
import { closeFd, createMap } from './kernel/bpf.ts';
import { errnoName, type KernelError } from './kernel/errno.ts';
import { openObject, PACKETS } from './kernel/sides.ts';

const RINGBUF = 27;
const USER_RINGBUF = 31;
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as BpfError).code;
  }
  return 'none';
}

describeKernel('creation', () => {
  test.each([RINGBUF, USER_RINGBUF])('type %i: what the kernel refuses', async (type) => {
    const engine = await Engine.create();
    const wishes = [
      {},
      { keySize: 4 },
      { valueSize: 4 },
      ...[0, 1, 4095, 4097, 8192, 12288, 1 << 20].map((maxEntries) => ({ maxEntries })),
      ...Array.from({ length: 20 }, (_, bit) => ({ flags: 1 << bit })),
      { mapExtra: 1 },
    ];
    for (const wish of wishes) {
      const plain = { type, keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0, mapExtra: 0, ...wish };
      let theirs = 'made';
      try {
        closeFd(createMap(plain));
      } catch (error) {
        theirs = (error as KernelError).code;
      }
      let ours = 'made';
      try {
        engine.createMap({ ...newMap('m', 0, 0), ...plain, mapExtra: BigInt(plain.mapExtra) }).close();
      } catch (error) {
        ours = errnoName((error as BpfError).fields.errno as number);
      }
      expect(ours, JSON.stringify(wish)).toBe(theirs);
    }
    // Nothing of a map stays behind, its data included.
    const used = engine.runtime.mem_used();
    engine.createMap({ ...newMap('m', 0, 0), type, maxEntries: 1 << 20 }).close();
    expect(engine.runtime.mem_used()).toBe(used);
    expect(codeOf(() => engine.createMap({ ...newMap('m', 0, 0), type, maxEntries: 0x80000000 }))).toBe(
      'RUN_MAP_CREATE',
    );
    expect(engine.runtime.mem_used()).toBe(used);
    engine.close();
  });
});

async function open(): Promise<{ engine: Engine; loaded: Loaded; map: RingBuf }> {
  const engine = await Engine.create();
  const loaded = await engine.load(openObject('test/data/helpers/events').object);
  return { engine, loaded, map: loaded.map('events') as RingBuf };
}

/** Lengths of the records, as the reader of `events.c` gets them. */
const lengthOf = (record: unknown): number => (record as { length: number }).length;

describe('async iteration', () => {
  test('gives records as they come, decoded, and ends when the map is closed', async () => {
    const { engine, loaded, map } = await open();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const record of map.records({ type: 'struct event' })) seen.push(lengthOf(record));
    })();
    loaded.prog('quiet_or_loud').run(new Uint8Array(61));
    await turn();
    expect(seen).toEqual([61]);
    for (const packet of PACKETS.slice(0, 5)) loaded.prog('quiet_or_loud').run(packet);
    engine.close();
    await reading;
    // What was in the ring when it was closed is not lost.
    expect(seen).toEqual([61, ...PACKETS.slice(0, 5).map((packet) => packet.length)]);
  });

  test('sleeps through what is written without wake-up', async () => {
    const { engine, loaded, map } = await open();
    const prog = loaded.prog('quiet_or_loud');
    const seen: number[] = [];
    const reading = (async () => {
      for await (const record of map) seen.push(new DataView((record as Uint8Array).buffer).getUint32(0, true));
    })();
    await turn();
    // Even lengths: BPF_RB_NO_WAKEUP.
    prog.run(new Uint8Array(60));
    prog.run(new Uint8Array(62));
    await turn();
    expect(seen).toEqual([]);
    // A record that is not the next to be read wakes nobody by itself, as in Linux: 200 and above is forced.
    prog.run(new Uint8Array(63));
    await turn();
    expect(seen).toEqual([]);
    prog.run(new Uint8Array(200));
    await turn();
    expect(seen).toEqual([60, 62, 63, 200]);
    engine.close();
    await reading;
  });

  test('a new reader starts with what is there; there is one at a time', async () => {
    const { engine, loaded, map } = await open();
    loaded.prog('quiet_or_loud').run(new Uint8Array(60));
    const reader = map.records();
    expect(codeOf(() => map.records())).toBe('RUN_READER');
    expect(codeOf(() => map.drain())).toBe('RUN_READER');
    expect((await reader.next()).value).toHaveLength(12);
    const waiting = reader.next();
    await reader.return?.();
    expect(await waiting).toEqual({ value: undefined, done: true });
    loaded.prog('quiet_or_loud').run(new Uint8Array(62));
    loaded.prog('quiet_or_loud').run(new Uint8Array(64));
    expect(map.drain({ max: 1 })).toHaveLength(1);
    let count = 0;
    for await (const _ of map) {
      count++;
      break;
    }
    expect([count, map.size, map.drain()]).toEqual([1, 0, []]);
    expect(codeOf(() => map.drain({ type: 'struct nothing' }))).toBe('RUN_OPTION');
    expect(codeOf(() => map.get(undefined))).toBe('RUN_MAP_OP');
    engine.close();
    expect(codeOf(() => map.records())).toBe('RUN_CLOSED');
  });

  test('a record that is too short for its type ends the reader with an error', async () => {
    const { engine, loaded, map } = await open();
    loaded.prog('shorter').run(new Uint8Array(60));
    const reader = map.records({ type: 'struct event' });
    await expect(reader.next()).rejects.toMatchObject({ code: 'RUN_MAP_SIZE' });
    expect(await reader.next()).toEqual({ value: undefined, done: true });
    const later = map.records({ type: 'struct event' });
    const waiting = later.next();
    loaded.prog('shorter').run(new Uint8Array(61));
    await expect(waiting).rejects.toMatchObject({ code: 'RUN_MAP_SIZE' });
    engine.close();
  });
});

/** A capture of `count` packets, the i-th one 60 + i % 100 bytes long. */
function capture(count: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new PcapWriter((bytes) => pieces.push(bytes.slice()));
  for (let i = 0; i < count; i++)
    writer.add({ data: new Uint8Array(60 + (i % 100)), timestampNs: BigInt(i) * 1000n } as CapturePacket);
  writer.flush();
  return Buffer.concat(pieces);
}

describe('a replay', () => {
  test('lets a reader drain between its batches, and counts what had no room', async () => {
    const { engine, loaded, map } = await open();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const record of map.records({ type: 'struct event' })) seen.push(lengthOf(record));
    })();
    const bytes = capture(5000);
    const report = await replay(engine, loaded.prog('always'), bytes, { batchPackets: 100 });
    expect([report.packets, map.lost, seen.length]).toEqual([5000, 0, 5000]);
    expect(seen.slice(0, 102)).toEqual(Array.from({ length: 102 }, (_, i) => 60 + (i % 100)));
    // 4096 bytes hold 170 records of 24: the rest of a batch of up to 1000 has no room.
    await replay(engine, loaded.prog('always'), bytes, { batchPackets: 1000 });
    expect(seen.length - 5000 + map.lost).toBe(5000);
    expect(map.lost).toBeGreaterThan(3000);
    engine.close();
    await reading;
  });
});

test('a record whose program ended in a violation is passed over', async () => {
  const engine = await Engine.create({ insnBudget: 1000 });
  const loaded = await engine.load(openObject('test/data/helpers/events').object, { checked: true });
  const map = loaded.map('events') as RingBuf;
  const prog = loaded.prog('endless_if_long');
  expect(prog.run(new Uint8Array(60)).violation).toBe(undefined);
  for (let i = 0; i < 150; i++) expect(prog.run(new Uint8Array(200)).violation?.code).toBe('budget');
  expect(map.drain()).toHaveLength(1);
  expect(prog.run(new Uint8Array(60)).violation).toBe(undefined);
  expect(map.drain()).toHaveLength(1);
  engine.close();
});
