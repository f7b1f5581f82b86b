// One verification: its input, the path being walked, the paths still to walk, and the counters (struct bpf_verifier_env).
import { AUX_SIZE, ENV, IN_BPF_CAPABLE, IN_PERFMON, SP_SIZE } from './abi';
import { Input, MapDesc, Subprog } from './input';
import { Insn } from './insn';
import { RegState } from './reg-state';
import { State } from './state';

/** What is kept for each insn; layout and flags in abi.ts. */
@unmanaged
export class Aux {
  flags: u32;
  /** Number of the loop (strongly connected component) the insn is in; 0 outside of loops. */
  scc: u32;
  /** Registers that are read before they are written, from here on: bit i for Ri. */
  liveRegs: u32;
  /** Type word of the pointer this load or store goes through; all paths must agree. */
  ptrType: u32;
  /** Map of a helper call: row of the input, AUX_MAP_UNSEEN or AUX_MAP_SEVERAL. */
  map: i32;
  keyState: u32;
  key: u32;
  /** Stored states of this insn, newest first. */
  explored: usize;
  /** Those among them that have not been cleaned (visit.ts). */
  uncleaned: usize;
  factRegion: u32;
  factMap: i32;
  factLo: i32;
  factHi: i32;
  factFlags: u32;
  /** Subprogram the insn belongs to. */
  func: u32;
  /** The first insn that jumps here, or this one (liveness.ts). */
  firstJump: u32;
}
if (offsetof<Aux>() != AUX_SIZE) ERROR('Aux: its size drifted from abi.ts');

@unmanaged
export class Env {
  input: Input;
  aux: usize;
  cur: State;
  /** Insn being walked, and the one before it on this path. */
  pc: u32;
  prevPc: u32;
  /** Paths still to be walked, a stack (verify.ts: Pending). */
  pending: usize;
  pendingCount: u32;
  insnProcessed: u32;
  jmpsProcessed: u32;
  prevInsnProcessed: u32;
  prevJmpsProcessed: u32;
  /** Last id given to registers, references, inner maps. */
  idGen: u32;
  /** The subprogram being verified: 0, or a global function. */
  root: u32;
  // Statistics.
  totalStates: u32;
  peakStates: u32;
  /** How many states each of Linux's lists holds (visit.ts). */
  buckets: usize;
  exploredStates: u32;
  maxStatesPerInsn: u32;
  longestMarkRead: u32;
  /** States taken from their lists whose branches are still walked. */
  evictedStates: u32;
  /** Back edges of loops that are still walked. */
  backedgeCount: u32;
  // The first error, 0 for none.
  errno: i32;
  errorCode: u32;
  errorPc: u32;
  // Log: bytes at `log`, `logUsed` of `logSize`.
  log: usize;
  logUsed: u32;
  logSize: u32;
  /** Bytes of the log that are no longer there. */
  logDropped: u32;
  /** Registers and stack slots that the log has not shown since they were used (log-state.ts). */
  scratchedRegs: u32;
  scratchedSlots: u64;
  /** Byte types of the current frame's slots before a call. */
  slotsBefore: usize;
  /** A path was taken up again: all of its state is shown first. */
  logWholeState: bool;
  /** Pc of the insn logged last; -1 when none of this root was. */
  loggedPc: u32;
  /** Scratch of the id map (id-map.ts), of backtracking (precision.ts); a register of which nothing is known. */
  idMap: usize;
  backtrack: usize;
  /** Register that told the last two rounds of a loop apart (equal.ts). */
  counter: u32;
  /** What the comparison of two frames found different (equal.ts). */
  differed: u32;
  /** Walks backwards that need not be repeated (traced.ts). */
  traced: usize;
  unknownReg: usize;
  /** Registers that hold an insn's constant, for one insn. */
  constReg: usize;
  constReg2: usize;
  /** Loops: visits by number of the component (scc-visit.ts), and scratch for looking them up. */
  sccs: usize;
  sccCount: u32;
  sccKey: usize;
  /** Number of the next asynchronous callback entry. */
  asyncEntry: u32;
  /** Insns are numbered per function by depth first search, each behind its successors: `postorder` lists their pcs. */
  postorder: usize;
  /** History entry of the insn being walked, so that it gets only one; null until it has one. */
  hist: usize;
  /** The subprograms found, ordered by start. */
  subprogs: usize;
  subprogCount: u32;
  /** Liveness of the program's own frame (liveness.ts), and the stack slots that the insn being walked has overwritten, by frame. */
  rootInstance: usize;
  stackWrites: usize;
  resultFlags: u32;
  /** Where `writeResult` writes (result.ts). */
  resultAt: usize;
  /** Scalars may be walked by their range only; always true but for unprivileged programs. */
  allowImprecise: bool;
  /** Subprogram that is the exception callback; 0 for none. */
  exceptionCb: u32;
  seenException: bool;
  /** A byte for each map: the program refers to it (used-maps.ts). */
  usedMaps: usize;
  usedMapCount: u32;

  @inline insn(pc: u32): Insn {
    return this.input.insn(pc);
  }
  @inline auxOf(pc: u32): Aux {
    return changetype<Aux>(this.aux + <usize>pc * AUX_SIZE);
  }
  @inline get curAux(): Aux {
    return this.auxOf(this.pc);
  }
  @inline map(i: u32): MapDesc {
    return this.input.map(i);
  }
  @inline subprog(i: u32): Subprog {
    return changetype<Subprog>(this.subprogs + <usize>i * SP_SIZE);
  }
  /** Register of the current frame. */
  @inline reg(i: u32): RegState {
    return this.cur.reg(i);
  }
  /** CAP_BPF. */
  @inline get capable(): bool {
    return this.input.has(IN_BPF_CAPABLE);
  }
  /** CAP_PERFMON: pointers may be turned into numbers, and Spectre's rules do not hold. */
  @inline get allowPtrLeaks(): bool {
    return this.input.has(IN_PERFMON);
  }
  /** Another state is kept. */
  @inline notePeak(): void {
    this.peakStates = max(this.peakStates, this.exploredStates + this.evictedStates + this.backedgeCount);
  }
  @inline newId(): u32 {
    return ++this.idGen;
  }
}

/** The one verification of this instance; everything else gets it as an argument. */
export function theEnv(): Env {
  return changetype<Env>(<usize>ENV);
}
