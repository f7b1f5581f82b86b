/**
 * Classic BPF to eBPF, with the meaning Linux gives it when a filter is attached to a socket:
 *
 *     A -> R0    X -> R7    M[k] -> the stack below R10    packet loads -> LD_ABS, LD_IND with the context in R6
 *
 * R8 keeps A while an insn needs R0 for something else. Every write is one of 32 bits, so that R0 is a filter's result at any ret.
 */
import * as isa from '../../assembly/isa.ts';
import { CbpfError } from '../errors/index.ts';
import { encodeInsns } from '../isa/decode.ts';
import type { Insn } from '../isa/insn.ts';
import type { LinkedProg } from '../link/types.ts';
import { ANCILLARY, type Answer, ancillaryOffset } from './ancillary.ts';
import { type CheckedFilter, checkFilter, successors } from './check.ts';
import { MEM_SLOTS, type SockFilter } from './insn.ts';
import { parseFilter } from './parse.ts';

const A = 0;
const CTX = 6;
const X = 7;
const SAVED = 8;
const FP = 10;

/** `len` of struct __sk_buff. */
const SKB_LEN = 0;

const SIZE_CODE = { 1: isa.BPF_B, 2: isa.BPF_H, 4: isa.BPF_W } as const;
const OPPOSITE: ReadonlyMap<number, number> = new Map([
  [isa.BPF_JEQ, isa.BPF_JNE],
  [isa.BPF_JGT, isa.BPF_JLE],
  [isa.BPF_JGE, isa.BPF_JLT],
]);

/** Insns that come to be, and the jumps among them whose targets are still insns of the filter. */
class Emitter {
  readonly insns: Insn[] = [];
  private readonly jumps: { readonly at: number; readonly target: number }[] = [];

  emit(opcode: number, dst: number, rest: Partial<Insn> = {}): void {
    this.insns.push({ opcode, dst, src: 0, off: 0, imm: 0, ...rest });
  }

  move(dst: number, src: number): void {
    this.emit(isa.BPF_ALU | isa.BPF_MOV | isa.BPF_X, dst, { src });
  }

  constant(dst: number, k: number): void {
    this.emit(isa.BPF_ALU | isa.BPF_MOV | isa.BPF_K, dst, { imm: k | 0 });
  }

  exit(): void {
    this.emit(isa.BPF_JMP | isa.BPF_EXIT, 0);
  }

  jump(opcode: number, target: number, rest: Partial<Insn> = {}): void {
    this.jumps.push({ at: this.insns.length, target });
    this.emit(opcode, 0, rest);
  }

  /** Gives each jump its distance; `starts` says where the insns of an insn of the filter begin. */
  finish(starts: readonly number[]): Insn[] {
    for (const { at, target } of this.jumps) this.insns[at] = { ...this.insns[at], off: starts[target] - at - 1 };
    return this.insns;
  }
}

/** Insns that some way from the first one comes to: others would be refused as unreachable. */
function reachable({ insns, ops }: CheckedFilter): boolean[] {
  const reached = new Array<boolean>(insns.length).fill(false);
  reached[0] = true;
  ops.forEach((op, at) => {
    if (reached[at]) for (const next of successors(op, insns[at], at)) reached[next] = true;
  });
  return reached;
}

function convertAnswer(out: Emitter, answer: Exclude<Answer, { kind: 'none' }>): void {
  switch (answer.kind) {
    case 'field':
      out.emit(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_W, A, { src: CTX, off: answer.offset });
      // Network order as a number of the host: the same as swapping from big-endian on any machine.
      if (answer.swap) out.emit(isa.BPF_ALU | isa.BPF_END | isa.BPF_X, A, { imm: 16 });
      return;
    case 'helper':
      out.emit(isa.BPF_JMP | isa.BPF_CALL, 0, { imm: answer.id });
      // A helper's result has 64 bits, A has 32.
      out.move(A, A);
      return;
    case 'xor':
      out.emit(isa.BPF_ALU | isa.BPF_XOR | isa.BPF_X, A, { src: X });
  }
}

function convertAbs(out: Emitter, size: 1 | 2 | 4, k: number, at: number): void {
  const offset = ancillaryOffset(k);
  const field = offset === undefined ? undefined : ANCILLARY.get(offset);
  if (field === undefined) {
    out.emit(isa.BPF_LD | isa.BPF_ABS | SIZE_CODE[size], 0, { imm: k | 0 });
    return;
  }
  const { name, answer } = field;
  if (answer.kind === 'none') throw new CbpfError('CBPF_UNANSWERED', { insn: at, name, why: answer.why });
  convertAnswer(out, answer);
}

/** A packet load ends in R0: A waits in R8. */
function convertMsh(out: Emitter, k: number): void {
  out.move(SAVED, A);
  out.emit(isa.BPF_LD | isa.BPF_ABS | isa.BPF_B, 0, { imm: k | 0 });
  out.emit(isa.BPF_ALU | isa.BPF_AND | isa.BPF_K, A, { imm: 0xf });
  out.emit(isa.BPF_ALU | isa.BPF_LSH | isa.BPF_K, A, { imm: 2 });
  out.move(X, A);
  out.move(A, SAVED);
}

function convertAlu(out: Emitter, op: number, src: 'k' | 'x', k: number): void {
  if (src === 'k') {
    out.emit(isa.BPF_ALU | op | isa.BPF_K, A, { imm: k | 0 });
    return;
  }
  if (op === isa.BPF_DIV || op === isa.BPF_MOD) {
    // What divides by zero returns 0.
    out.emit(isa.BPF_JMP32 | isa.BPF_JNE | isa.BPF_K, X, { off: 2 });
    out.constant(A, 0);
    out.exit();
  }
  out.emit(isa.BPF_ALU | op | isa.BPF_X, A, { src: X });
}

/** One jump where one side is the next insn, else two. */
function convertJump(out: Emitter, op: { op: number; src: 'k' | 'x' }, insn: SockFilter, at: number): void {
  const [yes, no, next] = [at + 1 + insn.jt, at + 1 + insn.jf, at + 1];
  const operand = op.src === 'k' ? { imm: insn.k | 0 } : { src: X };
  const code = (condition: number): number => isa.BPF_JMP32 | condition | (op.src === 'k' ? isa.BPF_K : isa.BPF_X);
  const opposite = OPPOSITE.get(op.op);
  if (yes === no) {
    if (yes !== next) out.jump(isa.BPF_JMP | isa.BPF_JA, yes);
  } else if (yes === next && opposite !== undefined) {
    out.jump(code(opposite), no, operand);
  } else {
    out.jump(code(op.op), yes, operand);
    if (no !== next) out.jump(isa.BPF_JMP | isa.BPF_JA, no);
  }
}

function convertInsn(out: Emitter, filter: CheckedFilter, at: number): void {
  const [op, insn] = [filter.ops[at], filter.insns[at]];
  const { k } = insn;
  const slot = 4 * (k - MEM_SLOTS);
  switch (op.kind) {
    case 'imm':
      out.constant(op.reg === 'a' ? A : X, k);
      return;
    case 'len':
      out.emit(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_W, op.reg === 'a' ? A : X, { src: CTX, off: SKB_LEN });
      return;
    case 'load':
      out.emit(isa.BPF_LDX | isa.BPF_MEM | isa.BPF_W, op.reg === 'a' ? A : X, { src: FP, off: slot });
      return;
    case 'store':
      out.emit(isa.BPF_STX | isa.BPF_MEM | isa.BPF_W, FP, { src: op.reg === 'a' ? A : X, off: slot });
      return;
    case 'abs':
      convertAbs(out, op.size, k, at);
      return;
    case 'ind':
      out.emit(isa.BPF_LD | isa.BPF_IND | SIZE_CODE[op.size], 0, { src: X, imm: k | 0 });
      return;
    case 'msh':
      convertMsh(out, k);
      return;
    case 'alu':
      convertAlu(out, op.op, op.src, k);
      return;
    case 'neg':
      out.emit(isa.BPF_ALU | isa.BPF_NEG, A);
      return;
    case 'ja':
      out.jump(isa.BPF_JMP | isa.BPF_JA, at + 1 + k);
      return;
    case 'jcond':
      convertJump(out, op, insn, at);
      return;
    case 'ret':
      if (op.src === 'k') out.constant(A, k);
      out.exit();
      return;
    case 'tax':
      out.move(X, A);
      return;
    case 'txa':
      out.move(A, X);
  }
}

/**
 * The eBPF insns of a filter: six for one of its own at most, so that every jump fits 16 bits.
 * @throws CbpfError CBPF_UNANSWERED for an ancillary load that nothing here answers
 */
export function convertInsns(filter: CheckedFilter): Insn[] {
  const out = new Emitter();
  out.emit(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X, CTX, { src: 1 });
  out.constant(A, 0);
  out.constant(X, 0);
  const reached = reachable(filter);
  const starts = filter.insns.map((_, at) => {
    const start = out.insns.length;
    if (reached[at]) convertInsn(out, filter, at);
    return start;
  });
  return out.finish(starts);
}

export interface FilterOptions {
  /** The program's name: `filter` unless given. */
  readonly name?: string;
}

/**
 * A classic filter as a program of type socket_filter: its return value is the number of bytes to keep, 0 for none of the packet.
 * @param filter the text of `tcpdump -ddd`, or its insns
 * @throws CbpfError that says which insn cannot stand, and why
 */
export function linkFilter(filter: string | readonly SockFilter[], options: FilterOptions = {}): LinkedProg {
  const checked = checkFilter(typeof filter === 'string' ? parseFilter(filter) : filter);
  const insns = convertInsns(checked);
  const name = options.name ?? 'filter';
  return {
    name,
    section: 'socket',
    type: 'socket_filter',
    expectedAttachType: -1,
    gplCompatible: false,
    insns: encodeInsns(insns),
    funcs: [{ name, start: 0, end: insns.length }],
    maps: [],
    kfuncs: [],
    lines: [],
  };
}
