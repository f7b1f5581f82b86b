/** Replays by several threads: the same verdicts, packets and maps as by one, for programs that keep to a flow; reports, slots, damage, failures. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { RSS_TABLES_SIZE } from '../../assembly/abi.ts';
import { Engine, type Loaded, loadObject, PcapWriter, type Report, replay } from '../../src/index.ts';
import { assemble } from '../../src/isa/asm.ts';
import { encodeInsns } from '../../src/isa/decode.ts';
import { flowOf, toeplitz } from '../../src/net/rss.ts';
import { openCaptureFile, replayFile } from '../../src/platform/node.ts';
import type { ReplayInput, ReplayOptions } from '../../src/replay/replay.ts';
import { concat, payload, pcapHeader, pcapng, pcapRecord } from '../data/captures/build.ts';
import { linkedProg } from '../engines.cases.ts';
import { packetsOf, pcapOf, type Shape, udp, withFile } from './captures.ts';

const read = (path: string) => new Uint8Array(readFileSync(new URL(`../../${path}`, import.meta.url)));
const object = loadObject(read('test/data/workers/workers.o'));

const engines: Engine[] = [];
afterEach(() => {
  for (const engine of engines.splice(0)) engine.close();
});

async function load(workers: number, options: { checked?: boolean; trace?: boolean; cpus?: number } = {}) {
  const { checked = true, trace = false, cpus } = options;
  const engine = await Engine.create({
    seed: 1,
    trace,
    workers: workers === 1 ? 0 : workers,
    ...(cpus !== undefined && { cpus }),
  });
  engines.push(engine);
  return { engine, loaded: await engine.load(object, { checked }) };
}

/** What a map holds, in an order of its own. */
function contents(loaded: Loaded, name: string): string[] {
  return [...loaded.map(name).entries()].map((entry) => JSON.stringify(entry, big)).sort();
}

const big = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value);

/** Of a per-CPU map the sums. */
function sums(loaded: Loaded, name: string): string[] {
  return [...loaded.map(name).entries()]
    .map(([key, values]) => `${key}: ${(values as bigint[]).reduce((sum, value) => sum + BigInt(value), 0n)}`)
    .sort();
}

interface Outcome {
  readonly report: Report;
  readonly output: Uint8Array;
  readonly flows: string[];
  readonly sums: string[][];
}

/** A replay, with all that came of it. */
async function outcome(
  workers: number,
  prog: string,
  run: (engine: Engine, loaded: Loaded, options: ReplayOptions) => Promise<Report>,
): Promise<Outcome> {
  const { engine, loaded } = await load(workers);
  if (prog === 'per_flow') {
    loaded.map('jumps').set(0, loaded.prog('jumped'));
    loaded.map('jumps').set(1, loaded.prog('taller'));
    loaded.map('jumps').set(2, loaded.prog('dropped'));
  }
  const pieces: Uint8Array[] = [];
  const output = new PcapWriter((piece) => pieces.push(piece.slice()));
  const report = await run(engine, loaded, { output, ...(workers > 1 && { workers }) });
  return {
    report,
    output: concat(...pieces),
    flows: [...contents(loaded, 'flows'), ...contents(loaded, 'recent')],
    sums: [sums(loaded, 'counts'), sums(loaded, 'hosts')],
  };
}

/** A report without what clocks say. */
function untimed({ seconds: _s, wallSeconds: _w, packetsPerSecond: _p, bitsPerSecond: _b, programs, ...rest }: Report) {
  return { ...rest, programs: programs.map(({ timeNs: _, ...prog }) => prog) };
}

function same(one: Outcome, other: Outcome): void {
  expect(untimed(other.report)).toEqual(untimed(one.report));
  expect(other.output.length).toBe(one.output.length);
  expect(other.output.findIndex((byte, i) => byte !== one.output[i])).toBe(-1);
  expect(other.flows).toEqual(one.flows);
  expect(other.sums).toEqual(one.sums);
}

const SHAPES: Record<string, Shape> = {
  small: { packets: 20000, flows: 300, others: 20 },
  long: { packets: 3000, flows: 40, payload: 3000, others: 50 },
  'of one flow': { packets: 5000, flows: 1 },
  'one packet': { packets: 1, flows: 1 },
};

describe('as by one thread', () => {
  test.each(Object.keys(SHAPES))('packets that are %s, from memory', async (name) => {
    const capture = pcapOf(packetsOf(SHAPES[name]));
    const run = (engine: Engine, loaded: Loaded, options: ReplayOptions) =>
      replay(engine, loaded.prog('per_flow'), capture, options);
    const one = await outcome(1, 'per_flow', run);
    expect(one.report.packets).toBe(SHAPES[name].packets);
    for (const workers of [2, 3]) same(one, await outcome(workers, 'per_flow', run));
  });

  test.each(['per_flow', 'per_flow_lru', 'taller'])('%s, from a file', async (prog) => {
    const capture = pcapOf(packetsOf({ packets: 40000, flows: 500, others: 40 }));
    await withFile(capture, async (path) => {
      const run = (engine: Engine, loaded: Loaded, options: ReplayOptions) =>
        replayFile(engine, loaded.prog(prog), path, options);
      const one = await outcome(1, prog, run);
      expect(one.report.packets).toBe(40000);
      for (const workers of [2, 4]) same(one, await outcome(workers, prog, run));
    });
  });

  test.each(['per_flow', 'taller'])(
    '%s: records that go on in other pieces, of every length, from a file',
    async (prog) => {
      // Some are longer than what is read behind a piece, and some longer than a piece.
      const packets = packetsOf({ packets: 300, flows: 20, payload: 60000 }).map((packet, i) =>
        i % 100 === 50 ? concat(packet, payload(262144 - 8 - packet.length)) : packet,
      );
      await withFile(pcapOf(packets), async (path) => {
        const run = (engine: Engine, loaded: Loaded, options: ReplayOptions) =>
          replayFile(engine, loaded.prog(prog), path, options);
        const one = await outcome(1, prog, run);
        expect(one.report.packets).toBe(300);
        for (const workers of [2, 3]) same(one, await outcome(workers, prog, run));
      });
    },
  );

  test('records that end with a piece, or begin in the last bytes that are read', async () => {
    const pieces = [1 << 17, 1 << 18];
    for (const piece of pieces) {
      for (const over of [-1, 0, 1, 15, 16, 17, 4095, 4096, 4097]) {
        // One packet fills the file up to `over` bytes behind the first piece; others follow.
        const first = payload(Math.min(262144, piece + over - 24 - 16));
        const capture = pcapOf([first, ...packetsOf({ packets: 3000, flows: 9 })]);
        await withFile(capture, async (path) => {
          const { engine, loaded } = await load(2);
          const { packets, bytes, error } = await replayFile(engine, loaded.prog('dropped'), path, { workers: 2 });
          const of = await replayFile(engine, loaded.prog('cpu'), path, { workers: 2 });
          expect([packets, of.packets, error, of.error]).toEqual([3001, 3001, undefined, undefined]);
          expect([bytes, of.bytes]).toEqual([capture.length - 24 - 3001 * 16, capture.length - 24 - 3001 * 16]);
          engine.close();
        });
      }
    }
  });

  test.each(['per_flow', 'taller'])('%s, several rounds: the clock goes on', async (prog) => {
    const capture = pcapOf(packetsOf({ packets: 3000, flows: 50 }));
    await withFile(capture, async (path) => {
      const open = (engine: Engine, loaded: Loaded, options: ReplayOptions) =>
        replay(engine, loaded.prog(prog), () => openCaptureFile(path), { ...options, loop: 3 });
      const one = await outcome(1, prog, open);
      expect(one.report.packets).toBe(9000);
      same(one, await outcome(2, prog, open));
    });
  });

  test('pcapng, where threads are told where packets are', async () => {
    const packets = packetsOf({ packets: 500, flows: 30 });
    const ng = pcapng();
    const blocks = packets.map((data, i) =>
      i % 9 === 8 ? ng.spb(data) : ng.epb(data, { time: BigInt(i * 100), origLen: data.length + 1 }),
    );
    const capture = concat(ng.shb(), ng.idb(), ...blocks);
    const run = (engine: Engine, loaded: Loaded, options: ReplayOptions) =>
      replay(engine, loaded.prog('per_flow'), capture, options);
    same(await outcome(1, 'per_flow', run), await outcome(2, 'per_flow', run));
  });

  test('trace lines come in the order of packets', async () => {
    const capture = pcapOf(packetsOf({ packets: 4000, flows: 100 }));
    const lines: string[][] = [];
    for (const workers of [1, 2]) {
      const { engine, loaded } = await load(workers, { trace: true });
      await replay(engine, loaded.prog('prints'), capture, { workers });
      lines.push(engine.trace.drain().map((line) => line.replace(/\[\d+\]/, '')));
    }
    expect(lines[0].length).toBeGreaterThan(5000);
    expect(lines[1]).toEqual(lines[0]);
  });
});

test('the runtime spreads as queues of devices do', async () => {
  const { engine } = await load(2);
  const tables = engine.alloc(RSS_TABLES_SIZE, 'tables');
  engine.runtime.rss_tables(tables);
  const at = engine.alloc(512, 'a packet');
  const frames = [...packetsOf({ packets: 400, flows: 100, others: 2, payload: 10 }), new Uint8Array(0), payload(33)];
  const fragment = udp(3, 1, 4);
  fragment[20] = 0x20;
  for (const frame of [...frames, fragment]) {
    for (const length of [frame.length, Math.min(frame.length, 36)]) {
      const cut = frame.subarray(0, length);
      engine.memory.write(at, cut);
      expect(engine.runtime.rss_hash(tables, at, length) >>> 0).toBe(toeplitz(flowOf(cut)));
    }
  }
});

test.each([2, 3, 4])('a packet runs on the CPU that its flow has, of %d', async (workers) => {
  const packets = packetsOf({ packets: 6000, flows: 200, others: 10 });
  const { engine, loaded } = await load(workers);
  const { verdicts } = await replay(engine, loaded.prog('cpu'), pcapOf(packets), { workers });
  const expected = [0, 0, 0, 0];
  for (const packet of packets) expected[toeplitz(flowOf(packet)) % workers]++;
  expect([verdicts.XDP_DROP, verdicts.XDP_PASS, verdicts.XDP_TX, verdicts.XDP_REDIRECT]).toEqual(expected);
  expect(Math.min(...expected.slice(0, workers))).toBeGreaterThan(500);
});

describe('slots', () => {
  test('change between two pieces for all threads, while packets flow', async () => {
    const capture = pcapOf(packetsOf({ packets: 30000, flows: 300 }));
    const { engine, loaded } = await load(2);
    const jumps = loaded.map('jumps');
    jumps.set(0, loaded.prog('jumped'));
    const pieces: Uint8Array[] = [];
    let changed = false;
    const report = await replay(engine, loaded.prog('jumps_always'), capture, {
      workers: 2,
      output: new PcapWriter((piece) => pieces.push(piece.slice())),
      onProgress: ({ packets }) => {
        if (changed || packets < 5000) return;
        changed = true;
        jumps.set(0, loaded.prog('dropped'));
      },
    });
    const { XDP_TX, XDP_DROP, XDP_ABORTED } = report.verdicts;
    expect(XDP_ABORTED).toBe(0);
    expect(XDP_TX).toBeGreaterThanOrEqual(5000);
    expect(XDP_DROP).toBeGreaterThan(1000);
    // Those in front of the change passed, and no other.
    const out = concat(...pieces);
    const view = new DataView(out.buffer);
    let number = 0;
    for (let at = 24; at < out.length; at += 16 + view.getUint32(at + 8, true))
      expect(view.getUint32(at + 16 + 42, true)).toBe(++number);
    expect(number).toBe(XDP_TX);
    expect(report.programs.find(({ name }) => name === 'jumped')?.runs).toBe(XDP_TX);
  });

  test('take programs that were loaded meanwhile, and let go of those that were in them', async () => {
    const capture = pcapOf(packetsOf({ packets: 30000, flows: 300 }));
    const { engine, loaded } = await load(2);
    const jumps = loaded.map('jumps');
    let extra: Loaded | undefined;
    let loading = false;
    const { verdicts } = await replay(engine, loaded.prog('jumps_always'), capture, {
      workers: 2,
      onProgress: async ({ packets }) => {
        if (loading || packets < 4000) return;
        loading = true;
        extra = await engine.load(object, { progs: ['dropped'], reuse: { jumps }, checked: true });
        jumps.set(0, extra.prog('dropped'));
        extra.close();
      },
    });
    expect(verdicts.XDP_ABORTED).toBeGreaterThanOrEqual(4000);
    expect(verdicts.XDP_DROP).toBeGreaterThan(1000);
    jumps.delete(0);
    expect(engine.progs.some(({ id }) => id === extra?.prog('dropped').id)).toBe(false);
    // The next replay knows that nobody is there any more.
    const again = await replay(engine, loaded.prog('jumps_always'), capture, { workers: 2 });
    expect(again.verdicts.XDP_ABORTED).toBe(30000);
  });
});

test.each(['dropped', 'per_flow_lru'])(
  'a slot that got %s when a round ended has it in all of the next',
  async (next) => {
    const before = next === 'dropped' ? 'per_flow_lru' : 'dropped';
    const capture = pcapOf(packetsOf({ packets: 20000, flows: 300, payload: 200 }));
    await withFile(capture, async (path) => {
      const { engine, loaded } = await load(2);
      loaded.map('jumps').set(0, loaded.prog(before));
      let changed = false;
      const report = await replay(engine, loaded.prog('jumps_always'), () => openCaptureFile(path), {
        workers: 2,
        loop: 2,
        onProgress: ({ packets }) => {
          if (changed || packets < 20000) return;
          changed = true;
          loaded.map('jumps').set(0, loaded.prog(next));
        },
      });
      const runs = (name: string) => report.programs.find((prog) => prog.name === name)?.runs;
      expect([runs(before), runs(next)]).toEqual([20000, 20000]);
      const seen = [...loaded.map('recent').entries()].map(([, value]) => value as Record<string, number | bigint>);
      expect(seen.every(({ disorder }) => disorder === 0)).toBe(true);
    });
  },
);

describe('programs that keep nothing', () => {
  test('from the packet on where a slot gets one that keeps something, flows keep their order', async () => {
    const shape = { packets: 60000, flows: 300, payload: 200 };
    const capture = pcapOf(packetsOf(shape));
    await withFile(capture, async (path) => {
      const { engine, loaded } = await load(2);
      const jumps = loaded.map('jumps');
      jumps.set(0, loaded.prog('dropped'));
      const pieces: Uint8Array[] = [];
      let changed = 0;
      const report = await replayFile(engine, loaded.prog('jumps_always'), path, {
        workers: 2,
        output: new PcapWriter((piece) => pieces.push(piece.slice())),
        onProgress: async ({ packets, offset }) => {
          expect(offset).toBeGreaterThan(packets * 16);
          if (changed > 0 || packets < 3000) return;
          changed = packets;
          jumps.set(0, loaded.prog('per_flow_lru'));
        },
      });
      expect(report.packets).toBe(shape.packets);
      expect(report.bytes).toBe(capture.length - 24 - 16 * shape.packets);
      const seen = [...loaded.map('recent').entries()].map(([, value]) => value as Record<string, number | bigint>);
      const counted = seen.reduce((sum, { packets }) => sum + Number(packets), 0);
      expect(seen.every(({ disorder }) => disorder === 0)).toBe(true);
      const runs = (name: string) => report.programs.find((prog) => prog.name === name)?.runs ?? 0;
      expect(changed).toBeGreaterThan(0);
      expect(runs('dropped')).toBeGreaterThanOrEqual(changed);
      expect(counted).toBe(shape.packets - runs('dropped'));
      expect(counted).toBeGreaterThan(0);
      // What came out is of those behind the change, in their order.
      const out = concat(...pieces);
      const view = new DataView(out.buffer);
      const numbers: number[] = [];
      for (let at = 24; at < out.length; at += 16 + view.getUint32(at + 8, true))
        numbers.push(view.getUint32(at + 16 + 42, true));
      expect(numbers[0]).toBeGreaterThan(runs('dropped'));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(numbers.length).toBe(report.written);
    });
  });

  test('who is told waits for nobody, and threads wait for who is told', async () => {
    const capture = pcapOf(packetsOf({ packets: 80000, flows: 300, payload: 300 }));
    await withFile(capture, async (path) => {
      const { engine, loaded } = await load(2);
      let inside = 0;
      const report = await replayFile(engine, loaded.prog('dropped'), path, {
        workers: 2,
        loop: 3,
        onProgress: async () => {
          expect(++inside).toBe(1);
          await new Promise((resolve) => setTimeout(resolve, 20));
          inside--;
        },
      });
      expect(report.verdicts.XDP_DROP).toBe(240000);
    });
  });

  test('violations have the numbers of their packets, from a file', async () => {
    const packets = packetsOf({ packets: 20000, flows: 100, payload: 200 });
    await withFile(pcapOf(packets), async (path) => {
      const { engine } = await load(3);
      const prog = await unverified(engine, SHORT);
      expect(prog.stateless).toBe(true);
      const { violations } = await replayFile(engine, prog, path, { workers: 3 });
      const short = packets.flatMap((packet, i) => (packet.length < 100 ? [i + 1] : []));
      expect(violations.count).toBe(short.length);
      // Each thread keeps its first ones.
      expect(violations.first.slice(0, 30).every(({ packet }) => short.includes(packet))).toBe(true);
      expect(violations.first[0].packet).toBe(short[0]);
    });
  });
});

const unverified = async (engine: Engine, text: string) => {
  const prog = { ...linkedProg({ name: 'bad', insns: encodeInsns(assemble(text)) }), expectedAttachType: 37 };
  return (await engine.loadLinked([prog], new Map(), { unverified: true, checked: true })).prog('bad');
};
// Reads behind the end of packets that are shorter than 100 bytes.
const SHORT = 'r1 = *(u32 *)(r1 +0)\nr0 = *(u8 *)(r1 +99)\nr0 = 2\nexit';

describe('what goes wrong', () => {
  test('violations have the numbers of their packets', async () => {
    const packets = packetsOf({ packets: 3000, flows: 100, payload: 200 });
    const capture = pcapOf(packets);
    const reports: Report[] = [];
    for (const workers of [1, 3]) {
      const { engine } = await load(workers);
      reports.push(await replay(engine, await unverified(engine, SHORT), capture, { workers, loop: 2 }));
    }
    const short = packets.flatMap((packet, i) => (packet.length < 100 ? [i + 1] : []));
    expect(short.length).toBeGreaterThan(200);
    expect(reports[0].violations.count).toBe(2 * short.length);
    expect(reports[1].violations.first.map(({ packet }) => packet)).toEqual(short.slice(0, 100));
    // The engines do not lay out their memory in the same way.
    const placed = (report: Report) =>
      report.violations.first.map(({ address: _, message: _m, ...violation }) => violation);
    expect(placed(reports[1])).toEqual(placed(reports[0]));
    expect(reports[1].verdicts).toEqual(reports[0].verdicts);
  });

  test.each(['cut in a header', 'cut in a packet', 'of a length that cannot be', 'empty'])(
    'a capture %s',
    async (how) => {
      const whole = pcapOf(packetsOf({ packets: 5000, flows: 60, payload: 300 }));
      const damaged: Record<string, Uint8Array> = {
        'cut in a header': concat(whole, payload(7)),
        'cut in a packet': concat(whole, pcapRecord(payload(10), { capLen: 100 })),
        'of a length that cannot be': concat(whole, pcapRecord(payload(10), { capLen: 300000 }), payload(400000)),
        empty: whole.subarray(0, 24),
      };
      await withFile(damaged[how], async (path) => {
        const reports: Report[] = [];
        for (const workers of [1, 2]) {
          const { engine, loaded } = await load(workers);
          reports.push(await replayFile(engine, loaded.prog('per_flow'), path, { workers }));
          reports.push(await replayFile(engine, loaded.prog('taller'), path, { workers }));
          reports.push(await replay(engine, loaded.prog('per_flow'), damaged[how], { workers }));
        }
        for (const report of reports) {
          expect(report.packets).toBe(how === 'empty' ? 0 : 5000);
          expect(report.error).toEqual(reports[0].error);
        }
        expect(reports[0].error === undefined).toBe(how === 'empty');
      });
    },
  );

  test('a capture that is refused counts nothing of the one before, and no file stays open', async () => {
    const good = pcapOf(packetsOf({ packets: 500, flows: 10 }));
    const garbage = new Uint8Array(100).fill(7);
    const { engine, loaded } = await load(2);
    const drop = (input: ReplayInput, loop = 1) => replay(engine, loaded.prog('dropped'), input, { workers: 2, loop });
    await drop(good);
    await expect(drop(garbage)).rejects.toMatchObject({ code: 'CAPTURE_MAGIC' });
    let round = 0;
    const report = await drop(() => (round++ === 0 ? good : garbage), 2);
    expect(report).toMatchObject({ packets: 500, verdicts: { XDP_DROP: 500 }, error: { code: 'CAPTURE_MAGIC' } });
    for (const bytes of [garbage, pcapHeader({ major: 9 }), new Uint8Array(0), pcapHeader({ linkType: 101 })]) {
      let closed = 0;
      let at = 0;
      const input = {
        path: '/nowhere/at/all.pcap',
        read: (into: Uint8Array) => {
          const part = bytes.subarray(at, at + into.length);
          into.set(part);
          at += part.length;
          return part.length;
        },
        close: () => void closed++,
      };
      await drop(input).catch(() => {});
      expect(closed).toBe(1);
    }
  });

  test('a file that becomes shorter while it is read is cut, wherever that is', async () => {
    const capture = pcapOf(packetsOf({ packets: 30000, flows: 100, payload: 400 }));
    for (const prog of ['per_flow', 'dropped']) {
      await withFile(capture, async (path) => {
        const { engine, loaded } = await load(2);
        const onProgress = async () => truncateSync(path, 1000);
        const { packets, error } = await replayFile(engine, loaded.prog(prog), path, { workers: 2, onProgress });
        expect([packets, error?.code]).toEqual(packets === 30000 ? [30000, undefined] : [packets, 'CAPTURE_TRUNCATED']);
      });
    }
  });

  test('what is in the file system and no file is read once', async () => {
    await withFile(new Uint8Array(0), async (path) => {
      execFileSync('mkfifo', [`${path}.fifo`]);
      // Opened for both, it has a reader at once, and keeps what is written.
      const pipe = openSync(`${path}.fifo`, 'r+');
      const input = openCaptureFile(`${path}.fifo`);
      expect(input.path).toBeUndefined();
      input.close();
      closeSync(pipe);
      expect(openCaptureFile(path).path).toBe(path);
    });
  });

  test('a signal ends it behind whole pieces', async () => {
    const capture = pcapOf(packetsOf({ packets: 60000, flows: 100 }));
    const { engine, loaded } = await load(2);
    const stop = new AbortController();
    const onProgress = () => stop.abort();
    const report = await replay(engine, loaded.prog('per_flow'), capture, {
      workers: 2,
      signal: stop.signal,
      onProgress,
    });
    expect(report.stopped).toBe(true);
    expect(report.packets).toBeGreaterThan(0);
    expect(report.packets).toBeLessThan(60000);
    expect(Object.values(report.verdicts).reduce((sum, count) => sum + count, 0)).toBe(report.packets);
  });

  test('what onProgress throws comes out, and the engine goes on', async () => {
    const capture = pcapOf(packetsOf({ packets: 20000, flows: 100 }));
    const { engine, loaded } = await load(2);
    const failing = replay(engine, loaded.prog('per_flow'), capture, {
      workers: 2,
      onProgress: () => {
        throw new RangeError('enough');
      },
    });
    await expect(failing).rejects.toThrow('enough');
    expect((await replay(engine, loaded.prog('dropped'), capture, { workers: 2 })).verdicts.XDP_DROP).toBe(20000);
  });

  test.each(['per_flow', 'taller'])('%s: an output that cannot be written is an error, not a hang', async (prog) => {
    const capture = pcapOf(packetsOf({ packets: 30000, flows: 100, payload: 600 }));
    await withFile(capture, async (path) => {
      const { engine, loaded } = await load(2);
      for (const input of [openCaptureFile(path), capture]) {
        const output = new PcapWriter(() => {
          throw new RangeError('no room');
        });
        const failing = replay(engine, loaded.prog(prog), input, { workers: 2, output });
        await expect(failing).rejects.toThrow('no room');
      }
      expect((await replayFile(engine, loaded.prog('dropped'), path, { workers: 2 })).verdicts.XDP_DROP).toBe(30000);
    });
  });

  test('two at once before the threads have started: one is refused', async () => {
    const capture = pcapOf(packetsOf({ packets: 5000, flows: 10 }));
    await withFile(capture, async (path) => {
      const { engine, loaded } = await load(2);
      const both = await Promise.allSettled(
        [1, 2].map(() => replayFile(engine, loaded.prog('dropped'), path, { workers: 2 })),
      );
      expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      expect(both[1]).toMatchObject({ reason: { code: 'RUN_BUSY' } });
    });
  });

  test.each(['per_flow', 'dropped'])('%s: an engine that is closed meanwhile is an error, not a hang', async (prog) => {
    const capture = pcapOf(packetsOf({ packets: 20000, flows: 10 }));
    await withFile(capture, async (path) => {
      const { engine, loaded } = await load(2);
      const onProgress = () => void setTimeout(() => engine.close());
      const options = { workers: 2, loop: 10000, onProgress };
      const closed = replay(engine, loaded.prog(prog), () => openCaptureFile(path), options);
      await expect(closed).rejects.toMatchObject({ code: expect.stringMatching(/^RUN_/) });
    });
  });

  test('a thread that fails is an error, not a hang', async () => {
    const { engine, loaded } = await load(2);
    const capture = pcapOf(packetsOf({ packets: 100, flows: 10 }));
    let at = 0;
    // The main thread can read its header, no other thread can open it.
    const input = {
      path: '/nowhere/at/all.pcap',
      read: (into: Uint8Array) => {
        const part = capture.subarray(at, at + into.length);
        into.set(part);
        at += part.length;
        return part.length;
      },
      close: () => {},
    };
    const failing = replay(engine, loaded.prog('dropped'), input as ReplayInput, { workers: 2 });
    await expect(failing).rejects.toMatchObject({ code: 'RUN_WORKER' });
    await expect(replay(engine, loaded.prog('dropped'), capture, { workers: 2 })).rejects.toMatchObject({
      code: 'RUN_WORKER',
    });
    // Without them it goes on.
    expect((await replay(engine, loaded.prog('dropped'), capture)).verdicts.XDP_DROP).toBe(100);
  });

  test('what cannot be is refused, with the reason', async () => {
    const capture = pcapOf(packetsOf({ packets: 10, flows: 2 }));
    const { engine, loaded } = await load(2);
    const alone = await load(1);
    const refused = (on: Engine, prog: ReturnType<Loaded['prog']>, options: ReplayOptions, code: string) =>
      expect(replay(on, prog, capture, options)).rejects.toMatchObject({ code });
    await refused(alone.engine, alone.loaded.prog('dropped'), { workers: 2 }, 'RUN_NOT_SHARED');
    await refused(engine, loaded.prog('dropped'), { workers: 3 }, 'RUN_NOT_SHARED');
    await refused(engine, loaded.prog('dropped'), { workers: 0 }, 'RUN_OPTION');
    await refused(engine, loaded.prog('times'), { workers: 2 }, 'RUN_ALONE');
    await expect(Engine.create({ workers: 2, cpus: 1 })).rejects.toMatchObject({ code: 'RUN_OPTION' });
    await expect(Engine.create({ workers: -1 })).rejects.toMatchObject({ code: 'RUN_OPTION' });
    const clocked = await Engine.create({ workers: 2, clock: () => 5n });
    engines.push(clocked);
    const other = await clocked.load(object, { progs: ['dropped'] });
    await refused(clocked, other.prog('dropped'), { workers: 2, clock: 'engine' }, 'RUN_WORKERS');
  });
});

afterAll(() => expect(engines).toEqual([]));
