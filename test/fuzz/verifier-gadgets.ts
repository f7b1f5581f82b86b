// All gadgets of the verifier-aware generator, with their weights.

import { CALL_GADGETS } from './verifier-gadgets-call.ts';
import { MEMORY_GADGETS } from './verifier-gadgets-memory.ts';
import { SCALAR_GADGETS } from './verifier-gadgets-scalar.ts';
import type { Aware } from './verifier-gen-aware.ts';

/** A few insns that belong together. */
export interface Gadget {
  readonly weight: number;
  /** It has a body of gadgets. */
  readonly nests?: boolean;
  /** What it does differs from machine to machine, or needs what not every engine has. */
  readonly impure?: boolean;
  readonly run: (aware: Aware) => void;
}

export const GADGETS: readonly Gadget[] = [...SCALAR_GADGETS, ...MEMORY_GADGETS, ...CALL_GADGETS];
