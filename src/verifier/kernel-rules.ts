/** What Linux 6.18 promises of kernel structs beyond their BTF: which RCU protects, and which members are good pointers. */
import * as abi from './abi.ts';

/** Structs whose objects RCU keeps: a kptr to one may be read without a reference. */
export const RCU_STRUCTS: ReadonlySet<string> = new Set([
  'prog_test_ref_kfunc',
  'cgroup',
  'bpf_cpumask',
  'task_struct',
  'bpf_crypto_ctx',
]);

/** Structs that kptrs point to where no vmlinux BTF is at hand: others are taken for the program's own. */
export const KPTR_STRUCTS: ReadonlySet<string> = new Set([
  ...RCU_STRUCTS,
  'nf_conn',
  'prog_test_member',
  'bpf_key',
  'sock',
  'sk_buff',
  'file',
]);

const TRUSTED = abi.SMF_TRUSTED;
const RCU = abi.SMF_RCU;
const OR_NULL = abi.SMF_NULLABLE;

/** SMF_ flags of `struct.member`. */
export const MEMBER_FLAGS: ReadonlyMap<string, number> = new Map([
  ['task_struct.cpus_ptr', RCU],
  ['task_struct.cgroups', RCU],
  ['task_struct.real_parent', RCU],
  ['task_struct.group_leader', RCU],
  ['cgroup.kn', RCU],
  ['css_set.dfl_cgrp', RCU],
  ['cgroup_subsys_state.cgroup', RCU],
  ['mm_struct.exe_file', RCU | OR_NULL],
  ['sk_buff.sk', RCU | OR_NULL],
  ['request_sock.sk', RCU | OR_NULL],
  ['bpf_iter_meta.seq', TRUSTED],
  ['bpf_iter__task.meta', TRUSTED],
  ['linux_binprm.file', TRUSTED],
  ['file.f_inode', TRUSTED],
  ['dentry.d_inode', TRUSTED | OR_NULL],
  ['socket.sk', TRUSTED | OR_NULL],
  ['vm_area_struct.vm_mm', TRUSTED | OR_NULL],
  ['vm_area_struct.vm_file', TRUSTED | OR_NULL],
]);

/** Type tags of kernel pointers. */
export const TAG_FLAGS: ReadonlyMap<string, number> = new Map([
  ['rcu', RCU],
  ['percpu', abi.SMF_PERCPU],
  ['user', abi.SMF_USER],
]);
