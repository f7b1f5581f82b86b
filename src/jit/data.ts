/**
 * What calls are given on the stack beside keys, as values (key.ts): the bytes of bpf_ringbuf_output, and the value of an update. A program has just written
 * them in fields, a copy reads eight bytes at a time, and a processor cannot forward several stores to one load. So they are put together from what
 * was stored, and stored as the copy reads them.
 */
import type { Ops } from '../ir/block.ts';
import type { Cfg } from '../ir/cfg.ts';
import { BPF_FUNC_map_update_elem, BPF_FUNC_ringbuf_output } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import { type FuncEnv, type ProgEnv, pushReg32 } from './env.ts';
import { findKeys, type KeyByte, type Keys, makePairs, type Pair, storePairs, type Wanted } from './key.ts';
import { proofOf } from './proved.ts';

/** What is longer is copied by the host, or takes more code than it is worth. */
const MAX_SIZE = 64;

/** Bytes of the second argument, where the third tells one number. */
function constantSize(prog: ProgEnv, pc: number): number {
  const fact = prog.facts.args[pc]?.[2];
  if (fact?.kind === 'const') return fact.value;
  const size = prog.checks ? undefined : proofOf(prog.checked)?.size(pc);
  return size !== undefined && size.reg === 3 && size.lo === size.hi ? size.hi : 0;
}

/** The argument of a call that it could have as a value. */
export function dataOf(prog: ProgEnv, op: Op & { kind: 'call' }, pc: number): Wanted | undefined {
  const map = prog.facts.args[pc]?.[0];
  if (map?.kind !== 'map') return undefined;
  let wanted: Wanted | undefined;
  if (op.helper === BPF_FUNC_map_update_elem) wanted = { reg: 3, size: prog.checked.prog.maps[map.map].valueSize };
  if (op.helper === BPF_FUNC_ringbuf_output) wanted = { reg: 2, size: constantSize(prog, pc) };
  return wanted !== undefined && wanted.size > 0 && wanted.size <= MAX_SIZE ? wanted : undefined;
}

/** Whether each load of a copy reads what one store wrote: eight bytes, as long as there are so many, and then four, two and one. */
function isWhole(bytes: readonly KeyByte[], ops: Ops): boolean {
  for (let at = 0, piece = 8; at < bytes.length; at += piece) {
    while (piece > bytes.length - at) piece /= 2;
    const { pc, at: from } = bytes[at];
    const op = ops[pc];
    const end = bytes[at + piece - 1];
    if (end.pc !== pc || op?.kind !== 'store' || from + piece > op.size) return false;
    if (bytes.slice(at, at + piece).some((byte) => byte.pc !== pc)) return false;
  }
  return true;
}

/** Data of calls, of those that gain by it. */
export function findData(prog: ProgEnv, cfg: Cfg): Keys {
  const { ops } = prog.checked;
  const found = findKeys(prog, cfg, (op, pc) => dataOf(prog, op, pc));
  const isUpdate = (pc: number): boolean => {
    const op = ops[pc];
    return op?.kind === 'call' && op.helper === BPF_FUNC_map_update_elem;
  };
  return new Map([...found].filter(([pc, bytes]) => !(isUpdate(pc) && isWhole(bytes, ops))));
}

/** The data of the call at `pc`, put together, if it is known. */
export function makeData(f: FuncEnv, pc: number): Pair[] | undefined {
  const bytes = f.plan.data.get(pc);
  return bytes === undefined ? undefined : makePairs(f, 'data', bytes);
}

/** Stores data where the call looks for it. */
export function storeData(f: FuncEnv, op: Op & { kind: 'call' }, pc: number, pairs: readonly Pair[]): void {
  const reg = dataOf(f.prog, op, pc)?.reg ?? 0;
  storePairs(f, pairs, () => pushReg32(f, reg));
}
