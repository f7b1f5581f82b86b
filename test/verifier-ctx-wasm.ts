// assembly/verifier/table/ctx.ts compiled on its own, with a blob in its memory.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = 'assembly/verifier/table/ctx-entry.ts';

/** What is exported for tests: the functions as they are, and the row's fields. */
const ENTRY_TEXT = `
import { CtxRow, ctxAccess, ctxLoad, ctxSize, ctxTable } from './ctx';
export { ctxAccess, ctxLoad, ctxSize, ctxTable };
export function rowType(row: usize): u32 { return changetype<CtxRow>(row).type; }
export function rowStruct(row: usize): i32 { return changetype<CtxRow>(row).struct; }
export function rowIndex(row: usize): u32 { return changetype<CtxRow>(row).index; }
export function rowOffset(row: usize): u32 { return changetype<CtxRow>(row).offset; }
export function rowBytes(row: usize): u32 { return changetype<CtxRow>(row).bytes; }
export function isNarrow(row: usize, size: u32): bool { return changetype<CtxRow>(row).isNarrow(size); }
export function isScalar(row: usize): bool { return changetype<CtxRow>(row).isScalar(); }
`;

export interface CtxExports {
  readonly memory: WebAssembly.Memory;
  ctxTable(blob: number, base: number): number;
  ctxSize(table: number): number;
  ctxAccess(table: number, off: number, size: number, write: number): number;
  ctxLoad(table: number, off: number, size: number, signExtend: number): number;
  rowType(row: number): number;
  rowStruct(row: number): number;
  rowIndex(row: number): number;
  rowOffset(row: number): number;
  rowBytes(row: number): number;
  isNarrow(row: number, size: number): number;
  isScalar(row: number): number;
}

function readSource(name: string, base: string): string | null {
  const path = resolve(base, name);
  if (path === join(root, ENTRY)) return ENTRY_TEXT;
  // The runtime's options, which asc would take for this module's.
  if (path === join(root, 'asconfig.json')) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Where the blob lies: what comes before it is not a table. */
export const BLOB = 4096;

/** The module, compiled; instances share it. */
export async function compileCtx(): Promise<WebAssembly.Module> {
  const written: { wasm?: Uint8Array } = {};
  const options = ['--runtime', 'stub', '--outFile', 'ctx.wasm', '--memoryBase', '1024', '--initialMemory', '1'];
  const { error, stderr } = await asc.main([ENTRY, '--baseDir', root, '-O2', '--use', 'abort=', ...options], {
    readFile: readSource,
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) written.wasm = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error !== null || written.wasm === undefined) throw new Error(`asc: ${stderr.toString()}`);
  return await WebAssembly.compile(written.wasm as BufferSource);
}

/** An instance whose memory has `blob` at BLOB. */
export async function withBlob(module: WebAssembly.Module, blob: Uint8Array): Promise<CtxExports> {
  const exports = (await WebAssembly.instantiate(module, {})).exports as unknown as CtxExports;
  new Uint8Array(exports.memory.buffer).set(blob, BLOB);
  return exports;
}
