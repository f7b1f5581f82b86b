// What is known of one register or one spilled slot: struct bpf_reg_state in the kernel's terms.
import {
  BASE_MASK,
  NOT_INIT,
  PTR_MAYBE_NULL,
  PTR_TO_MAP_VALUE,
  PTR_TO_PACKET,
  PTR_TO_PACKET_META,
  REG_AUX,
  REG_FLAGS,
  REG_OFF,
  REG_SIZE,
  REG_TYPE,
  SCALAR,
} from './abi';
import { Block } from './block';
import { Scalar } from './domain/scalar';

/** `RegState.flags`: the scalar's exact value decided something, so states may be merged only when it is the same. */
export const REG_PRECISE: u32 = 1;
/** `RegState.id` of a scalar: it is `off` more than the register it is linked to; by a 64-bit addition, or by one that cut it to 32 bits. */
export const LINK_ADD_CONST64: u32 = 0x80000000;
export const LINK_ADD_CONST32: u32 = 0x40000000;
export const LINK_ADD_CONST: u32 = 0xc0000000;
/** `RegState.aux` of a packet pointer compared with packet_end: it is the end, or beyond it. */
export const AT_PKT_END: i32 = -1;
export const BEYOND_PKT_END: i32 = -2;

/*
 *    0        16                      64     68    72   76      80    84     88        92     96
 *   +--------+-----------------------+------+-----+----+-------+-----+------+---------+------+
 *   | tnum   | 64- and 32-bit ranges | type | off | id | refId | aux | aux2 | frameno | flags|
 *   +--------+-----------------------+------+-----+----+-------+-----+------+---------+------+
 *
 *   aux    packet: bytes proven behind the pointer (range)    map, map value, map key: index of the map
 *          mem: its size    BTF id: struct index    dynptr: kind (DYNPTR_*)    iterator: kfunc's iterator kind    func: subprog
 *          socket: index of the map it was looked up in, + 1 (0 for none)
 *   aux2   map, map value: uid of an inner map's lookup (0 for none)    dynptr: bit 0 = first slot    iterator: state | depth << 8
 */
@unmanaged
export class RegState extends Scalar {
  type: u32;
  /** Constant part of a pointer's offset; the tnum and ranges hold the variable part. For a linked scalar: its distance. */
  off: i32;
  /** Registers of one id share a value: NULL checks, packet ranges and bounds found for one hold for all. */
  id: u32;
  /** Id of the reference the program holds through this pointer; 0 for none. */
  refId: u32;
  aux: u32;
  aux2: u32;
  /** Of a stack pointer: number of the frame it points into. */
  frameno: u32;
  flags: u32;

  @inline get base(): u32 {
    return this.type & BASE_MASK;
  }
  @inline get isScalar(): bool {
    return this.type == SCALAR;
  }
  @inline get maybeNull(): bool {
    return (this.type & PTR_MAYBE_NULL) != 0;
  }
  /** Bytes proven to be in the packet behind a packet pointer; negative for AT_PKT_END and BEYOND_PKT_END. */
  @inline get range(): i32 {
    return <i32>this.aux;
  }
  @inline get precise(): bool {
    return (this.flags & REG_PRECISE) != 0;
  }
}

if (offsetof<RegState>() != REG_SIZE) ERROR('RegState: its size drifted from abi.ts');
if (offsetof<RegState>('type') != REG_TYPE) ERROR('RegState.type drifted from abi.ts');
if (offsetof<RegState>('off') != REG_OFF) ERROR('RegState.off drifted from abi.ts');
if (offsetof<RegState>('aux') != REG_AUX) ERROR('RegState.aux drifted from abi.ts');
if (offsetof<RegState>('flags') != REG_FLAGS) ERROR('RegState.flags drifted from abi.ts');

export function copyReg(dst: RegState, src: RegState): void {
  Block.copy(changetype<usize>(dst), changetype<usize>(src), REG_SIZE);
}

/** Everything but the ranges becomes "nothing special". */
function clearRest(reg: RegState): void {
  Block.clear(changetype<usize>(reg) + REG_TYPE, REG_SIZE - REG_TYPE);
}

export function markNotInit(reg: RegState): void {
  reg.setUnknown();
  clearRest(reg);
  reg.type = NOT_INIT;
}

/** A scalar of which nothing is known. Not precise: the caller sets REG_PRECISE where the program's rights forbid imprecision. */
export function markUnknown(reg: RegState): void {
  reg.setUnknown();
  clearRest(reg);
  reg.type = SCALAR;
}

export function markConst(reg: RegState, value: u64): void {
  reg.setConst(value);
  clearRest(reg);
  reg.type = SCALAR;
}

/** A pointer of `type` at offset 0: nothing variable, no id. The caller fills `aux`, `id`, `refId`. */
export function markPointer(reg: RegState, type: u32): void {
  reg.setConst(0);
  clearRest(reg);
  reg.type = type;
}

export function isPacketPointer(reg: RegState): bool {
  const base = reg.base;
  return base == PTR_TO_PACKET || base == PTR_TO_PACKET_META;
}

export function isMapValue(reg: RegState): bool {
  return reg.base == PTR_TO_MAP_VALUE;
}

/** A scalar that is 0 for certain. */
export function isNullConst(reg: RegState): bool {
  return reg.type == SCALAR && reg.mask == 0 && reg.value == 0;
}
