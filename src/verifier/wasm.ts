/** build/verifier.wasm as part of this package's code. Where files can be read, the published package reads it from one: src/platform/wasm-files.ts. */
import { decodeBase64 } from '../util/base64.ts';
import { VERIFIER_WASM_BASE64 } from './wasm.gen.ts';

export function verifierBytes(): Uint8Array<ArrayBuffer> {
  return decodeBase64(VERIFIER_WASM_BASE64);
}
