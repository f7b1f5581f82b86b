/**
 * binaryen, imported only when asked for: the optimiser, the validator and the text form of what the JIT wrote. It is not a dependency: whoever
 * wants it installs it.
 */
import { CompileError } from '../errors/index.ts';

type Binaryen = typeof import('binaryen').default;

async function importBinaryen(): Promise<Binaryen> {
  try {
    return (await import('binaryen')).default;
  } catch (error) {
    throw new CompileError('COMPILE_BINARYEN', { reason: error instanceof Error ? error.message : String(error) });
  }
}

/** binaryen throws texts, and objects of its own. */
function parsed(binaryen: Binaryen, bytes: Uint8Array) {
  try {
    return binaryen.readBinary(bytes);
  } catch {
    throw new CompileError('COMPILE_INVALID', { bytes: bytes.length });
  }
}

/** Reads a module with exactly the features the JIT uses: `Features.All` would emit what no engine loads. */
async function read(bytes: Uint8Array) {
  const binaryen = await importBinaryen();
  const module = parsed(binaryen, bytes);
  // Atomics: the modules of an engine with workers share its memory.
  const { Features } = binaryen;
  const { MutableGlobals, SignExt, TailCall, BulkMemory } = Features;
  module.setFeatures(MutableGlobals | SignExt | TailCall | BulkMemory | Features.Atomics);
  if (!module.validate()) {
    module.dispose();
    throw new CompileError('COMPILE_INVALID', { bytes: bytes.length });
  }
  return { binaryen, module };
}

/** The same module after binaryen's -O2. Names are kept. */
export async function optimize(bytes: Uint8Array): Promise<Uint8Array> {
  const { binaryen, module } = await read(bytes);
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(0);
  binaryen.setDebugInfo(true);
  module.optimize();
  const out = module.emitBinary();
  module.dispose();
  return out;
}

/** The text form (WAT). */
export async function toText(bytes: Uint8Array): Promise<string> {
  const { module } = await read(bytes);
  const text = module.emitText();
  module.dispose();
  return text;
}
