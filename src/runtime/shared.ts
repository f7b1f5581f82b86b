/** The runtime for engines whose memory several threads share: the same code with locks and atomics (assembly/runtime/thread.ts). Fetched when it is needed. */
import { decodeBase64 } from '../util/base64.ts';

export async function compileSharedRuntime(): Promise<WebAssembly.Module> {
  const { RUNTIME_SHARED_WASM_BASE64 } = await import('./wasm-shared.gen.ts');
  return WebAssembly.compile(decodeBase64(RUNTIME_SHARED_WASM_BASE64));
}
