// The log: binary records that TypeScript turns into the kernel's text (record layout in abi/log.ts). Messages are codes with numbers.
import { LOG_MESSAGE, LOG_NOTE } from './abi';
import { alloc, free } from './arena';
import { Env } from './env';
import { flush } from './host';

const FIRST_SIZE: u32 = 4096;
/** At level 2 the log goes out in pieces of this size. */
const PIECE: u32 = 1 << 18;
/** At level 1 only the current path is kept, and of that no more than this. */
const MAX_SIZE: u32 = 1 << 26;

/** Room for a record of `bytes` behind its head word; its address, or 0 when memory has run out (the record is then dropped). */
export function logRecord(env: Env, kind: u32, bytes: u32): usize {
  const total = bytes + 4;
  if (env.logUsed + total > PIECE) makeRoom(env, total);
  if (env.logUsed + total > env.logSize && !growLog(env, env.logUsed + total)) return 0;
  const at = env.log + env.logUsed;
  store<u32>(at, kind | (bytes << 8));
  env.logUsed += total;
  return at + 4;
}

function makeRoom(env: Env, total: u32): void {
  if ((env.input.logLevel & 2) != 0) {
    flush(env.log, env.logUsed);
    env.logDropped += env.logUsed;
    env.logUsed = 0;
  } else if (env.logUsed + total > MAX_SIZE) dropOldest(env);
}

/** Forgets the older half of the records. */
function dropOldest(env: Env): void {
  let at: u32 = 0;
  while (at < env.logUsed / 2) at += 4 + (load<u32>(env.log + at) >> 8);
  memory.copy(env.log, env.log + at, env.logUsed - at);
  env.logUsed -= at;
  env.logDropped += at;
}

/** Where the log is now, for `logReset`. */
export function logPosition(env: Env): u32 {
  return env.logDropped + env.logUsed;
}

/** Forgets what was logged behind `position`, as far as it is still here. */
export function logReset(env: Env, position: u32): void {
  if (position < env.logDropped + env.logUsed) env.logUsed = position > env.logDropped ? position - env.logDropped : 0;
}

/** Adds a note (LN_). */
export function note(env: Env, what: u32, a: u32, b: u32 = 0, c: u32 = 0): void {
  const at = logRecord(env, LOG_NOTE, 16);
  if (at == 0) return;
  store<u32>(at, what);
  store<u32>(at + 4, a);
  store<u32>(at + 8, b);
  store<u32>(at + 12, c);
}

function growLog(env: Env, need: u32): bool {
  let size = max(FIRST_SIZE, env.logSize * 2);
  while (size < need) size *= 2;
  const grown = alloc(size);
  if (grown == 0) return false;
  memory.copy(grown, env.log, env.logUsed);
  free(env.log, env.logSize);
  env.log = grown;
  env.logSize = size;
  return true;
}

/** Adds a message. Arguments that its text does not use are not printed. */
export function say(env: Env, code: u32, a: i64 = 0, b: i64 = 0, c: i64 = 0, d: i64 = 0, e: i64 = 0, f: i64 = 0): void {
  const at = logRecord(env, LOG_MESSAGE, 4 + 4 + 48);
  if (at == 0) return;
  store<u32>(at, code);
  store<u32>(at + 4, env.pc);
  store<i64>(at + 8, a);
  store<i64>(at + 16, b);
  store<i64>(at + 24, c);
  store<i64>(at + 32, d);
  store<i64>(at + 40, e);
  store<i64>(at + 48, f);
}

/**
 * Refuses the program: the message goes into the log, the first one is the verdict's. Returns -errno, so that `return fail(...)` ends a check.
 */
export function fail(
  env: Env,
  errno: i32,
  code: u32,
  a: i64 = 0,
  b: i64 = 0,
  c: i64 = 0,
  d: i64 = 0,
  e: i64 = 0,
  f: i64 = 0,
): i32 {
  say(env, code, a, b, c, d, e, f);
  if (env.errno == 0) {
    env.errno = errno;
    env.errorCode = code;
    env.errorPc = env.pc;
  }
  return -errno;
}
