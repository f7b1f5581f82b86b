/**
 * The programs under examples/: what a replay gives and what the running kernel gives, packet by packet, is what each example's model says, which
 * knows nothing of BPF.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Example, MapContents } from '../examples/example.ts';
import { EXAMPLES } from '../examples/examples.ts';
import { exampleFiles, expectedJson } from '../scripts/example-files.ts';
import { join } from '../scripts/traffic-frames.ts';
import { jsonValue } from '../src/cli/output.ts';
import { applySettings, editObject, parseSettings } from '../src/cli/set.ts';
import { Engine, type LoadOptions } from '../src/engine.ts';
import type { Loaded } from '../src/loader.ts';
import type { BpfObject } from '../src/object/types.ts';
import { PcapWriter } from '../src/replay/pcap-writer.ts';
import { replay } from '../src/replay/replay.ts';
import { mapTypeName } from '../src/util/map-types.ts';
import { describeKernel } from './kernel/available.ts';
import { updateElem } from './kernel/bpf.ts';
import { Both, type Opened, openObject } from './kernel/sides.ts';

const MODES = [
  ['unchecked', {}],
  ['checked', { checked: true }],
] as const satisfies readonly (readonly [string, LoadOptions])[];

const committed = (example: Example, file: string) => readFileSync(`examples/${example.name}/${file}`);

/** The object with the settings of its variables, and those of its maps, which wait until it is loaded. */
function open(example: Example): { opened: Opened; fill: (loaded: Loaded) => void } {
  const settings = parseSettings([`@examples/${example.name}/settings`]);
  let later = settings;
  const edit = (object: BpfObject) => {
    later = editObject(object, settings);
  };
  const opened = openObject(`examples/${example.name}/${example.name}`, edit);
  return { opened, fill: (loaded) => applySettings(opened.object, loaded, later) };
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
  test('the committed files are what the model makes', () => {
    for (const [file, content] of Object.entries(exampleFiles(example)))
      expect(Buffer.compare(committed(example, file), content), file).toBe(0);
    expect(committed(example, 'capture.pcap').length).toBeLessThan(300_000);
  });

  test.each(MODES)('a replay gives what the model says, %s', async (_mode, options) => {
    using engine = await Engine.create({ seed: 1 });
    const { opened, fill } = open(example);
    const loaded = await engine.load(opened.object, options);
    fill(loaded);
    const pieces: Uint8Array[] = [];
    const output = new PcapWriter((piece) => pieces.push(piece));
    const report = await replay(engine, loaded.prog(example.prog), committed(example, 'capture.pcap'), { output });
    const verdicts = Object.entries(report.verdicts).filter(([, count]) => count > 0);
    expect(report.violations.first).toEqual([]);
    expect(expectedJson(Object.fromEntries(verdicts.sort()), contents(loaded))).toBe(
      committed(example, 'expected.json').toString(),
    );
    expect(Buffer.compare(join(...pieces), committed(example, 'expected.pcap'))).toBe(0);
  });
});

/** Elements that settings put into our maps, into the kernel's. */
function fillKernel(sides: Both): void {
  for (const [name, map] of sides.loaded.flatMap((loaded) => [...loaded.maps])) {
    const type = mapTypeName(map.spec.type);
    if (map.spec.dataKind !== '' || !['array', 'hash'].includes(type)) continue;
    const fd = sides.kernel.maps.get(name) as number;
    for (const [key, value] of map.entries({ raw: true })) updateElem(fd, key, value);
  }
}

const VERDICTS = ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'];

describeKernel('examples in the kernel', () => {
  const same = EXAMPLES.filter(({ dependsOn }) => dependsOn === undefined);
  for (const example of same)
    test.each(MODES)(`${example.name}: every packet as here and as the model says, %s`, async (_mode, options) => {
      const sides = new Both(await Engine.create());
      try {
        const { opened, fill } = open(example);
        await sides.load(opened, options);
        fill(sides.loaded[0]);
        fillKernel(sides);
        const packets = example.capture();
        const { outcomes } = example.expect(packets);
        sides.compare(example.prog, {
          packets: packets.map(({ data }) => data),
          each: (_ours, { retval, data }, i) => {
            expect([VERDICTS[retval], Buffer.from(data).toString('hex')], `packet ${i + 1}`).toEqual([
              outcomes[i].verdict,
              Buffer.from(outcomes[i].data).toString('hex'),
            ]);
          },
        });
      } finally {
        sides.close();
      }
    });
});
