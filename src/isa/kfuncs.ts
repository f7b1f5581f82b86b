/**
 * Kfuncs that the runtime has: it exports a function of the same name, (r1..r5: i64, fp: i32) -> i64, where `fp` is the frame for a callback (bpf_throw is lowered by
 * the JIT alone). Their
 * prototypes are in src/verifier/tables/kfuncs-rows.ts.
 */
export const KFUNCS: readonly string[] = [
  'bpf_cgroup_acquire',
  'bpf_cgroup_ancestor',
  'bpf_cgroup_from_id',
  'bpf_cgroup_release',
  'bpf_ct_change_status',
  'bpf_ct_change_timeout',
  'bpf_ct_insert_entry',
  'bpf_ct_release',
  'bpf_ct_set_nat_info',
  'bpf_ct_set_status',
  'bpf_ct_set_timeout',
  'bpf_dynptr_adjust',
  'bpf_dynptr_clone',
  'bpf_dynptr_copy',
  'bpf_dynptr_from_xdp',
  'bpf_dynptr_is_null',
  'bpf_dynptr_is_rdonly',
  'bpf_dynptr_memset',
  'bpf_dynptr_size',
  'bpf_dynptr_slice',
  'bpf_dynptr_slice_rdwr',
  'bpf_iter_bits_destroy',
  'bpf_iter_bits_new',
  'bpf_iter_bits_next',
  'bpf_iter_num_destroy',
  'bpf_iter_num_new',
  'bpf_iter_num_next',
  'bpf_list_back',
  'bpf_list_front',
  'bpf_list_pop_back',
  'bpf_list_pop_front',
  'bpf_list_push_back_impl',
  'bpf_list_push_front_impl',
  'bpf_local_irq_restore',
  'bpf_local_irq_save',
  'bpf_obj_drop_impl',
  'bpf_obj_new_impl',
  'bpf_percpu_obj_drop_impl',
  'bpf_percpu_obj_new_impl',
  'bpf_preempt_disable',
  'bpf_preempt_enable',
  'bpf_rbtree_add_impl',
  'bpf_rbtree_first',
  'bpf_rbtree_left',
  'bpf_rbtree_remove',
  'bpf_rbtree_right',
  'bpf_rbtree_root',
  'bpf_rcu_read_lock',
  'bpf_rcu_read_unlock',
  'bpf_refcount_acquire_impl',
  'bpf_res_spin_lock',
  'bpf_res_spin_lock_irqsave',
  'bpf_res_spin_unlock',
  'bpf_res_spin_unlock_irqrestore',
  'bpf_strcasecmp',
  'bpf_strchr',
  'bpf_strchrnul',
  'bpf_strcmp',
  'bpf_strcspn',
  'bpf_strlen',
  'bpf_strnchr',
  'bpf_strnlen',
  'bpf_strnstr',
  'bpf_strrchr',
  'bpf_strspn',
  'bpf_strstr',
  'bpf_task_acquire',
  'bpf_task_from_pid',
  'bpf_task_from_vpid',
  'bpf_task_get_cgroup1',
  'bpf_task_release',
  'bpf_task_under_cgroup',
  'bpf_throw',
  'bpf_wq_init',
  'bpf_wq_set_callback_impl',
  'bpf_wq_start',
  'bpf_xdp_ct_alloc',
  'bpf_xdp_ct_lookup',
  'bpf_xdp_metadata_rx_hash',
  'bpf_xdp_metadata_rx_timestamp',
  'bpf_xdp_metadata_rx_vlan_tag',
  'bpf_xdp_pull_data',
];

const KNOWN: ReadonlySet<string> = new Set(KFUNCS);

export function hasKfunc(name: string | undefined): boolean {
  return name !== undefined && KNOWN.has(name);
}

/** Kfuncs that move the packet's ends. */
const MOVERS: ReadonlySet<string> = new Set(['bpf_xdp_pull_data']);

export function kfuncMovesPacket(name: string | undefined): boolean {
  return name !== undefined && MOVERS.has(name);
}
