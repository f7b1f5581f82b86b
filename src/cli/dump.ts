/** `bpf2wasm dump`: a program's insns with their source lines, or the Wasm it becomes. */
import { declare } from '../btf/declare.ts';
import type { Btf } from '../btf/types.ts';
import { compileObject, type PrepareOptions, prepare } from '../compiler.ts';
import { decodeInsns } from '../isa/decode.ts';
import { type DisasmLine, disasmLines } from '../isa/disasm.ts';
import { toText } from '../jit/optimize.ts';
import type { LinkedLine } from '../link/types.ts';
import { findProg } from '../object/edit.ts';
import type { BpfObject } from '../object/types.ts';
import { type Args, parseCommandLine, positionals } from './args.ts';
import { BTF_HELP, targetBtf, withTarget } from './btf.ts';
import { EXIT, EXIT_HELP, type ExitCode } from './errors.ts';
import { checkOutput, readObject, writeOutput } from './files.ts';
import { print, printJson, printLines } from './output.ts';
import { giveTypes, TYPE_HELP } from './prog-type.ts';

const DUMP_HELP = `Usage: bpf2wasm dump <object> --prog NAME [options]

Prints a program's insns, linked, with the source lines they come from.

  --prog NAME            the program
${TYPE_HELP}
${BTF_HELP}
  --linum                print file, line and column of each source line
  --opcodes              print the insns' bytes
  --wat                  print the Wasm it becomes, as text (needs the package binaryen)
  --wasm FILE            write the Wasm to a file
  --optimize             let binaryen optimise the Wasm
  --unchecked            leave out the bounds checks of the Wasm
  --json                 print it as JSON: { prog, insns: [{ pc, text, func?, line? }] }, or { prog, wat }, { prog, wasm: { file, bytes } }
  -h, --help

${EXIT_HELP}
`;

const OPTIONS = {
  prog: { type: 'string' },
  type: { type: 'string' },
  btf: { type: 'string' },
  linum: { type: 'boolean' },
  opcodes: { type: 'boolean' },
  wat: { type: 'boolean' },
  wasm: { type: 'string' },
  optimize: { type: 'boolean' },
  unchecked: { type: 'boolean' },
} as const;

export async function dumpCommand(argv: readonly string[]): Promise<ExitCode> {
  const args = parseCommandLine(argv, OPTIONS);
  if (args.flag('help')) {
    await print(DUMP_HELP);
    return EXIT.ok;
  }
  const [path] = positionals(args, ['object']);
  const name = args.needed('prog', 'the name of the program to print');
  const object = readObject(path);
  const { name: prog } = findProg(object, name);
  giveTypes(object, args);
  const file = args.text('wasm');
  checkOutput('wasm', file, [path]);
  if (file !== undefined || args.flag('wat')) await dumpWasm(object, prog, args, file);
  else await dumpInsns(object, prog, args);
  return EXIT.ok;
}

function target(args: Args): PrepareOptions {
  return withTarget(targetBtf(args.text('btf') ?? 'none'));
}

async function dumpWasm(object: BpfObject, prog: string, args: Args, file: string | undefined): Promise<void> {
  const options = {
    ...target(args),
    progs: [prog],
    checked: !args.flag('unchecked'),
    optimize: args.flag('optimize'),
  };
  const wasm = await compileObject(object, options);
  if (file !== undefined) writeOutput(file, wasm);
  const wat = args.flag('wat') ? await toText(wasm) : undefined;
  if (args.flag('json')) {
    await printJson({
      prog,
      ...(file !== undefined && { wasm: { file, bytes: wasm.length } }),
      ...(wat !== undefined && { wat }),
    });
  } else if (wat !== undefined) await print(wat);
}

async function dumpInsns(object: BpfObject, name: string, args: Args): Promise<void> {
  const [{ prog }] = prepare(object, [name], target(args));
  const lines = disasmLines(decodeInsns(prog.insns), {
    bytes: args.flag('opcodes'),
    opcode: true,
    mapName: (index) => prog.maps[index]?.name,
    subprogName: (pc) => prog.funcs.find((func) => func.start === pc)?.name,
    kfuncName: (index) => prog.kfuncs[index],
  });
  const sources = new Map(prog.lines.map((line) => [line.pc, line]));
  const funcs = new Map(prog.funcs.map((func) => [func.start, func.name]));
  if (args.flag('json')) {
    await printJson({ prog: name, insns: lines.map((line) => jsonLine(line, funcs, sources)) });
    return;
  }
  const width = String(prog.insns.length / 8).length + 3;
  const text = lines.flatMap(({ pc, text: insn }) => [
    ...heading(object.btf, funcs.get(pc), pc),
    ...sourceLine(sources.get(pc), args.flag('linum')),
    `${`${pc}:`.padStart(width)} ${insn.replaceAll('\n', `\n${' '.repeat(width)}`)}`,
  ]);
  await printLines(text);
}

function jsonLine(line: DisasmLine, funcs: ReadonlyMap<number, string>, sources: ReadonlyMap<number, LinkedLine>) {
  const func = funcs.get(line.pc);
  const source = sources.get(line.pc);
  return {
    pc: line.pc,
    text: line.text,
    ...(func !== undefined && { func }),
    ...(source !== undefined && { line: source }),
  };
}

/** `int main_prog(struct xdp_md *ctx):` in front of each function, as bpftool prints it. */
function heading(btf: Btf | undefined, func: string | undefined, pc: number): string[] {
  if (func === undefined) return [];
  const type = btf?.types.find((one) => one.kind === 'func' && one.name === func);
  const title = btf !== undefined && type?.kind === 'func' ? declare(btf, type.type, func) : func;
  return [...(pc > 0 ? [''] : []), `${title}:`];
}

function sourceLine(line: LinkedLine | undefined, linum: boolean): string[] {
  if (line === undefined) return [];
  const where = linum ? ` [file:${line.file} line_num:${line.line} line_col:${line.column}]` : '';
  return [`; ${line.text.trim()}${where}`];
}
