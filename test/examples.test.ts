/**
 * The programs under examples/: what a replay gives and what the running kernel gives, packet by packet, is what each example's model says, which
 * knows nothing of BPF.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { Example, MapContents, Outcome, TimedPacket } from '../examples/example.ts';
import { EXAMPLES } from '../examples/examples.ts';
import { expectLimited, type Limits, rateLimit } from '../examples/rate_limit/model.ts';
import { exampleFiles, expectedJson, networkCaptures } from '../scripts/example-files.ts';
import { join } from '../scripts/traffic-frames.ts';
import { jsonValue } from '../src/cli/output.ts';
import { Engine, type LoadOptions } from '../src/engine.ts';
import type { Loaded } from '../src/loader.ts';
import { setMaxEntries } from '../src/object/edit.ts';
import { setVariable } from '../src/object/variables.ts';
import { PcapWriter } from '../src/replay/pcap-writer.ts';
import { replay } from '../src/replay/replay.ts';
import { RingBuf } from '../src/runtime/ringbuf.ts';
import { mapTypeName } from '../src/util/map-types.ts';
import { fillKernel, hex, open, openBoth, VERDICTS } from './example-sides.ts';
import { describeKernel } from './kernel/available.ts';
import { lookupElem } from './kernel/bpf.ts';
import { KernelRingbuf } from './kernel/ringbuf.ts';
import type { Both } from './kernel/sides.ts';

const MODES = [
  ['unchecked', {}],
  ['checked', { checked: true }],
] as const satisfies readonly (readonly [string, LoadOptions])[];

const RING_BYTES = 16384;
const TOKEN = 1_000_000_000n;

const committed = (example: Example, file: string) => readFileSync(`examples/${example.name}/${file}`);

/** What the ring buffer holds. */
function records(loaded: Loaded): unknown[] {
  const ring = loaded.maps.get('samples');
  if (!(ring instanceof RingBuf)) return [];
  return JSON.parse(JSON.stringify(ring.drain({ type: 'struct sample' }), jsonValue));
}

/** What the maps hold, in the form of the models. */
function contents(loaded: Loaded): MapContents {
  const maps: Record<string, [unknown, unknown][]> = {};
  for (const [name, map] of loaded.maps) {
    const type = mapTypeName(map.spec.type);
    if (map.spec.dataKind !== '' || type === 'prog_array' || type === 'ringbuf') continue;
    const isArray = type === 'array' || type === 'percpu_array';
    const raw = [...map.entries({ raw: true })];
    const elems = [...map.entries()].filter((_, i) => !isArray || raw[i][1].some((byte) => byte !== 0));
    maps[name] = JSON.parse(JSON.stringify(elems, jsonValue));
  }
  return maps;
}

describe.each(EXAMPLES.map((example) => [example.name, example] as const))('%s', (_name, example) => {
  test('the committed files are what the model makes', async () => {
    for (const [file, content] of Object.entries(await exampleFiles(example)))
      expect(Buffer.compare(committed(example, file), content), file).toBe(0);
    expect(committed(example, 'capture.pcap').length).toBeLessThan(300_000);
  });

  test.each(MODES)('a replay gives what the model says, %s', async (_mode, options) => {
    using engine = await Engine.create({ seed: 1 });
    const { opened, fill } = open(example.name);
    const loaded = await engine.load(opened.object, options);
    fill(loaded);
    const pieces: Uint8Array[] = [];
    const output = new PcapWriter((piece) => pieces.push(piece));
    const report = await replay(engine, loaded.prog(example.prog), committed(example, 'capture.pcap'), { output });
    const verdicts = Object.entries(report.verdicts).filter(([, count]) => count > 0);
    expect(report.violations.first).toEqual([]);
    expect(expectedJson(Object.fromEntries(verdicts.sort()), contents(loaded), records(loaded))).toBe(
      committed(example, 'expected.json').toString(),
    );
    expect(Buffer.compare(join(...pieces), committed(example, 'expected.pcap'))).toBe(0);
  });
});

describe('examples in a network', () => {
  const inNetworks = EXAMPLES.flatMap((one) => (one.network === undefined ? [] : [[one, one.network] as const]));
  test.each(inNetworks.map(([one, network]) => [one.name, one, network] as const))('%s', async (name, one, network) => {
    const dir = mkdtempSync(`${tmpdir()}/bpf2wasm-example-`);
    const file = (place: string) => `${dir}/${place.replace(':', '-')}.pcap`;
    const outs = network.outputs.flatMap((place) => ['--out', `${place}=${file(place)}`]);
    const input = `${network.input}=examples/${name}/capture.pcap`;
    const args = ['dist/lib/cli.js', 'net', `examples/${name}/net.json`, '--in', input, ...outs];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    for (const [place, expected] of Object.entries(await networkCaptures(one)))
      expect(hex(readFileSync(file(place))), place).toBe(hex(expected));
    rmSync(dir, { recursive: true });
  });
});

/** Each packet through both, as the model says. */
function compare(
  sides: Both,
  { prog }: Example,
  packets: readonly TimedPacket[],
  outcomes: readonly Outcome[],
  without: string[] = [],
): void {
  sides.compare(prog, {
    packets: packets.map(({ data }) => data),
    without,
    each: (_ours, { retval, data }, i) => {
      const { verdict, data: left } = outcomes[i];
      expect([VERDICTS[retval], hex(data)], `packet ${i + 1}`).toEqual([verdict, hex(left)]);
    },
  });
}

describeKernel('examples in the kernel', () => {
  const same = EXAMPLES.filter(({ dependsOn }) => dependsOn === undefined);
  for (const example of same)
    test.each(MODES)(`${example.name}: every packet as here and as the model says, %s`, async (_mode, options) => {
      const sides = await openBoth(example.name, options);
      try {
        const packets = await example.capture();
        const expected = await example.expect(packets);
        const ring = sides.kernel.maps.get('samples');
        const kernelRing = ring === undefined ? undefined : new KernelRingbuf(ring, RING_BYTES);
        compare(sides, example, packets, expected.outcomes);
        if (kernelRing !== undefined) compareRecords(sides, kernelRing);
        kernelRing?.close();
      } finally {
        sides.close();
      }
    });

  test.each([
    ['no tokens come in', { rate: 0, burst: 8 }],
    ['three sources and one bucket for the rest', { rate: 0, burst: 8, sources: 4 }],
    ['more than anybody sends', { rate: 0x1fffffff, burst: 8 }],
  ] as const)('rate_limit: limits that time does not move, %s', async (_what, limits) => {
    const { rate, burst, sources } = limits as Limits;
    const sides = await openBoth('rate_limit', {}, (object) => {
      setVariable(object, 'rate', rate);
      setVariable(object, 'burst', burst);
      if (sources !== undefined) setMaxEntries(object, 'buckets', sources);
    });
    try {
      if (sources !== undefined)
        sides.loaded[0].map('buckets').set(new Uint8Array(4), { tokens: BigInt(burst) * TOKEN });
      fillKernel(sides);
      const packets = (await rateLimit.capture()).slice(0, 200);
      // The clocks run on: where tokens come in, there are always enough.
      const { outcomes } = expectLimited(rate === 0 ? packets : spread(packets), limits);
      compare(sides, rateLimit, packets, outcomes, ['buckets']);
      for (const [key, value] of sides.loaded[0].map('buckets').entries({ raw: true })) {
        const theirs = lookupElem(sides.kernel.maps.get('buckets') as number, key, value.length);
        // All but the time, and the tokens that it brings.
        const counts = (bytes: Uint8Array) =>
          hex(rate === 0 ? bytes.subarray(0, 16) : bytes.subarray(0, 8)) + hex(bytes.subarray(24));
        expect(counts(theirs)).toBe(counts(value));
      }
    } finally {
      sides.close();
    }
  });
});

/** The packets a second apart. */
function spread(packets: readonly TimedPacket[]): TimedPacket[] {
  return packets.map((packet, i) => ({ ...packet, timestampNs: BigInt(i) * 1_000_000_000n }));
}

/** Every record but its time, which comes first. */
function compareRecords(sides: Both, kernelRing: KernelRingbuf): void {
  const ours = sides.loaded[0].maps.get('samples') as RingBuf;
  const texts = (list: readonly unknown[]) => list.map((record) => hex((record as Uint8Array).subarray(8)));
  expect(texts(ours.drain())).toEqual(texts(kernelRing.drain()));
}
