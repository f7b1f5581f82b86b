/** What engines whose memory several threads share have instead: the runtime with locks and atomics (assembly/runtime/thread.ts), fetched when it is needed. */
import { RunError } from '../errors/index.ts';
import { decodeBase64 } from '../util/base64.ts';

export async function compileSharedRuntime(): Promise<WebAssembly.Module> {
  const { RUNTIME_SHARED_WASM_BASE64 } = await import('./wasm-shared.gen.ts');
  return WebAssembly.compile(decodeBase64(RUNTIME_SHARED_WASM_BASE64));
}

/** @throws RunError RUN_WORKERS where threads cannot share any */
export function newMemory(initial: number, maximum: number, shared: boolean): WebAssembly.Memory {
  if (shared && typeof SharedArrayBuffer === 'undefined')
    throw new RunError('RUN_WORKERS', {
      reason: 'there is no SharedArrayBuffer; a page must be cross-origin isolated',
    });
  return new WebAssembly.Memory({ initial, maximum, shared });
}

/** Whether this thread may sleep: the main thread of a browser may not. */
export function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}
