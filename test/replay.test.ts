/** Captures through programs: the report against an independent count, layouts, rounds, streams, output, slots that change, violations. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type CaptureError,
  Engine,
  type Loaded,
  loadObject,
  PcapWriter,
  type Prog,
  type Report,
  replay,
} from '../src/index.ts';
import { assemble } from '../src/isa/asm.ts';
import { encodeInsns } from '../src/isa/decode.ts';
import { concat, payload, pcapHeader, pcapng, pcapRecord } from './data/captures/build.ts';
import { FIXTURES } from './data/captures/fixtures.ts';
import { chunked, readAll } from './data/captures/read.ts';
import { linkedProg } from './engines.cases.ts';

const read = (path: string) => new Uint8Array(readFileSync(new URL(`../${path}`, import.meta.url)));
const traffic = read('examples/traffic.pcap');

/** Packets of a little-endian pcap, without the code under test. */
function packetsOf(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const found: Uint8Array[] = [];
  for (let at = 24; at < file.length; ) {
    const length = view.getUint32(at + 8, true);
    found.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return found;
}

/** What examples/tail_call.c (or, without `strict`, the seed) does with a packet: the verdict, or the port it jumps for. */
function expected(packet: Uint8Array, strict: boolean): 'XDP_ABORTED' | 'XDP_PASS' | 8080 | 22 {
  if (packet.length < 14) return 'XDP_ABORTED';
  if (packet[12] !== 8 || packet[13] !== 0) return 'XDP_PASS';
  if (packet.length < 34) return 'XDP_ABORTED';
  const words = packet[14] & 15;
  if (strict && words < 5) return 'XDP_ABORTED';
  if (packet[23] !== 6) return 'XDP_PASS';
  if (strict && ((packet[20] & 0x1f) !== 0 || packet[21] !== 0)) return 'XDP_PASS';
  const tcp = 14 + 4 * words;
  if (packet.length < tcp + 20) return 'XDP_ABORTED';
  const port = packet[tcp + 2] * 256 + packet[tcp + 3];
  return port === 8080 || port === 22 ? port : 'XDP_PASS';
}

function count(file: Uint8Array, strict = true) {
  const all = packetsOf(file);
  const kinds = all.map((packet) => expected(packet, strict));
  const of = (kind: unknown) => kinds.filter((one) => one === kind).length;
  return {
    packets: all.length,
    bytes: all.reduce((sum, packet) => sum + packet.length, 0),
    aborted: of('XDP_ABORTED'),
    passed: all.length - of('XDP_ABORTED'),
    to8080: of(8080),
    to22: of(22),
  };
}

const engines: Engine[] = [];
afterEach(() => {
  for (const engine of engines.splice(0)) engine.close();
});

async function newEngine(trace = false): Promise<Engine> {
  const engine = await Engine.create({ seed: 1, trace, insnBudget: 1 << 20 });
  engines.push(engine);
  return engine;
}

async function loadExample(object = 'examples/tail_call.o', trace = false): Promise<{ engine: Engine; skel: Loaded }> {
  const engine = await newEngine(trace);
  const skel = await engine.load(loadObject(read(object)));
  skel.map('prog_array').set(0, skel.prog('port8080_prog'));
  skel.map('prog_array').set(1, skel.prog('port22_prog'));
  return { engine, skel };
}

/** A program out of text. */
async function program(text: string, engine?: Engine, unverified = false): Promise<{ engine: Engine; prog: Prog }> {
  const on = engine ?? (await newEngine());
  const insns = encodeInsns(assemble(text));
  const options = unverified ? { unverified, checked: true } : {};
  // What SEC("xdp") is loaded with, so that it goes into the slots of compiled programs.
  const prog = { ...linkedProg({ name: 'prog', insns }), expectedAttachType: 37 };
  const loaded = await on.loadLinked([prog], new Map(), options);
  return { engine: on, prog: loaded.prog('prog') };
}

/** Adds one to the packet's first byte; XDP_TX where it was odd, XDP_PASS where it was even, XDP_DROP where there is none. */
const INCREMENT = `
  r2 = *(u32 *)(r1 +0)
  r3 = *(u32 *)(r1 +4)
  r4 = r2
  r4 += 1
  w0 = 1
  if r4 > r3 goto pc+7
  r5 = *(u8 *)(r2 +0)
  r6 = r5
  r6 += 1
  *(u8 *)(r2 +0) = r6
  w0 = 3
  if r5 & 0x1 goto pc+1
  w0 = 2
  exit`;

/** Everything of a report but the times. */
function facts(report: Report) {
  const { packets, bytes, verdicts, violations, written, error } = report;
  const programs = report.programs.map(({ name, runs, tailCalls }) => ({ name, runs, tailCalls }));
  return { packets, bytes, verdicts, violations, written, error, programs };
}

/** Collects what an output is given. */
function collector() {
  const pieces: Uint8Array[] = [];
  const writer = new PcapWriter((piece) => pieces.push(piece));
  return { writer, file: () => concat(...pieces) };
}

const tiny = (...datas: Uint8Array[]) =>
  concat(pcapHeader(), ...datas.map((data, i) => pcapRecord(data, { seconds: 100 + i })));

describe('the example', () => {
  test('verdicts, runs, tail calls and trace lines are those of an independent count', async () => {
    const { engine, skel } = await loadExample('examples/tail_call.o', true);
    const report = await replay(engine, skel.prog('main_prog'), traffic);
    const right = count(traffic);
    expect(right.to8080).toBe(169);
    expect(right.to22).toBe(145);
    expect(report).toMatchObject({ packets: right.packets, bytes: right.bytes, layout: 'in place', written: 0 });
    expect(report.verdicts).toEqual({
      XDP_ABORTED: right.aborted,
      XDP_DROP: 0,
      XDP_PASS: right.passed,
      XDP_TX: 0,
      XDP_REDIRECT: 0,
      other: 0,
    });
    expect(report.programs.map(({ name, runs }) => [name, runs])).toEqual([
      ['main_prog', right.packets],
      ['port8080_prog', right.to8080],
      ['port22_prog', right.to22],
    ]);
    const [site] = report.programs[0].tailCalls;
    expect(site).toMatchObject({ map: 'prog_array', taken: right.to8080 + right.to22, missed: 0 });
    const lines = engine.trace.drain();
    expect(lines.filter((line) => line.endsWith('bpf_trace_printk: Packet to port 8080 processed')).length).toBe(169);
    expect(lines.filter((line) => line.endsWith('bpf_trace_printk: Packet to port 22 processed')).length).toBe(145);
    expect(lines.length).toBe(169 + 145);
    expect(report.seconds).toBeGreaterThan(0);
    expect(report.wallSeconds).toBeGreaterThanOrEqual(report.seconds);
    expect(report.packetsPerSecond).toBeCloseTo(report.packets / report.seconds, 0);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test('each trace line has its packet’s time stamp, unless the engine’s clock is asked for', async () => {
    const { engine, skel } = await loadExample('examples/tail_call.o', true);
    await replay(engine, skel.prog('main_prog'), traffic);
    const view = new DataView(traffic.buffer, traffic.byteOffset);
    const seconds = view.getUint32(24, true);
    const [first = ''] = engine.trace.drain();
    expect(Number(/ (\d+)\.\d{6}: /.exec(first)?.[1]) - seconds).toBeLessThan(60);
    await replay(engine, skel.prog('main_prog'), traffic, { clock: 'engine' });
    const [now = ''] = engine.trace.drain();
    expect(Number(/ (\d+)\.\d{6}: /.exec(now)?.[1])).toBeLessThan(seconds / 2);
  });

  const seeds = readdirSync(new URL('data/seed', import.meta.url)).filter((file) => file.endsWith('.o'));
  test.each(seeds)('%s', async (file) => {
    const { engine, skel } = await loadExample(`test/data/seed/${file}`, true);
    const report = await replay(engine, skel.prog('main_prog'), traffic);
    const right = count(traffic, false);
    expect([report.verdicts.XDP_ABORTED, report.verdicts.XDP_PASS]).toEqual([right.aborted, right.passed]);
    const lines = engine.trace.drain().map((line) => line.slice(line.indexOf('Packet')));
    expect(lines.filter((line) => line === 'Packet to port 8080 processed').length).toBe(right.to8080);
    expect(lines.filter((line) => line === 'Packet to port 22 processed').length).toBe(right.to22);
  });
  test('all nine seed objects are there', () => expect(seeds.length).toBe(9));

  test('a pipe in chunks of one byte, and pcapng, give the same', async () => {
    const { engine, skel } = await loadExample();
    const prog = skel.prog('main_prog');
    const whole = facts(await replay(engine, prog, traffic));
    expect(facts(await replay(engine, prog, chunked(traffic, [1])))).toEqual(whole);
    const ng = pcapng(false);
    const blocks = packetsOf(traffic).map((packet, i) => ng.epb(packet, { time: BigInt(i) }));
    expect(facts(await replay(engine, prog, concat(ng.shb(), ng.idb(), ...blocks)))).toEqual(whole);
  });

  test('copied into frames gives the same as in place, also for packets longer than a frame', async () => {
    const { engine, skel } = await loadExample();
    const prog = skel.prog('main_prog');
    const long = concat(traffic, pcapRecord(payload(9000)), pcapRecord(payload(262144)), pcapRecord(payload(3520)));
    const inPlace = await replay(engine, prog, long);
    const copied = await replay(engine, prog, long, { layout: 'copied' });
    expect([inPlace.layout, copied.layout]).toEqual(['in place', 'copied']);
    expect(facts(copied)).toEqual(facts(inPlace));
    expect(inPlace.packets).toBe(count(long).packets);
  });

  test('batches of any size give the same', async () => {
    const { engine, skel } = await loadExample();
    const prog = skel.prog('main_prog');
    const whole = facts(await replay(engine, prog, traffic));
    for (const batchPackets of [1, 63, 64, 65, 5000]) {
      expect(facts(await replay(engine, prog, traffic, { batchPackets }))).toEqual(whole);
      expect(facts(await replay(engine, prog, traffic, { batchPackets, layout: 'copied' }))).toEqual(whole);
    }
  });
});

describe('what a program does to packets', () => {
  const capture = tiny(payload(60, 0), payload(61, 1), payload(0), payload(5000, 7));
  const firstBytes = (file: Uint8Array) => packetsOf(file).map((packet) => [packet.length, packet[0]]);

  test.each(['auto', 'copied'] as const)('is written, with time stamps and lengths: layout %s', async (layout) => {
    const { engine, prog } = await program(INCREMENT);
    const { writer, file } = collector();
    const report = await replay(engine, prog, capture, { layout, output: writer });
    expect(report.verdicts).toMatchObject({ XDP_DROP: 1, XDP_PASS: 1, XDP_TX: 2 });
    expect(report.written).toBe(3);
    const { packets, error } = await readAll(file());
    expect(error).toBeUndefined();
    expect(packets.map(({ data, timestampNs, originalLength }) => [data[0], timestampNs, originalLength])).toEqual([
      [1, 100_000_000_000n, 60],
      [2, 101_000_000_000n, 61],
      [8, 103_000_000_000n, 5000],
    ]);
    expect(packets[2].data.subarray(1)).toEqual(payload(5000, 7).subarray(1));
  });

  test.each([
    ['bytes', () => capture],
    ['a stream', () => chunked(capture, [7, 100])],
    ['a function', () => () => chunked(capture, [50])],
  ])('is not seen by the next round: %s', async (_what, input) => {
    const { engine, prog } = await program(INCREMENT);
    const { writer, file } = collector();
    const before = capture.slice();
    const report = await replay(engine, prog, input(), { loop: 3, output: writer });
    expect(report).toMatchObject({ packets: 12, written: 9, layout: 'in place' });
    expect(report.verdicts).toMatchObject({ XDP_DROP: 3, XDP_PASS: 3, XDP_TX: 6 });
    const one = [
      [60, 1],
      [61, 2],
      [5000, 8],
    ];
    expect(firstBytes(file())).toEqual([...one, ...one, ...one]);
    expect(capture).toEqual(before);
    // The clock goes on from round to round.
    const times = (await readAll(file())).packets.map((packet) => packet.timestampNs);
    expect(times.every((time, i) => i === 0 || time > times[i - 1])).toBe(true);
  });

  test('moved ends: the program alone decides that packets are copied', async () => {
    const { engine, prog } = await program('r2 = 4\ncall bpf_xdp_adjust_head#44\nw0 = 2\nexit');
    const { writer, file } = collector();
    const report = await replay(engine, prog, tiny(payload(60), payload(4000, 3)), { output: writer });
    expect(report.layout).toBe('copied');
    expect(firstBytes(file())).toEqual([
      [56, 4],
      [3996, 7],
    ]);
    expect((await readAll(file())).packets.map((packet) => packet.originalLength)).toEqual([56, 3996]);
  });

  test('a program in a slot moves ends, its object being closed', async () => {
    const { engine, skel } = await loadExample();
    const other = await program('r2 = -2\ncall bpf_xdp_adjust_tail#65\nw0 = 3\nexit', engine);
    skel.map('prog_array').set(0, other.prog);
    other.prog.close();
    const { writer, file } = collector();
    const report = await replay(engine, skel.prog('main_prog'), traffic, { output: writer });
    expect(report.layout).toBe('copied');
    expect(report.verdicts.XDP_TX).toBe(169);
    const bytes = packetsOf(file()).reduce((sum, packet) => sum + packet.length, 0);
    const passed = packetsOf(traffic).filter((packet) => expected(packet, true) !== 'XDP_ABORTED');
    expect(bytes).toBe(passed.reduce((sum, packet) => sum + packet.length, 0) - 2 * 169);
  });
});

describe('while it runs', () => {
  test('a timer replaces a program: later packets go to the new one', async () => {
    const { engine, skel } = await loadExample();
    const drop = await program('w0 = 1\nexit', engine);
    const seen: number[] = [];
    let done = false;
    setTimeout(() => {
      skel.map('prog_array').set(0, drop.prog);
      done = true;
    }, 20);
    const stop = new AbortController();
    const report = await replay(engine, skel.prog('main_prog'), traffic, {
      loop: 1_000_000,
      signal: stop.signal,
      onProgress: ({ packets }) => {
        seen.push(packets);
        // Some rounds more, all with the new program.
        if (done && seen.push(0) > 0 && packets > 0 && seen.filter((n) => n === 0).length > 20) stop.abort();
      },
    });
    expect(report.stopped).toBe(true);
    expect(report.verdicts.XDP_DROP).toBeGreaterThan(169 * 10);
    expect(report.verdicts.XDP_DROP % 169).toBe(0);
    const runs = Object.fromEntries(report.programs.map((prog) => [prog.name, prog.runs]));
    expect(runs.port8080_prog).toBeGreaterThan(0);
    expect(runs.port8080_prog + runs.prog).toBe((report.packets / 1508) * 169);
    expect(report.verdicts.XDP_DROP).toBe(runs.prog);
  });

  test('onProgress is awaited', async () => {
    const { engine, skel } = await loadExample();
    let waiting = 0;
    await replay(engine, skel.prog('main_prog'), traffic, {
      batchPackets: 500,
      onProgress: async () => {
        expect(waiting).toBe(0);
        waiting++;
        await new Promise((resolve) => setTimeout(resolve, 1));
        waiting--;
      },
    });
    expect(waiting).toBe(0);
  });

  test('the memory is given back', async () => {
    const { engine, skel } = await loadExample();
    const used = engine.runtime.mem_used();
    await replay(engine, skel.prog('main_prog'), traffic, { layout: 'copied' });
    await expect(replay(engine, skel.prog('main_prog'), new Uint8Array(5))).rejects.toThrow('capture');
    expect(engine.runtime.mem_used()).toBe(used);
  });
});

describe('what goes wrong', () => {
  test('a cut capture is replayed up to there, and the report says so', async () => {
    const { engine, skel } = await loadExample();
    const cut = traffic.subarray(0, traffic.length - 3);
    const report = await replay(engine, skel.prog('main_prog'), cut, { loop: 5 });
    expect(report.packets).toBe(packetsOf(traffic).length - 1);
    expect(report.error).toMatchObject({ stage: 'capture', code: 'CAPTURE_TRUNCATED' });
  });

  test('every capture, cut at every byte, in odd chunks: the packets and the error of the reader', async () => {
    const { engine, prog } = await program(INCREMENT);
    let errors = 0;
    for (const [name, whole] of Object.entries(FIXTURES)) {
      for (let length = 0; length <= whole.length; length++) {
        const cut = whole.slice(0, length);
        const right = await readAll(cut);
        const error = right.error === undefined ? undefined : (right.error as CaptureError).toJSON();
        if (error !== undefined) errors++;
        const { writer, file } = collector();
        const done = replay(engine, prog, chunked(cut, [5, 1, 40]), { output: writer });
        if (right.packets.length === 0 && error !== undefined) {
          await expect(done, name).rejects.toMatchObject({ code: error.code, fields: error.fields });
          continue;
        }
        const report = await done;
        expect([name, length, report.packets, report.error]).toEqual([name, length, right.packets.length, error]);
        const kept = right.packets.filter((packet) => packet.data.length > 0);
        const out = (await readAll(file())).packets;
        expect(out.map((packet) => [packet.timestampNs, packet.originalLength])).toEqual(
          kept.map((packet) => [packet.timestampNs, packet.originalLength]),
        );
      }
    }
    expect(errors).toBeGreaterThan(500);
  });

  test('a record that is too long to be one: the packets before it, in both byte orders', async () => {
    const { engine, prog } = await program(INCREMENT);
    for (const little of [true, false]) {
      const good = Array.from({ length: 3 }, () => pcapRecord(payload(60), { little }));
      const damaged = pcapRecord(payload(60), { little, capLen: 262145 });
      const report = await replay(engine, prog, concat(pcapHeader({ little }), ...good, damaged, ...good));
      expect(report.packets).toBe(3);
      expect(report.error).toMatchObject({ code: 'CAPTURE_TOO_LONG', fields: { found: 262145, offset: 24 + 3 * 76 } });
    }
  });

  test.each([
    ['empty', new Uint8Array(0), 'CAPTURE_EMPTY'],
    ['no capture', payload(100), 'CAPTURE_MAGIC'],
    ['cut in the first packet', traffic.subarray(0, 50), 'CAPTURE_TRUNCATED'],
    ['another link type', concat(pcapHeader({ linkType: 113 }), pcapRecord(payload(60))), 'CAPTURE_LINK_TYPE'],
  ])('%s: nothing to report', async (_what, input, code) => {
    const { engine, skel } = await loadExample();
    await expect(replay(engine, skel.prog('main_prog'), input)).rejects.toMatchObject({ code });
  });

  test('an interface that is no Ethernet: an error that names its link type, at its first packet', async () => {
    const { engine, skel } = await loadExample();
    const ng = pcapng();
    const head = concat(ng.shb(), ng.idb(), ng.idb({ linkType: 113 }), ng.epb(payload(60)), ng.epb(payload(60)));
    const prog = skel.prog('main_prog');
    expect((await replay(engine, prog, head)).error).toBeUndefined();
    const report = await replay(engine, prog, concat(head, ng.epb(payload(60), { id: 1 }), ng.epb(payload(60))));
    expect(report.packets).toBe(2);
    expect(report.error).toMatchObject({ code: 'CAPTURE_LINK_TYPE', fields: { interfaceId: 1, linkType: 113 } });
    expect(report.error?.message).toContain('LINKTYPE_LINUX_SLL');
  });

  test('no packets, and packets of no bytes', async () => {
    const { engine, skel } = await loadExample();
    const prog = skel.prog('main_prog');
    expect(await replay(engine, prog, tiny())).toMatchObject({ packets: 0, bytes: 0, packetsPerSecond: 0 });
    const empty = await replay(engine, prog, tiny(payload(0), payload(0)));
    expect(empty).toMatchObject({ packets: 2, bytes: 0, verdicts: { XDP_ABORTED: 2 } });
  });

  test('violations are counted, the first hundred kept with the number of their packet', async () => {
    // Reads byte 20 without looking at data_end.
    const { engine, prog } = await program('r2 = *(u32 *)(r1 +0)\nr3 = *(u8 *)(r2 +20)\nw0 = 2\nexit', undefined, true);
    const short = Array.from({ length: 150 }, () => payload(10));
    const { writer } = collector();
    const capture = tiny(payload(60), ...short, payload(30));
    for (const layout of ['auto', 'copied'] as const) {
      const report = await replay(engine, prog, capture, { layout, output: writer });
      expect(report.verdicts).toMatchObject({ XDP_ABORTED: 150, XDP_PASS: 2 });
      expect([report.violations.count, report.violations.first.length, report.written]).toEqual([150, 100, 2]);
      expect(report.violations.first.map((one) => one.packet)).toEqual(Array.from({ length: 100 }, (_, i) => i + 2));
      expect(report.violations.first[0]).toMatchObject({ code: 'access', prog: 'prog', pc: 1, size: 1, write: false });
      expect(report.violations.first[0].address).toMatch(/^0x[0-9a-f]+$/);
      expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    }
  });

  test.each([
    [{ loop: 0 }, 'RUN_OPTION'],
    [{ loop: 1.5 }, 'RUN_OPTION'],
    [{ batchPackets: 0 }, 'RUN_OPTION'],
    [{ ingressIfindex: -1 }, 'RUN_OPTION'],
  ])('option %j', async (options, code) => {
    const { engine, skel } = await loadExample();
    await expect(replay(engine, skel.prog('main_prog'), traffic, options)).rejects.toMatchObject({ code });
  });

  test('a program of another engine, a closed one, and one of another type', async () => {
    const { engine } = await loadExample();
    const other = await program('w0 = 2\nexit');
    await expect(replay(engine, other.prog, traffic)).rejects.toMatchObject({ code: 'RUN_FOREIGN' });
    other.prog.close();
    await expect(replay(other.engine, other.prog, traffic)).rejects.toMatchObject({ code: 'RUN_CLOSED' });
    const filter = linkedProg({ name: 'filter', type: 'socket_filter', insns: encodeInsns(assemble('w0 = 2\nexit')) });
    const loaded = await engine.loadLinked([filter], new Map());
    await expect(replay(engine, loaded.prog('filter'), traffic)).rejects.toMatchObject({ code: 'RUN_REPLAY_TYPE' });
  });

  test('what ends an output ends the replay', async () => {
    const { engine, skel } = await loadExample();
    const output = new PcapWriter(() => {
      throw new RangeError('disk full');
    });
    await expect(replay(engine, skel.prog('main_prog'), traffic, { output })).rejects.toThrow('disk full');
  });
});

test('ctx->ingress_ifindex is what the option says', async () => {
  const { engine, prog } = await program('r0 = *(u32 *)(r1 +12)\nexit');
  expect((await replay(engine, prog, tiny(payload(60)), { ingressIfindex: 3 })).verdicts.XDP_TX).toBe(1);
  expect((await replay(engine, prog, tiny(payload(60)))).verdicts.XDP_ABORTED).toBe(1);
});
