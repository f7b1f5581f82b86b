// One call frame: R0..R10 and the stack slots it has touched.
import { FRAME_REGS, FRAME_SIZE, FRAME_SLOTS, FRAME_STACK, REG_SIZE, SLOT_SIZE, SLOT_TYPES } from './abi';
import { alloc, free } from './arena';
import { Block } from './block';
import { theEnv } from './env';
import { RegState } from './reg-state';

// Byte types of a slot (enum bpf_stack_slot_type).
export { STACK_DYNPTR, STACK_INVALID, STACK_IRQ_FLAG, STACK_ITER, STACK_MISC, STACK_SPILL, STACK_ZERO } from './abi';

// Frame.flags
export const FRAME_IN_CALLBACK: u32 = 1;
export const FRAME_IN_ASYNC: u32 = 2;
export const FRAME_IN_EXCEPTION_CB: u32 = 4;

/**
 * Eight bytes of stack: the value spilled there, and the type of each byte. Slot 0 is fp-8..fp-1. Byte types count downwards from the
 * frame pointer, as offsets do: type 0 of slot 0 is fp-1, type 7 is fp-8. A slot holds a spilled register when type 7... is STACK_SPILL.
 */
@unmanaged
export class StackSlot extends RegState {
  types: u64;

  @inline typeAt(i: u32): u32 {
    return load<u8>(changetype<usize>(this) + SLOT_TYPES + i);
  }
  @inline setTypeAt(i: u32, type: u32): void {
    store<u8>(changetype<usize>(this) + SLOT_TYPES + i, <u8>type);
  }
  /** All eight bytes of one type. */
  @inline setTypes(type: u32): void {
    this.types = <u64>type * 0x0101010101010101;
  }
}

@unmanaged
export class Frame {
  /** Pc of the call insn; -1 for a program's entry. */
  callsite: i32;
  frameno: u32;
  subprog: u32;
  /** Which entry into an asynchronous callback this is. */
  asyncEntry: u32;
  flags: u32;
  /** What a callback may return. */
  retLo: i32;
  retHi: i32;
  /** Rounds of the callback that have been walked. */
  callbackDepth: u32;
  /** Slots in use: slot i covers fp-8*(i+1)..fp-8*i-1. */
  slots: u32;
  /** Slots that `stack` has room for. */
  capacity: u32;
  stack: usize;
  /** Liveness of this frame's call chain (liveness.ts). */
  instance: usize;
  /** Of a stored state: its precise scalars, registers and spilled ones, a bit each (precision.ts). None of the current one is. */
  preciseRegs: u32;
  pad: u32;
  preciseSlots: u64;

  @inline reg(i: u32): RegState {
    return changetype<RegState>(changetype<usize>(this) + FRAME_REGS + <usize>i * REG_SIZE);
  }
  @inline slot(i: u32): StackSlot {
    return changetype<StackSlot>(this.stack + <usize>i * SLOT_SIZE);
  }
}

if (offsetof<StackSlot>() != SLOT_SIZE) ERROR('StackSlot: its size drifted from abi.ts');
if (offsetof<StackSlot>('types') != SLOT_TYPES) ERROR('StackSlot.types drifted from abi.ts');
if (offsetof<Frame>() != FRAME_REGS) ERROR('Frame: its header drifted from abi.ts');
if (offsetof<Frame>('slots') != FRAME_SLOTS) ERROR('Frame.slots drifted from abi.ts');
if (offsetof<Frame>('stack') != FRAME_STACK) ERROR('Frame.stack drifted from abi.ts');

/** A frame with nothing in it; 0 (null) when memory has run out. */
export function newFrame(): Frame {
  const ptr = alloc(FRAME_SIZE);
  if (ptr != 0) Block.clearLong(ptr, FRAME_SIZE);
  return changetype<Frame>(ptr);
}

export function freeFrame(frame: Frame): void {
  if (changetype<usize>(frame) == 0) return;
  free(frame.stack, <usize>frame.capacity * SLOT_SIZE);
  free(changetype<usize>(frame), FRAME_SIZE);
}

/** Room for at least `slots` slots; new ones are invalid bytes with nothing spilled. The function's stack grows with it. False when memory has run out. */
export function growStack(frame: Frame, slots: u32): bool {
  if (slots <= frame.slots) return true;
  const subprog = theEnv().subprog(frame.subprog);
  subprog.stackDepth = max<u32>(subprog.stackDepth, slots << 3);
  if (slots > frame.capacity) {
    const capacity = max<u32>(slots, min<u32>(64, frame.capacity * 2));
    const stack = alloc(<usize>capacity * SLOT_SIZE);
    if (stack == 0) return false;
    Block.copyLong(stack, frame.stack, <usize>frame.slots * SLOT_SIZE);
    free(frame.stack, <usize>frame.capacity * SLOT_SIZE);
    frame.stack = stack;
    frame.capacity = capacity;
  }
  memory.fill(frame.stack + <usize>frame.slots * SLOT_SIZE, 0, <usize>(slots - frame.slots) * SLOT_SIZE);
  frame.slots = slots;
  return true;
}

/** A copy of its own; null when memory has run out. */
export function newFrameCopy(src: Frame): Frame {
  const dst = changetype<Frame>(alloc(FRAME_SIZE));
  if (changetype<usize>(dst) == 0) return dst;
  Block.copyLong(changetype<usize>(dst), changetype<usize>(src), FRAME_SIZE);
  const bytes = <usize>src.slots * SLOT_SIZE;
  dst.capacity = src.slots;
  dst.stack = 0;
  if (bytes == 0) return dst;
  dst.stack = alloc(bytes);
  if (dst.stack == 0) return changetype<Frame>(0);
  Block.copyLong(dst.stack, src.stack, bytes);
  return dst;
}
