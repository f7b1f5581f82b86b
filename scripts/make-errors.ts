// Writes docs/errors.md from the tables of errors: `npm run build && node dist/scripts/make-errors.js [FILE]`.
import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERROR_TABLES, type ErrorTable, type Stage } from '../src/errors/index.ts';

const STAGES: Readonly<Record<Stage, readonly [title: string, className: string]>> = {
  elf: ['ELF files', 'ElfError'],
  btf: ['BTF', 'BtfError'],
  insn: ['Insns', 'InsnError'],
  cbpf: ['Classic BPF filters', 'CbpfError'],
  object: ['Objects', 'ObjectError'],
  link: ['Linking', 'LinkError'],
  verifier: ['Verifying', 'VerifierError'],
  compile: ['Compiling', 'CompileError'],
  run: ['Engine, maps, devices, runs', 'RunError'],
  capture: ['Captures', 'CaptureError'],
};

const INTRO = `# Errors

Generated from \`src/errors/\` by \`scripts/make-errors.ts\`. Do not edit.

Every error this package throws on purpose is a \`BpfError\` with a \`stage\`, a \`code\` and \`fields\`; its text is made of the fields, here shown
as \`FIELD\`. \`JSON.stringify(error)\` gives all of them.
`;

/** Stands for a field: as text its name, as a list one such entry. */
function placeholder(name: string): unknown {
  const text = name.toUpperCase();
  const list = Object.assign([text], { toString: () => text, padStart: () => text });
  return Object.assign(list, { [Symbol.toPrimitive]: () => text });
}

/** Fields of a row whose text calculates with them. */
const NUMBERS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  BTF_TYPE_ID: { types: 100 },
  BTF_NO_TYPE: { types: 100 },
  RUN_MAP_CREATE: { errno: 22 },
  RUN_MAP_OP: { errno: 7 },
};

/** The text of one row with the names of its fields in their places. */
export function errorTemplate(table: ErrorTable, code: string): string {
  const known = NUMBERS[code] ?? {};
  const fields = new Proxy({}, { get: (_, name) => known[String(name)] ?? placeholder(String(name)) });
  return (table[code] as (fields: object) => string)(fields);
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');

/** The page's text. */
export function errorsPage(): string {
  const sections = Object.entries(ERROR_TABLES).map(([stage, table]) => {
    const [title, className] = STAGES[stage as Stage];
    const rows = Object.keys(table).map((code) => `| \`${code}\` | ${cell(errorTemplate(table, code))} |`);
    return `## ${title} (\`${className}\`)\n\n| code | text |\n|---|---|\n${rows.join('\n')}\n`;
  });
  return `${INTRO}\n${sections.join('\n')}`;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(process.argv[2] ?? 'docs/errors.md', errorsPage());
}
