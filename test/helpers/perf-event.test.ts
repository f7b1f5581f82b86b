/** Perf event arrays: without buffers as in the kernel; with buffers what readers get, and what is lost. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { BpfError } from '../../src/errors/index.ts';
import { newMap } from '../../src/object/map-spec.ts';
import type { PerfEventArray, PerfRecord } from '../../src/runtime/perf-event-array.ts';
import { describeKernel } from '../kernel/available.ts';
import { closeFd, createMap } from '../kernel/bpf.ts';
import { errnoName, KernelError } from '../kernel/errno.ts';
import { Both, openObject, PACKETS } from '../kernel/sides.ts';

const object = 'test/data/helpers/perf_event';
const PERF_EVENT_ARRAY = 4;

describeKernel('without buffers', () => {
  for (const checked of [false, true]) {
    test(`answers are the kernel's, ${checked ? 'checked' : 'unchecked'}`, async () => {
      const sides = new Both(await Engine.create());
      try {
        await sides.load(openObject(object), { checked });
        for (const entry of ['answers', 'sample']) sides.compare(entry);
        expect(sides.loaded[0].map('each_cpu').spec.maxEntries).toBe(1);
      } finally {
        sides.close();
      }
    });
  }

  test('creation refuses what the kernel refuses', async () => {
    const engine = await Engine.create();
    const wishes = [
      {},
      { keySize: 8 },
      { valueSize: 8 },
      { maxEntries: 0 },
      { mapExtra: 1 },
      ...Array.from({ length: 20 }, (_, bit) => ({ flags: 1 << bit })),
    ];
    for (const wish of wishes) {
      const plain = { type: PERF_EVENT_ARRAY, keySize: 4, valueSize: 4, maxEntries: 4, flags: 0, mapExtra: 0, ...wish };
      const outcome = (make: () => unknown): string => {
        try {
          make();
          return 'made';
        } catch (error) {
          return error instanceof KernelError ? error.code : errnoName((error as BpfError).fields.errno as number);
        }
      };
      const theirs = outcome(() => closeFd(createMap(plain)));
      const spec = { ...newMap('m', 0, 0), ...plain, mapExtra: BigInt(plain.mapExtra) };
      expect(
        outcome(() => engine.createMap(spec).close()),
        JSON.stringify(wish),
      ).toBe(theirs);
    }
    engine.close();
  });
});

/** What a sample of `perf_event.c` holds: the length, half of the packet, zeros up to 4 more than a multiple of 8. */
function sampleOf(packet: Uint8Array): Uint8Array {
  const half = packet.length >> 1;
  const bytes = new Uint8Array(((4 + half + 4 + 7) & ~7) - 4);
  new DataView(bytes.buffer).setUint32(0, packet.length, true);
  bytes.set(packet.subarray(0, half), 4);
  return bytes;
}

const dataOf = (records: readonly PerfRecord[]): string[] =>
  records.map((record) =>
    record.lost === undefined ? Buffer.from(record.data as Uint8Array).toString('hex') : `lost ${record.lost}`,
  );

describe('with buffers', () => {
  test.each([false, true])('samples hold the data and the packet; checked: %s', async (checked) => {
    const engine = await Engine.create({ cpus: 2 });
    const loaded = await engine.load(openObject(object).object, { checked });
    const map = loaded.map('events') as PerfEventArray;
    expect(loaded.map('each_cpu').spec.maxEntries).toBe(2);
    expect(map.size).toBe(0);
    map.openBuffers({ pages: 16 });
    expect(map.size).toBe(2);
    for (const packet of PACKETS) loaded.prog('sample').run(packet);
    const seen = (slot: number): bigint => BigInt.asIntN(64, loaded.map('seen').get(slot) as bigint);
    // Sent; for another CPU; the counter of this one and of another.
    expect([32, 33, 34, 35].map(seen)).toEqual([0n, -95n, 0n, -22n]);
    const records = map.drain();
    expect(records.every(({ cpu }) => cpu === 0)).toBe(true);
    expect(dataOf(records)).toEqual(dataOf(PACKETS.map((packet) => ({ cpu: 0, data: sampleOf(packet) }))));
    map.closeBuffers();
    loaded.prog('sample').run(PACKETS[0]);
    expect(seen(32)).toBe(-2n);
    engine.close();
  });

  test('what had no room is counted, and told before the next sample', async () => {
    const engine = await Engine.create();
    const loaded = await engine.load(openObject(object).object);
    const map = loaded.map('events') as PerfEventArray;
    map.openBuffers({ pages: 1 });
    const packet = PACKETS[4];
    // 8 bytes of header, 4 of size, 108 of sample: 34 have room in 4096 bytes, of which one stays free.
    const record = 12 + sampleOf(packet).length;
    const fits = Math.floor(4095 / record);
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) loaded.prog('sample').run(packet);
    };
    run(fits + 7);
    expect(loaded.map('seen').get(32)).toBe(BigInt.asUintN(64, -28n));
    expect([map.lost, [...map]]).toEqual([7, [[0, { bytes: fits * record, lost: 7 }]]]);
    expect(map.drain()).toHaveLength(fits);
    run(2);
    const sample = { cpu: 0, data: sampleOf(packet) };
    expect(map.drain()).toEqual([{ cpu: 0, lost: 7 }, sample, sample]);
    // Around the ring many times: nothing is torn.
    for (let i = 0; i < 500; i++) {
      run(1 + (i % 5));
      expect(dataOf(map.drain())).toEqual(dataOf(Array.from({ length: 1 + (i % 5) }, () => sample)));
    }
    expect(map.lost).toBe(7);
    engine.close();
  });

  test('a reader is woken every so many samples; reading opens the buffers', async () => {
    const engine = await Engine.create();
    const loaded = await engine.load(openObject(object).object);
    const map = loaded.map('events') as PerfEventArray;
    const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
    map.openBuffers({ wakeupEvents: 3 });
    let seen = 0;
    const reading = (async () => {
      for await (const record of map) seen += record.lost === undefined ? 1 : 0;
    })();
    const steps: number[] = [];
    for (let i = 0; i < 7; i++) {
      loaded.prog('sample').run(PACKETS[i]);
      await turn();
      steps.push(seen);
    }
    expect(steps).toEqual([0, 0, 3, 3, 3, 6, 6]);
    engine.close();
    await reading;
    expect(seen).toBe(7);

    const other = await Engine.create();
    const again = (await other.load(openObject(object).object)).map('events') as PerfEventArray;
    expect(again.drain()).toEqual([]);
    expect(again.size).toBe(1);
    for (const options of [{ pages: 3 }, { pages: 0 }, { wakeupEvents: 0 }])
      expect(() => again.openBuffers(options)).toThrow(BpfError);
    const used = other.runtime.mem_used();
    again.closeBuffers();
    expect(other.runtime.mem_used()).toBeLessThan(used - 2 * 64 * 4096);
    other.close();
  });
});
