// Precision: which scalars' exact values the verdict rests on. Found by walking the history of a path backwards from where a value mattered.
import { Env } from './env';
import { State } from './state';

/** The value of register `regno` of the current frame mattered: it and all it was computed from become precise. 0, or -errno. */
export function markChainPrecision(env: Env, regno: u32): i32 {
  return 0;
}

/** Adds to the current path's history: this insn was a jump, or touched a stack slot (flags: history.ts), or changed linked registers. */
export function pushHistory(env: Env, state: State, flags: u32, linked: u64): i32 {
  return 0;
}

/** `cur` was found equal to `old`: what is precise in `old` becomes precise in `cur` and in its past. */
export function propagatePrecision(env: Env, old: State, cur: State): i32 {
  return 0;
}
