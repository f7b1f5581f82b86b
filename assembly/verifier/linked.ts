// Scalars that share an id hold the same number, or numbers a constant apart: what one comparison says of one is carried to all.
import { BPF_ADD } from '../isa';
import { SCALAR } from './abi';
import { scalarAlu } from './domain/alu';
import { Env } from './env';
import { framePc } from './equal';
import { isSpilled } from './precision';
import { copyReg, LINK_ADD_CONST, LINK_ADD_CONST64, markConst, RegState } from './reg-state';
import { State } from './state';

/*
 * Members of a set, packed into 64 bits for the history:
 *
 *    63                                 4 3      0
 *   +-----+---------+---------+----------+--------+
 *   |     | member 5|   ...   | member 0 | count  |     member: frame (3 bits) | register or slot (6) | is a register (1)
 *   +-----+---------+---------+----------+--------+
 */
const MAX_LINKED: u32 = 6;

export function linkedCount(packed: u64): u32 {
  return <u32>packed & 15;
}
export function linkedFrame(packed: u64, i: u32): u32 {
  return <u32>(packed >> (4 + i * 10)) & 7;
}
export function linkedIndex(packed: u64, i: u32): u32 {
  return <u32>(packed >> (7 + i * 10)) & 63;
}
export function linkedIsReg(packed: u64, i: u32): bool {
  return ((packed >> (13 + i * 10)) & 1) != 0;
}

function withMember(packed: u64, frame: u32, index: u32, isReg: bool): u64 {
  const n = linkedCount(packed);
  const member = <u64>frame | ((<u64>index) << 3) | ((<u64>isReg) << 9);
  return (packed & ~(<u64>15)) | (member << (4 + n * 10)) | (n + 1);
}

/** Adds all live scalars of `id`; those that do not fit lose it. */
export function collectLinked(env: Env, state: State, id: u32, packed: u64): u64 {
  const want = id & ~LINK_ADD_CONST;
  for (let f: i32 = <i32>state.curframe; f >= 0; f--) {
    const frame = state.frame(f);
    // A register that nobody reads any more is left as it is.
    for (let live = env.auxOf(framePc(state, f)).liveRegs & 0x3ff; live != 0; live &= live - 1) {
      const i = <u32>ctz(live);
      packed = collect(frame.reg(i), want, f, i, true, packed);
    }
    for (let i: u32 = 0; i < frame.slots; i++) {
      if (isSpilled(frame.slot(i))) packed = collect(frame.slot(i), want, f, i, false, packed);
    }
  }
  return packed;
}

function collect(reg: RegState, id: u32, frame: u32, index: u32, isReg: bool, packed: u64): u64 {
  if (reg.type != SCALAR || (reg.id & ~LINK_ADD_CONST) != id) return packed;
  if (linkedCount(packed) < MAX_LINKED) return withMember(packed, frame, index, isReg);
  reg.id = 0;
  return packed;
}

/** Carries what is known of `known` to the members that share its id. */
export function syncLinked(env: Env, state: State, known: RegState, packed: u64): void {
  const n = linkedCount(packed);
  for (let i: u32 = 0; i < n; i++) {
    const frame = state.frame(linkedFrame(packed, i));
    const index = linkedIndex(packed, i);
    const reg: RegState = linkedIsReg(packed, i) ? frame.reg(index) : changetype<RegState>(frame.slot(index));
    if (reg == known || reg.type != SCALAR) continue;
    if ((reg.id & ~LINK_ADD_CONST) != (known.id & ~LINK_ADD_CONST)) continue;
    carry(env, reg, known);
  }
}

function carry(env: Env, reg: RegState, known: RegState): void {
  if (((reg.id | known.id) & LINK_ADD_CONST) == 0 || reg.off == known.off) {
    copyReg(reg, known);
    return;
  }
  const kinds = (reg.id | known.id) & LINK_ADD_CONST;
  // One cut to 32 bits, the other not: they are no constant apart.
  if (kinds == LINK_ADD_CONST) return;
  const delta = changetype<RegState>(env.constReg);
  markConst(delta, <u64>(<i64>reg.off - <i64>known.off));
  const off = reg.off;
  const id = reg.id;
  copyReg(reg, known);
  reg.off = off;
  reg.id = id;
  scalarAlu(BPF_ADD, kinds == LINK_ADD_CONST64, reg, delta);
}
