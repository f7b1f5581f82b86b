/** Registers and stack slots as the verifier keeps them in its memory (assembly/verifier/reg-state.ts, frame.ts). */
import * as abi from './abi.ts';
import type { ScalarFields } from './scalar-text.ts';

export interface RegView extends ScalarFields {
  /** Type word. */
  readonly type: number;
  readonly off: number;
  readonly id: number;
  readonly refId: number;
  readonly aux: number;
  readonly aux2: number;
  readonly frameno: number;
  readonly flags: number;
}

export interface SlotView {
  /** Slot i covers fp-8*(i+1) .. fp-8*i-1. */
  readonly index: number;
  readonly reg: RegView;
  /** STACK_ type of each byte, downwards from the frame pointer. */
  readonly types: readonly number[];
}

export function readReg(view: DataView, at: number): RegView {
  const u64 = (offset: number): bigint => view.getBigUint64(at + offset, true);
  const s64 = (offset: number): bigint => view.getBigInt64(at + offset, true);
  const u32 = (offset: number): number => view.getUint32(at + offset, true);
  const s32 = (offset: number): number => view.getInt32(at + offset, true);
  return {
    value: u64(abi.REG_TNUM_VALUE),
    mask: u64(abi.REG_TNUM_MASK),
    umin: u64(abi.REG_UMIN),
    umax: u64(abi.REG_UMAX),
    smin: s64(abi.REG_SMIN),
    smax: s64(abi.REG_SMAX),
    u32Min: BigInt(u32(abi.REG_U32_MIN)),
    u32Max: BigInt(u32(abi.REG_U32_MAX)),
    s32Min: BigInt(s32(abi.REG_S32_MIN)),
    s32Max: BigInt(s32(abi.REG_S32_MAX)),
    type: u32(abi.REG_TYPE),
    off: s32(abi.REG_OFF),
    id: u32(abi.REG_ID),
    refId: u32(abi.REG_REF_ID),
    aux: s32(abi.REG_AUX),
    aux2: s32(abi.REG_AUX2),
    frameno: u32(abi.REG_FRAMENO),
    flags: u32(abi.REG_FLAGS),
  };
}

export function readSlot(view: DataView, at: number, index: number): SlotView {
  const types = Array.from({ length: 8 }, (_, i) => view.getUint8(at + abi.SLOT_TYPES + i));
  return { index, reg: readReg(view, at), types };
}
