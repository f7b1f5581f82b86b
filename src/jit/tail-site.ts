/** The prog array of a tail call, read off the straight line of insns before it: for reports, not for code. */
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../assembly/isa.ts';
import type { Op } from '../isa/op.ts';
import type { MapSpec } from '../object/types.ts';
import type { CheckedProg } from '../verifier/structural.ts';

/** The map in r2 at the call at `pc`; undefined where only running the program could tell. */
export function tailCallMap(checked: CheckedProg, pc: number): MapSpec | undefined {
  const { maps } = checked.prog;
  const arrays = maps.filter((map) => map.type === BPF_MAP_TYPE_PROG_ARRAY);
  if (arrays.length < 2) return arrays[0];
  const targets = new Set(checked.ops.flatMap((op) => (op !== undefined && 'target' in op ? [op.target] : [])));
  // Someone may jump to the insn behind the load of r2, and then it does not count.
  for (let at = pc; !targets.has(at); ) {
    at = checked.ops[at - 1] === undefined ? at - 2 : at - 1;
    const op = checked.ops[at];
    if (op === undefined || leaves(op)) return undefined;
    if (op.kind === 'lddw' && op.dst === 2) return op.value.kind === 'map_idx' ? maps[op.value.map] : undefined;
    if ('dst' in op && op.dst === 2) return undefined;
  }
  return undefined;
}

/** Control does not, or not only, come from it to the next insn with r2 as it was. */
function leaves(op: Op): boolean {
  return op.kind === 'ja' || op.kind === 'exit' || op.kind.startsWith('call');
}
