// After equal runs, maps must be equal.

import type { BenchCase } from './case.ts';
import type { Contender } from './contender.ts';

const BPF_MAP_TYPE_PROG_ARRAY = 3;
/** Elements of each map and side that are looked at. */
const LOOKED_AT = 64;

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The slots of a prog array are the engine's own; what else is not compared the row says, and why. */
export function isCompared(spec: { readonly name: string; readonly type: number }, source: BenchCase): boolean {
  return spec.type !== BPF_MAP_TYPE_PROG_ARRAY && source.uncompared[spec.name] === undefined;
}

/** The first difference in what both have, in words; undefined when there is none. */
export function mapDifference(a: Contender, b: Contender): string | undefined {
  for (const [name, mine] of a.maps) {
    const others = b.maps.get(name);
    if (others === undefined) continue;
    for (const key of [...mine.keys(LOOKED_AT), ...others.keys(LOOKED_AT)]) {
      const [left, right] = [mine.get(key), others.get(key)];
      if (left !== right) return `${name}[${hex(key)}]: ${left ?? 'nothing'} and ${right ?? 'nothing'}`;
    }
  }
  return undefined;
}
