/** What Linux takes but this engine has no implementation of: named, so that `load` can say what is missing. */
import { BPF_MAP_TYPE_ARENA, BPF_MAP_TYPE_ARRAY } from '../../assembly/isa.ts';
import { VerifierError } from '../errors/index.ts';
import { HELPER_BY_ID } from '../isa/helpers.ts';
import { hasKfunc } from '../isa/kfuncs.ts';
import type { Op } from '../isa/op.ts';
import type { LinkedProg } from '../link/types.ts';
import { helperName } from './tables/helpers.ts';
import type { VerifiedProg } from './verify.ts';

/** Program types the engine runs. */
const RUNNABLE: readonly string[] = ['xdp', 'socket_filter'];

interface Judged {
  readonly prog: LinkedProg;
  readonly ops: readonly (Op | undefined)[];
}

/** @throws VerifierError VERIFIER_TYPE */
export function checkRunnable(prog: LinkedProg): void {
  if (!RUNNABLE.includes(prog.type)) throw new VerifierError('VERIFIER_TYPE', { prog: prog.name, type: prog.type });
}

function checkOp(prog: LinkedProg, op: Op, pc: number): void {
  if (op.kind === 'call' && !HELPER_BY_ID.has(op.helper)) {
    const name = helperName(op.helper) ?? '';
    throw new VerifierError('VERIFIER_HELPER', { prog: prog.name, pc, helper: op.helper, name });
  }
  if (op.kind !== 'lddw' || (op.value.kind !== 'map_value' && op.value.kind !== 'map_idx_value')) return;
  // Only an array's first value lies where the insn says; other kinds keep their own data there.
  const map = prog.maps[op.value.map];
  if (map.type !== BPF_MAP_TYPE_ARRAY && map.type !== BPF_MAP_TYPE_ARENA)
    throw new VerifierError('VERIFIER_MAP_VALUE', { prog: prog.name, pc, map: map.name });
}

/** Does it need what this engine has not? */
function isMissing(prog: LinkedProg, op: Op): boolean {
  if (op.kind === 'call') return !HELPER_BY_ID.has(op.helper);
  if (op.kind === 'call_kfunc') return !hasKfunc(prog.kfuncs[op.id]);
  if (op.kind !== 'lddw') return false;
  const { value } = op;
  if (value.kind === 'btf_id') return true;
  if (value.kind !== 'map_value' && value.kind !== 'map_idx_value') return false;
  const { type } = prog.maps[value.map];
  return type !== BPF_MAP_TYPE_ARRAY && type !== BPF_MAP_TYPE_ARENA;
}

/** Code that no path reaches may ask for anything: a kfunc is called behind the question whether the kernel has it. It ends the program here. */
export function withoutDead(verified: VerifiedProg): VerifiedProg {
  const { prog, proof } = verified;
  const isDead = (op: Op, pc: number): boolean => !proof.reached(pc) && isMissing(prog, op);
  const ops = verified.ops.map((op, pc): Op | undefined =>
    op !== undefined && isDead(op, pc) ? { kind: 'exit' } : op,
  );
  return { ...verified, ops };
}

/** Every helper and address the program uses exists here. @throws VerifierError */
export function checkImplemented({ prog, ops }: Judged): void {
  ops.forEach((op, pc) => {
    if (op !== undefined) checkOp(prog, op, pc);
  });
}

/** What only an engine with a kernel beside it could give. @throws VerifierError */
export function checkBindable({ prog, ops }: Judged): void {
  ops.forEach((op, pc) => {
    if (op?.kind === 'call_kfunc' && !hasKfunc(prog.kfuncs[op.id])) {
      throw new VerifierError('VERIFIER_KFUNC', { prog: prog.name, pc, kfunc: prog.kfuncs[op.id] ?? `#${op.id}` });
    }
    if (op?.kind === 'lddw' && op.value.kind === 'btf_id') {
      throw new VerifierError('VERIFIER_KSYM', { prog: prog.name, pc, id: op.value.id });
    }
  });
}
