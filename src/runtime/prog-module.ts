/** The Wasm modules of programs. Equal bytes are one module, and so one code, which the host may have optimised already. */
import { lazy } from '../util/lazy.ts';
import { Recent, type RecentLimits } from '../util/recent.ts';
import { compileModule } from '../util/wasm-module.ts';

/** Machine code takes some times the bytes it comes from. */
const CODE_FACTOR = 8;

export const MODULE_LIMITS: RecentLimits = { entries: 64, bytes: 16 << 20 };

/** Of this process. */
export const rememberedModules = lazy(() => new Recent<WebAssembly.Module>(MODULE_LIMITS));

/** @throws WebAssembly.CompileError, also where the host forbids compiling */
export async function progModule(bytes: Uint8Array<ArrayBuffer>, remember: boolean): Promise<WebAssembly.Module> {
  const known = remember ? rememberedModules().find(bytes) : undefined;
  if (known !== undefined) return known;
  const module = await compileModule(bytes);
  if (remember) rememberedModules().add(bytes, module, CODE_FACTOR * bytes.length);
  return module;
}
