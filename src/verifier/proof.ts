/** What the verifier found out of an accepted program, by pc: a copy of its Aux rows, which the JIT reads. */

import type { LinkedProg } from '../link/types.ts';
import * as abi from './abi.ts';

/** A load, store or atomic. */
export interface AccessFact {
  /** Base type of the pointer it goes through (PTR_TO_), the same on all paths. */
  readonly region: number;
  /** Index into `LinkedProg.maps`, for a map value. */
  readonly map: number | undefined;
  /** Smallest and largest offset from the region's start. */
  readonly lo: number;
  readonly hi: number;
}

export class Proof {
  /** Rows of AUX_SIZE bytes, one for each insn slot. */
  private readonly aux: DataView;
  /** RF_ */
  readonly flags: number;
  private readonly maps: number;

  /** Copies out of the verifier's memory; `at`: address of struct Result. */
  constructor(view: DataView, at: number, prog: LinkedProg) {
    const start = view.getUint32(at + abi.RESULT_AUX, true);
    const size = Math.floor(prog.insns.length / 8) * abi.AUX_SIZE;
    this.aux = new DataView(view.buffer.slice(start, start + size));
    this.flags = view.getUint32(at + abi.RESULT_FLAGS, true);
    this.maps = prog.maps.length;
  }

  /** Memory that it takes. */
  get byteLength(): number {
    return this.aux.byteLength;
  }

  private word(pc: number, offset: number): number {
    return this.aux.getInt32(pc * abi.AUX_SIZE + offset, true);
  }

  /** Some path comes here. */
  reached(pc: number): boolean {
    return (this.word(pc, abi.AUX_FLAGS) & abi.AUXF_SEEN) !== 0;
  }

  /** Registers that are read before they are written: bit i for Ri. */
  liveRegs(pc: number): number {
    return this.word(pc, abi.AUX_LIVE_REGS);
  }

  /** What the access at `pc` reaches; undefined when paths differ, or it is no access. */
  access(pc: number): AccessFact | undefined {
    const flags = this.word(pc, abi.AUX_FACT_FLAGS);
    if ((flags & abi.FACT_SEEN) === 0 || (flags & abi.FACT_MIXED) !== 0) return undefined;
    const map = this.word(pc, abi.AUX_FACT_MAP);
    return {
      region: this.word(pc, abi.AUX_FACT_REGION),
      map: map >= 0 && map < this.maps ? map : undefined,
      lo: this.word(pc, abi.AUX_FACT_LO),
      hi: this.word(pc, abi.AUX_FACT_HI),
    };
  }

  /** The load, store or atomic at `pc` goes into the arena. */
  inArena(pc: number): boolean {
    return (this.word(pc, abi.AUX_PTR_TYPE) & abi.BASE_MASK) === abi.PTR_TO_ARENA;
  }

  /** The one map that the helper call at `pc` is given: index into `LinkedProg.maps`. */
  map(pc: number): number | undefined {
    const map = this.word(pc, abi.AUX_MAP);
    return map >= 0 && map < this.maps ? map : undefined;
  }

  /** The first sized argument of the helper call at `pc`: its register and how many bytes it is given, at least and at most. */
  size(pc: number): { readonly reg: number; readonly lo: number; readonly hi: number } | undefined {
    if ((this.word(pc, abi.AUX_FACT_FLAGS) & abi.FACT_SEEN) === 0) return undefined;
    const reg = this.word(pc, abi.AUX_FACT_MAP);
    return { reg, lo: this.word(pc, abi.AUX_FACT_LO), hi: this.word(pc, abi.AUX_FACT_HI) };
  }

  /** Some path comes to the bpf_loop at `pc` with flags other than 0. */
  loopFlags(pc: number): boolean {
    return (this.word(pc, abi.AUX_FLAGS) & abi.AUXF_LOOP_FLAGS) !== 0;
  }

  /** The constant key of an array lookup, index of a tail call, or start of the callback of a bpf_loop. */
  key(pc: number): number | undefined {
    return this.word(pc, abi.AUX_KEY_STATE) === abi.KEY_CONST ? this.word(pc, abi.AUX_KEY) >>> 0 : undefined;
  }

  /** Smallest and largest index of the tail call at `pc`, where the verification was asked for it (`tailCallRanges`). */
  tailCallRange(pc: number): { readonly lo: number; readonly hi: number } | undefined {
    if ((this.word(pc, abi.AUX_FACT_FLAGS) & abi.FACT_SEEN) === 0) return undefined;
    return { lo: this.word(pc, abi.AUX_FACT_LO) >>> 0, hi: this.word(pc, abi.AUX_FACT_HI) >>> 0 };
  }

  /** Packet pointers may move under the program. */
  get changesPacket(): boolean {
    return (this.flags & abi.RF_CHANGES_PACKET) !== 0;
  }
}
