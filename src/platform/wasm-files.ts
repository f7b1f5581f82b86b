/**
 * The Wasm modules where files can be read: what the published package has in place of src/runtime/wasm.ts and src/verifier/wasm.ts (`#wasm` in
 * package.json). A string of their size takes longer to parse than all else that is loaded.
 */

/** `import 'node:fs'` would have Node make all of it, streams too: milliseconds. */
function readBytes(name: string): Uint8Array<ArrayBuffer> {
  return process.getBuiltinModule('fs').readFileSync(new URL(name, import.meta.url)) as Uint8Array<ArrayBuffer>;
}

export function runtimeBytes(): Uint8Array<ArrayBuffer> {
  return readBytes('runtime.wasm');
}

export function verifierBytes(): Uint8Array<ArrayBuffer> {
  return readBytes('verifier.wasm');
}
