/** Applies the CO-RE records of one function to its insns. */
import { BPF_INSN_SIZE } from '../../../assembly/isa.ts';
import type { Btf, BtfCoreRelo } from '../../btf/types.ts';
import { LinkError } from '../../errors/index.ts';
import type { BpfObject } from '../../object/types.ts';
import { hex, viewOf } from '../../util/bytes.ts';
import { recordsOf } from '../records.ts';
import type { PlacedFunc } from '../subprogs.ts';
import { patch, poison } from './patch.ts';
import { type Resolution, resolveCore } from './resolve.ts';

export interface CoreFunc {
  readonly object: BpfObject;
  /** Name of the program that is linked. */
  readonly prog: string;
  readonly func: PlacedFunc;
  readonly target: Btf | 'local';
}

/** Resolutions by target and record: functions are shared by programs, and their records with them. */
const RESOLVED = new WeakMap<Btf, WeakMap<BtfCoreRelo, Resolution>>();

/** @param poisoned pc -> what could not be resolved, of the whole program @throws LinkError LINK_CORE */
export function applyCore(of: CoreFunc, insns: Uint8Array, poisoned: Map<number, string>): void {
  const { object, func, target } = of;
  const view = viewOf(insns);
  for (const relo of recordsOf<BtfCoreRelo>(object, func.spec, object.btfExt?.coreRelos)) {
    const at = relo.insnOffset - func.spec.offset;
    const resolution = resolved(object, relo, target);
    const done = resolution.kind === 'patch' ? patch(view, at, resolution.patch) : resolution.kind;
    if (done === 'done') continue;
    if (done === 'poison' && resolution.kind !== 'wrong') {
      poisoned.set(func.start + at / BPF_INSN_SIZE, resolution.text);
      poison(view, at);
      continue;
    }
    const why = resolution.kind === 'wrong' ? resolution.why : (done as { wrong: string }).wrong;
    const section = object.elf.sections[func.spec.sectionIndex].name;
    throw new LinkError('LINK_CORE', { prog: of.prog, section, offset: hex(relo.insnOffset), why });
  }
}

function resolved({ btf }: BpfObject, relo: BtfCoreRelo, target: Btf | 'local'): Resolution {
  if (btf === undefined) return { kind: 'wrong', why: 'the object has no BTF' };
  if (target === 'local') return resolveCore(btf, relo, target);
  const known = RESOLVED.get(target) ?? new WeakMap<BtfCoreRelo, Resolution>();
  RESOLVED.set(target, known);
  const resolution = known.get(relo) ?? resolveCore(btf, relo, target);
  known.set(relo, resolution);
  return resolution;
}
