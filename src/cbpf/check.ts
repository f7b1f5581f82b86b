/** The rules a filter must keep, those of Linux: known opcodes, jumps forward and inside, no slot read before it is stored, ret at the end. */
import { BPF_DIV, BPF_LSH, BPF_MOD, BPF_RSH } from '../../assembly/isa.ts';
import { CbpfError } from '../errors/index.ts';
import { ANCILLARY, ancillaryOffset } from './ancillary.ts';
import { FILTER_OPS, type FilterOp, type FilterRow, MAX_FILTER_INSNS, MEM_SLOTS, type SockFilter } from './insn.ts';

const CHECKED: unique symbol = Symbol('checked');

/** A filter that passed `checkFilter`; nothing else makes one. */
export interface CheckedFilter {
  readonly [CHECKED]: true;
  /** `k` as an unsigned number. */
  readonly insns: readonly SockFilter[];
  readonly ops: readonly FilterOp[];
}

const RANGES = [
  ['code', 0, 0xffff],
  ['jt', 0, 0xff],
  ['jf', 0, 0xff],
  ['k', -0x8000_0000, 0xffff_ffff],
] as const;

/** Where an insn goes, in order; none for ret. */
export function successors(op: FilterOp, insn: SockFilter, at: number): number[] {
  switch (op.kind) {
    case 'ret':
      return [];
    case 'ja':
      return [at + 1 + insn.k];
    case 'jcond':
      return [at + 1 + insn.jt, at + 1 + insn.jf];
    default:
      return [at + 1];
  }
}

function rowOf(insn: SockFilter, at: number): FilterRow {
  for (const [name, low, high] of RANGES) {
    // Plain JavaScript may hand over anything.
    const found = (insn as SockFilter | null)?.[name] as number;
    if (!Number.isInteger(found) || found < low || found > high) {
      throw new CbpfError('CBPF_RANGE', { insn: at, field: name, found, low, high });
    }
  }
  const row = FILTER_OPS.get(insn.code);
  if (row === undefined) throw new CbpfError('CBPF_OPCODE', { insn: at, found: `0x${insn.code.toString(16)}` });
  return row;
}

function checkAlu({ name, op }: FilterRow, k: number, at: number): void {
  if (op.kind !== 'alu' || op.src !== 'k') return;
  if ((op.op === BPF_DIV || op.op === BPF_MOD) && k === 0) {
    throw new CbpfError('CBPF_DIVISION', { insn: at, found: name });
  }
  if ((op.op === BPF_LSH || op.op === BPF_RSH) && k > 31) throw new CbpfError('CBPF_SHIFT', { insn: at, found: k });
}

function checkAncillary(k: number, at: number): void {
  const offset = ancillaryOffset(k);
  if (offset !== undefined && !ANCILLARY.has(offset)) throw new CbpfError('CBPF_ANCILLARY', { insn: at, offset });
}

function checkInsn(row: FilterRow, insn: SockFilter, at: number, last: number): void {
  const { op } = row;
  if (op.kind === 'abs') checkAncillary(insn.k, at);
  else if ((op.kind === 'load' || op.kind === 'store') && insn.k >= MEM_SLOTS) {
    throw new CbpfError('CBPF_SLOT', { insn: at, found: insn.k, last: MEM_SLOTS - 1 });
  } else checkAlu(row, insn.k, at);
  if (op.kind !== 'ja' && op.kind !== 'jcond') return;
  for (const target of successors(op, insn, at)) {
    if (target > last) throw new CbpfError('CBPF_JUMP', { insn: at, target, last });
  }
}

const ALL_SLOTS = (1 << MEM_SLOTS) - 1;

/**
 * Which slots are stored whatever way was taken: one forward pass, as every jump goes forward. As Linux does, it takes the insn behind a ret
 * for reached by it, and what nothing comes to for reached with everything stored.
 */
function checkSlots(insns: readonly SockFilter[], ops: readonly FilterOp[]): void {
  const stored = new Uint16Array(insns.length).fill(ALL_SLOTS);
  stored[0] = 0;
  ops.forEach((op, at) => {
    const { k } = insns[at];
    let now = stored[at];
    if (op.kind === 'store') now |= 1 << k;
    else if (op.kind === 'load' && (now & (1 << k)) === 0) throw new CbpfError('CBPF_UNSET', { insn: at, slot: k });
    const next = op.kind === 'ret' ? [at + 1] : successors(op, insns[at], at);
    for (const target of next) if (target < stored.length) stored[target] &= now;
  });
}

/**
 * Judges a filter by the rules of Linux.
 * @throws CbpfError that names the first insn that breaks one
 */
export function checkFilter(filter: readonly SockFilter[]): CheckedFilter {
  if (!Array.isArray(filter)) throw new CbpfError('CBPF_INPUT', { found: String(filter) });
  if (filter.length === 0 || filter.length > MAX_FILTER_INSNS) {
    throw new CbpfError('CBPF_LENGTH', { found: filter.length, limit: MAX_FILTER_INSNS });
  }
  const rows = filter.map(rowOf);
  const insns = filter.map((insn) => ({ ...insn, k: insn.k >>> 0 }));
  const last = insns.length - 1;
  rows.forEach((row, at) => {
    checkInsn(row, insns[at], at, last);
  });
  const { name, op } = rows[last];
  if (op.kind !== 'ret') throw new CbpfError('CBPF_LAST', { insn: last, found: name });
  const ops = rows.map((row) => row.op);
  checkSlots(insns, ops);
  return { [CHECKED]: true, insns, ops };
}
