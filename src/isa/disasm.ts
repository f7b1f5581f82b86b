/**
 * Insns to text, as the kernel's verifier log prints them: `r0 = *(u32 *)(r1 +4)`, `if w1 s< 0x5 goto pc+3`. Two forms are not the log's,
 * because its text does not say what they are: `ld_imm64` ends in `ll`, and map, BTF and function references have names as in
 * `bpftool prog dump xlated` (`map[idx:0]+8`). `wide: 'log'` prints these as the log does. `assemble` reads all text but the log's.
 */
import { helperNames } from './helper-names.ts';
import type { Insn } from './insn.ts';
import { labelsOf } from './labels.ts';
import { findRow, slotsOf } from './match.ts';
import type { Hole } from './syntax.ts';
import type { IsaRow } from './table.ts';

export interface DisasmOptions {
  /** `12: ` before each insn. */
  readonly pc?: boolean;
  /** The opcode as the log has it, `(b7) `. */
  readonly opcode?: boolean;
  /** The insn's bytes behind it, as bpftool's `opcodes`. */
  readonly bytes?: boolean;
  /** `goto l0` and a line `l0:` instead of `goto pc+3`, where whole programs are printed. */
  readonly labels?: boolean;
  /** `log`: `ld_imm64` as the verifier log prints it, a bare number. */
  readonly wide?: 'll' | 'log';
  /** The name of a helper, with `bpf_`; by default the UAPI's. */
  readonly helperName?: (helper: number) => string | undefined;
  /** The name of a map, for `map[name]`; `map` is a file descriptor or an index, as `kind` says. */
  readonly mapName?: (map: number, kind: 'fd' | 'idx') => string | undefined;
  /** The name of the function that starts at a pc, for `call pc+3#name`. */
  readonly subprogName?: (pc: number) => string | undefined;
  /** The name of a kfunc, for `call name#id`, which is text only: it does not say the module. */
  readonly kfuncName?: (id: number, module: number) => string | undefined;
}

export interface DisasmLine {
  readonly pc: number;
  /** 2 for `ld_imm64`. */
  readonly slots: 1 | 2;
  /** With `labels`: the insn's own. */
  readonly label?: string;
  readonly text: string;
}

/** One insn and what is needed to name its operands. */
interface Place {
  readonly insn: Insn;
  readonly next: Insn | undefined;
  readonly pc: number;
  readonly options: DisasmOptions;
  readonly labels: ReadonlyMap<number, string>;
}

const NO_LABELS: ReadonlyMap<number, string> = new Map();

const signed = (n: number): string => (n < 0 ? `${n}` : `+${n}`);
const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;
const labelAt = ({ pc, labels }: Place, distance: number): string | undefined => labels.get(pc + 1 + distance);
const withName = (text: string, name: string | undefined): string => (name === undefined ? text : `${text}#${name}`);

function imm64(lo: number, hi: number): string {
  return `0x${((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16)}`;
}

function helperText(helper: number, options: DisasmOptions): string {
  const known = helperNames()[helper];
  const name = options.helperName?.(helper) ?? (known === undefined ? 'unknown' : `bpf_${known}`);
  return `${name}#${helper}`;
}

function holeText(hole: Hole, place: Place): string {
  const { insn, next, pc, options } = place;
  switch (hole) {
    case 'rd':
      return `r${insn.dst}`;
    case 'rs':
      return `r${insn.src}`;
    case 'wd':
      return `w${insn.dst}`;
    case 'ws':
      return `w${insn.src}`;
    case 'off':
      return signed(insn.off);
    case 'imm':
    case 'imm32':
    case 'name':
      return `${insn.imm}`;
    case 'hex':
      return hex(insn.imm);
    case 'spaces':
      return `${insn.imm >>> 16}, ${insn.imm & 0xffff}`;
    case 'imm64':
      return imm64(insn.imm, (next as Insn).imm);
    case 'next':
      return `${(next as Insn).imm >>> 0}`;
    case 'module':
      return `${insn.off}`;
    case 'to':
      return labelAt(place, insn.off) ?? `pc${signed(insn.off)}`;
    case 'tol':
      return labelAt(place, insn.imm) ?? `pc${signed(insn.imm)}`;
    case 'rel':
      return labelAt(place, insn.imm) ?? withName(signed(insn.imm), options.subprogName?.(pc + 1 + insn.imm));
    case 'helper':
      return helperText(insn.imm, options);
  }
}

/** Text that is not the row's template: names and the log's form. */
function specialText({ meaning }: IsaRow, place: Place): string | undefined {
  const { insn, next, pc, options } = place;
  if (meaning.kind === 'call_kfunc') {
    const name = options.kfuncName?.(insn.imm, insn.off);
    return name === undefined ? undefined : `call ${name}#${insn.imm}`;
  }
  if (meaning.kind === 'call_local' && labelAt(place, insn.imm) === undefined) {
    return withName(`call pc${signed(insn.imm)}`, options.subprogName?.(pc + 1 + insn.imm));
  }
  if (meaning.kind !== 'lddw') return undefined;
  const hi = (next as Insn).imm;
  if (options.wide === 'log') return `r${insn.dst} = ${imm64(insn.imm, hi)}`;
  if (!meaning.value.startsWith('map')) return undefined;
  const name = options.mapName?.(insn.imm, meaning.value.startsWith('map_idx') ? 'idx' : 'fd');
  if (name === undefined) return undefined;
  return `r${insn.dst} = map[${name}]${meaning.value.endsWith('value') ? `+${hi >>> 0}` : ''}`;
}

function textOf(row: IsaRow, place: Place): string {
  const special = specialText(row, place);
  if (special !== undefined) return special;
  return row.parts.map((part) => ('text' in part ? part.text : holeText(part.hole, place))).join('');
}

function slotBytes({ opcode, dst, src, off, imm }: Insn): string {
  const bytes = [opcode, (src << 4) | dst, off, off >> 8, imm, imm >> 8, imm >> 16, imm >> 24];
  return bytes.map((byte) => (byte & 0xff).toString(16).padStart(2, '0')).join(' ');
}

function lineOf(place: Place): DisasmLine {
  const { insn, next, pc, options, labels } = place;
  const row = findRow(insn, next, pc);
  const slots = slotsOf(row);
  const prefix = options.pc === true ? `${pc}: ` : '';
  const opcode = options.opcode === true ? `(${insn.opcode.toString(16).padStart(2, '0')}) ` : '';
  const bytes = options.bytes === true ? (slots === 2 ? [insn, next as Insn] : [insn]).map(slotBytes) : [];
  const text = [`${prefix}${opcode}${textOf(row, place)}`, ...bytes].join('\n    ');
  const label = labels.get(pc);
  return { pc, slots, ...(label !== undefined && { label }), text };
}

/**
 * The text of one insn.
 * @param next the following slot, which `ld_imm64` needs
 * @throws InsnError when it is not in the instruction set
 */
export function disasmInsn(insn: Insn, next: Insn | undefined, pc: number, options: DisasmOptions = {}): string {
  return lineOf({ insn, next, pc, options, labels: NO_LABELS }).text;
}

/** One entry for each insn; `ld_imm64` is one insn. */
export function disasmLines(insns: readonly Insn[], options: DisasmOptions = {}): DisasmLine[] {
  const labels = options.labels === true ? labelsOf(insns) : NO_LABELS;
  const lines: DisasmLine[] = [];
  for (let pc = 0; pc < insns.length; ) {
    const line = lineOf({ insn: insns[pc], next: insns[pc + 1], pc, options, labels });
    lines.push(line);
    pc += line.slots;
  }
  return lines;
}

/** The whole program, a line for each insn. */
export function disassemble(insns: readonly Insn[], options: DisasmOptions = {}): string {
  return disasmLines(insns, options)
    .flatMap(({ label, text }) => (label === undefined ? [text] : [`${label}:`, text]))
    .join('\n');
}
