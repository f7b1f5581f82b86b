// Why what Linux lets XDP programs or socket filters use is not here: a sentence, and the helpers, kfuncs and map types it holds for.

const GROUPS: readonly (readonly [reason: string, names: string])[] = [
  [
    'Packets are received by no process: its kernel objects do not exist.',
    `get_current_task_btf task_pt_regs get_task_stack find_vma current_task_under_cgroup bpf_iter_task_new bpf_iter_task_next
     bpf_iter_task_destroy bpf_iter_task_vma_new bpf_iter_task_vma_next bpf_iter_task_vma_destroy`,
  ],
  ['There are no processes that a signal could reach.', 'bpf_send_signal_task'],
  [
    'There are no processes, so no data can be kept beside one, nor work be queued for one.',
    'task_storage_get task_storage_delete bpf_task_work_schedule_resume_impl bpf_task_work_schedule_signal_impl',
  ],
  [
    'No cgroup has data or members here.',
    `cgrp_storage_get cgrp_storage_delete bpf_cgroup_read_xattr bpf_iter_css_new bpf_iter_css_next bpf_iter_css_destroy
     bpf_iter_css_task_new bpf_iter_css_task_next bpf_iter_css_task_destroy`,
  ],
  [
    'There is no memory of a process or of a kernel beside that of the engine.',
    `copy_from_user copy_from_user_task bpf_copy_from_user_dynptr bpf_copy_from_user_str bpf_copy_from_user_str_dynptr
     bpf_copy_from_user_task_dynptr bpf_copy_from_user_task_str bpf_copy_from_user_task_str_dynptr bpf_probe_read_kernel_dynptr
     bpf_probe_read_kernel_str_dynptr bpf_probe_read_user_dynptr bpf_probe_read_user_str_dynptr`,
  ],
  [
    'Objects of the kernel, whose layout only its own types tell, do not exist here.',
    `bpf_cast_to_kern_ctx bpf_rdonly_cast bpf_get_kmem_cache bpf_iter_kmem_cache_new bpf_iter_kmem_cache_next
     bpf_iter_kmem_cache_destroy bpf_iter_dmabuf_new bpf_iter_dmabuf_next bpf_iter_dmabuf_destroy`,
  ],
  ['It prints data by types of the kernel, and there is no kernel.', 'snprintf_btf'],
  [
    'A packet of a capture belongs to no socket.',
    `get_socket_cookie get_socket_uid skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock
     skc_to_udp6_sock skc_to_unix_sock skc_to_mptcp_sock get_netns_cookie`,
  ],
  [
    'Sockets here are those that the user lists: no map holds them, and they keep no data.',
    'map sockmap map sockhash map sk_storage map reuseport_sockarray sk_storage_get sk_storage_delete',
  ],
  [
    'There is no connection tracking.',
    `     
      bpf_skb_ct_alloc bpf_skb_ct_lookup `,
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
  ['Not written yet.', 'skb_load_bytes skb_load_bytes_relative bpf_dynptr_from_skb'],
  [
    'Linux puts it into programs itself, or a loader for what cannot be called; one that gets there ends.',
    '__bpf_trap',
  ],
  ['Not written yet.', 'bpf_map_sum_elem_count bpf_stream_vprintk_impl'],
  ['There are no stacks of a kernel or a process to walk.', 'map stack_trace'],
  [
    'There are no cgroups, and no program type that has the storage is run.',
    'map cgroup_array map cgroup_storage map percpu_cgroup_storage map cgrp_storage',
  ],
  ['There are no objects of the kernel that data could be kept beside.', 'map inode_storage map task_storage'],
  ['It holds implementations of kernel interfaces, not of packet programs.', 'map struct_ops'],
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
