/** Threads that guess where records begin in their piece of a file: all comes out as from one thread, and where a guess was wrong nothing of it counts. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PCAP_GUESS_NONE, PCAP_NANO, PCAP_SWAP } from '../../assembly/abi.ts';
import { Engine, loadObject, type Report, replay } from '../../src/index.ts';
import { assemble } from '../../src/isa/asm.ts';
import { encodeInsns } from '../../src/isa/decode.ts';
import { openCaptureFile } from '../../src/platform/node.ts';
import type { ReplayOptions } from '../../src/replay/replay.ts';
import { Control } from '../../src/replay/workers/control.ts';
import { OwnPart } from '../../src/replay/workers/own-part.ts';
import type { PieceSource, Read } from '../../src/replay/workers/piece-source.ts';
import { Team } from '../../src/replay/workers/team.ts';
import { Undo } from '../../src/replay/workers/undo.ts';
import { WholeRun } from '../../src/replay/workers/whole-run.ts';
import { concat, payload, pcapHeader, pcapRecord } from '../data/captures/build.ts';
import { linkedProg } from '../engines.cases.ts';
import { packetsOf, pcapOf, udp, withFile } from './captures.ts';

const object = loadObject(new Uint8Array(readFileSync(new URL('../data/workers/workers.o', import.meta.url))));
const PIECE = 1 << 18;

/** A verdict by a byte of the packet; for short ones of another length a violation. */
const BY_BYTE = `
  r2 = *(u32 *)(r1 +0)
  r3 = *(u32 *)(r1 +4)
  r0 = *(u8 *)(r2 +20)
  r0 &= 3
  r4 = r2
  r4 += 46
  if r4 > r3 goto short
  r0 = *(u8 *)(r2 +42)
  r0 &= 3
short:
  exit`;

/** Without what clocks say, and where memory is. */
function plain({
  seconds: _s,
  wallSeconds: _w,
  packetsPerSecond: _p,
  bitsPerSecond: _b,
  programs,
  violations,
  ...rest
}: Report) {
  return {
    ...rest,
    violations: {
      count: violations.count,
      first: violations.first.map(({ address: _, message: _m, ...what }) => what),
    },
    programs: programs.map(({ timeNs: _, ...prog }) => prog),
  };
}

/** One for each number of threads: reports tell what a replay added. */
const opened = new Map<number, ReturnType<typeof openProgs>>();

async function openProgs(workers: number) {
  const engine = await Engine.create({ seed: 1, ...(workers > 1 && { workers }) });
  const loaded = await engine.load(object);
  loaded.map('jumps').set(0, loaded.prog('dropped'));
  const prog = { ...linkedProg({ name: 'by_byte', insns: encodeInsns(assemble(BY_BYTE)) }), expectedAttachType: 37 };
  const unit = await engine.loadLinked([prog], new Map(), { unverified: true, checked: true });
  const progs = [unit.prog('by_byte'), loaded.prog('jumps_always')];
  expect(progs.map(({ stateless }) => stateless)).toEqual([workers > 1, workers > 1]);
  return { engine, loaded, progs };
}

function open(workers: number) {
  const open = opened.get(workers) ?? openProgs(workers);
  opened.set(workers, open);
  return open;
}

afterAll(async () => {
  for (const open of opened.values()) (await open).engine.close();
});

/** Reports of a program with verdicts and violations, and of one with tail calls. */
async function reports(workers: number, path: string, options: ReplayOptions = {}) {
  const { engine, progs } = await open(workers);
  const all: Report[] = [];
  for (const one of progs) all.push(await replay(engine, one, () => openCaptureFile(path), { workers, ...options }));
  return all.map(plain);
}

/** Of runs that were done anew, how many. */
async function expectSame(capture: Uint8Array, options: ReplayOptions = {}): Promise<number> {
  const undone = vi.spyOn(Undo.prototype, 'undo');
  try {
    await withFile(capture, async (path) => {
      const one = await reports(1, path, options);
      for (const workers of [2, 3]) expect(await reports(workers, path, options)).toEqual(one);
    });
    return undone.mock.calls.length;
  } finally {
    undone.mockRestore();
  }
}

const big = (packets: readonly Uint8Array[], fields: { little?: boolean; magic?: number } = {}) =>
  concat(
    pcapHeader(fields),
    ...packets.map((packet, i) => pcapRecord(packet, { ...fields, seconds: 5000 + (i >> 8), fraction: i & 255 })),
  );

/** Records that fill `bytes`, as a packet of a file transfer holds them. */
function inner(bytes: number): Uint8Array {
  const record = pcapRecord(payload(64 - 16), { seconds: 77, fraction: 5 });
  return concat(...Array.from({ length: Math.ceil(bytes / record.length) }, () => record)).subarray(0, bytes);
}

describe('the guess', () => {
  async function guess(bytes: Uint8Array, flags = 0, most = bytes.length): Promise<number> {
    const { engine } = await open(1);
    const at = engine.alloc(bytes.length, 'records');
    engine.memory.write(at, bytes);
    const found = engine.runtime.pcap_guess(at, most, bytes.length, flags) >>> 0;
    engine.runtime.free(at);
    return found;
  }
  const records = (little: boolean, fraction: number, count = 9) =>
    concat(
      ...Array.from({ length: count }, (_, i) =>
        pcapRecord(udp(i, i, 10 * i), { little, seconds: 1000 - i, fraction }),
      ),
    );

  test.each([0, PCAP_NANO, PCAP_SWAP, PCAP_SWAP | PCAP_NANO])('finds the first header, flags %i', async (flags) => {
    const fraction = flags & PCAP_NANO ? 999_999_999 : 999_999;
    const found = records((flags & PCAP_SWAP) === 0, fraction);
    for (const front of [0, 1, 77]) {
      expect(await guess(concat(payload(front), found), flags)).toBe(front);
      expect(await guess(concat(payload(front), found), flags, front)).toBe(PCAP_GUESS_NONE);
    }
  });

  test('takes nothing that is unusual', async () => {
    const end = payload(400);
    const row = (fields: Parameters<typeof pcapRecord>[1], data = payload(33)) =>
      concat(...Array.from({ length: 9 }, () => pcapRecord(data, fields)));
    expect(await guess(concat(row({}), end))).toBe(0);
    for (const bytes of [
      new Uint8Array(4000),
      row({}, payload(0)),
      row({ origLen: 32 }),
      row({ fraction: 1_000_000 }),
      row({ origLen: (1 << 20) + 1 }),
      concat(...Array.from({ length: 9 }, (_, i) => pcapRecord(payload(33), { seconds: 3601 * i }))),
    ])
      expect(await guess(concat(bytes, end))).toBe(PCAP_GUESS_NONE);
  });

  test('needs eight in a row, or four up to the end', async () => {
    const end = new Uint8Array(400);
    expect(await guess(concat(records(true, 0, 7), end))).toBe(PCAP_GUESS_NONE);
    expect(await guess(records(true, 0, 4))).toBe(0);
    expect(await guess(records(true, 0, 3))).toBe(PCAP_GUESS_NONE);
  });
});

describe('as by one thread, at the first attempt', () => {
  const packets = packetsOf({ packets: 12000, flows: 50, payload: 300 });
  const cases: Record<string, Uint8Array> = {
    'usual packets': pcapOf(packets),
    'of the other byte order': big(packets, { little: false }),
    nanoseconds: big(packets, { magic: 0xa1b23c4d }),
    'packets that nobody guesses': concat(
      pcapHeader(),
      ...packets.map((packet) => pcapRecord(packet, { origLen: 1, seconds: 9 })),
    ),
    'some longer than a piece': pcapOf(
      packets.map((packet, i) => (i % 3000 === 1500 ? concat(packet, payload(PIECE - packet.length)) : packet)),
    ),
    'cut at the end': pcapOf(packets).subarray(0, -5),
    'cut where a piece begins': pcapOf(packets).subarray(0, 3 * PIECE),
    'cut in the first bytes behind a piece': pcapOf(packets).subarray(0, 2 * PIECE + 7),
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    expect(await expectSame(cases[name])).toBe(0);
  });

  test('several rounds', async () => {
    expect(await expectSame(pcapOf(packets), { loop: 3 })).toBe(0);
  });
});

describe('a guess that is wrong', () => {
  const packets = packetsOf({ packets: 6000, flows: 50, payload: 100 });
  // Many pieces begin in the middle of a packet that holds a capture.
  const nested = pcapOf(packets.map((packet, i) => (i % 500 === 250 ? concat(packet, inner(PIECE - 250)) : packet)));
  // A thread that is sure where its piece begins does not guess: here this one always does.
  beforeAll(() => {
    const always = function (this: { source: PieceSource }, read: Read) {
      return this.source.guess(read);
    };
    vi.spyOn(WholeRun.prototype as unknown as { startOf: typeof always }, 'startOf').mockImplementation(always);
  });
  afterAll(() => vi.restoreAllMocks());

  test('counts nothing: verdicts, tail calls, violations and their packets are those of one thread', async () => {
    expect(await expectSame(nested)).toBeGreaterThan(0);
  });

  test('is not made again in the rounds behind it', async () => {
    // Two reports by two and by three threads each.
    expect(await expectSame(nested, { loop: 3 })).toBeLessThanOrEqual(4);
  });

  test('and a slot that changes as it is found out: flows keep their order from there on', async () => {
    await withFile(concat(nested, nested.subarray(24)), async (path) => {
      const { engine, loaded } = await openProgs(2);
      const { get } = Object.getOwnPropertyDescriptor(Team.prototype, 'isStopped') as { get: () => boolean };
      let changed = false;
      const spy = vi.spyOn(Team.prototype, 'isStopped', 'get').mockImplementation(function (this: Team) {
        const is = get.call(this);
        if (is && this.control.misguessed && !changed) {
          changed = true;
          loaded.map('jumps').set(0, loaded.prog('per_flow_lru'));
        }
        return is;
      } as () => boolean);
      const report = await replay(engine, loaded.prog('jumps_always'), openCaptureFile(path), { workers: 2 });
      spy.mockRestore();
      const seen = [...loaded.map('recent').entries()].map(([, value]) => value as Record<string, number | bigint>);
      const counted = seen.reduce((sum, { packets }) => sum + Number(packets), 0);
      expect([changed, report.packets]).toEqual([true, 12000]);
      expect(counted).toBe(12000 - (report.programs.find(({ name }) => name === 'dropped')?.runs ?? 0));
      // The numbers begin again in the second copy: once in each flow.
      expect(seen.filter(({ disorder }) => disorder > 1)).toEqual([]);
      engine.close();
    });
  });

  test('nor told of: what is said only grows', async () => {
    const said: number[] = [];
    const copies = concat(nested, ...Array.from({ length: 5 }, () => nested.subarray(24)));
    await withFile(copies, async (path) => {
      const { engine, loaded } = await open(2);
      const onProgress = ({ packets: so }: { packets: number }) => void said.push(so);
      const options = { workers: 2, onProgress };
      const report = await replay(engine, loaded.prog('jumps_always'), openCaptureFile(path), options);
      expect(report.verdicts.XDP_DROP).toBe(6000 * 6);
      expect(said.at(-1)).toBe(report.packets);
    });
    expect(said).toEqual([...said].sort((a, b) => a - b));
  });

  test('records behind damage that other threads ran', async () => {
    const before = pcapOf(packets);
    const damage = pcapRecord(payload(90), { capLen: 300_000 });
    const behind = pcapOf(packetsOf({ packets: 12000, flows: 20, seed: 5, payload: 300 })).subarray(24);
    await expectSame(concat(before, damage, behind));
  });

  test('a replay that is stopped tells of whole pieces or of none', async () => {
    await withFile(concat(nested, ...Array.from({ length: 3 }, () => nested.subarray(24))), async (path) => {
      const { engine, loaded } = await open(2);
      const [stop, prog] = [new AbortController(), loaded.prog('jumps_always')];
      const onProgress = () => stop.abort();
      const report = await replay(engine, prog, openCaptureFile(path), { workers: 2, signal: stop.signal, onProgress });
      const { packets: ran, verdicts, programs } = report;
      expect([verdicts.XDP_DROP, programs.find(({ name }) => name === 'dropped')?.runs]).toEqual([ran, ran]);
    });
  });
});

test('a slot that changes between programs that keep nothing: each packet sees one of them', async () => {
  const capture = pcapOf(packetsOf({ packets: 60000, flows: 30, payload: 600 }));
  await withFile(capture, async (path) => {
    const { engine, loaded } = await openProgs(2);
    const onProgress = async () => loaded.map('jumps').set(0, loaded.prog('taller'));
    const options = { workers: 2, onProgress };
    const report = await replay(engine, loaded.prog('jumps_always'), openCaptureFile(path), options);
    const runs = (name: string) => report.programs.find((prog) => prog.name === name)?.runs ?? 0;
    expect(report.packets).toBe(60000);
    expect(runs('dropped') + runs('taller')).toBe(60000);
    expect(report.verdicts.XDP_DROP).toBe(runs('dropped'));
    expect(report.bytes).toBe(capture.length - 24 - 16 * 60000);
    engine.close();
  });
});

test('the violations that are told of are the first, though packets behind them ran before', async () => {
  // Packets that are all too short; those in piece 1 are unusual, so it waits for piece 0, and piece 2 runs ahead.
  const short = payload(16);
  const records = Array.from({ length: 4 * 8192 }, (_, i) => pcapRecord(short, { origLen: i >> 13 === 1 ? 1 : 16 }));
  await withFile(concat(pcapHeader(), concat(...records)), async (path) => {
    // Of shared memory, whose views last when it grows.
    const { engine, progs } = await open(2);
    const place = { control: engine.alloc(Control.bytes(1, 2), 'words'), threads: 1, places: 2 };
    const control = new Control(engine.memory.raw.buffer, place, false);
    control.reset(1, false);
    control.claim(0);
    const file = { path, offset: 24, flags: 0 };
    const params = {
      ...{ prog: progs[0].id, active: 1, file, spread: 'piece' as const, guess: true, packetsBefore: 0, shift: 0n },
      ...{ ifindex: 0, linear: undefined, copy: false, clockOrigin: undefined, rxTimestamp: false },
      ...{ ordered: false, output: false },
    };
    const part = new OwnPart(engine, progs[0], control, { file, params, undo: new Undo(engine) });
    part.work(performance.now() + 200);
    expect(part.isRunning).toBe(true);
    // What another thread has found in piece 0.
    Object.assign(control, { position: 24 + 8192 * 32, packets: 8192, walked: 1 });
    while (part.isRunning) part.work(performance.now() + 200);
    part.close();
    engine.runtime.free(place.control);
    const { count, first } = part.results.violations;
    expect(count).toBe(3 * 8192);
    expect(first.map(({ packet }) => packet)).toEqual(Array.from({ length: 100 }, (_, i) => 8193 + i));
  });
});
