/** The assembler's reading of one hole of a template: which tokens it takes, and the fields they give. */
import { BPF_REG_FP } from '../../assembly/isa.ts';
import { helperNumbers } from './helper-names.ts';
import { numberOf, type Token } from './lexer.ts';
import { CASTS, type Field, type Hole } from './syntax.ts';

/** What names may stand for. */
export interface Names {
  /** Labels of the text. */
  readonly labels: ReadonlySet<string>;
  /** Maps, by index. */
  readonly maps: readonly string[];
}

export interface Reading {
  /** The first token behind the operand. */
  readonly at: number;
  readonly fields: readonly (readonly [Field, number])[];
  /** The operand is a label: its distance belongs into `field`. */
  readonly label?: { readonly field: 'off' | 'imm'; readonly token: Token };
}

type Reader = (tokens: readonly Token[], at: number, names: Names) => Reading | undefined;

const register =
  (field: 'dst' | 'src', letter: 'r' | 'w'): Reader =>
  (tokens, at) => {
    const text = tokens[at]?.text ?? '';
    if (!/^[rw]\d\d?$/.test(text) || text[0] !== letter) return undefined;
    const index = Number(text.slice(1));
    return index > BPF_REG_FP || text !== `${letter}${index}` ? undefined : { at: at + 1, fields: [[field, index]] };
  };

interface Scanned {
  readonly at: number;
  readonly value: bigint;
}

/** A number with at most one sign; `sign` demands one. */
function scan(tokens: readonly Token[], at: number, sign: 'optional' | 'required'): Scanned | undefined {
  const mark = tokens[at]?.text;
  const hasSign = mark === '-' || mark === '+';
  if (sign === 'required' && !hasSign) return undefined;
  const end = at + (hasSign ? 2 : 1);
  const value = numberOf(tokens[end - 1]);
  return value === undefined ? undefined : { at: end, value: mark === '-' ? -value : value };
}

/** A number in a range; the field has it as a signed one of `bits`. */
const integer =
  (field: Field, low: bigint, high: bigint, bits = 32): Reader =>
  (tokens, at) => {
    const number = scan(tokens, at, 'optional');
    if (number === undefined || number.value < low || number.value > high) return undefined;
    return { at: number.at, fields: [[field, Number(BigInt.asIntN(bits, number.value))]] };
  };

const INT16 = [-0x8000n, 0x7fffn] as const;
const INT32 = [-0x8000_0000n, 0x7fff_ffffn] as const;
const ANY32 = [INT32[0], 0xffff_ffffn] as const;

const wide: Reader = (tokens, at) => {
  const number = scan(tokens, at, 'optional');
  if (number === undefined || number.value < -(1n << 63n) || number.value >= 1n << 64n) return undefined;
  const lo = Number(BigInt.asIntN(32, number.value));
  const hi = Number(BigInt.asIntN(32, number.value >> 32n));
  return {
    at: number.at,
    fields: [
      ['imm', lo],
      ['next', hi],
    ],
  };
};

/** `+4`, `-4`, or nothing before the bracket or comma that ends an address. */
const offset: Reader = (tokens, at) => {
  const number = scan(tokens, at, 'required');
  if (number === undefined) {
    const end = tokens[at]?.text;
    return end === ')' || end === ',' ? { at, fields: [['off', 0]] } : undefined;
  }
  if (number.value < INT16[0] || number.value > INT16[1]) return undefined;
  return { at: number.at, fields: [['off', Number(number.value)]] };
};

/** `pc+3`, `+3` or a label; a name behind `#` is a comment for people. */
const distance =
  (field: 'off' | 'imm', [low, high]: readonly [bigint, bigint]): Reader =>
  (tokens, at, names) => {
    const first = tokens[at];
    const number = scan(tokens, first?.text === 'pc' ? at + 1 : at, 'required');
    if (number === undefined) {
      if (first?.kind !== 'word' || !names.labels.has(first.text)) return undefined;
      return { at: at + 1, fields: [[field, 0]], label: { field, token: first } };
    }
    if (number.value < low || number.value > high) return undefined;
    const named = tokens[number.at]?.text === '#' && tokens[number.at + 1]?.kind === 'word';
    return { at: named ? number.at + 2 : number.at, fields: [[field, Number(number.value)]] };
  };

/** `bpf_ktime_get_ns#5`, `bpf_ktime_get_ns`, `unknown#999` or `5`: a name and a number that disagree are refused. */
const helper: Reader = (tokens, at, names) => {
  const first = tokens[at];
  if (first?.kind !== 'word') return scan(tokens, at, 'required') === undefined ? helperNumber(tokens, at) : undefined;
  const known = first.text.startsWith('bpf_') ? helperNumbers().get(first.text.slice(4)) : undefined;
  if (tokens[at + 1]?.text === '#') {
    const given = helperNumber(tokens, at + 2);
    if (given === undefined || (known === undefined && first.text !== 'unknown')) return undefined;
    return known === undefined || given.fields[0][1] === known ? given : undefined;
  }
  // A label of this name makes `call` a call of the subprogram.
  if (known === undefined || names.labels.has(first.text)) return undefined;
  return { at: at + 1, fields: [['imm', known]] };
};

const helperNumber = (tokens: readonly Token[], at: number): Reading | undefined =>
  integer('imm', ...INT32)(tokens, at, { labels: new Set(), maps: [] });

const mapName: Reader = (tokens, at, { maps }) => {
  const index = tokens[at]?.kind === 'word' ? maps.indexOf(tokens[at].text) : -1;
  return index < 0 ? undefined : { at: at + 1, fields: [['imm', index]] };
};

/** `0, 1` or `1, 0`, which LLVM prints in hex. */
const spaces: Reader = (tokens, at) => {
  const [to, from] = [numberOf(tokens[at]), numberOf(tokens[at + 2])];
  if (to === undefined || from === undefined || tokens[at + 1]?.text !== ',') return undefined;
  const imm = Number((to << 16n) | from);
  return to <= 1n && from <= 1n && CASTS.includes(imm) ? { at: at + 3, fields: [['imm', imm]] } : undefined;
};

export const READERS: Readonly<Record<Hole, Reader>> = {
  rd: register('dst', 'r'),
  rs: register('src', 'r'),
  wd: register('dst', 'w'),
  ws: register('src', 'w'),
  off: offset,
  imm: integer('imm', ...INT32),
  imm32: integer('imm', ...ANY32),
  hex: integer('imm', ...ANY32),
  spaces,
  imm64: wide,
  next: integer('next', ...ANY32),
  module: integer('off', ...INT16),
  to: distance('off', INT16),
  tol: distance('imm', INT32),
  rel: distance('imm', INT32),
  helper,
  name: mapName,
};
