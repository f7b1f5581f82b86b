// Writes docs/isa-support.md from the instruction table: `npm run build && node dist/scripts/make-isa-support.js [FILE]`.
import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type IsaRow, isaTable } from '../src/isa/table.ts';

const SECTIONS: readonly (readonly [string, readonly IsaRow['meaning']['kind'][]])[] = [
  ['Arithmetic', ['alu']],
  ['Sign-extending moves', ['movsx']],
  ['Address spaces', ['cast']],
  ['Byte order', ['swap']],
  ['Loads and stores', ['load', 'store']],
  ['Atomic operations', ['atomic']],
  ['64-bit immediates', ['lddw']],
  ['Legacy packet loads', ['ldabs', 'ldind']],
  ['Conditional jumps', ['jcond']],
  ['Jumps, calls, exit', ['ja', 'may_goto', 'call', 'call_local', 'call_kfunc', 'exit']],
];

const INTRO = `# The instruction set

Generated from \`src/isa/table.ts\` by \`scripts/make-isa-support.ts\`. Do not edit.

Decoder, disassembler and assembler know exactly these insns. *Form* is the field whose value tells the rows of one opcode
apart; *zero* lists the fields that must be zero (\`next\` is \`imm\` of the second slot): an insn with anything else there is refused.
*Text* is what the disassembler prints, where \`rD\`/\`wD\` and \`rS\`/\`wS\` are the registers in dst and src,
\`OFF\`, \`IMM\` and \`NEXT\` the other fields. *Group* is the conformance group of RFC 9669; \`linux\` is beyond the RFC. *clang* is the
lowest \`-mcpu\` with which clang emits the insn: \`may_goto\` only from inline assembly, load-acquire and store-release not before clang 20.

Linux 6.18 refuses the same encodings, but for two fields that it ignores and that must be zero here, as RFC 9669 section 3 has it:
\`off\` of \`exit\`, and \`imm\` of the second slot of \`subprog[+IMM]\`.
`;

const HOLE_TEXT: Record<string, string> = {
  rd: 'rD',
  wd: 'wD',
  rs: 'rS',
  ws: 'wS',
  off: '+OFF',
  to: 'pc+OFF',
  tol: 'pc+IMM',
  rel: '+IMM',
  imm64: 'NEXT:IMM',
  helper: 'NAME#IMM',
  next: 'NEXT',
  spaces: 'IMM >> 16, IMM & 0xffff',
  module: 'OFF',
};

const hex = (n: number): string => `0x${n.toString(16).padStart(2, '0')}`;

function textOf(syntax: string): string {
  return syntax.replace(/\{(\w+)\}/g, (_, hole: string) => HOLE_TEXT[hole] ?? 'IMM').replaceAll('|', '\\|');
}

function formOf({ select }: Pick<IsaRow, 'select'>): string {
  if (select === undefined) return '';
  return `${select.field} ${select.field === 'imm' ? hex(select.value) : select.value}`;
}

function line(row: IsaRow): string {
  const cells = [hex(row.opcode), formOf(row), row.zero.join(', '), `\`${textOf(row.syntax)}\``, row.group, row.cpu];
  return `| ${cells.join(' | ')} |`;
}

/** The page's text. */
export function isaSupportPage(rows: readonly IsaRow[]): string {
  const head = '| opcode | form | zero | text | group | clang |\n|---|---|---|---|---|---|';
  const sections = SECTIONS.map(([title, kinds]) => {
    const lines = rows.filter((row) => kinds.includes(row.meaning.kind)).map(line);
    return `## ${title}\n\n${head}\n${lines.join('\n')}\n`;
  });
  return `${INTRO}\n${sections.join('\n')}\n${rows.length} rows, ${new Set(rows.map((row) => row.opcode)).size} opcodes.\n`;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(process.argv[2] ?? 'docs/isa-support.md', isaSupportPage(isaTable()));
}
