/** An example's object with its settings, here and in the kernel. */
import { applySettings, editObject, parseSettings } from '../src/cli/set.ts';
import { Engine, type LoadOptions } from '../src/engine.ts';
import type { Loaded } from '../src/loader.ts';
import type { BpfObject } from '../src/object/types.ts';
import { mapTypeName } from '../src/util/map-types.ts';
import { updateElem } from './kernel/bpf.ts';
import { Both, type Opened, openObject } from './kernel/sides.ts';

export const VERDICTS = ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'] as const;
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The object with the settings of its variables, and those of its maps, which wait until it is loaded. */
export function open(name: string): { opened: Opened; fill: (loaded: Loaded) => void } {
  const settings = parseSettings([`@examples/${name}/settings`]);
  let later = settings;
  const edit = (object: BpfObject) => {
    later = editObject(object, settings);
  };
  const opened = openObject(`examples/${name}/${name}`, edit);
  return { opened, fill: (loaded) => applySettings(opened.object, loaded, later) };
}

/** Elements that settings put into our maps, into the kernel's. */
export function fillKernel(sides: Both): void {
  for (const [name, map] of sides.loaded.flatMap((loaded) => [...loaded.maps])) {
    const type = mapTypeName(map.spec.type);
    if (map.spec.dataKind !== '' || !['array', 'hash'].includes(type)) continue;
    const fd = sides.kernel.maps.get(name) as number;
    for (const [key, value] of map.entries({ raw: true })) updateElem(fd, key, value);
  }
}

/** Both sides with the object and its settings. */
export async function openBoth(
  name: string,
  options: LoadOptions,
  edit: (object: BpfObject) => void = () => {},
): Promise<Both> {
  const sides = new Both(await Engine.create());
  const { opened, fill } = open(name);
  edit(opened.object);
  await sides.load(opened, options);
  fill(sides.loaded[0]);
  fillKernel(sides);
  return sides;
}
