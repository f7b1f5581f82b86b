// What a verification leaves behind for TypeScript (abi.ts: RESULT_*).
import { RESULT_SIZE } from './abi';
import { arena } from './arena';
import { Env } from './env';

@unmanaged
class Result {
  errno: i32;
  code: u32;
  pc: u32;
  insnProcessed: u32;
  maxStatesPerInsn: u32;
  totalStates: u32;
  peakStates: u32;
  markRead: u32;
  aux: usize;
  log: usize;
  logSize: u32;
  peakMemory: u32;
  flags: u32;
  /** The state that was refused; 0 when the program was accepted. */
  state: usize;
  subprogs: usize;
  subprogCount: u32;
}
if (offsetof<Result>() != RESULT_SIZE) ERROR('Result: its size drifted from abi.ts');

export function writeResult(env: Env): void {
  if (env.resultAt == 0) return;
  const r = changetype<Result>(env.resultAt);
  r.errno = env.errno;
  r.code = env.errorCode;
  r.pc = env.errorPc;
  r.insnProcessed = env.insnProcessed;
  r.maxStatesPerInsn = env.maxStatesPerInsn;
  r.totalStates = env.totalStates;
  r.peakStates = env.peakStates;
  r.markRead = env.longestMarkRead;
  r.aux = env.aux;
  r.log = env.log;
  r.logSize = env.logUsed;
  r.peakMemory = <u32>arena().peak;
  r.flags = env.resultFlags;
  r.state = env.errno != 0 ? changetype<usize>(env.cur) : 0;
  r.subprogs = env.subprogs;
  r.subprogCount = env.subprogCount;
}
