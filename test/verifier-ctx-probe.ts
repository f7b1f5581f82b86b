// Asks the running kernel which accesses of a ctx it accepts, and what register a load gives (log level 2).

import { closeFd, loadProg } from './kernel/bpf.ts';
import { KernelError } from './kernel/errno.ts';

const LDX: Readonly<Record<number, number>> = { 1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79 };
const STX: Readonly<Record<number, number>> = { 1: 0x73, 2: 0x6b, 4: 0x63, 8: 0x7b };
const ST: Readonly<Record<number, number>> = { 1: 0x72, 2: 0x6a, 4: 0x62, 8: 0x7a };

/** An insn: code, dst | src << 4, offset, imm. */
export function insn(code: number, regs: number, off = 0, imm = 0): number[] {
  return [code, regs, off & 0xff, (off >> 8) & 0xff, imm & 0xff, (imm >> 8) & 0xff, (imm >> 16) & 0xff, imm >>> 24];
}

export const movImm = (reg: number, imm: number): number[] => insn(0xb7, reg, 0, imm);
export const movReg = (dst: number, src: number): number[] => insn(0xbf, dst | (src << 4));
export const load = (size: number, dst: number, src: number, off: number): number[] =>
  insn(LDX[size]!, dst | (src << 4), off);
/** A load that extends the sign (BPF_MEMSX). */
export const loadSigned = (size: number, dst: number, src: number, off: number): number[] =>
  insn((LDX[size]! & 0x1f) | 0x80, dst | (src << 4), off);
export const store = (size: number, dst: number, off: number, src: number): number[] =>
  insn(STX[size]!, dst | (src << 4), off);
export const storeImm = (size: number, dst: number, off: number, imm: number): number[] =>
  insn(ST[size]!, dst, off, imm);
export const call = (helper: number): number[] => insn(0x85, 0, 0, helper);
export const exit = insn(0x95, 0);

export interface Asked {
  readonly type: number;
  readonly expectedAttachType?: number;
  readonly logLevel?: number;
  readonly flags?: number;
}

export interface Answer {
  readonly ok: boolean;
  readonly errno: string;
  readonly log: string;
}

/** Load insns: whether the kernel takes them, and its log. */
export function ask(prog: Asked, insns: readonly number[][]): Answer {
  try {
    const loaded = loadProg({ ...prog, insns: Uint8Array.from(insns.flat()) });
    closeFd(loaded.fd);
    return { ok: true, errno: '', log: loaded.log };
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { ok: false, errno: error.code, log: error.log };
  }
}

/** The state of `reg` that a log of level 2 shows behind insn `pc`; '?' when it shows none. */
export function stateAfter(log: string, reg: string, pc: number): string {
  const line = log.split('\n').find((one) => one.startsWith(`${pc}: (`));
  return line?.match(new RegExp(` ${reg}(?:_w)?=(\\S+)`))?.[1] ?? '?';
}
