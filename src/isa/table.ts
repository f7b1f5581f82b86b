/**
 * The instruction set as one table: RFC 9669, and the insns Linux has beyond it (group `linux`). Decoder, disassembler, assembler, the
 * support page and the test generators read these rows; nothing else knows what an opcode means.
 *
 * `syntax` is the text of the kernel's verifier log with holes: `{rd}` is the register in dst, `{ws}` the lower half of the one in src,
 * `{imm}` a number ... (`HOLES` in syntax.ts has them all). The holes name the fields that an insn uses; all others must be zero.
 */
import * as isa from '../../assembly/isa.ts';
import { lazy } from '../util/lazy.ts';
import type { AluName, AtomicName, JumpName, WideValue } from './op.ts';
import { type Field, fieldsOf, type Part, templateParts } from './syntax.ts';

/** What `Op` a row makes; operands come from the insn's fields. */
export type Meaning =
  | { readonly kind: 'alu'; readonly op: AluName; readonly width: 32 | 64; readonly src: 'reg' | 'imm' | 'none' }
  | { readonly kind: 'movsx'; readonly width: 32 | 64; readonly bits: 8 | 16 | 32 }
  /** `mov` of the lower half, or `cast_user`, as imm says. */
  | { readonly kind: 'cast' }
  | { readonly kind: 'swap'; readonly to: 'le' | 'be' | 'bswap'; readonly bits: 16 | 32 | 64 }
  | { readonly kind: 'load'; readonly size: 1 | 2 | 4 | 8; readonly signed: boolean }
  | { readonly kind: 'store'; readonly size: 1 | 2 | 4 | 8; readonly src: 'reg' | 'imm' }
  | { readonly kind: 'atomic'; readonly op: AtomicName; readonly fetch: boolean; readonly size: 1 | 2 | 4 | 8 }
  | { readonly kind: 'lddw'; readonly value: WideValue['kind'] }
  | { readonly kind: 'ldabs' | 'ldind'; readonly size: 1 | 2 | 4 }
  /** `target` is the field with the distance. */
  | { readonly kind: 'ja'; readonly target: 'off' | 'imm' }
  | { readonly kind: 'jcond'; readonly op: JumpName; readonly width: 32 | 64; readonly src: 'reg' | 'imm' }
  | { readonly kind: 'may_goto' | 'call' | 'call_local' | 'call_kfunc' | 'exit' };

/** Conformance groups of RFC 9669 section 2.4; `linux` is not in the RFC. */
export type Group = 'base32' | 'base64' | 'divmul32' | 'divmul64' | 'atomic32' | 'atomic64' | 'packet' | 'linux';

/** The first `-mcpu` with which clang emits the insn from C. */
export type Cpu = 'v1' | 'v2' | 'v3' | 'v4';

/** Rows of one opcode are told apart by one field. */
export interface Select {
  readonly field: 'src' | 'off' | 'imm';
  readonly value: number;
}

export interface IsaRow {
  readonly opcode: number;
  readonly select?: Select;
  /** Fields that must be zero; `next` is imm of the second slot. */
  readonly zero: readonly Field[];
  readonly meaning: Meaning;
  readonly group: Group;
  readonly cpu: Cpu;
  /** As the kernel prints it. */
  readonly syntax: string;
  /** `syntax` in its parts. */
  readonly parts: readonly Part[];
  /** The fields that name registers. */
  readonly registers: readonly ('dst' | 'src')[];
  /** Other spellings that the assembler takes, mostly LLVM's. */
  readonly alt: readonly string[];
}

interface Extra {
  readonly select?: Select;
  readonly alt?: readonly string[];
}

const FIELDS: readonly Field[] = ['dst', 'src', 'off', 'imm'];

/** What follows from the template is found out when it is first asked for: a program has few of the insns. */
class Row implements IsaRow {
  declare readonly select?: Select;
  readonly opcode: number;
  readonly syntax: string;
  readonly meaning: Meaning;
  readonly group: Group;
  readonly cpu: Cpu;
  readonly alt: readonly string[];
  private readonly known: { parts?: readonly Part[]; zero?: readonly Field[]; registers?: IsaRow['registers'] } = {};

  constructor(opcode: number, syntax: string, meaning: Meaning, origin: readonly [Group, Cpu], extra: Extra) {
    if (extra.select !== undefined) this.select = extra.select;
    this.opcode = opcode;
    this.syntax = syntax;
    this.meaning = meaning;
    this.group = origin[0];
    this.cpu = origin[1];
    this.alt = extra.alt ?? [];
  }

  get parts(): readonly Part[] {
    this.known.parts ??= templateParts(this.syntax);
    return this.known.parts;
  }

  get zero(): readonly Field[] {
    this.known.zero ??= this.unused();
    return this.known.zero;
  }

  private unused(): Field[] {
    const used = new Set<Field>(fieldsOf(this.syntax));
    if (this.select !== undefined) used.add(this.select.field);
    const fields: readonly Field[] = this.meaning.kind === 'lddw' ? [...FIELDS, 'next'] : FIELDS;
    return fields.filter((field) => !used.has(field));
  }

  get registers(): IsaRow['registers'] {
    this.known.registers ??= (['dst', 'src'] as const).filter((field) =>
      ['r', 'w'].some((half) => this.syntax.includes(`{${half}${field[0]}}`)),
    );
    return this.known.registers;
  }
}

function row(
  opcode: number,
  syntax: string,
  meaning: Meaning,
  origin: readonly [Group, Cpu],
  extra: Extra = {},
): IsaRow {
  return new Row(opcode, syntax, meaning, origin, extra);
}

const WIDTHS = [64, 32] as const;
const SOURCES = ['imm', 'reg'] as const;
const SIZES = [
  { size: 1, code: isa.BPF_B },
  { size: 2, code: isa.BPF_H },
  { size: 4, code: isa.BPF_W },
  { size: 8, code: isa.BPF_DW },
] as const;

const dst = (width: 32 | 64): string => (width === 64 ? '{rd}' : '{wd}');
const src = (width: 32 | 64): string => (width === 64 ? '{rs}' : '{ws}');

// Arithmetic (RFC 9669 section 4.1).

const ALU: readonly (readonly [AluName, number, string])[] = [
  ['add', isa.BPF_ADD, '+='],
  ['sub', isa.BPF_SUB, '-='],
  ['mul', isa.BPF_MUL, '*='],
  ['div', isa.BPF_DIV, '/='],
  ['sdiv', isa.BPF_DIV, 's/='],
  ['mod', isa.BPF_MOD, '%='],
  ['smod', isa.BPF_MOD, 's%='],
  ['or', isa.BPF_OR, '|='],
  ['and', isa.BPF_AND, '&='],
  ['xor', isa.BPF_XOR, '^='],
  ['lsh', isa.BPF_LSH, '<<='],
  ['rsh', isa.BPF_RSH, '>>='],
  ['arsh', isa.BPF_ARSH, 's>>='],
  ['mov', isa.BPF_MOV, '='],
];
/** off = 1 makes a division signed, off = 8, 16 or 32 makes a move sign-extend. */
const ALU_OFF: Partial<Record<AluName, number>> = { div: 0, sdiv: 1, mod: 0, smod: 1 };
const DIVMUL: readonly AluName[] = ['mul', 'div', 'sdiv', 'mod', 'smod'];

const aluClass = (width: 32 | 64): number => (width === 64 ? isa.BPF_ALU64 : isa.BPF_ALU);
const aluCpu = (width: 32 | 64): Cpu => (width === 64 ? 'v1' : 'v3');

function aluRows(width: 32 | 64, source: 'reg' | 'imm'): IsaRow[] {
  const from = source === 'reg' ? isa.BPF_X : isa.BPF_K;
  return ALU.map(([op, code, symbol]) => {
    const operand = source === 'reg' ? src(width) : width === 64 ? '{imm}' : '{imm32}';
    const off = ALU_OFF[op] ?? (op === 'mov' && source === 'reg' ? 0 : undefined);
    const group = `${DIVMUL.includes(op) ? 'divmul' : 'base'}${width}` as const;
    return row(
      aluClass(width) | code | from,
      `${dst(width)} ${symbol} ${operand}`,
      { kind: 'alu', op, width, src: source },
      [group, op === 'sdiv' || op === 'smod' ? 'v4' : aluCpu(width)],
      off === undefined ? {} : { select: { field: 'off', value: off } },
    );
  });
}

function negRow(width: 32 | 64): IsaRow {
  const meaning: Meaning = { kind: 'alu', op: 'neg', width, src: 'none' };
  return row(aluClass(width) | isa.BPF_NEG, `${dst(width)} = -${dst(width)}`, meaning, [`base${width}`, aluCpu(width)]);
}

function movsxRows(width: 32 | 64): IsaRow[] {
  const bits = width === 64 ? ([8, 16, 32] as const) : ([8, 16] as const);
  return bits.map((n) =>
    row(
      aluClass(width) | isa.BPF_MOV | isa.BPF_X,
      `${dst(width)} = (s${n})${src(width)}`,
      { kind: 'movsx', width, bits: n },
      [`base${width}`, 'v4'],
      { select: { field: 'off', value: n } },
    ),
  );
}

// Not in the RFC: pointers into an arena. The address spaces are in the halves of imm.
const castRow = (): IsaRow =>
  row(
    isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X,
    '{rd} = addr_space_cast({rs}, {spaces})',
    { kind: 'cast' },
    ['linux', 'v1'],
    { select: { field: 'off', value: 1 } },
  );

const SWAPS = [
  ['le', isa.BPF_ALU | isa.BPF_END | isa.BPF_K, 'v1'],
  ['be', isa.BPF_ALU | isa.BPF_END | isa.BPF_X, 'v1'],
  ['bswap', isa.BPF_ALU64 | isa.BPF_END, 'v4'],
] as const;

const swapRows = (): readonly IsaRow[] =>
  SWAPS.flatMap(([to, opcode, cpu]) =>
    ([16, 32, 64] as const).map((bits) =>
      row(opcode, `{rd} = ${to}${bits} {rd}`, { kind: 'swap', to, bits }, [bits === 64 ? 'base64' : 'base32', cpu], {
        select: { field: 'imm', value: bits },
      }),
    ),
  );

// Loads and stores (sections 5.1 and 5.2).

const sizeGroup = (size: number): Group => (size === 8 ? 'base64' : 'base32');
/** LLVM names the lower half where 8 to 32 bits move. */
const lower = (size: number, text: string): string[] => (size === 8 ? [] : [text]);

const memRows = (): readonly IsaRow[] =>
  SIZES.flatMap(({ size, code }) => {
    const bits = size * 8;
    const from = `*(u${bits} *)({rs} {off})`;
    const to = `*(u${bits} *)({rd} {off})`;
    return [
      row(
        isa.BPF_LDX | isa.BPF_MEM | code,
        `{rd} = ${from}`,
        { kind: 'load', size, signed: false },
        [sizeGroup(size), 'v1'],
        { alt: lower(size, `{wd} = ${from}`) },
      ),
      row(
        isa.BPF_STX | isa.BPF_MEM | code,
        `${to} = {rs}`,
        { kind: 'store', size, src: 'reg' },
        [sizeGroup(size), 'v1'],
        { alt: lower(size, `${to} = {ws}`) },
      ),
      row(
        isa.BPF_ST | isa.BPF_MEM | code,
        `${to} = ${size === 8 ? '{imm}' : '{imm32}'}`,
        { kind: 'store', size, src: 'imm' },
        [sizeGroup(size), 'v4'],
      ),
    ];
  });

const memsxRows = (): readonly IsaRow[] =>
  SIZES.slice(0, 3).map(({ size, code }) =>
    row(
      isa.BPF_LDX | isa.BPF_MEMSX | code,
      `{rd} = *(s${size * 8} *)({rs} {off})`,
      { kind: 'load', size, signed: true },
      [size === 4 ? 'base64' : 'base32', 'v4'],
    ),
  );

// Atomics (section 5.3), and Linux's load-acquire and store-release.

const ATOMIC_ALU = [
  ['add', isa.BPF_ADD, '+='],
  ['or', isa.BPF_OR, '|='],
  ['and', isa.BPF_AND, '&='],
  ['xor', isa.BPF_XOR, '^='],
] as const;

function atomicRows(size: 4 | 8): IsaRow[] {
  const opcode = isa.BPF_STX | isa.BPF_ATOMIC | (size === 8 ? isa.BPF_DW : isa.BPF_W);
  const group = size === 8 ? 'atomic64' : 'atomic32';
  const call = size === 8 ? 'atomic64' : 'atomic';
  const at = `(u${size * 8} *)({rd} {off})`;
  const half = size === 8 ? 'r' : 'w';
  const value = `{${half}s}`;
  const llvm = size === 8 ? '_64' : '32_32';
  const make = (op: AtomicName, fetch: boolean, imm: number, syntax: string, alt: string[]): IsaRow =>
    row(
      opcode,
      syntax,
      { kind: 'atomic', op, fetch, size },
      [group, size === 8 || (op === 'add' && !fetch) ? 'v1' : 'v3'],
      {
        select: { field: 'imm', value: imm },
        alt,
      },
    );
  return [
    ...ATOMIC_ALU.map(([op, code, symbol]) =>
      make(op, false, code, `lock *${at} ${symbol} {rs}`, lower(size, `lock *${at} ${symbol} {ws}`)),
    ),
    ...ATOMIC_ALU.map(([op, code]) =>
      make(op, true, code | isa.BPF_FETCH, `{rs} = ${call}_fetch_${op}(${at}, {rs})`, [
        `${value} = atomic_fetch_${op}(${at}, ${value})`,
      ]),
    ),
    make('xchg', true, isa.BPF_XCHG, `{rs} = ${call}_xchg(${at}, {rs})`, [
      `${value} = xchg${llvm}({rd} {off}, ${value})`,
    ]),
    make('cmpxchg', true, isa.BPF_CMPXCHG, `r0 = ${call}_cmpxchg(${at}, r0, {rs})`, [
      `${half}0 = cmpxchg${llvm}({rd} {off}, ${half}0, ${value})`,
    ]),
  ];
}

const acquireRows = (): readonly IsaRow[] =>
  SIZES.flatMap(({ size, code }) => {
    const opcode = isa.BPF_STX | isa.BPF_ATOMIC | code;
    const type = `(u${size * 8} *)`;
    return [
      row(
        opcode,
        `{rd} = load_acquire(${type}({rs} {off}))`,
        { kind: 'atomic', op: 'load_acq', fetch: false, size },
        ['linux', 'v4'],
        {
          select: { field: 'imm', value: isa.BPF_LOAD_ACQ },
          alt: lower(size, `{wd} = load_acquire(${type}({rs} {off}))`),
        },
      ),
      row(
        opcode,
        `store_release(${type}({rd} {off}), {rs})`,
        { kind: 'atomic', op: 'store_rel', fetch: false, size },
        ['linux', 'v4'],
        {
          select: { field: 'imm', value: isa.BPF_STORE_REL },
          alt: lower(size, `store_release(${type}({rd} {off}), {ws})`),
        },
      ),
    ];
  });

// 64-bit immediates (section 5.4) and legacy packet loads (section 5.5).

const WIDE: readonly (readonly [WideValue['kind'], number, string, ...string[]])[] = [
  ['const', 0, '{imm64} ll'],
  ['map_fd', isa.BPF_PSEUDO_MAP_FD, 'map[fd:{imm}]'],
  ['map_value', isa.BPF_PSEUDO_MAP_VALUE, 'map[fd:{imm}][0]+{next}'],
  ['btf_id', isa.BPF_PSEUDO_BTF_ID, 'btf[id:{imm} module:{next}]', 'btf[id:{imm}]'],
  ['func', isa.BPF_PSEUDO_FUNC, 'subprog[{rel}]'],
  ['map_idx', isa.BPF_PSEUDO_MAP_IDX, 'map[idx:{imm}]', 'map[{name}]'],
  ['map_idx_value', isa.BPF_PSEUDO_MAP_IDX_VALUE, 'map[idx:{imm}]+{next}', 'map[{name}]+{next}'],
];

const wideRows = (): readonly IsaRow[] =>
  WIDE.map(([value, form, syntax, ...alt]) =>
    row(isa.BPF_LD | isa.BPF_IMM | isa.BPF_DW, `{rd} = ${syntax}`, { kind: 'lddw', value }, ['base64', 'v1'], {
      select: { field: 'src', value: form },
      alt: alt.map((text) => `{rd} = ${text}`),
    }),
  );

const packetRows = (): readonly IsaRow[] =>
  SIZES.slice(0, 3).flatMap(({ size, code }) => {
    const n = size as 1 | 2 | 4;
    const at = `r0 = *(u${n * 8} *)skb`;
    return [
      row(isa.BPF_LD | isa.BPF_ABS | code, `${at}[{imm}]`, { kind: 'ldabs', size: n }, ['packet', 'v1']),
      row(isa.BPF_LD | isa.BPF_IND | code, `${at}[{rs} + {imm}]`, { kind: 'ldind', size: n }, ['packet', 'v1'], {
        alt: [`${at}[{rs}]`],
      }),
    ];
  });

// Jumps (section 4.3).

const JUMPS: readonly (readonly [JumpName, number, string, Cpu])[] = [
  ['eq', isa.BPF_JEQ, '==', 'v1'],
  ['ne', isa.BPF_JNE, '!=', 'v1'],
  ['gt', isa.BPF_JGT, '>', 'v1'],
  ['ge', isa.BPF_JGE, '>=', 'v1'],
  ['lt', isa.BPF_JLT, '<', 'v2'],
  ['le', isa.BPF_JLE, '<=', 'v2'],
  ['set', isa.BPF_JSET, '&', 'v1'],
  ['sgt', isa.BPF_JSGT, 's>', 'v1'],
  ['sge', isa.BPF_JSGE, 's>=', 'v1'],
  ['slt', isa.BPF_JSLT, 's<', 'v2'],
  ['sle', isa.BPF_JSLE, 's<=', 'v2'],
];

function jumpRows(width: 32 | 64, source: 'reg' | 'imm'): IsaRow[] {
  const base = (width === 64 ? isa.BPF_JMP : isa.BPF_JMP32) | (source === 'reg' ? isa.BPF_X : isa.BPF_K);
  const operand = source === 'reg' ? src(width) : '{hex}';
  return JUMPS.map(([op, code, symbol, cpu]) =>
    row(base | code, `if ${dst(width)} ${symbol} ${operand} goto {to}`, { kind: 'jcond', op, width, src: source }, [
      `base${width}`,
      width === 32 ? 'v3' : cpu,
    ]),
  );
}

const CALL = isa.BPF_JMP | isa.BPF_CALL;
const callForm = (value: number): Select => ({ field: 'src', value });

const flowRows = (): readonly IsaRow[] => [
  row(isa.BPF_JMP | isa.BPF_JA, 'goto {to}', { kind: 'ja', target: 'off' }, ['base32', 'v1']),
  row(isa.BPF_JMP32 | isa.BPF_JA, 'gotol {tol}', { kind: 'ja', target: 'imm' }, ['base32', 'v4']),
  row(isa.BPF_JMP | isa.BPF_JCOND, 'may_goto {to}', { kind: 'may_goto' }, ['linux', 'v1']),
  row(CALL, 'call {helper}', { kind: 'call' }, ['base32', 'v1'], { select: callForm(isa.BPF_CALL_HELPER) }),
  row(CALL, 'call {tol}', { kind: 'call_local' }, ['base32', 'v1'], { select: callForm(isa.BPF_PSEUDO_CALL) }),
  row(CALL, 'call kfunc[id:{imm} module:{module}]', { kind: 'call_kfunc' }, ['base32', 'v1'], {
    select: callForm(isa.BPF_PSEUDO_KFUNC_CALL),
    alt: ['call kfunc[id:{imm}]'],
  }),
  row(isa.BPF_JMP | isa.BPF_EXIT, 'exit', { kind: 'exit' }, ['base32', 'v1']),
];

/** All rows. */
export const isaTable: () => readonly IsaRow[] = lazy(() => [
  ...WIDTHS.flatMap((width) => [
    ...SOURCES.flatMap((source) => aluRows(width, source)),
    negRow(width),
    ...movsxRows(width),
  ]),
  castRow(),
  ...swapRows(),
  ...memRows(),
  ...memsxRows(),
  ...atomicRows(4),
  ...atomicRows(8),
  ...acquireRows(),
  ...wideRows(),
  ...packetRows(),
  ...WIDTHS.flatMap((width) => SOURCES.flatMap((source) => jumpRows(width, source))),
  ...flowRows(),
]);
