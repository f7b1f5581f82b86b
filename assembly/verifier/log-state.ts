// Log of the walk: which insn comes next, and what is known before it (levels 1 and 2).
import { LOG_INSN } from './abi';
import { Env } from './env';
import { logRecord } from './log';

/** A path begins or is taken up again. */
export function logPath(env: Env): void {}

/** The insn at `env.pc` is about to be walked. */
export function logInsn(env: Env): void {
  if (env.input.logLevel == 0) return;
  const at = logRecord(env, LOG_INSN, 8);
  if (at == 0) return;
  store<u32>(at, env.pc);
  store<u32>(at + 4, env.prevPc);
}
