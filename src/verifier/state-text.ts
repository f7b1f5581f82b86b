/** Registers, stack slots and frames as the kernel's verifier log prints them: `R1=ctx() R10=fp0 fp-8=mmmm????`. */

import type { MapSpec } from '../object/types.ts';
import * as abi from './abi.ts';
import { type Named, regTypeName } from './messages/format.ts';
import type { RegView, SlotView } from './reg-view.ts';
import { boundsText, scalarText, signedText } from './scalar-text.ts';
import { KERNEL_STRUCTS } from './tables/kfuncs-structs.ts';

const PRECISE = 1;
/** Either kind of link (assembly/verifier/reg-state.ts). */
const LINK_ADD_CONST = 0xc0000000;
const DYNPTR_NAMES = ['', 'local', 'ringbuf', 'skb', 'xdp', 'skb_meta'];
const ITER_STATES = ['<invalid>', 'active', 'drained'];
/** By STACK_. */
const BYTE_CHARS = '?rm0dif';
const NAME_MAX = 15;
const MAP_TYPES = [abi.CONST_PTR_TO_MAP, abi.PTR_TO_MAP_VALUE, abi.PTR_TO_MAP_KEY];

/** What register texts name by number. */
export interface StateNames extends Named {
  /** Rows of INPUT_MAPS. */
  readonly maps: readonly MapSpec[];
}

/** An inner map, behind the program's own, has no name in the kernel. */
function mapParts(row: number, { maps, prog }: StateNames): string[] {
  const map = maps[row];
  if (map === undefined) return [];
  const name = map.name === '' || row >= prog.maps.length ? [] : [`map=${map.name.slice(0, NAME_MAX)}`];
  return [...name, `ks=${map.keySize}`, `vs=${map.valueSize}`];
}

/** `id=1+8` of a scalar that is 8 more than the one it is linked to. */
function idParts(reg: RegView): string[] {
  if (reg.id === 0) return [];
  const id = (reg.id & ~LINK_ADD_CONST) >>> 0;
  const distance = (reg.id & LINK_ADD_CONST) === 0 ? '' : `${reg.off < 0 ? '' : '+'}${reg.off}`;
  return [`id=${id}${distance}`];
}

function pointerParts(reg: RegView, names: StateNames): string[] {
  const base = reg.type & abi.BASE_MASK;
  const parts = idParts(reg);
  if (reg.refId !== 0) parts.push(`ref_obj_id=${reg.refId}`);
  if ((reg.type & abi.NON_OWN_REF) !== 0) parts.push('non_own_ref');
  if (MAP_TYPES.includes(base)) parts.push(...mapParts(reg.aux, names));
  if (reg.off !== 0) parts.push(`off=${signedText(BigInt(reg.off))}`);
  if (base === abi.PTR_TO_PACKET || base === abi.PTR_TO_PACKET_META) parts.push(`r=${rangeText(reg.aux)}`);
  if (base === abi.PTR_TO_MEM) parts.push(`sz=${signedText(BigInt(reg.aux >>> 0))}`);
  if (base === abi.CONST_PTR_TO_DYNPTR) parts.push(`type=${DYNPTR_NAMES[reg.aux] ?? ''}`);
  if (reg.mask !== 0n) parts.push(...boundsText(reg));
  else if (reg.value !== 0n) parts.push(`imm=${signedText(BigInt.asIntN(64, reg.value))}`);
  return parts;
}

/** AT_PKT_END and BEYOND_PKT_END are negative, and the kernel prints them as what they are in 32 bits. */
function rangeText(range: number): string {
  return range < 0 ? `0x${BigInt.asUintN(64, BigInt(range)).toString(16)}` : signedText(BigInt(range));
}

/** What is known of a register, without its name. `frameno`: the frame it is in. */
export function regText(reg: RegView, frameno: number, names: StateNames): string {
  const base = reg.type & abi.BASE_MASK;
  if (reg.type === abi.SCALAR) {
    return `${(reg.flags & PRECISE) !== 0 ? 'P' : ''}${scalarText(reg, idParts(reg))}`;
  }
  const type = regTypeName(reg.type);
  if (base === abi.PTR_TO_ARENA) return type;
  const frame = base === abi.PTR_TO_STACK && reg.frameno !== frameno ? `[${reg.frameno}]` : '';
  if (base === abi.PTR_TO_STACK && reg.mask === 0n) {
    return `${type}${frame}${signedText(BigInt.asIntN(64, reg.value) + BigInt(reg.off))}`;
  }
  const struct = base === abi.PTR_TO_BTF_ID ? names.structName(reg.aux) : '';
  return `${type}${frame}${struct}(${pointerParts(reg, names).join(',')})`;
}

/** What is known of a slot, without its name; undefined for one that says nothing of its own. */
export function slotText(slot: SlotView, frameno: number, names: StateNames): string | undefined {
  const { reg, types } = slot;
  const chars = types.map((type) => BYTE_CHARS[type] ?? '?').join('');
  switch (types[7]) {
    case abi.STACK_SPILL:
      return `${chars.slice(0, types.indexOf(abi.STACK_SPILL))}${regText(reg, frameno, names)}`;
    case abi.STACK_DYNPTR: {
      if ((reg.aux2 & 1) === 0) return undefined;
      const ids = [...(reg.refId === 0 ? [] : [`ref_id=${reg.refId}`]), 'dynptr_id=1'];
      const parts = reg.id === 0 ? [] : [`id=${reg.id}`, ...ids];
      return `dynptr_${DYNPTR_NAMES[reg.aux] ?? ''}(${parts.join(',')})`;
    }
    case abi.STACK_ITER: {
      if (reg.refId === 0) return undefined;
      const name = KERNEL_STRUCTS[reg.aux - 1]?.name.replace(/^bpf_iter_/, '') ?? '';
      const state = ITER_STATES[reg.aux2 & 0xff] ?? '?';
      return `iter_${name}(ref_id=${reg.refId},state=${state},depth=${reg.aux2 >>> 8})`;
    }
    default:
      return `${chars}`;
  }
}

export interface FrameView {
  readonly frameno: number;
  /** FRAME_IN_CALLBACK, FRAME_IN_ASYNC */
  readonly flags: number;
  readonly regs: readonly (readonly [number, RegView])[];
  readonly slots: readonly SlotView[];
  readonly refs: readonly number[];
}

const FRAME_IN_CALLBACK = 1;
const FRAME_IN_ASYNC = 2;

/** ` R1=ctx() R10=fp0 fp-8=0`: begins with a space. */
export function frameText(frame: FrameView, names: StateNames): string {
  let text = frame.frameno > 0 ? ` frame${frame.frameno}:` : '';
  for (const [i, reg] of frame.regs) text += ` R${i}=${regText(reg, frame.frameno, names)}`;
  for (const slot of frame.slots) {
    const known = slotText(slot, frame.frameno, names);
    if (known !== undefined) text += ` fp-${8 * (slot.index + 1)}=${known}`;
  }
  const refs = frame.refs.filter((id) => id !== 0);
  // The lock of a global variable has no id, and where it comes first Linux shows none of the others.
  if (refs.length > 0 && frame.refs[0] !== 0) text += ` refs=${refs.join(',')}`;
  if ((frame.flags & FRAME_IN_CALLBACK) !== 0) text += ' cb';
  if ((frame.flags & FRAME_IN_ASYNC) !== 0) text += ' async_cb';
  return text;
}
