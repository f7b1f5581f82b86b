/**
 * Text to insns: the syntax that `disassemble` prints, LLVM's spelling of it, labels and comments.
 *
 *     l0: r0 = *(u32 *)(r1 +4)      // kernel, LLVM: (r1 + 4)
 *         if r0 > 0x5 goto l0       ; or goto pc-2, goto -2
 *         r2 = 0x123456789 ll
 *         exit
 *
 * `call 2` calls helper 2, as in LLVM's assembler; llvm-objdump prints calls of subprograms the same way. Here they are `call pc+2`.
 */
import { InsnError } from '../errors/index.ts';
import { type Match, type Mismatch, matchLine } from './grammar.ts';
import type { Insn } from './insn.ts';
import { type Token, tokensOf } from './lexer.ts';
import { slotsOf } from './match.ts';
import type { Names } from './operands.ts';

export interface AsmOptions {
  /** Names of maps by index, for `r1 = map[name]`. */
  readonly maps?: readonly string[];
}

interface Line {
  readonly number: number;
  /** Without labels. */
  readonly tokens: readonly Token[];
  readonly labels: readonly Token[];
}

/** Where a label stands. */
interface Label {
  readonly line: number;
  pc: number;
}

/** A jump to a label whose distance is not known yet. */
interface Fixup {
  readonly pc: number;
  readonly line: number;
  readonly field: 'off' | 'imm';
  readonly token: Token;
}

function splitLabels(source: string, number: number): Line {
  const tokens = tokensOf(source, number);
  const labels: Token[] = [];
  let at = 0;
  while (tokens[at]?.kind === 'word' && tokens[at + 1]?.text === ':') {
    labels.push(tokens[at]);
    at += 2;
  }
  return { number, tokens: tokens.slice(at), labels };
}

function collectLabels(lines: readonly Line[]): Map<string, Label> {
  const labels = new Map<string, Label>();
  for (const line of lines) {
    for (const { text, column } of line.labels) {
      const first = labels.get(text)?.line;
      if (first !== undefined) {
        throw new InsnError('INSN_LABEL', { line: line.number, column, found: `\`${text}\``, first });
      }
      labels.set(text, { line: line.number, pc: 0 });
    }
  }
  return labels;
}

function refuse(line: Line, { at, expected }: Mismatch): never {
  const token = line.tokens[at];
  const last = line.tokens.at(-1) as Token;
  throw new InsnError('INSN_SYNTAX', {
    line: line.number,
    column: token?.column ?? last.column + last.text.length,
    found: token === undefined ? 'the end of the line' : `\`${token.text}\``,
    expected: at === 0 ? ['an insn as `r0 = 1`, `if r1 > 2 goto pc+1` or `exit`'] : expected,
  });
}

function slots({ row, bound }: Match): Insn[] {
  const value = (field: 'dst' | 'src' | 'off' | 'imm'): number =>
    row.select?.field === field ? row.select.value : (bound.get(field) ?? 0);
  const insn: Insn = {
    opcode: row.opcode,
    dst: value('dst'),
    src: value('src'),
    off: value('off'),
    imm: value('imm'),
  };
  if (slotsOf(row) === 1) return [insn];
  return [insn, { opcode: 0, dst: 0, src: 0, off: 0, imm: bound.get('next') ?? 0 }];
}

function resolve(insns: Insn[], labels: ReadonlyMap<string, Label>, { pc, line, field, token }: Fixup): void {
  const found = (labels.get(token.text) as Label).pc - pc - 1;
  if (field === 'off' && (found < -0x8000 || found > 0x7fff)) {
    throw new InsnError('INSN_FAR', { line, column: token.column, found, expected: 'from -32768 to 32767' });
  }
  insns[pc] = { ...insns[pc], [field]: found };
}

/** @throws InsnError with line, column, what was found there and what could stand there */
export function assemble(text: string, options: AsmOptions = {}): Insn[] {
  const lines = text.split(/\r?\n/).map((source, i) => splitLabels(source, i + 1));
  const labels = collectLabels(lines);
  const names: Names = { labels: new Set(labels.keys()), maps: options.maps ?? [] };
  const insns: Insn[] = [];
  const fixups: Fixup[] = [];
  for (const line of lines) {
    for (const label of line.labels) (labels.get(label.text) as Label).pc = insns.length;
    if (line.tokens.length === 0) continue;
    const match = matchLine(line.tokens, names);
    if ('expected' in match) refuse(line, match);
    if (match.label !== undefined) fixups.push({ pc: insns.length, line: line.number, ...match.label });
    insns.push(...slots(match));
  }
  for (const fixup of fixups) resolve(insns, labels, fixup);
  return insns;
}
