/** Violations: an invocation that an explicit check ended, as data. */
import {
  TRAP_ACCESS,
  TRAP_ADDR,
  TRAP_ARGUMENT,
  TRAP_BUDGET,
  TRAP_CODE,
  TRAP_NONE,
  TRAP_PC,
  TRAP_PROG,
  TRAP_SIZE,
  TRAP_THROW,
  TRAP_WRITE,
  VM_TRAP,
} from '../../assembly/abi.ts';
import type { Memory } from './memory.ts';

export type ViolationCode = 'access' | 'budget' | 'argument';

const CODES: Record<number, ViolationCode> = {
  [TRAP_ACCESS]: 'access',
  [TRAP_BUDGET]: 'budget',
  [TRAP_ARGUMENT]: 'argument',
};

/** What a program did that ended its run with XDP_ABORTED. */
export interface Violation {
  readonly code: ViolationCode;
  readonly prog: string;
  readonly progId: number;
  /** Slot in the linked program. */
  readonly pc: number;
  /** The address as the program had it. */
  readonly address: bigint;
  /** Bytes of the access, or behind a helper's pointer argument; 0 where there are none. */
  readonly size: number;
  readonly write: boolean;
}

/** Reads and clears the record; undefined when the trap was not one of ours. */
export function takeViolation(memory: Memory, vm: number, nameOf: (id: number) => string): Violation | undefined {
  const { view } = memory;
  const at = vm + VM_TRAP;
  const number = view.getUint32(at + TRAP_CODE, true);
  if (number === TRAP_NONE) return undefined;
  view.setUint32(at + TRAP_CODE, TRAP_NONE, true);
  const progId = view.getUint32(at + TRAP_PROG, true);
  return {
    code: CODES[number] ?? 'access',
    prog: nameOf(progId),
    progId,
    pc: view.getUint32(at + TRAP_PC, true),
    address: view.getBigUint64(at + TRAP_ADDR, true),
    size: view.getUint32(at + TRAP_SIZE, true),
    write: view.getUint32(at + TRAP_WRITE, true) !== 0,
  };
}

/** What bpf_throw left behind. */
interface Thrown {
  readonly progId: number;
  readonly cookie: bigint;
}

/** Reads and clears the record when the trap was bpf_throw's. */
function takeThrown(memory: Memory, vm: number): Thrown | undefined {
  const { view } = memory;
  const at = vm + VM_TRAP;
  if (view.getUint32(at + TRAP_CODE, true) !== TRAP_THROW) return undefined;
  view.setUint32(at + TRAP_CODE, TRAP_NONE, true);
  return { progId: view.getUint32(at + TRAP_PROG, true), cookie: view.getBigUint64(at + TRAP_ADDR, true) };
}

/** What can tell how a trap ends a run. */
export interface TrapHost {
  readonly memory: Memory;
  readonly vm: number;
  progName(id: number): string;
  /** What the program with that id makes of what it threw: low half of R0. */
  handle(progId: number, cookie: bigint): number;
}

/** How a trap ends a run: with a verdict, when the program threw, or as a violation. Anything else that was thrown goes on. */
export function settle(host: TrapHost, error: unknown): number | Violation {
  const thrown = error instanceof WebAssembly.RuntimeError ? takeThrown(host.memory, host.vm) : undefined;
  if (thrown === undefined) return asViolation(host, error);
  try {
    return host.handle(thrown.progId, thrown.cookie);
  } catch (again) {
    return asViolation(host, again);
  }
}

/** The record of the trap that ended an invocation; anything else that was thrown goes on. */
function asViolation(host: TrapHost, error: unknown): Violation {
  if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  const violation = takeViolation(host.memory, host.vm, (id) => host.progName(id));
  if (violation === undefined) throw error;
  return violation;
}

/** One line for people. */
export function describeViolation(v: Violation): string {
  const where = `${v.prog} pc ${v.pc}`;
  switch (v.code) {
    case 'access': {
      const what = v.write ? 'store' : 'load';
      return `${where}: ${what} of ${v.size} bytes at 0x${v.address.toString(16)} is outside what the program was given`;
    }
    case 'budget':
      return `${where}: the insn budget is used up; the loop here may not end`;
    case 'argument':
      return `${where}: a helper's argument 0x${v.address.toString(16)} is outside what the program was given`;
  }
}
