/** What the verifier proved, in the JIT's terms: code without its dead parts, and facts of accesses and calls. */

import * as abi from '../../assembly/verifier/abi/types.ts';
import { BPF_FUNC_tail_call, HELPER_BY_ID } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { Facts, RegFact } from '../verifier/facts.ts';
import type { AccessFact, Proof } from '../verifier/proof.ts';
import type { CheckedProg } from '../verifier/structural.ts';
import type { VerifiedProg } from '../verifier/verify.ts';

type Ops = CheckedProg['ops'];

/** What was proved of a program; undefined for one that was not verified. */
export function proofOf(prog: CheckedProg): Proof | undefined {
  return (prog as Partial<VerifiedProg>).proof;
}

/** A branch of which only one side was ever walked is no branch; what was never walked ends the program. */
function liveOp(op: Op, pc: number, proof: Proof): Op {
  if (!proof.reached(pc)) return { kind: 'exit' };
  if (op.kind !== 'jcond') return op;
  const jumps = proof.reached(op.target);
  const falls = proof.reached(pc + 1);
  if (jumps && falls) return op;
  return { kind: 'ja', target: jumps ? op.target : pc + 1 };
}

/** The ops without dead code, so that blocks, loops and imports are those that can run. */
export function liveOps(ops: Ops, proof: Proof): Ops {
  return ops.map((op, pc) => (op === undefined ? undefined : liveOp(op, pc, proof)));
}

const UNKNOWN: RegFact = { kind: 'unknown' };

/** The base register's fact of an access: where its pointer goes. */
function baseFact(access: AccessFact, off: number): RegFact {
  const fixed = access.lo === access.hi ? access.lo - off : undefined;
  switch (access.region & abi.BASE_MASK) {
    case abi.PTR_TO_STACK:
      return { kind: 'stack', off: fixed };
    case abi.PTR_TO_CTX:
      return fixed === undefined ? UNKNOWN : { kind: 'ctx', off: fixed };
    case abi.PTR_TO_MAP_VALUE:
      if (fixed === undefined || access.map === undefined) return UNKNOWN;
      return { kind: 'map_value', map: access.map, off: fixed, nonNull: true };
    case abi.PTR_TO_PACKET:
    case abi.PTR_TO_PACKET_META:
      return { kind: 'packet' };
    default:
      return UNKNOWN;
  }
}

function offsetOf(op: Op): number | undefined {
  return op.kind === 'load' || op.kind === 'store' || op.kind === 'atomic' ? op.off : undefined;
}

/** R1..R5 of a helper call: the map it is given, and the constant index of a tail call. */
function callFacts(op: Op & { kind: 'call' }, pc: number, proof: Proof): RegFact[] {
  const args: RegFact[] = [UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN];
  const map = proof.map(pc);
  const at = HELPER_BY_ID.get(op.helper)?.args.indexOf('const_map_ptr') ?? -1;
  if (map !== undefined && at >= 0) args[at] = { kind: 'map', map };
  const key = op.helper === BPF_FUNC_tail_call ? proof.key(pc) : undefined;
  if (key !== undefined) args[2] = { kind: 'const', value: key };
  return args;
}

/** The verifier's facts in the form that lowering asks for. */
export function provedFacts(checked: CheckedProg, proof: Proof): Facts {
  const base: (RegFact | undefined)[] = [];
  const args: (readonly RegFact[] | undefined)[] = [];
  checked.ops.forEach((op, pc) => {
    if (op === undefined) return;
    const off = offsetOf(op);
    const access = off === undefined ? undefined : proof.access(pc);
    if (off !== undefined && access !== undefined) base[pc] = baseFact(access, off);
    if (op.kind === 'call') args[pc] = callFacts(op, pc, proof);
  });
  return { base, args };
}
