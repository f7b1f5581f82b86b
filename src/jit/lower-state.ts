/** Helpers that only read or step the state of the running thread, or nothing at all: a few insns instead of a call. */
import { CTX_TIME, VM_CPU, VM_PRNG, VM_TIME } from '../../assembly/abi.ts';
import { type FuncEnv, pushBase, pushRecord, setReg, setReg32 } from './env.ts';
import * as w from './opcodes.ts';

interface State {
  /** It asks for the packet's record, which only the entry function has at hand. */
  readonly ofPacket: boolean;
  /** It is something only among several threads. */
  readonly alone?: boolean;
  readonly lower: (f: FuncEnv) => void;
}

/**
 * By name. Nobody waits for a lock where one thread runs programs, and nobody sees one: a program may neither touch the word nor call anything while it
 * holds it, and copies of values show zeros there.
 */
const INLINE: Readonly<Record<string, State>> = {
  spin_lock: { ofPacket: false, alone: true, lower: () => {} },
  spin_unlock: { ofPacket: false, alone: true, lower: () => {} },
  get_smp_processor_id: { ofPacket: false, lower: lowerCpu },
  get_prandom_u32: { ofPacket: false, lower: lowerRandom },
  ktime_get_ns: { ofPacket: true, lower: lowerTime },
  ktime_get_boot_ns: { ofPacket: true, lower: lowerTime },
};

/** Whether the helper takes no call; `inEntry`: in the program's own function; `shared`: several threads run programs. */
export function isInlineState(helper: string, inEntry: boolean, shared: boolean): boolean {
  if (!Object.hasOwn(INLINE, helper) || (shared && INLINE[helper].alone === true)) return false;
  return inEntry || !INLINE[helper].ofPacket;
}

export function lowerState(f: FuncEnv, helper: string): void {
  INLINE[helper].lower(f);
}

function lowerCpu(f: FuncEnv): void {
  f.code.mem(w.I32_LOAD, pushBase(f.code, f.prog.vm) + VM_CPU);
  setReg32(f, 0);
}

/** The packet's own time when its record has one, else the engine's clock. */
function lowerTime(f: FuncEnv): void {
  const { code, prog } = f;
  const time = code.local('time', 'i64');
  pushRecord(f);
  code.mem(w.I64_LOAD, CTX_TIME);
  code.tee(time);
  code.op(w.I64_EQZ);
  code.block(w.IF);
  code.mem(w.I64_LOAD, pushBase(code, prog.vm) + VM_TIME);
  code.set(time);
  code.op(w.END);
  code.get(time);
  setReg(f, 0);
}

/** z ^= z >> shift, and then times a constant. */
function mix(f: FuncEnv, z: number, shift: number, factor?: readonly [lo: number, hi: number]): void {
  const { code } = f;
  code.get(z);
  code.get(z);
  code.i64(shift);
  code.op(w.I64_SHR_U, w.I64_XOR);
  if (factor !== undefined) {
    code.i64parts(...factor);
    code.op(w.I64_MUL);
  }
  code.set(z);
}

/** SplitMix64, as get_prandom_u32 of the runtime does it. */
function lowerRandom(f: FuncEnv): void {
  const { code, prog } = f;
  const z = code.local('random', 'i64');
  const at = pushBase(code, prog.vm) + VM_PRNG;
  code.mem(w.I64_LOAD, pushBase(code, prog.vm) + VM_PRNG);
  code.i64parts(0x7f4a7c15, 0x9e3779b9 | 0);
  code.op(w.I64_ADD);
  code.tee(z);
  code.mem(w.I64_STORE, at);
  mix(f, z, 30, [0x1ce4e5b9, 0xbf58476d | 0]);
  mix(f, z, 27, [0x133111eb, 0x94d049bb | 0]);
  mix(f, z, 31);
  code.get(z);
  code.i64(32);
  code.op(w.I64_SHR_U);
  setReg(f, 0);
}
