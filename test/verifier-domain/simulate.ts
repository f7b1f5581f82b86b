// A chain's steps on the domains: what is known of R6..R9 behind each, on the path that goes on and on the one that leaves.

import { BPF_XOR } from '../../assembly/isa.ts';
import type { Operand, Step } from './chain.ts';
import { REGS } from './chain.ts';
import { type Domain, SIZE } from './module.ts';

const BASE = 1024;
const OPERAND = BASE + 16 * SIZE;
/** Copies of the registers for the branch that leaves. */
const OTHER = BASE + 32 * SIZE;
const OTHER_OPERAND = OTHER + 16 * SIZE;

/** Where the number of a register is, on the path that goes on. */
export const regAt = (reg: number): number => BASE + reg * SIZE;
/** And on the branch that a jump took. */
export const otherAt = (reg: number): number => OTHER + reg * SIZE;

export function start(domain: Domain): void {
  for (const reg of REGS) domain.setUnknown(regAt(reg));
}

function sourceAt(domain: Domain, src: Operand, base: number): number {
  if ('reg' in src) return base + src.reg * SIZE;
  const at = base === BASE ? OPERAND : OTHER_OPERAND;
  domain.setConst(at, BigInt.asUintN(64, BigInt(src.imm)));
  return at;
}

/** Whether the verifier would walk the step as two paths. */
export function isSplit(domain: Domain, step: Step): boolean {
  return step.kind === 'alu' && domain.splits(step.op, regAt(step.dst), sourceAt(domain, step.src, BASE)) !== 0;
}

/** Of a jump: 1 it is taken, 0 not, -1 both: then `regAt` is the branch that falls through, and `otherAt` the one taken. */
export function apply(domain: Domain, step: Step): number {
  const dst = regAt(step.dst);
  switch (step.kind) {
    case 'load':
      domain.setUnknown(dst);
      if (step.signed) domain.signExtend(dst, step.size);
      else if (step.size < 8) domain.truncate(dst, step.size);
      break;
    case 'const':
      domain.setConst(dst, step.value);
      break;
    case 'alu':
      domain.scalarAlu(step.op, step.is64, dst, sourceAt(domain, step.src, BASE));
      break;
    case 'end':
      // 0xd4 is le on a little-endian machine.
      domain.byteSwap(dst, step.size, step.opcode !== 0xd4);
      break;
    case 'move':
      domain.copyScalar(dst, regAt(step.src));
      if (step.bits !== 0 && step.is64) domain.signExtend(dst, step.bits / 8);
      if (step.bits !== 0 && !step.is64) domain.signExtend32(dst, step.bits / 8);
      if (!step.is64) domain.movZext32(dst);
      break;
    case 'jump':
      return jump(domain, step);
  }
  domain.checkConsistent(dst);
  return -1;
}

/** The insn that follows a move: it changes what the kernel knows only by syncing it. */
export function applyUnlink(domain: Domain, reg: number): void {
  domain.scalarAlu(BPF_XOR, true, regAt(reg), sourceAt(domain, { imm: 0 }, BASE));
}

function jump(domain: Domain, step: Step & { kind: 'jump' }): number {
  const dst = regAt(step.dst);
  const src = sourceAt(domain, step.src, BASE);
  const taken = domain.branchTaken(step.op, step.is32, dst, src);
  if (taken >= 0) return taken;
  for (const reg of REGS) domain.copyScalar(otherAt(reg), regAt(reg));
  const otherSrc = sourceAt(domain, step.src, OTHER);
  domain.refine(domain.invert(step.op), step.is32, dst, src);
  domain.refine(step.op, step.is32, otherAt(step.dst), otherSrc);
  for (const at of [dst, src, otherAt(step.dst), otherSrc]) domain.checkConsistent(at);
  return -1;
}
