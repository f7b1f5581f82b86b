/** Writes a resolved relocation into its insn. What cannot be resolved becomes a call that no kernel has: refused, if it is reached. */
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_B,
  BPF_CALL,
  BPF_DW,
  BPF_H,
  BPF_IMM,
  BPF_INSN_SIZE,
  BPF_JMP,
  BPF_LD,
  BPF_LDX,
  BPF_ST,
  BPF_STX,
  BPF_W,
  BPF_X,
} from '../../../assembly/isa.ts';
import { hex } from '../../util/bytes.ts';

/** libbpf's number for such a call, 0xbad2310: the verifier prints `invalid func unknown#195896080`. */
const POISON_CALL = 195_896_080;

const LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW;
/** Bits of the opcode for each width, by bytes. */
const SIZE_BITS: ReadonlyMap<number, number> = new Map([
  [1, BPF_B],
  [2, BPF_H],
  [4, BPF_W],
  [8, BPF_DW],
]);
const SIZE_MASK = BPF_B | BPF_H | BPF_DW;
const CLASS_MASK = 7;
const OFFSET_MAX = 0x7fff;

export interface CorePatch {
  readonly original: bigint;
  readonly value: bigint;
  /** The insn must hold `original`. */
  readonly exact: boolean;
  /** Bytes of the field in the program's BTF and in the target's; 0 where it is not loaded or stored. */
  readonly originalSize: number;
  readonly size: number;
  /** The field's size changed in a way that a load of another width does not answer. */
  readonly cannotResize: boolean;
}

/** Makes the insn at `at` a call of nothing. */
export function poison(view: DataView, at: number): void {
  const slots = view.getUint8(at) === LD_IMM64 ? 2 : 1;
  for (let slot = 0; slot < slots; slot++) {
    const offset = at + slot * BPF_INSN_SIZE;
    view.setUint32(offset, BPF_JMP | BPF_CALL, true);
    view.setInt32(offset + 4, POISON_CALL, true);
  }
}

/** Patches the insn at `at`; 'poison' where it accesses the field with a wrong width, a text when it is not the insn it should be. */
export function patch(view: DataView, at: number, with_: CorePatch): 'done' | 'poison' | { readonly wrong: string } {
  const opcode = view.getUint8(at);
  switch (opcode & CLASS_MASK) {
    case BPF_ALU:
    case BPF_ALU64:
      return patchAlu(view, at, with_);
    case BPF_LDX:
    case BPF_ST:
    case BPF_STX:
      return patchAccess(view, at, with_);
    case BPF_LD:
      if (opcode === LD_IMM64) return patchWide(view, at, with_);
      break;
    default:
  }
  return { wrong: `an insn with opcode ${hex(opcode)} has nothing to relocate` };
}

const unexpected = (what: string, found: bigint, expected: bigint): { readonly wrong: string } => ({
  wrong: `the insn has ${what} ${found}, where ${expected} is expected`,
});

function patchAlu(view: DataView, at: number, with_: CorePatch): 'done' | { readonly wrong: string } {
  if ((view.getUint8(at) & BPF_X) !== 0) return { wrong: 'an ALU insn between registers has nothing to relocate' };
  const imm = BigInt(view.getInt32(at + 4, true));
  // The imm has 32 bits, with a sign; values are compared as far as it goes.
  if (with_.exact && BigInt.asIntN(32, imm) !== BigInt.asIntN(32, with_.original))
    return unexpected('imm', imm, with_.original);
  view.setInt32(at + 4, Number(BigInt.asIntN(32, with_.value)), true);
  return 'done';
}

function patchAccess(view: DataView, at: number, with_: CorePatch): 'done' | 'poison' | { readonly wrong: string } {
  const off = BigInt(view.getInt16(at + 2, true));
  if (with_.exact && off !== with_.original) return unexpected('offset', off, with_.original);
  if (with_.value > OFFSET_MAX) return { wrong: `offset ${with_.value} is more than an insn can have` };
  if (with_.cannotResize) return 'poison';
  view.setInt16(at + 2, Number(with_.value), true);
  if (with_.size === with_.originalSize) return 'done';
  const opcode = view.getUint8(at);
  if (SIZE_BITS.get(with_.originalSize) !== (opcode & SIZE_MASK))
    return { wrong: `the insn does not access the field's ${with_.originalSize} bytes` };
  const bits = SIZE_BITS.get(with_.size);
  if (bits === undefined) return { wrong: `no insn accesses ${with_.size} bytes` };
  view.setUint8(at, (opcode & ~SIZE_MASK) | bits);
  return 'done';
}

function patchWide(view: DataView, at: number, with_: CorePatch): 'done' | { readonly wrong: string } {
  const low = BigInt(view.getUint32(at + 4, true));
  const imm = low | (BigInt(view.getUint32(at + BPF_INSN_SIZE + 4, true)) << 32n);
  if (with_.exact && imm !== BigInt.asUintN(64, with_.original)) return unexpected('imm', imm, with_.original);
  view.setUint32(at + 4, Number(BigInt.asUintN(32, with_.value)), true);
  view.setUint32(at + BPF_INSN_SIZE + 4, Number(BigInt.asUintN(32, with_.value >> 32n)), true);
  return 'done';
}
