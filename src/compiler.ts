/** From an object to Wasm bytes without an engine: link, check, compile. For ahead-of-time output, dumps and tools. */
import { compile } from './jit/compile.ts';
import { type LinkOptions, link } from './link/link.ts';
import type { BpfObject, ProgSpec } from './object/types.ts';
import { type CheckedProg, checkStructure } from './verifier/structural.ts';

export interface CompileObjectOptions extends LinkOptions {
  /** Names of the programs; all that autoload unless given. */
  readonly progs?: readonly string[];
  /** Explicit bounds checks in every access (default true). */
  readonly checked?: boolean;
  /** Let binaryen optimise the module: slow to compile, and no faster on V8. */
  readonly optimize?: boolean;
}

/** The programs of `object` that are wanted, linked and checked. */
export function prepare(object: BpfObject, wanted?: readonly string[], options: LinkOptions = {}): CheckedProg[] {
  const chosen = object.progs.filter((p: ProgSpec) => (wanted === undefined ? p.autoload : wanted.includes(p.name)));
  return chosen.map((spec) => checkStructure(link(object, spec, options)));
}

/**
 * One Wasm module with the object's programs, bound to no engine: it imports its addresses. Same object and options, same bytes.
 */
export async function compileObject(object: BpfObject, options: CompileObjectOptions = {}): Promise<Uint8Array> {
  const progs = prepare(object, options.progs, options);
  const bytes = compile(progs, { checked: options.checked ?? true, name: object.name });
  if (options.optimize !== true) return bytes;
  const { optimize } = await import('./jit/optimize.ts');
  return optimize(bytes);
}
