// The bench as a smoke run: its table of programs loads, the engines agree, and its JSON has the shape that readers rely on. Nothing is timed.

import { describe, expect, test } from 'vitest';
import { CONTENDERS, commonHelp, parseBenchArgs, parseCommonArgs } from '../bench/args.ts';
import type { BenchCase } from '../bench/case.ts';
import { CASES, FIXED_COST } from '../bench/cases.ts';
import { CLANG } from '../bench/clang.ts';
import type { Contender } from '../bench/contender.ts';
import { engineContender } from '../bench/engine.ts';
import { KERNEL, kernelRefusal } from '../bench/kernel.ts';
import { BATCH_PACKETS } from '../bench/layout.ts';
import { ipChecksum, l4Checksum, makePacket } from '../bench/packets.ts';
import { type Figure, quantile, table } from '../bench/report.ts';
import { compare, DifferenceError, openBench, runBench } from '../bench/run.ts';

const refusal = kernelRefusal();
if (refusal !== undefined) console.warn(`SKIPPED: the bench is not compared with the kernel (${refusal})`);

/** Optimised code is the same code behind binaryen: for the bench itself. */
const taking = CONTENDERS.filter((name) => name !== 'bpf2wasm-optimized');
const tiny = { samples: 1, warmUpSeconds: 0, engines: taking, kernelTrace: false };
/** The programs that print would put lines into the machine's trace buffer, which other tests read. */
const SILENT = CASES.filter(({ prints }) => !prints)
  // A hundred thousand elements on every side are for the bench itself.
  .filter(({ name }) => name !== 'keyed/route' && name !== 'keyed/flow')
  .map((one) => (one.fill === undefined ? one : { ...one, fill: { ...one.fill, runs: 8192 } }));

const FIELDS = ['program', 'engine', 'packetBytes', 'medianNs', 'minNs', 'p90Ns', 'samples'];

describe('bench', () => {
  const engines = taking.filter((name) => name !== KERNEL || refusal === undefined);
  const enginesOf = ({ clang }: BenchCase) => engines.filter((name) => name !== CLANG || clang !== undefined);

  test('every program does the same in every engine: return value, packet, maps', async () => {
    const { entries, close } = await openBench({ ...tiny, cases: SILENT });
    const opened = entries.map(({ source, contender }) => [source.name, contender.engine]);
    expect(opened).toEqual(SILENT.flatMap((source) => enginesOf(source).map((engine) => [source.name, engine])));
    close();
  }, 180_000);

  test('every figure has its fields', async () => {
    const cases = SILENT.filter(({ name }) => name === FIXED_COST || name.startsWith('ringbuf/'));
    const { figures } = await runBench({ ...tiny, cases });
    expect(figures).toHaveLength(cases.flatMap(enginesOf).length);
    for (const figure of JSON.parse(JSON.stringify(figures)) as Figure[]) {
      expect(Object.keys(figure)).toEqual(FIELDS);
      expect(figure.samples).toBe(1);
      expect(figure.minNs).toBeGreaterThan(0);
      expect(figure.p90Ns).toBeGreaterThanOrEqual(figure.medianNs);
    }
  });

  test('verdicts of this engine, by hand', async () => {
    const wanted: Record<string, number> = {
      [FIXED_COST]: 2,
      'example/udp': 2,
      'example/other-port': 2,
      'example/port-8080': 2,
      'example/port-22': 2,
      'tail-call/constant-0': 1,
      'tail-call/constant-1': 3,
      'tail-call/variable': 3,
      'chain/33-programs': 3,
      'chain/33-self': 3,
      rewrite: 3,
      counter: 2,
    };
    for (const source of CASES) {
      if (wanted[source.name] === undefined) continue;
      const contender = await engineContender('bpf2wasm', source);
      expect([source.name, contender.outcome(1).returnValue]).toEqual([source.name, wanted[source.name]]);
      contender.close();
    }
  });

  test('the rewrite swaps, and swaps back', async () => {
    const source = CASES.find(({ name }) => name === 'rewrite')!;
    const contender = await engineContender('bpf2wasm', source);
    const { packet } = contender.outcome(1);
    expect(packet.slice(0, 12)).toEqual(Uint8Array.of(...source.packet.slice(6, 12), ...source.packet.slice(0, 6)));
    expect(packet.slice(26, 34)).toEqual(Uint8Array.of(...source.packet.slice(30, 34), ...source.packet.slice(26, 30)));
    expect(contender.outcome(2).packet).toEqual(source.packet);
    expect(contender.packets).toBe(BATCH_PACKETS);
    contender.close();
  });

  test('the checksum is that of the packet', async () => {
    const source = CASES.find(({ name }) => name === 'checksum')!;
    const contender = await engineContender('bpf2wasm', source);
    const words = new Uint16Array(source.packet.slice().buffer);
    let sum = words.reduce((a, b) => a + b, 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    expect(contender.outcome(1).returnValue).toBe(~sum & 0xffff);
    contender.close();
  });

  test('engines that differ stop the bench', () => {
    const packet = makePacket({ protocol: 'udp', port: 1, bytes: 64 });
    const engine = (name: string, returnValue: number, bytes: Uint8Array, value = '00'): Contender => ({
      engine: name,
      packets: 1,
      outcome: () => ({ returnValue, packet: bytes }),
      maps: new Map([['map', { keys: () => [Uint8Array.of(1)], get: () => value }]]),
      run: () => {},
      close: () => {},
    });
    const [source] = CASES;
    const good = engine('a', 2, packet);
    const against = (other: Contender) => () => compare(source!, [good, other]);
    expect(against(engine('b', 2, packet.slice()))).not.toThrow();
    expect(against(engine('b', 1, packet))).toThrow(DifferenceError);
    expect(against(engine('b', 2, packet.with(7, 0xff)))).toThrow(/from byte 7 on/);
    expect(against(engine('b', 2, packet.slice(0, 60)))).toThrow(/from byte 60 on/);
    expect(against(engine('b', 2, packet, '01'))).toThrow(/maps of b and a differ: map\[01\]: 01 and 00/);
    const outcomes = [packet, packet, packet.with(9, 1)].map((bytes) => ({ returnValue: 2, packet: bytes }));
    expect(against({ ...engine('b', 2, packet), batch: () => outcomes })).toThrow(/packets 2 and 0 in b/);
  });

  test('a translated packet has the checksums that a sender would write', async () => {
    const source = CASES.find(({ name }) => name === 'nat')!;
    for (const protocol of ['tcp', 'udp'] as const) {
      const original = makePacket({ protocol, port: 443, bytes: 65 });
      const contender = await engineContender('bpf2wasm', { ...source, packet: original });
      const { packet } = contender.outcome(1);
      expect([...packet.subarray(26, 34)]).toEqual([203, 0, 113, 1, 10, 11, 12, 2]);
      expect([...packet.subarray(34, 38)]).not.toEqual([...original.subarray(34, 38)]);
      // A sum over everything, the checksum itself included, leaves nothing.
      expect([ipChecksum(packet), l4Checksum(packet)]).toEqual([0, 0]);
      expect(contender.outcome(2).packet).toEqual(original);
      contender.close();
    }
  });

  test('figures and table', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4, 11], 0.9)).toBeCloseTo(8.2);
    const figure = (program: string, engine: string, medianNs: number): Figure => {
      return { program, engine, packetBytes: 64, medianNs, minNs: medianNs, p90Ns: medianNs, samples: 3 };
    };
    const figures = [
      figure(FIXED_COST, KERNEL, 20),
      figure(FIXED_COST, 'bpf2wasm', 1),
      figure('x', KERNEL, 40),
      figure('x', 'bpf2wasm', 11),
    ];
    const lines = table(figures).split('\n');
    expect(lines.at(-1)!.split(/ +/)).toEqual('x bpf2wasm 64 11.00 11.00 11.00 0% 10.00 0.28 0.50 0.28'.split(' '));
    expect(lines.at(-2)!.split(/ +/)).toEqual(`x ${KERNEL} 64 40.00 40.00 40.00 0% 20.00 - - -`.split(' '));
  });

  test.each(['0', '1.5', '-1', 'many'])('--samples %s is refused', (samples) => {
    expect(() => parseBenchArgs([`--samples=${samples}`])).toThrow(/--samples/);
  });

  test('--engines takes names of contenders, --store a name', () => {
    expect(parseBenchArgs([]).engines).toEqual(CONTENDERS);
    expect(parseBenchArgs(['--engines', 'bpf2wasm,kernel-jit']).engines).toEqual(['bpf2wasm', 'kernel-jit']);
    expect(() => parseBenchArgs(['--engines', 'bpf2wasm,'])).toThrow(/--engines/);
    expect(parseBenchArgs(['--store', '2026-11-26']).store).toBe('2026-11-26');
    expect(() => parseBenchArgs(['--store', '../x'])).toThrow(/--store/);
    expect(() => parseCommonArgs(['--store', '../x'])).toThrow(/--store/);
  });

  test('the other benches say what they have, and refuse the rest', () => {
    const options = [...commonHelp('bench:load', 'program', 'load').matchAll(/^ {2}--(\w+)(?: [A-Z]+)?/gm)].map(
      ([, name]) => name,
    );
    expect(options).toEqual(['filter', 'samples', 'json', 'meta', 'store', 'help']);
    expect(parseCommonArgs(['--filter', 'a', '--samples', '3', '--store', 'b'])).toMatchObject({
      filter: 'a',
      samples: 3,
      store: 'b',
    });
    expect(() => parseCommonArgs(['--engines', 'kernel-jit'])).toThrow(/--engines/);
    expect(() => parseCommonArgs(['--samples', '0'])).toThrow(/--samples/);
  });

  test('names of programs are unique', () => {
    const names = CASES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
