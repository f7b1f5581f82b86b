/** What a module of programs imports, of the thread that it is instantiated in. */
import type { RuntimeExports } from './exports.ts';

export interface ImportParts {
  readonly memory: WebAssembly.Memory;
  readonly table: WebAssembly.Table;
  /** Address of the thread's struct Vm. */
  readonly vm: number;
  readonly runtime: RuntimeExports;
  /** Of each program its name and the address of its statistics. */
  readonly stats: Iterable<readonly [prog: string, address: number]>;
}

export function progImports({ memory, table, vm, runtime, stats }: ImportParts): WebAssembly.Imports {
  const functions = runtime as unknown as WebAssembly.ModuleImports;
  const { trap, check_mem, check_map, arena_at } = functions;
  const env = { memory, table, vm: address(vm), trap, check_mem, check_map, arena_at };
  const prog = Object.fromEntries([...stats].map(([name, at]) => [`${name}.stats`, address(at)]));
  return { env, helper: functions, kfunc: functions, prog } as WebAssembly.Imports;
}

function address(value: number): WebAssembly.Global {
  return new WebAssembly.Global({ value: 'i32', mutable: false }, value);
}
