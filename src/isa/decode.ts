/** Bytes to insns and insns to ops (RFC 9669 sections 3 to 5). Whatever is not in the instruction set is an `InsnError` with its pc. */
import { BPF_INSN_SIZE } from '../../assembly/isa.ts';
import { InsnError } from '../errors/index.ts';
import type { Insn } from './insn.ts';
import { findRow } from './match.ts';
import type { Op, Operand, WideValue } from './op.ts';
import { CAST_TO_USER } from './syntax.ts';
import type { IsaRow } from './table.ts';

/** @throws InsnError when the length is no multiple of 8 */
export function decodeInsns(bytes: Uint8Array): Insn[] {
  if (bytes.length % BPF_INSN_SIZE !== 0) throw new InsnError('INSN_LENGTH', { bytes: bytes.length });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const insns: Insn[] = [];
  for (let at = 0; at < bytes.length; at += BPF_INSN_SIZE) {
    const regs = bytes[at + 1];
    insns.push({
      opcode: bytes[at],
      dst: regs & 15,
      src: regs >> 4,
      off: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true),
    });
  }
  return insns;
}

const RANGES: readonly (readonly [field: keyof Insn, low: number, high: number])[] = [
  ['opcode', 0, 0xff],
  ['dst', 0, 15],
  ['src', 0, 15],
  ['off', -0x8000, 0x7fff],
  ['imm', -0x8000_0000, 0x7fff_ffff],
];

function checkFields(insn: Insn, pc: number): void {
  for (const [field, low, high] of RANGES) {
    // Plain JavaScript may hand over anything.
    const found = (insn as Insn | null)?.[field] as number;
    if (!Number.isInteger(found) || found < low || found > high) {
      throw new InsnError('INSN_RANGE', { pc, field, found, low, high });
    }
  }
}

/** @throws InsnError when a field does not fit: it would become another insn */
export function encodeInsns(insns: readonly Insn[]): Uint8Array {
  const bytes = new Uint8Array(insns.length * BPF_INSN_SIZE);
  const view = new DataView(bytes.buffer);
  insns.forEach((insn, i) => {
    checkFields(insn, i);
    const at = i * BPF_INSN_SIZE;
    bytes[at] = insn.opcode;
    bytes[at + 1] = (insn.src << 4) | insn.dst;
    view.setInt16(at + 2, insn.off, true);
    view.setInt32(at + 4, insn.imm, true);
  });
  return bytes;
}

const operand = (from: 'reg' | 'imm', insn: Insn): Operand =>
  from === 'reg' ? { kind: 'reg', reg: insn.src } : { kind: 'imm', value: insn.imm };

function wideValue(kind: WideValue['kind'], lo: number, hi: number, pc: number): WideValue {
  switch (kind) {
    case 'const':
      return { kind, lo, hi };
    case 'map_fd':
    case 'map_idx':
      return { kind, map: lo };
    case 'map_value':
    case 'map_idx_value':
      return { kind, map: lo, offset: hi };
    case 'btf_id':
      return { kind, id: lo, module: hi };
    case 'func':
      return { kind, target: pc + 1 + lo };
  }
}

/** addr_space_cast, which is no insn of RFC 9669. A pointer into the arena is its lower half where the program uses it. */
function castOp({ imm, dst, src }: Insn): Op {
  if (imm === CAST_TO_USER) return { kind: 'cast_user', dst, src };
  return { kind: 'alu', op: 'mov', width: 32, dst, src: { kind: 'reg', reg: src } };
}

function makeOp({ meaning }: IsaRow, insn: Insn, next: Insn | undefined, pc: number): Op {
  const { dst, src, off, imm } = insn;
  switch (meaning.kind) {
    case 'alu': {
      const { kind, op, width } = meaning;
      if (meaning.src === 'none') return { kind, op, width, dst };
      return { kind, op, width, dst, src: operand(meaning.src, insn) };
    }
    case 'movsx':
      return { kind: 'movsx', width: meaning.width, bits: meaning.bits, dst, src };
    case 'cast':
      return castOp(insn);
    case 'swap':
      return { kind: 'swap', to: meaning.to, bits: meaning.bits, dst };
    case 'load':
      return { kind: 'load', size: meaning.size, signed: meaning.signed, dst, src, off };
    case 'store':
      return { kind: 'store', size: meaning.size, dst, off, src: operand(meaning.src, insn) };
    case 'atomic':
      return { kind: 'atomic', op: meaning.op, fetch: meaning.fetch, size: meaning.size, dst, src, off };
    case 'lddw':
      return { kind: 'lddw', dst, value: wideValue(meaning.value, imm, (next as Insn).imm, pc) };
    case 'ldabs':
      return { kind: 'ldabs', size: meaning.size, imm };
    case 'ldind':
      return { kind: 'ldind', size: meaning.size, src, imm };
    case 'ja':
      return { kind: 'ja', target: pc + 1 + insn[meaning.target] };
    case 'jcond': {
      const { kind, op, width } = meaning;
      return { kind, op, width, dst, src: operand(meaning.src, insn), target: pc + 1 + off };
    }
    case 'may_goto':
      return { kind: 'may_goto', target: pc + 1 + off };
    case 'call':
      return { kind: 'call', helper: imm };
    case 'call_local':
      return { kind: 'call_local', target: pc + 1 + imm };
    case 'call_kfunc':
      return { kind: 'call_kfunc', id: imm, off };
    case 'exit':
      return { kind: 'exit' };
  }
}

/**
 * The meaning of one insn.
 * @param next the following slot, which `ld_imm64` needs
 * @param pc for targets and messages
 * @throws InsnError that says which field cannot stand
 */
export function decodeOp(insn: Insn, next: Insn | undefined, pc: number): Op {
  return makeOp(findRow(insn, next, pc), insn, next, pc);
}
