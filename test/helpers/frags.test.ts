/** Packets in several buffers: random scripts of helper calls, here and in the kernel. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { PcapWriter } from '../../src/replay/pcap-writer.ts';
import { replay } from '../../src/replay/replay.ts';
import { concat, pcapHeader, pcapRecord } from '../data/captures/build.ts';
import { readAll } from '../data/captures/read.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { describeKernel } from '../kernel/available.ts';
import { Both, openObject } from '../kernel/sides.ts';

const STEPS = 8;
const HEAD = 1;
const META = 2;
const TAIL = 3;
const LOAD = 4;
const STORE = 5;
const SUM = 6;
const PULL = 7;
const TOUCH = 8;
const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 0) || 150;

const bytes = (size: number, seed: number): Uint8Array => {
  const random = new Random(seed);
  return Uint8Array.from({ length: size }, () => random.below(256));
};

const hash = (data: Uint8Array): string => `${data.length} ${createHash('sha1').update(data).digest('hex')}`;

const SIZES = [14, 15, 60, 64, 200, 1500, 3519, 3520, 3521, 4000, 4096, 7616, 7617, 9000, 20000, 65535, 69632];
const LINEARS = [undefined, 0, 1, 13, 14, 40, 64, 1000, 3519, 3520];

type Step = readonly [op: number, offset: number, size: number];

/** Offsets near what matters: the ends of the packet and of its parts. */
function randomStep(random: Random, size: number, linear: number): Step {
  const op = 1 + random.below(8);
  const near = random.below(7) - 3;
  const places = [0, linear, size, size - 14, linear - 14, linear + 4096, 3520, random.below(size + 1), 64];
  const at = places[random.below(places.length)] + near;
  switch (op) {
    case HEAD:
      return [op, [near, near * 16, linear - 14 + near, -200 + near * 10][random.below(4)], 0];
    case META:
      return [op, [near * 4, near, -32, 32][random.below(4)], 0];
    case TAIL:
      return [op, [near, near * 100, -at, 4096 - size + near, -(size - at)][random.below(5)], 0];
    case LOAD:
    case STORE:
      return [op, random.below(20) === 0 ? 0x10000 + near : at, random.below(66)];
    case SUM:
      return [op, random.below(0x7fffffff), random.below(65)];
    case PULL:
      return [op, [at, linear + near, linear + random.below(4300)][random.below(3)], 0];
    default:
      return [TOUCH, 0, 0];
  }
}

/** Runs one script on both sides. */
function play(
  sides: Both,
  entry: string,
  steps: readonly Step[],
  packet: Uint8Array,
  how: { linear?: number; metadata?: number },
): void {
  for (let i = 0; i < STEPS; i++) {
    const step = new Uint8Array(Int32Array.of(...(steps[i] ?? [0, 0, 0])).buffer);
    sides.setElem('script', i, step);
    sides.setElem('results', i, new Uint8Array(88));
  }
  try {
    sides.compare(entry, { packets: [packet], ...how });
  } catch (error) {
    throw new Error(
      `${entry} ${packet.length} ${JSON.stringify(how)} ${JSON.stringify(steps)}: ${(error as Error).message}`,
    );
  }
}

const LENGTHS = [14, 60, 64, 65, 72, 1500, 3520, 3521, 4096, 4160, 4161, 7616, 9000, 65535, 262144];

describe('a replay', () => {
  test.each([
    ['notes', 'in place', undefined],
    ['notes', 'in place', 64],
    ['notes', 'in place', 0],
    ['notes', 'copied', 64],
    ['grows', 'copied', undefined],
    ['grows', 'copied', 64],
  ] as const)(
    '%s, %s, at most %s bytes in front of fragments: as a run of each packet',
    async (name, layout, linear) => {
      const engine = await Engine.create();
      try {
        const loaded = await engine.load(openObject('test/data/helpers/frags').object);
        const prog = loaded.prog(name);
        const packets = [...LENGTHS, ...LENGTHS].map((length, i) => bytes(length, i));
        const capture = concat(pcapHeader(), ...packets.map((data) => pcapRecord(data)));
        const split = linear === undefined ? {} : { linear };
        const pieces: Uint8Array[] = [];
        const output = new PcapWriter((piece) => pieces.push(piece));
        const how = { ...split, output, ...(layout === 'copied' && { layout }) };
        const report = await replay(engine, prog, capture, how);
        const runs = packets.map((data) => prog.run(data, split));
        const kept = runs.filter((run) => run.verdict === 'XDP_PASS');
        expect(report).toMatchObject({ packets: packets.length, layout, written: kept.length });
        const written = await readAll(concat(...pieces));
        expect(written.packets.map(({ data }) => hash(data))).toEqual(kept.map(({ packet }) => hash(packet)));
        for (const [i, { packet, verdict }] of runs.entries()) {
          if (name === 'grows' || verdict !== 'XDP_PASS') continue;
          const reached = new DataView(packet.buffer).getUint32(packet.length - 4, true);
          expect(reached).toBe(Math.min(packets[i].length, linear ?? 3520));
        }
      } finally {
        engine.close();
      }
    },
  );
});

test('what a run takes as the linear part', async () => {
  const engine = await Engine.create();
  try {
    const loaded = await engine.load(openObject('test/data/helpers/frags').object);
    for (const linear of [-1, 1.5, 3521]) {
      expect(() => loaded.prog('notes').run(new Uint8Array(64), { linear })).toThrow(`option linear: ${linear} is not`);
    }
    expect(loaded.prog('notes').run(bytes(4000, 1), { linear: 100 }).linear).toBe(100);
    expect(loaded.prog('notes').run(bytes(3520, 1)).linear).toBe(undefined);
    const filter = await engine.loadFilter('1,6 0 0 4');
    expect(() => filter.run(new Uint8Array(64), { linear: 1 })).toThrow('option linear: 1 is not for filter');
  } finally {
    engine.close();
  }
});

describeKernel('packets in several buffers', () => {
  describe.each(['several', 'single'])('%s', (entry) => {
    test.each([false, true])('random scripts, checked: %s', async (checked) => {
      const sides = new Both(await Engine.create());
      try {
        await sides.load(openObject('test/data/helpers/frags'), { checked });
        for (let run = 0; run < RUNS; run++) {
          const random = new Random(run + (checked ? 1 << 20 : 0) + 1);
          const metadata = random.below(4) === 0 ? 4 * random.below(20) : 0;
          const size = SIZES[random.below(SIZES.length)];
          // A program that knows of no fragments gets them in a test run only where they are asked for.
          const given = LINEARS[random.below(LINEARS.length)] ?? (entry === 'single' ? 3520 : undefined);
          const linear = Math.min(size, given ?? 3520);
          const steps = Array.from({ length: STEPS }, () => randomStep(random, size, linear));
          play(sides, entry, steps, bytes(size + metadata, run), {
            metadata,
            ...(given !== undefined && { linear: given }),
          });
        }
      } finally {
        sides.close();
      }
    });
  });
});
