// Random bytes near valid: a program of the verifier-aware generator with some fields of some insns overwritten, or insns moved.

import { generateAware } from './verifier-gen-aware.ts';
import { FUZZ_MAP_NAMES, type Generated, type Item, isLabel, type Line, Random } from './verifier-item.ts';

const LDDW = 0x18;
const CALL = 0x85;

function noisy(random: Random, item: Item): Item {
  switch (random.below(8)) {
    case 0:
      return { ...item, op: random.below(256) };
    case 1:
      return { ...item, op: item.op ^ (1 << random.below(8)) };
    case 2:
      return { ...item, dst: random.below(random.chance(90) ? 11 : 16) };
    case 3:
      return { ...item, src: random.below(random.chance(90) ? 11 : 16) };
    case 4:
      return { ...item, off: ((item.off ^ (1 << random.below(16))) << 16) >> 16 };
    case 5:
      return { ...item, off: item.off + random.between(-2, 2) };
    case 6:
      return { ...item, imm: item.imm ^ (1 << random.below(32)) };
    default:
      return { ...item, imm: (item.imm + random.between(-2, 2)) | 0 };
  }
}

/** References to fds, BTF ids and kfuncs of this machine would say nothing: they become what can be compared. */
function tame(item: Item, maps: number): Item {
  if (item.op === CALL && item.src === 2) return { ...item, src: 0 };
  if (item.op !== LDDW || item.src === 0 || item.src === 4) return item;
  if (maps === 0) return { ...item, src: 0 };
  const src = item.src === 6 || item.src === 2 ? 6 : 5;
  return { ...item, src, imm: Math.abs(item.imm % maps) };
}

/** The program with `changes` of its lines changed, dropped or doubled. */
export function mutate(random: Random, base: Generated, changes: number): Generated {
  const maps = base.maps?.length ?? FUZZ_MAP_NAMES.length;
  const lines: Line[] = [...base.lines];
  for (let i = changes; i > 0; i--) {
    const at = random.below(lines.length);
    const line = lines[at] as Line;
    const action = random.below(10);
    if (action === 0) lines.splice(at, 1);
    else if (action === 1) lines.splice(at, 0, lines[random.below(lines.length)] as Line);
    else if (!isLabel(line)) lines[at] = noisy(random, line);
  }
  return { ...base, lines: lines.map((line) => (isLabel(line) ? line : tame(line, maps))) };
}

export function generateBytes(seed: number): Generated {
  const random = new Random(seed);
  const base = generateAware(random.u32());
  return mutate(random, base, random.of([1, 1, 1, 2, 3]));
}
