#!/usr/bin/env node
/** The command `bpf2wasm`: picks the command, prints errors, sets the exit status. */
import nodeModule, { createRequire } from 'node:module';
import { describeError, EXIT, EXIT_HELP, type ExitCode, UsageError } from './errors.ts';
import { print, printJson, quietWhenClosed } from './output.ts';

type Command = (argv: readonly string[]) => Promise<ExitCode>;

/** Each is imported when it is asked for: the others' code costs nothing. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  replay: async () => (await import('./replay.ts')).replayCommand,
  net: async () => (await import('./net.ts')).netCommand,
  run: async () => (await import('./run.ts')).runCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  inspect: async () => (await import('./inspect.ts')).inspectCommand,
  graph: async () => (await import('./graph.ts')).graphCommand,
  filter: async () => (await import('./filter.ts')).filterCommand,
  dump: async () => (await import('./dump.ts')).dumpCommand,
};

const HELP = `Usage: bpf2wasm <command> [options]

Runs BPF programs anywhere WebAssembly runs.

Commands:
  replay <object> <capture|->   run a capture's packets through a program
  net <config.json>             captures through a virtual network: devices, veth pairs, redirects
  run <object> --prog NAME --data FILE|HEX
                                run a program on one packet
  verify <object>               what Linux would say of its programs, and why
  inspect <object>              what an object file holds
  graph <object>                its tail calls: who reaches whom, through which slots
  filter <filter> <capture|->   packets that a filter of tcpdump -ddd lets through
  dump <object> --prog NAME     a program's insns, or the Wasm it becomes

  bpf2wasm <command> --help     each command's options
  bpf2wasm --version

${EXIT_HELP}
`;

function version(): string {
  return (createRequire(import.meta.url)('bpf2wasm/package.json') as { version: string }).version;
}

/** Node 22 keeps compiled code between runs, for programs that ask for it. */
function keepCompiledCode(): void {
  (nodeModule as { enableCompileCache?: () => unknown }).enableCompileCache?.();
}

async function main(argv: readonly string[]): Promise<ExitCode> {
  keepCompiledCode();
  const [name, ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') {
    await print(HELP);
    return EXIT.ok;
  }
  if (name === '--version' || name === '-V') {
    await print(`bpf2wasm ${version()}\n`);
    return EXIT.ok;
  }
  if (name === undefined) throw new UsageError('which command? See bpf2wasm --help', 'USAGE_COMMAND');
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const known = Object.keys(COMMANDS).join(', ');
    throw new UsageError(`unknown command '${name}'; there are ${known}`, 'USAGE_COMMAND');
  }
  return (await command())(rest);
}

quietWhenClosed();
const argv = process.argv.slice(2);
try {
  process.exitCode = await main(argv);
} catch (error) {
  const { data, exit } = describeError(error);
  if (argv.includes('--json')) await printJson({ error: data });
  process.stderr.write(`bpf2wasm: ${data.message}\n`);
  process.exitCode = exit;
}
