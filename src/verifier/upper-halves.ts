/**
 * Which registers are known to have a zero upper half, before each insn: by the forms of the insns alone, never by values, because paths are
 * pruned whose values differ. A forward dataflow over each function. Addresses count as 32 bits here: the engine's are.
 */
import { BPF_MAP_TYPE_ARENA } from '../../assembly/isa.ts';
import type { Op, Operand, WideValue } from '../isa/op.ts';
import type { CheckedProg } from './structural.ts';

const R0 = 1;
const CTX = 1 << 1;
const FP = 1 << 10;
const CALLER_SAVED = 0x3f;
const ALL = 0x7ff;

const has = (mask: number, reg: number): boolean => ((mask >> reg) & 1) === 1;
const put = (mask: number, reg: number, zero: boolean): number => (zero ? mask | (1 << reg) : mask & ~(1 << reg));

/** The operand is below 2^32. */
const isShort = (mask: number, src: Operand | undefined): boolean =>
  src !== undefined && (src.kind === 'reg' ? has(mask, src.reg) : src.value >= 0);

function afterAlu(op: Op & { kind: 'alu' }, mask: number): boolean {
  if (op.width === 32) return true;
  const dst = has(mask, op.dst);
  switch (op.op) {
    case 'mov':
      return isShort(mask, op.src);
    case 'and':
      return dst || isShort(mask, op.src);
    case 'or':
    case 'xor':
      return dst && isShort(mask, op.src);
    case 'div':
    case 'mod':
      return dst;
    case 'rsh':
      return dst || (op.src?.kind === 'imm' && op.src.value >= 32);
    default:
      return false;
  }
}

/** Addresses are below 2^32, but for those in an arena. */
function isLow(value: WideValue, hasArena: boolean): boolean {
  if (value.kind === 'const') return value.hi === 0;
  return !hasArena || (value.kind !== 'map_value' && value.kind !== 'map_idx_value');
}

/** The registers behind an insn, given those before it. */
function after(op: Op, mask: number, hasArena: boolean): number {
  switch (op.kind) {
    case 'alu':
      return put(mask, op.dst, afterAlu(op, mask));
    case 'movsx':
      return put(mask, op.dst, op.width === 32);
    case 'cast_user':
      return put(mask, op.dst, false);
    case 'swap':
      return put(mask, op.dst, op.bits < 64);
    case 'load':
      return put(mask, op.dst, op.size < 8 && !op.signed);
    case 'lddw':
      return put(mask, op.dst, isLow(op.value, hasArena));
    case 'atomic':
      if (op.op === 'load_acq') return put(mask, op.dst, op.size < 8);
      if (op.op === 'cmpxchg') return put(mask, 0, op.size < 8);
      return op.fetch ? put(mask, op.src, op.size < 8) : mask;
    case 'ldabs':
    case 'ldind':
      return (mask & ~CALLER_SAVED) | R0;
    case 'call':
    case 'call_local':
    case 'call_kfunc':
      return mask & ~CALLER_SAVED;
    default:
      return mask;
  }
}

function targets(op: Op, pc: number): readonly number[] {
  switch (op.kind) {
    case 'exit':
      return [];
    case 'ja':
      return [op.target];
    case 'jcond':
    case 'may_goto':
      return [pc + 1, op.target];
    default:
      return [op.kind === 'lddw' ? pc + 2 : pc + 1];
  }
}

/** By pc: bit i says that Ri's upper half is zero whenever the insn runs. What no insn leads to has all bits set. */
export function upperHalves({ ops, funcs, prog }: CheckedProg): Uint16Array {
  const hasArena = prog.maps.some((map) => map.type === BPF_MAP_TYPE_ARENA);
  const before = new Uint16Array(ops.length).fill(ALL);
  const queued = new Uint8Array(ops.length);
  const work: number[] = [];
  const push = (pc: number): void => {
    if (queued[pc] === 0) {
      queued[pc] = 1;
      work.push(pc);
    }
  };
  funcs.forEach((func, i) => {
    // Only the program's own R1 is known; what callers pass is not.
    before[func.start] = i === 0 ? CTX | FP : FP;
    for (let pc = func.start; pc < func.end; pc++) push(pc);
  });
  for (let pc = work.pop(); pc !== undefined; pc = work.pop()) {
    queued[pc] = 0;
    const op = ops[pc];
    if (op === undefined) continue;
    const mask = after(op, before[pc], hasArena);
    for (const next of targets(op, pc)) {
      const joined = before[next] & mask;
      if (joined === before[next]) continue;
      before[next] = joined;
      push(next);
    }
  }
  return before;
}
