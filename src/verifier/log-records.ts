/** The verifier's log as it writes it: records of numbers (assembly/verifier/abi/log.ts). */
import * as abi from './abi.ts';
import { type LogMessage, readMessage } from './messages.ts';
import { readReg, readSlot } from './reg-view.ts';
import type { FrameView } from './state-text.ts';

export type LogRecord =
  | { readonly kind: 'message'; readonly message: LogMessage }
  | { readonly kind: 'insn'; readonly pc: number; readonly loggedPc: number }
  | { readonly kind: 'note'; readonly what: number; readonly words: readonly [number, number, number] }
  | { readonly kind: 'loop'; readonly what: number; readonly scc: number; readonly calls: readonly number[] }
  | {
      readonly kind: 'precise';
      /** LP_ */
      readonly what: number;
      readonly frame: number;
      readonly regs: number;
      readonly slots: bigint;
      readonly words: readonly [number, number, number];
    }
  | {
      readonly kind: 'state';
      /** LS_ */
      readonly why: number;
      readonly pc: number;
      readonly prevPc: number;
      readonly frame: FrameView;
    };

function readState(view: DataView, at: number): LogRecord {
  const word = (offset: number): number => view.getUint32(at + offset, true);
  const mask = word(abi.LS_REGS);
  let next = at + abi.LS_BODY;
  const regs: [number, ReturnType<typeof readReg>][] = [];
  for (let i = 0; i <= 10; i++) {
    if ((mask & (1 << i)) === 0) continue;
    regs.push([i, readReg(view, next)]);
    next += abi.REG_SIZE;
  }
  const slots = Array.from({ length: word(abi.LS_SLOTS) }, (_, i) => {
    const slot = next + i * abi.LS_SLOT_SIZE;
    return readSlot(view, slot + 8, view.getUint32(slot, true));
  });
  next += slots.length * abi.LS_SLOT_SIZE;
  const refs = Array.from({ length: word(abi.LS_REFS) }, (_, i) => view.getUint32(next + 4 * i, true));
  const frame = { frameno: word(abi.LS_FRAMENO), flags: word(abi.LS_FRAME_FLAGS), regs, slots, refs };
  return { kind: 'state', why: word(abi.LS_WHY), pc: word(abi.LS_PC), prevPc: word(abi.LS_PREV_PC), frame };
}

function readPrecise(view: DataView, at: number): LogRecord {
  const word = (offset: number): number => view.getInt32(at + offset, true);
  const words = [word(20), word(24), word(28)] as const;
  const slots = view.getBigUint64(at + 12, true);
  return { kind: 'precise', what: word(0), frame: word(4), regs: word(8), slots, words };
}

/** The records in [start, start + size) of the verifier's memory. */
export function* readRecords(memory: Uint8Array, start: number, size: number): Generator<LogRecord> {
  const view = new DataView(memory.buffer);
  const end = start + size;
  for (let at = start; at + 4 <= end; ) {
    const head = view.getUint32(at, true);
    const body = at + 4;
    const word = (offset: number): number => view.getUint32(body + offset, true);
    switch (head & 0xff) {
      case abi.LOG_MESSAGE:
        yield { kind: 'message', message: readMessage(view, body) };
        break;
      case abi.LOG_INSN:
        yield { kind: 'insn', pc: word(0), loggedPc: word(4) };
        break;
      case abi.LOG_NOTE:
        yield { kind: 'note', what: word(0), words: [word(4), word(8), word(12)] };
        break;
      case abi.LOG_LOOP: {
        const calls = Array.from({ length: (head >>> 10) - 2 }, (_, i) => word(8 + 4 * i));
        yield { kind: 'loop', what: word(0), scc: word(4), calls };
        break;
      }
      case abi.LOG_PRECISE:
        yield readPrecise(view, body);
        break;
      case abi.LOG_STATE:
        yield readState(view, body);
        break;
      default:
    }
    at = body + (head >>> 8);
  }
}
