/**
 * Classic BPF: `struct sock_filter`, and what each opcode means (Documentation/networking/filter.rst). Two 32-bit registers, A and X, and
 * sixteen slots M[0..15]; jumps go forward only.
 *
 *     | code:16 | jt:8 | jf:8 | k:32 |
 */
import * as isa from '../../assembly/isa.ts';

/** `struct sock_filter` of linux/filter.h. */
export interface SockFilter {
  readonly code: number;
  /** Insns to skip when the condition holds, and when it does not. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** BPF_MAXINSNS: the insns a filter may have. */
export const MAX_FILTER_INSNS = 4096;
/** BPF_MEMWORDS: the slots of M. */
export const MEM_SLOTS = 16;

/** Modes and classes that only classic BPF has. */
const BPF_LEN = 0x80;
const BPF_MSH = 0xa0;
const BPF_RET = 0x06;
const BPF_MISC = 0x07;
const BPF_A = 0x10;
const BPF_TXA = 0x80;

export type FilterOp =
  /** A or X = k. */
  | { readonly kind: 'imm'; readonly reg: 'a' | 'x' }
  /** A or X = the packet's length. */
  | { readonly kind: 'len'; readonly reg: 'a' | 'x' }
  /** A or X = M[k]. */
  | { readonly kind: 'load'; readonly reg: 'a' | 'x' }
  /** M[k] = A or X. */
  | { readonly kind: 'store'; readonly reg: 'a' | 'x' }
  /** A = packet[k], big-endian. */
  | { readonly kind: 'abs'; readonly size: 1 | 2 | 4 }
  /** A = packet[X + k], big-endian. */
  | { readonly kind: 'ind'; readonly size: 1 | 2 | 4 }
  /** X = 4 * (packet[k] & 0xf): the length of an IPv4 header. */
  | { readonly kind: 'msh' }
  /** A = A op (k or X); `op` is eBPF's. */
  | { readonly kind: 'alu'; readonly op: number; readonly src: 'k' | 'x' }
  | { readonly kind: 'neg' }
  | { readonly kind: 'ja' }
  /** Compares A with k or X; `op` is eBPF's. */
  | { readonly kind: 'jcond'; readonly op: number; readonly src: 'k' | 'x' }
  /** Ends with k or A. */
  | { readonly kind: 'ret'; readonly src: 'k' | 'a' }
  | { readonly kind: 'tax' }
  | { readonly kind: 'txa' };

/** What an opcode means, and its name in tcpdump -d. */
export interface FilterRow {
  readonly name: string;
  readonly op: FilterOp;
}

const SIZES = [
  ['ld', isa.BPF_W, 4],
  ['ldh', isa.BPF_H, 2],
  ['ldb', isa.BPF_B, 1],
] as const;

const ALU = [
  ['add', isa.BPF_ADD],
  ['sub', isa.BPF_SUB],
  ['mul', isa.BPF_MUL],
  ['div', isa.BPF_DIV],
  ['mod', isa.BPF_MOD],
  ['and', isa.BPF_AND],
  ['or', isa.BPF_OR],
  ['xor', isa.BPF_XOR],
  ['lsh', isa.BPF_LSH],
  ['rsh', isa.BPF_RSH],
] as const;

const JUMPS = [
  ['jeq', isa.BPF_JEQ],
  ['jgt', isa.BPF_JGT],
  ['jge', isa.BPF_JGE],
  ['jset', isa.BPF_JSET],
] as const;

const SOURCES = [
  ['k', isa.BPF_K],
  ['x', isa.BPF_X],
] as const;

type Entry = readonly [code: number, row: FilterRow];

const entry = (code: number, name: string, op: FilterOp): Entry => [code, { name, op }];

/** The opcodes Linux knows; any other number is none. */
export const FILTER_OPS: ReadonlyMap<number, FilterRow> = new Map([
  ...SIZES.flatMap(([name, code, size]) => [
    entry(isa.BPF_LD | isa.BPF_ABS | code, name, { kind: 'abs', size }),
    entry(isa.BPF_LD | isa.BPF_IND | code, name, { kind: 'ind', size }),
  ]),
  entry(isa.BPF_LD | isa.BPF_IMM, 'ld', { kind: 'imm', reg: 'a' }),
  entry(isa.BPF_LDX | isa.BPF_IMM, 'ldx', { kind: 'imm', reg: 'x' }),
  entry(isa.BPF_LD | BPF_LEN, 'ld', { kind: 'len', reg: 'a' }),
  entry(isa.BPF_LDX | BPF_LEN, 'ldx', { kind: 'len', reg: 'x' }),
  entry(isa.BPF_LD | isa.BPF_MEM, 'ld', { kind: 'load', reg: 'a' }),
  entry(isa.BPF_LDX | isa.BPF_MEM, 'ldx', { kind: 'load', reg: 'x' }),
  entry(isa.BPF_LDX | BPF_MSH | isa.BPF_B, 'ldxb', { kind: 'msh' }),
  entry(isa.BPF_ST, 'st', { kind: 'store', reg: 'a' }),
  entry(isa.BPF_STX, 'stx', { kind: 'store', reg: 'x' }),
  ...SOURCES.flatMap(([src, bit]) => [
    ...ALU.map(([name, op]) => entry(isa.BPF_ALU | op | bit, name, { kind: 'alu', op, src })),
    ...JUMPS.map(([name, op]) => entry(isa.BPF_JMP | op | bit, name, { kind: 'jcond', op, src })),
  ]),
  entry(isa.BPF_ALU | isa.BPF_NEG, 'neg', { kind: 'neg' }),
  entry(isa.BPF_JMP | isa.BPF_JA, 'ja', { kind: 'ja' }),
  entry(BPF_RET | isa.BPF_K, 'ret', { kind: 'ret', src: 'k' }),
  entry(BPF_RET | BPF_A, 'ret', { kind: 'ret', src: 'a' }),
  entry(BPF_MISC, 'tax', { kind: 'tax' }),
  entry(BPF_MISC | BPF_TXA, 'txa', { kind: 'txa' }),
]);
