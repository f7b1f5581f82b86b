/** The machine that programs are told of: its ticks and clocks, and the task that the packet's interrupt found. */
import {
  DEFAULT_HZ,
  MAX_CGROUP_LEVELS,
  VM_CGROUP_IDS,
  VM_CGROUP_LEVELS,
  VM_COMM,
  VM_HZ,
  VM_PID_TGID,
  VM_TAI_OFFSET,
  VM_UID_GID,
} from '../../assembly/abi.ts';
import { RunError } from '../errors/index.ts';

import type { Memory } from './memory.ts';

/** The current task: what bpf_get_current_* answer. */
export interface TaskOptions {
  /** Thread id; 0, the idle task's, unless given. */
  readonly pid?: number;
  /** Process id: `pid` unless given. */
  readonly tgid?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Its name, 15 bytes at most; `swapper/0` unless given. */
  readonly comm?: string;
  /** Ids of its control group's ancestors from the root on, then its own; [1n], the root itself, unless given. */
  readonly cgroups?: readonly bigint[];
}

export interface MachineOptions {
  readonly hz?: number;
  readonly taiOffset?: bigint;
  readonly task?: TaskOptions;
}

const COMM_MAX = 15;
const MAX_HZ = 10_000;

function refuse(option: string, found: unknown, expected: string): never {
  throw new RunError('RUN_OPTION', { option, found: String(found), expected });
}

function checkInt(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  return refuse(option, value, `an integer from ${min} to ${max}`);
}

function checkBigint(option: string, value: unknown): bigint {
  return typeof value === 'bigint' ? value : refuse(option, value, 'a bigint');
}

function setTask(memory: Memory, vm: number, task: TaskOptions): void {
  const { view, u8 } = memory;
  const id = (option: 'pid' | 'tgid' | 'uid' | 'gid', at: number, fallback: number) =>
    view.setUint32(vm + at, checkInt(`task.${option}`, task[option] ?? fallback, 0, 0xffffffff), true);
  id('pid', VM_PID_TGID, 0);
  id('tgid', VM_PID_TGID + 4, task.pid ?? 0);
  id('uid', VM_UID_GID, 0);
  id('gid', VM_UID_GID + 4, 0);
  const comm = new TextEncoder().encode(task.comm ?? 'swapper/0');
  if (comm.length > COMM_MAX) refuse('task.comm', task.comm, `a name of at most ${COMM_MAX} bytes`);
  u8.set(comm, vm + VM_COMM);
  const cgroups = task.cgroups ?? [1n];
  if (!Array.isArray(cgroups) || cgroups.length === 0 || cgroups.length > MAX_CGROUP_LEVELS)
    refuse('task.cgroups', task.cgroups, `an array of 1 to ${MAX_CGROUP_LEVELS} ids`);
  view.setUint32(vm + VM_CGROUP_LEVELS, cgroups.length, true);
  cgroups.forEach((cgroup, level) => {
    view.setBigUint64(vm + VM_CGROUP_IDS + 8 * level, checkBigint('task.cgroups', cgroup), true);
  });
}

/** Writes what the helpers read. @throws RunError RUN_OPTION */
export function setMachine(memory: Memory, vm: number, options: MachineOptions): void {
  const { view } = memory;
  view.setUint32(vm + VM_HZ, checkInt('hz', options.hz ?? DEFAULT_HZ, 1, MAX_HZ), true);
  view.setBigUint64(vm + VM_TAI_OFFSET, checkBigint('taiOffset', options.taiOffset ?? 0n), true);
  setTask(memory, vm, options.task ?? {});
}
