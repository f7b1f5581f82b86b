/** build/runtime.wasm as part of this package's code. Where files can be read, the published package reads it from one: src/platform/wasm-files.ts. */
import { decodeBase64 } from '../util/base64.ts';
import { RUNTIME_WASM_BASE64 } from './wasm.gen.ts';

export function runtimeBytes(): Uint8Array<ArrayBuffer> {
  return decodeBase64(RUNTIME_WASM_BASE64);
}
