/**
 * The same C, compiled by clang straight to Wasm (bench/clang-wasm), its maps and tail calls in C as well: what a port of the program costs in this
 * V8, with no BPF in between. It runs over the same context records and packets as this engine.
 */
import { CTX_SIZE } from '../assembly/abi.ts';
import type { BenchCase } from './case.ts';
import type { Contender, MapContents } from './contender.ts';
import { BATCH_PACKETS, Layout } from './layout.ts';
import { hex } from './maps.ts';
import { readProjectFile } from './project.ts';

export const CLANG = 'clang-wasm';

const PAGE = 65536;
const ROOM = 128 * PAGE;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  /** Address behind everything of its own. */
  heap(): number;
  readonly [name: string]: unknown;
}

type Run = (from: number, end: number) => void;

/** `run_NAME`, `set_NAME`, `get_NAME`: engine.h makes them. */
function exported<T>(exports: Exports, name: string): T {
  if (typeof exports[name] !== 'function') throw new Error(`${CLANG}: nothing is exported as ${name}`);
  return exports[name] as T;
}

/** Compares values of the maps that the module lets one look at; keys come from the other side. */
function mapsOf(exports: Exports, u8: Uint8Array, scratch: number, valueSizes: ReadonlyMap<string, number>) {
  const maps = new Map<string, MapContents>();
  for (const [name, valueSize] of valueSizes) {
    const look = exports[`get_${name}`] as ((key: number) => number) | undefined;
    if (look === undefined) continue;
    const get = (key: Uint8Array) => {
      u8.set(key, scratch);
      const at = look(scratch);
      return at === 0 ? undefined : hex(u8.subarray(at, at + valueSize));
    };
    maps.set(name, { keys: () => [], get });
  }
  return maps;
}

/** @param valueSizes of the object's maps, by name */
export async function clangContender(source: BenchCase, valueSizes: ReadonlyMap<string, number>): Promise<Contender> {
  const bytes = readProjectFile(`bench/clang-wasm/${source.clang}.wasm`);
  const { instance } = await WebAssembly.instantiate(bytes as Uint8Array<ArrayBuffer>);
  const exports = instance.exports as unknown as Exports;
  exports.__wasm_call_ctors();
  const { memory, __indirect_function_table: table } = exports;
  let free = (exports.heap() + CTX_SIZE - 1) & -CTX_SIZE;
  memory.grow(ROOM / PAGE);
  const alloc = (size: number) => {
    const at = free;
    free = (free + size + CTX_SIZE - 1) & -CTX_SIZE;
    return at;
  };
  const views = { u8: new Uint8Array(memory.buffer), view: new DataView(memory.buffer) };
  const scratch = alloc(PAGE);
  const layout = new Layout(source, views, alloc);
  for (const { map, index, prog } of source.slots) {
    const pointer = table.grow(1, exported(exports, prog));
    exported<(index: number, prog: number) => void>(exports, `set_${map}`)(index, pointer);
  }
  const run = exported<Run>(exports, `run_${source.prog}`);
  const batch = (of: Run, count: number) => of(layout.ctx, layout.ctx + count * CTX_SIZE);
  layout.cached();
  for (let left = source.fill?.runs ?? 0; left > 0; left--) batch(exported(exports, `run_${source.fill!.prog}`), 1);
  layout.cached();
  return {
    engine: CLANG,
    packets: BATCH_PACKETS,
    maps: mapsOf(exports, views.u8, scratch, valueSizes),
    outcome(times) {
      layout.first();
      for (let i = 0; i < times; i++) batch(run, 1);
      const outcome = layout.outcome(0);
      layout.first();
      return outcome;
    },
    run: () => batch(run, BATCH_PACKETS),
    close: () => {},
  };
}
