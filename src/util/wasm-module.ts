/** Compiling and instantiating Wasm. */

/**
 * Larger modules are compiled by the host's threads. What they cost a small one, to hand it over and to come back, is more than to compile it, and on a busy
 * machine it is several milliseconds.
 */
const SMALL_BYTES = 128 * 1024;

/** Browsers limit what their main thread may do at once, with a RangeError. */
function unlessLimited<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** @throws WebAssembly.CompileError, also where the host forbids compiling */
export async function compileModule(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  const small = bytes.length <= SMALL_BYTES ? unlessLimited(() => new WebAssembly.Module(bytes)) : undefined;
  return small ?? WebAssembly.compile(bytes);
}

/** @throws WebAssembly.LinkError, WebAssembly.RuntimeError */
export async function instantiateModule(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
): Promise<WebAssembly.Instance> {
  return unlessLimited(() => new WebAssembly.Instance(module, imports)) ?? WebAssembly.instantiate(module, imports);
}
