/** From an object to Wasm bytes without an engine: link, verify, compile. For ahead-of-time output, dumps and tools. */
import { compile } from './jit/compile.ts';
import { type LinkOptions, link } from './link/link.ts';
import type { BpfObject, ProgSpec } from './object/types.ts';
import { checkImplemented, withoutDead } from './verifier/implemented.ts';
import { type VerifiedProg, Verifier, type VerifyOptions } from './verifier/verify.ts';

export interface CompileObjectOptions extends LinkOptions {
  /** Names of the programs; all that autoload unless given. */
  readonly progs?: readonly string[];
  /** A bounds check in every access, whatever was proved (default false). */
  readonly checked?: boolean;
  /** How programs are verified: rights, limits, log. */
  readonly verify?: VerifyOptions;
  /** Let binaryen optimise the module: slow to compile, and no faster on V8. */
  readonly optimize?: boolean;
}

export interface PrepareOptions extends LinkOptions {
  readonly verify?: VerifyOptions;
}

/** The programs of `object` that are wanted, linked and verified. @throws VerifierError for the first that Linux would refuse */
export function prepare(object: BpfObject, wanted?: readonly string[], options: PrepareOptions = {}): VerifiedProg[] {
  const chosen = object.progs.filter((p: ProgSpec) => (wanted === undefined ? p.autoload : wanted.includes(p.name)));
  const verifier = new Verifier();
  return chosen.map((spec) => verifier.verify(link(object, spec, options), options.verify));
}

/**
 * One Wasm module with the object's programs, bound to no engine: it imports its addresses. Same object and options, same bytes.
 */
export async function compileObject(object: BpfObject, options: CompileObjectOptions = {}): Promise<Uint8Array> {
  const progs = prepare(object, options.progs, options).map(withoutDead);
  progs.forEach(checkImplemented);
  const bytes = compile(progs, { checked: options.checked ?? false, name: object.name });
  if (options.optimize !== true) return bytes;
  const { optimize } = await import('./jit/optimize.ts');
  return optimize(bytes);
}
