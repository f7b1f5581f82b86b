/** The registers and stack slots of a state in the verifier's memory, as text: what was known where a program was refused. */
import * as abi from './abi.ts';
import { type RegView, readReg, readSlot } from './reg-view.ts';
import { regText, type StateNames, slotText } from './state-text.ts';

export interface RegisterText {
  /** `R1`, `fp-8`. */
  readonly name: string;
  /** `pkt(r=14)`. */
  readonly text: string;
}

const FRAME_FRAMENO = 4;

/** Address of the innermost frame; 0 for none. */
function innermost(view: DataView, state: number): number {
  if (state === 0) return 0;
  return view.getUint32(state + abi.STATE_FRAMES + 4 * view.getUint32(state + abi.STATE_CURFRAME, true), true);
}

/** R0 to R10 of the innermost frame, without those that have no value. */
export function registerViews(view: DataView, state: number): ReadonlyMap<number, RegView> {
  const found = new Map<number, RegView>();
  const frame = innermost(view, state);
  for (let i = 0; frame !== 0 && i <= 10; i++) {
    const reg = readReg(view, frame + abi.FRAME_REGS + i * abi.REG_SIZE);
    if (reg.type !== abi.NOT_INIT) found.set(i, reg);
  }
  return found;
}

/** Of the innermost frame; none for state 0. */
export function readRegisters(view: DataView, state: number, names: StateNames): RegisterText[] {
  const frame = innermost(view, state);
  if (frame === 0) return [];
  const frameno = view.getUint32(frame + FRAME_FRAMENO, true);
  const regs = [...registerViews(view, state)];
  const found = regs.map(([i, reg]): RegisterText => ({ name: `R${i}`, text: regText(reg, frameno, names) }));
  const stack = view.getUint32(frame + abi.FRAME_STACK, true);
  const slots = view.getUint32(frame + abi.FRAME_SLOTS, true);
  for (let i = 0; i < slots; i++) {
    const slot = readSlot(view, stack + i * abi.SLOT_SIZE, i);
    if (slot.types.every((type) => type === abi.STACK_INVALID)) continue;
    const text = slotText(slot, frameno, names);
    if (text !== undefined) found.push({ name: `fp-${8 * (i + 1)}`, text });
  }
  return found;
}
