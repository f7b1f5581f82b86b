// Hierarchies of programs and subprograms that tail-call each other, as data, and the XDP programs they stand for. Every function leaves
// a trace, so that what ran, in which order, and what each register and stack slot held when it returned is in one map.

import type { Item } from './asm.ts';
import {
  alu64,
  alu64r,
  asm,
  call,
  callSubprog,
  exit,
  ja,
  jmp,
  jmpr,
  label,
  lddw,
  lddwMap,
  lddwMapValue,
  ldx,
  mov,
  movr,
  st,
  stx,
} from './asm.ts';
import type { CaseProg } from './types.ts';

/** Where a tail call's index comes from. A byte is one of the packet's, 0 where the packet is shorter. */
export type Index =
  | { readonly const: number | bigint }
  /** A word of the map of indices: the verifier knows nothing of it. */
  | { readonly word: number }
  | { readonly byte: number; readonly mask: number }
  | { readonly reg: number; readonly mask: number }
  /** One of two numbers, by a byte's lowest bit. */
  | { readonly either: readonly [number, number]; readonly byte: number };

export type Op =
  /** `reg = reg * 31 + func(ctx, reg)`; without `reg` the result is dropped. */
  | { readonly op: 'call'; readonly func: number; readonly reg?: number }
  /** `other`: the prog array instead, where the byte's lowest bit is set. */
  | { readonly op: 'tail'; readonly array: number; readonly index: Index; readonly other?: OtherArray }
  | { readonly op: 'if'; readonly byte: number; readonly below: number; readonly body: readonly Op[] }
  | { readonly op: 'mix'; readonly reg: number; readonly by: number }
  | { readonly op: 'spill'; readonly reg: number; readonly slot: number }
  | { readonly op: 'fill'; readonly reg: number; readonly slot: number }
  | { readonly op: 'store'; readonly reg: number; readonly word: number }
  /** A packet pointer in `reg` over a call: refused where the callee may tail-call. */
  | { readonly op: 'keep'; readonly func: number; readonly reg: number; readonly byte: number }
  /** What no verifier takes. */
  | { readonly op: 'bad'; readonly what: 'r0' | 'r1' | 'ctx' | 'map' };

export interface OtherArray {
  readonly array: number;
  readonly byte: number;
}

export interface GraphFunc {
  /** R6 holds the context; otherwise the stack's first slot does, and R6 may hold a value. */
  readonly ctxInReg: boolean;
  /** Callee-saved registers that hold values. */
  readonly regs: readonly number[];
  /** Offsets below R10 of words that hold values. */
  readonly stack: readonly number[];
  readonly ops: readonly Op[];
}

/** Function 0 is the program's entry; the others exist where something calls them. */
export type GraphProg = readonly GraphFunc[];

/** Map 0: u64 words, FIXED_WORDS of sums, a count for each function, then two for each tail call: reached, fallen through. */
export const TRACE = 0;
/** Map 1: the words that indices are read from. */
export const WORDS = 1;
export const WORD_COUNT = 8;
/** Map number of the first prog array. */
export const ARRAYS = 2;
const ORDER = 0;
const RETURNS = 1;
const STORED = 2;
export const STORED_WORDS = 4;
export const FIXED_WORDS = 8;
const CTX_SLOT = 8;

/** Indices of functions that the entry reaches by calls, in order. */
export function reachedFuncs(prog: GraphProg): number[] {
  const reached = new Set([0]);
  for (const index of reached) for (const callee of calls(prog[index]!.ops)) reached.add(callee);
  return [...reached].sort((a, b) => a - b);
}

/** Every op, those in branches too. */
export function allOps(ops: readonly Op[]): Op[] {
  return ops.flatMap((op) => (op.op === 'if' ? [op, ...allOps(op.body)] : [op]));
}

/** Callees in the order of the calls; twice where called twice. */
export function calls(ops: readonly Op[]): number[] {
  return allOps(ops).flatMap((op) => (op.op === 'call' || op.op === 'keep' ? [op.func] : []));
}

/** Where a program's counts are in the trace. */
export interface TracePlace {
  readonly func: number;
  readonly site: number;
  readonly sites: number;
}

export function tracePlaces(progs: readonly GraphProg[]): { readonly places: readonly TracePlace[]; words: number } {
  const counts = progs.map((prog) => {
    const ops = reachedFuncs(prog).flatMap((index) => allOps(prog[index]!.ops));
    return { funcs: prog.length, sites: ops.filter((op) => op.op === 'tail').length };
  });
  let func = FIXED_WORDS;
  let site = counts.reduce((sum, { funcs }) => sum + funcs, FIXED_WORDS);
  const places = counts.map(({ funcs, sites }) => {
    const place = { func, site, sites };
    func += funcs;
    site += 2 * sites;
    return place;
  });
  return { places, words: site };
}

const addToWord = (word: number): Item[] => [
  lddwMapValue(2, TRACE, word * 8),
  ldx('dw', 3, 2),
  alu64('add', 3, 1),
  stx('dw', 2, 3),
];

/** `word = word * factor + reg`. */
const foldWord = (word: number, factor: number, reg: number): Item[] => [
  lddwMapValue(2, TRACE, word * 8),
  ldx('dw', 3, 2),
  alu64('mul', 3, factor),
  alu64r('add', 3, reg),
  stx('dw', 2, 3),
];

const fold = (reg: number, from: number): Item[] => [alu64('mul', reg, 31), alu64r('add', reg, from)];

class Emitter {
  private readonly place: TracePlace;
  private site = 0;
  private labels = 0;
  private func: GraphFunc;
  private readonly prog: GraphProg;

  constructor(prog: GraphProg, place: TracePlace) {
    this.prog = prog;
    this.place = place;
    this.func = prog[0]!;
  }

  items(): Item[] {
    return reachedFuncs(this.prog).flatMap((index) => {
      this.func = this.prog[index]!;
      return [label(`f${index}`), ...this.prologue(index), ...this.ops(this.func.ops), ...this.epilogue(index)];
    });
  }

  private prologue(index: number): Item[] {
    const { ctxInReg, regs, stack } = this.func;
    const id = this.place.func + index;
    const values = regs.flatMap((reg, i) => {
      const start = index === 0 ? mov(reg, 1000 * id + reg) : movr(reg, 2);
      return [start, alu64('mul', reg, 2 * i + 3), alu64('add', reg, id)];
    });
    const first = regs[0];
    const words = stack.map((at) => (first === undefined ? st('dw', 10, -at, id * 7 + at) : stx('dw', 10, first, -at)));
    return [
      ctxInReg ? movr(6, 1) : stx('dw', 10, 1, -CTX_SLOT),
      ...values,
      ...words,
      ...addToWord(id),
      mov(4, id),
      ...foldWord(ORDER, 31, 4),
    ];
  }

  private epilogue(index: number): Item[] {
    const { regs, stack } = this.func;
    return [
      mov(0, index + 1),
      ...regs.flatMap((reg) => fold(0, reg)),
      ...stack.flatMap((at) => [ldx('dw', 1, 10, -at), ...fold(0, 1)]),
      ...foldWord(RETURNS, 33, 0),
      exit(),
    ];
  }

  private ops(ops: readonly Op[]): Item[] {
    return ops.flatMap((op) => this.op(op));
  }

  private op(op: Op): Item[] {
    switch (op.op) {
      case 'call': {
        const { reg } = op;
        const back = reg === undefined ? [] : fold(reg, 0);
        return [this.ctx(1), reg === undefined ? mov(2, 5) : movr(2, reg), callSubprog(`f${op.func}`), ...back];
      }
      case 'tail':
        return this.tail(op);
      case 'if': {
        const out = this.label();
        return [...this.byte(2, op.byte, 255), jmp('jge', 2, op.below, out), ...this.ops(op.body), label(out)];
      }
      case 'mix':
        return [alu64('mul', op.reg, 17), alu64('xor', op.reg, op.by)];
      case 'spill':
        return [stx('dw', 10, op.reg, -op.slot)];
      case 'fill':
        return [ldx('dw', 1, 10, -op.slot), ...fold(op.reg, 1)];
      case 'store':
        return foldWord(STORED + op.word, 29, op.reg);
      case 'keep':
        return this.keep(op);
      case 'bad':
        return this.bad(op.what);
    }
  }

  private label(): string {
    return `l${this.labels++}`;
  }

  private ctx(reg: number): Item {
    return this.func.ctxInReg ? movr(reg, 6) : ldx('dw', reg, 10, -CTX_SLOT);
  }

  /** A byte of the packet in `reg`; changes r0, r1, r4 and r5. */
  private byte(reg: number, at: number, mask: number): Item[] {
    const out = this.label();
    return [
      this.ctx(1),
      ldx('w', 4, 1, 0),
      ldx('w', 5, 1, 4),
      mov(reg, 0),
      movr(0, 4),
      alu64('add', 0, at + 1),
      jmpr('jgt', 0, 5, out),
      ldx('b', reg, 4, at),
      alu64('and', reg, mask),
      label(out),
    ];
  }

  /** The index in r3. */
  private index(index: Index): Item[] {
    if ('const' in index) return [typeof index.const === 'bigint' ? lddw(3, index.const) : mov(3, index.const)];
    if ('word' in index) return [lddwMapValue(3, WORDS, index.word * 8), ldx('dw', 3, 3)];
    if ('byte' in index && 'mask' in index) return this.byte(3, index.byte, index.mask);
    if ('reg' in index) return [movr(3, index.reg), alu64('and', 3, index.mask)];
    const out = this.label();
    const [even, odd] = index.either;
    return [...this.byte(2, index.byte, 1), mov(3, odd), jmp('jne', 2, 0, out), mov(3, even), label(out)];
  }

  private array(array: number, other: OtherArray | undefined): Item[] {
    if (other === undefined) return [lddwMap(2, ARRAYS + array)];
    const [odd, out] = [this.label(), this.label()];
    const choice = [...this.byte(2, other.byte, 1), jmp('jne', 2, 0, odd)];
    return [...choice, lddwMap(2, ARRAYS + array), ja(out), label(odd), lddwMap(2, ARRAYS + other.array), label(out)];
  }

  private tail({ array, index, other }: Op & { op: 'tail' }): Item[] {
    const counts = this.place.site + 2 * this.site++;
    const jump = [...this.index(index), ...this.array(array, other), this.ctx(1), call('tail_call')];
    return [...addToWord(counts), ...jump, ...addToWord(counts + 1)];
  }

  private keep({ reg, byte, func }: Op & { op: 'keep' }): Item[] {
    const out = this.label();
    return [
      this.ctx(1),
      ldx('w', 4, 1, 0),
      ldx('w', 5, 1, 4),
      movr(reg, 4),
      alu64('add', 4, byte + 1),
      mov(0, 9),
      jmpr('jgt', 4, 5, out),
      mov(2, 6),
      callSubprog(`f${func}`),
      ldx('b', 0, reg, byte),
      label(out),
      movr(reg, 0),
    ];
  }

  private bad(what: (Op & { op: 'bad' })['what']): Item[] {
    const jump = [lddwMap(2, what === 'map' ? WORDS : ARRAYS), mov(3, 0)];
    const ctx = what === 'ctx' ? movr(1, 10) : this.ctx(1);
    const read = what === 'r0' ? [movr(2, 0)] : what === 'r1' ? [movr(2, 1)] : [];
    return [...jump, ctx, call('tail_call'), ...read];
  }
}

/** The programs, named `p0`, `p1`, ... */
export function graphProgs(progs: readonly GraphProg[]): CaseProg[] {
  const { places } = tracePlaces(progs);
  return progs.map((prog, i) => ({
    name: `p${i}`,
    type: 'xdp',
    insns: asm(new Emitter(prog, places[i]!).items()),
  }));
}
