/** Bytes that a wide load has brought before their insns come (ir/bytes): kept in locals until those insns take them. */
import type { Joined, Stored } from '../ir/bytes.ts';
import { type FuncEnv, setReg, setReg32 } from './env.ts';
import * as w from './opcodes.ts';

/** The local that keeps what a wide load gave until it is used. */
export function keptLocal(f: FuncEnv, size: number, keep: number): number {
  return f.code.local(`kept ${size === 8 ? 'long' : 'word'} ${keep}`, size === 8 ? 'i64' : 'i32');
}

/** Puts what a wide store of bytes from memory writes on the stack. */
export function pushStored(f: FuncEnv, { size, keep, rotate }: Stored & { kind: 'wide' }): void {
  const { code } = f;
  code.get(keptLocal(f, size, keep as number));
  if (rotate === 0) return;
  if (size === 8) code.i64(8 * rotate);
  else code.i32(8 * rotate);
  code.op(size === 8 ? w.I64_ROTL : w.I32_ROTL);
}

/** An insn whose bytes were loaded together before. */
export function lowerKept(f: FuncEnv, dst: number, { size, keep, shift }: Joined): void {
  const { code } = f;
  code.get(keptLocal(f, size, keep));
  if (size === 8) {
    setReg(f, dst);
  } else if (shift > 0 && !f.regs.makesLow()) {
    code.op(w.I64_EXTEND_I32_U);
    code.i64(8 * shift);
    code.op(w.I64_SHL);
    setReg(f, dst);
  } else {
    if (shift >= 4) {
      code.op(w.DROP);
      code.i32(0);
    } else if (shift > 0) {
      code.i32(8 * shift);
      code.op(w.I32_SHL);
    }
    setReg32(f, dst);
  }
}
