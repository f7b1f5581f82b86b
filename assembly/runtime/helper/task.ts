// Who runs while packets come in: the task that the interrupt found, the idle one unless the engine's options say otherwise.
import { VM_CGROUP_IDS, VM_CGROUP_LEVELS, VM_COMM, VM_PID_TGID, VM_UID_GID } from '../../abi';
import { EINVAL, ENOENT, EPERM } from '../../isa';
import { vm } from '../env';

const COMM_SIZE: u32 = 16;

export function get_current_pid_tgid(): i64 {
  return load<u64>(vm, VM_PID_TGID);
}

export function get_current_uid_gid(): i64 {
  return load<u64>(vm, VM_UID_GID);
}

/** The task's name with its NUL, and zeros up to `size`. */
export function get_current_comm(out: u32, size: u32): i64 {
  memory.fill(out, 0, size);
  memory.copy(out, vm + VM_COMM, min(size - 1, COMM_SIZE - 1));
  return 0;
}

/** Where a task_struct would be: an address at which nothing can be read. */
export function get_current_task(): i64 {
  return 0xffff888000000000;
}

/** No namespace of process ids has a device and an inode here. */
export function get_ns_current_pid_tgid(_dev: u64, _ino: u64, out: u32, size: u32): i64 {
  memory.fill(out, 0, size);
  return -EINVAL;
}

/** Control groups of the network class controller: the root's. */
export function get_cgroup_classid(): i64 {
  return 0;
}

export function get_current_cgroup_id(): i64 {
  return load<u64>(vm + VM_CGROUP_IDS + ((load<u32>(vm, VM_CGROUP_LEVELS) - 1) << 3));
}

/** The id of the control group at `level`, 0 for the root's; 0 where the task's own is not that deep. */
export function get_current_ancestor_cgroup_id(level: u64): i64 {
  const wanted = <i32>level;
  if (wanted < 0 || <u32>wanted >= load<u32>(vm, VM_CGROUP_LEVELS)) return 0;
  return load<u64>(vm + VM_CGROUP_IDS + ((<u32>wanted) << 3));
}

export function get_numa_node_id(): i64 {
  return 0;
}

/** The idle task is a kernel's thread: nobody signals it. */
export function send_signal(_signal: u64): i64 {
  return -EPERM;
}

export function send_signal_thread(_signal: u64): i64 {
  return -EPERM;
}

/** No records of branches are kept, as on most virtual machines. */
export function get_branch_snapshot(_out: u32, _size: u32, flags: u64): i64 {
  return flags ? -EINVAL : -ENOENT;
}
