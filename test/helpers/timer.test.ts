/** Timers and queued work: results beside the kernel's, order and lives here. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import type { Loaded } from '../../src/loader.ts';
import { PcapWriter } from '../../src/replay/pcap-writer.ts';
import { replay } from '../../src/replay/replay.ts';
import { describeKernel } from '../kernel/available.ts';
import { Both, openObject } from '../kernel/sides.ts';

const PATH = 'test/data/helpers/timer';
const ABS = 1;
const PACKET = 1000;

function only(...names: string[]) {
  return openObject(PATH, (object) => {
    for (const prog of object.progs) prog.autoload = names.includes(prog.name);
  });
}

describeKernel('timers and work', () => {
  for (const checked of [false, true]) {
    for (const prog of ['codes', 'work']) {
      test(`${prog}, ${checked ? 'checked' : 'unchecked'}`, async () => {
        const engine = await Engine.create({ clock: () => 1000n });
        const sides = new Both(engine);
        try {
          await sides.load(only(prog), { checked });
          sides.compare(prog, { packets: [new Uint8Array(60)], without: ['seen', 'slots', 'works'] });
          engine.runTimers(10_000n);
          // The kernel's fire at once, but on another CPU or thread.
          await new Promise((resolve) => setTimeout(resolve, 100));
          sides.compareMaps();
        } finally {
          sides.close();
          engine.close();
        }
      });
    }
  }
});

/** A packet that tells the program `obey` what to do: struct order. */
interface Order {
  readonly what: 'arm' | 'arm_hash' | 'cancel' | 'delete' | 'overwrite' | 'nothing';
  readonly key?: number;
  readonly ns?: bigint;
  readonly flags?: number;
  readonly left?: bigint;
}

const WHAT = ['nothing', 'arm', 'arm_hash', 'cancel', 'delete', 'overwrite'];

function packetOf(order: Order): Uint8Array {
  const packet = new Uint8Array(60);
  const view = new DataView(packet.buffer);
  view.setUint32(0, order.key ?? 0, true);
  view.setUint32(4, order.flags ?? 0, true);
  view.setBigUint64(8, order.ns ?? 0n, true);
  view.setBigUint64(16, order.left ?? 0n, true);
  view.setUint32(24, WHAT.indexOf(order.what), true);
  return packet;
}

for (const checked of [false, true]) {
  describe(`order and lives, ${checked ? 'checked' : 'unchecked'}`, () => {
    let engine: Engine;
    let loaded: Loaded;

    beforeEach(async () => {
      engine = await Engine.create({ clock: () => 0n, insnBudget: 1 << 20 });
      loaded = await engine.load(only('obey', 'hang').object, { checked });
    });
    afterEach(() => engine.close());

    function obey(timeNs: bigint, order: Order): string {
      return loaded.prog('obey').run(packetOf(order), { timeNs }).verdict;
    }

    /** [time, key] of all that happened so far. */
    function happened(): [number, number][] {
      const [{ events }] = [...loaded.map('.bss').values()] as [{ events: number }];
      return Array.from({ length: events }, (_, i) => {
        const { time, key } = loaded.map('happened').get(i) as { time: bigint; key: bigint };
        return [Number(time), Number(key)];
      });
    }

    test('a timer fires before the first packet at or behind its time', () => {
      expect(obey(1000n, { what: 'arm', key: 1, ns: 500n })).toBe('XDP_PASS');
      obey(1499n, { what: 'nothing' });
      expect(engine.pendingTimers).toBe(1);
      obey(1500n, { what: 'nothing' });
      expect(happened()).toEqual([
        [1000, PACKET],
        [1499, PACKET],
        [1500, 1],
        [1500, PACKET],
      ]);
      expect(engine.pendingTimers).toBe(0);
    });

    test('the order is that of times, then of starts; a timer started again has its new time', () => {
      obey(0n, { what: 'arm', key: 4, ns: 300n });
      obey(0n, { what: 'arm', key: 3, ns: 100n });
      obey(0n, { what: 'arm', key: 2, ns: 100n });
      obey(0n, { what: 'arm', key: 5, ns: 50n, flags: ABS });
      obey(0n, { what: 'arm', key: 6, ns: 1n });
      obey(0n, { what: 'arm', key: 6, ns: 200n });
      obey(0n, { what: 'arm_hash', key: 7, ns: 150n });
      obey(0n, { what: 'arm', key: 8, ns: -5n });
      expect(engine.runTimers(1000n)).toEqual({ ran: 7, violations: [] });
      const fired = happened().filter(([, key]) => key !== PACKET);
      expect(fired.map(([, key]) => key)).toEqual([8, 5, 3, 2, 7, 6, 4]);
      expect(fired.slice(1).map(([time]) => time)).toEqual([50, 100, 100, 150, 200, 300]);
    });

    test('a callback starts its timer again, a microsecond later at the soonest', () => {
      obey(10n, { what: 'arm', key: 1, ns: 100n, left: 3n });
      engine.runTimers(5000n);
      const fired = happened().slice(1);
      expect(fired).toEqual([110, 1110, 2110, 3110].map((time) => [time, 1]));
    });

    test('cancelled, deleted and overwritten timers do not fire', () => {
      for (const key of [1, 2, 3]) obey(1n, { what: 'arm', key, ns: 10n });
      for (const key of [1, 2, 3]) obey(1n, { what: 'arm_hash', key, ns: 10n });
      expect(engine.pendingTimers).toBe(6);
      expect(obey(2n, { what: 'cancel', key: 1 })).toBe('XDP_PASS');
      expect(obey(2n, { what: 'cancel', key: 1 })).toBe('XDP_DROP');
      expect(obey(2n, { what: 'overwrite', key: 2 })).toBe('XDP_PASS');
      expect(obey(2n, { what: 'delete', key: 1 })).toBe('XDP_PASS');
      loaded.map('table').delete(2);
      expect(engine.pendingTimers).toBe(2);
      expect(engine.runTimers(100n).ran).toBe(2);
      expect(happened().filter(([, key]) => key !== PACKET)).toEqual([
        [11, 3],
        [11, 3],
      ]);
    });

    test('within a batch of a capture timers fire between its packets; those behind its end stay armed', async () => {
      const pieces: Uint8Array[] = [];
      const writer = new PcapWriter((piece) => pieces.push(piece));
      const add = (time: number, order: Order) => {
        const packet = packetOf(order);
        writer.addRange(packet, 0, packet.length, { timeLo: time, timeHi: 0, originalLength: packet.length });
      };
      add(1000, { what: 'arm', key: 1, ns: 250n });
      add(1100, { what: 'arm', key: 2, ns: 100n, left: 1n });
      for (let time = 1200; time <= 2400; time += 100) add(time, { what: 'nothing' });
      // Out of order: the clock of a capture may go back.
      add(2300, { what: 'arm', key: 3, ns: 150n });
      add(2440, { what: 'nothing' });
      add(2460, { what: 'arm', key: 4, ns: 1_000_000n });
      writer.flush();
      const report = await replay(engine, loaded.prog('obey'), Buffer.concat(pieces));
      expect(report.packets).toBe(18);
      const fired = happened().map(([time, key], i) => ({ time, key, i }));
      expect(fired.filter(({ key }) => key !== PACKET)).toEqual([
        { time: 1200, key: 2, i: 2 },
        { time: 1250, key: 1, i: 4 },
        { time: 2200, key: 2, i: 14 },
        { time: 2450, key: 3, i: 20 },
      ]);
      expect(engine.pendingTimers).toBe(1);
    });

    test('a callback that does not end is a violation, and the packet runs all the same', () => {
      loaded.prog('hang').run(new Uint8Array(60), { timeNs: 0n });
      obey(0n, { what: 'arm', key: 1, ns: 7n });
      const result = loaded.prog('obey').run(packetOf({ what: 'nothing' }), { timeNs: 10n });
      expect([result.verdict, result.violation?.code]).toEqual(['XDP_PASS', 'budget']);
      expect(happened().map(([, key]) => key)).toEqual([PACKET, 1, PACKET]);
    });

    test('a timer holds its program, and ends with the last user of its map', () => {
      const map = loaded.map('slots');
      engine.pin(map);
      obey(0n, { what: 'arm', key: 1, ns: 10n });
      loaded.prog('hang').close();
      expect(engine.progs.map((prog) => prog.name)).toEqual(['obey']);
      loaded.close();
      expect(engine.progs.map((prog) => prog.name)).toEqual(['obey']);
      expect(engine.runTimers(10n).ran).toBe(1);
      expect((map.get(1) as { fired: bigint }).fired).toBe(1n);
      // Its callback may fire again whenever it is started: it stays until the map's last user is gone.
      engine.unpin('slots');
      expect(engine.progs).toEqual([]);
      expect(engine.pendingTimers).toBe(0);
    });
  });
}
