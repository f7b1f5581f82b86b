// Why what Linux lets XDP programs or socket filters use is not here: a sentence, and the helpers, kfuncs and map types it holds for.

const GROUPS: readonly (readonly [reason: string, names: string])[] = [
  [
    'There is no current task: packets are not received by a process.',
    `get_current_pid_tgid get_current_uid_gid get_current_comm get_current_task get_current_task_btf task_pt_regs get_task_stack
     get_ns_current_pid_tgid find_vma current_task_under_cgroup bpf_task_acquire bpf_task_from_pid bpf_task_from_vpid bpf_task_release
     bpf_task_under_cgroup bpf_task_get_cgroup1 bpf_iter_task_new bpf_iter_task_next bpf_iter_task_destroy bpf_iter_task_vma_new
     bpf_iter_task_vma_next bpf_iter_task_vma_destroy`,
  ],
  ['There are no processes that a signal could reach.', 'send_signal send_signal_thread bpf_send_signal_task'],
  [
    'There are no processes, so no data can be kept beside one, nor work be queued for one.',
    'task_storage_get task_storage_delete bpf_task_work_schedule_resume_impl bpf_task_work_schedule_signal_impl',
  ],
  [
    'There are no cgroups.',
    `get_cgroup_classid get_current_cgroup_id get_current_ancestor_cgroup_id cgrp_storage_get cgrp_storage_delete bpf_cgroup_acquire
     bpf_cgroup_ancestor bpf_cgroup_from_id bpf_cgroup_read_xattr bpf_cgroup_release bpf_iter_css_new bpf_iter_css_next bpf_iter_css_destroy
     bpf_iter_css_task_new bpf_iter_css_task_next bpf_iter_css_task_destroy`,
  ],
  [
    'There is no memory of a process or of a kernel beside that of the engine.',
    `probe_read_user probe_read_kernel probe_read_user_str probe_read_kernel_str copy_from_user copy_from_user_task bpf_copy_from_user_dynptr
     bpf_copy_from_user_str bpf_copy_from_user_str_dynptr bpf_copy_from_user_task_dynptr bpf_copy_from_user_task_str
     bpf_copy_from_user_task_str_dynptr bpf_probe_read_kernel_dynptr bpf_probe_read_kernel_str_dynptr bpf_probe_read_user_dynptr
     bpf_probe_read_user_str_dynptr`,
  ],
  [
    'Objects of the kernel, whose layout only its own types tell, do not exist here.',
    `per_cpu_ptr this_cpu_ptr bpf_cast_to_kern_ctx bpf_rdonly_cast bpf_get_kmem_cache bpf_iter_kmem_cache_new bpf_iter_kmem_cache_next
     bpf_iter_kmem_cache_destroy bpf_iter_dmabuf_new bpf_iter_dmabuf_next bpf_iter_dmabuf_destroy`,
  ],
  ['It prints data by types of the kernel, and there is no kernel.', 'snprintf_btf'],
  ['There are no hardware counters.', 'perf_event_read perf_event_read_value get_branch_snapshot'],
  [
    'A packet of a capture belongs to no socket.',
    'get_socket_cookie get_socket_uid skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock skc_to_unix_sock skc_to_mptcp_sock get_netns_cookie',
  ],
  [
    'There are no sockets to find.',
    'sk_lookup_tcp sk_lookup_udp skc_lookup_tcp sk_release tcp_sock sk_fullsock get_listener_sock map sockmap map sockhash map sk_storage map reuseport_sockarray sk_storage_get sk_storage_delete',
  ],
  ['SYN cookies are made of secrets of a running kernel.', 'tcp_check_syncookie tcp_gen_syncookie'],
  [
    'There is no connection tracking.',
    `bpf_ct_change_status bpf_ct_change_timeout bpf_ct_insert_entry bpf_ct_release bpf_ct_set_nat_info bpf_ct_set_status bpf_ct_set_timeout
     bpf_skb_ct_alloc bpf_skb_ct_lookup bpf_xdp_ct_alloc bpf_xdp_ct_lookup`,
  ],
  ['There is no IPsec.', 'bpf_xdp_get_xfrm_state bpf_xdp_xfrm_state_release'],
  [
    'Keys and ciphers belong to a running kernel.',
    'bpf_crypto_decrypt bpf_crypto_encrypt bpf_key_put bpf_lookup_system_key bpf_lookup_user_key',
  ],
  [
    'Programs of these types do not sleep, and Linux lets only those that do call it.',
    'bpf_arena_alloc_pages bpf_arena_free_pages bpf_arena_reserve_pages',
  ],
  ["A test of the kernel's own, which changes nothing.", 'bpf_modify_return_test_tp'],
  [
    'Not written yet: it needs work that goes on behind the program.',
    'bpf_wq_init bpf_wq_set_callback_impl bpf_wq_start',
  ],
];

/** Names with a blank in them are map types. */
function namesOf(list: string): string[] {
  return list
    .replace(/map (\w+)/g, 'map_type:$1')
    .trim()
    .split(/\s+/)
    .map((name) => name.replace('map_type:', 'map '));
}

export const REASONS: ReadonlyMap<string, string> = new Map(
  GROUPS.flatMap(([reason, list]) => namesOf(list).map((name): [string, string] => [name, reason])),
);
