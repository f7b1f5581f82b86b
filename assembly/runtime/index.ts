// build/runtime.wasm: the export lines only. src/runtime/exports.ts has their types.
export { check_map, check_mem, trap } from './check';
export { csum_diff } from './helper/checksum';
export { jiffies64, ktime_get_boot_ns, ktime_get_coarse_ns, ktime_get_tai_ns } from './helper/clock';
export { dynptr_data, dynptr_from_mem, dynptr_read, dynptr_write } from './helper/dynptr';
export { fib_lookup } from './helper/fib';
export { for_each_map_elem } from './helper/for-each';
export {
  bpf_res_spin_lock,
  bpf_res_spin_lock_irqsave,
  bpf_res_spin_unlock,
  bpf_res_spin_unlock_irqrestore,
  locks_release,
  spin_lock,
  spin_unlock,
} from './helper/lock';
export { loop } from './helper/loop';
export { check_mtu } from './helper/mtu';
export { xdp_adjust_head, xdp_adjust_meta, xdp_get_buff_len, xdp_load_bytes, xdp_store_bytes } from './helper/packet';
export { xdp_adjust_tail } from './helper/packet-tail';
export { perf_event_output, perf_event_read, perf_event_read_value } from './helper/perf-event';
export { snprintf, trace_printk, trace_printk_void, trace_vprintk } from './helper/print';
export { probe_read_kernel, probe_read_kernel_str, probe_read_user, probe_read_user_str } from './helper/probe';
export {
  cpumap_redirect,
  devmap_hash_redirect,
  devmap_redirect,
  redirect,
  redirect_map,
  xskmap_redirect,
} from './helper/redirect';
export {
  ringbuf_discard,
  ringbuf_discard_dynptr,
  ringbuf_discard_proved,
  ringbuf_output,
  ringbuf_query,
  ringbuf_reserve,
  ringbuf_reserve_dynptr,
  ringbuf_submit,
  ringbuf_submit_dynptr,
  ringbuf_submit_proved,
} from './helper/ringbuf';
export {
  get_listener_sock,
  sk_fullsock,
  sk_lookup_tcp,
  sk_lookup_udp,
  sk_release,
  skc_lookup_tcp,
  tcp_sock,
} from './helper/sock';
export { get_prandom_u32, get_smp_processor_id, ktime_get_ns, seed } from './helper/state';
export { strncmp, strtol, strtoul } from './helper/string';
export {
  net_syncookies,
  tcp_check_syncookie,
  tcp_gen_syncookie,
  tcp_raw_check_syncookie_ipv4,
  tcp_raw_check_syncookie_ipv6,
  tcp_raw_gen_syncookie_ipv4,
  tcp_raw_gen_syncookie_ipv6,
} from './helper/syncookie';
export {
  get_branch_snapshot,
  get_cgroup_classid,
  get_current_ancestor_cgroup_id,
  get_current_cgroup_id,
  get_current_comm,
  get_current_pid_tgid,
  get_current_task,
  get_current_uid_gid,
  get_ns_current_pid_tgid,
  get_numa_node_id,
  send_signal,
  send_signal_thread,
} from './helper/task';
export {
  async_step,
  async_step_until,
  async_work,
  bpf_wq_init,
  bpf_wq_set_callback_impl,
  bpf_wq_start,
  timer_cancel,
  timer_init,
  timer_set_callback,
  timer_start,
} from './helper/timer';
export {
  bpf_ct_change_status,
  bpf_ct_change_timeout,
  bpf_ct_insert_entry,
  bpf_ct_release,
  bpf_ct_set_nat_info,
  bpf_ct_set_status,
  bpf_ct_set_timeout,
  bpf_xdp_ct_alloc,
  bpf_xdp_ct_lookup,
} from './kfunc/conntrack';
export {
  bpf_dynptr_adjust,
  bpf_dynptr_clone,
  bpf_dynptr_copy,
  bpf_dynptr_from_xdp,
  bpf_dynptr_is_null,
  bpf_dynptr_is_rdonly,
  bpf_dynptr_memset,
  bpf_dynptr_size,
  bpf_dynptr_slice,
  bpf_dynptr_slice_rdwr,
} from './kfunc/dynptr';
export { bpf_iter_bits_destroy, bpf_iter_bits_new, bpf_iter_bits_next } from './kfunc/iter-bits';
export { bpf_iter_num_destroy, bpf_iter_num_new, bpf_iter_num_next } from './kfunc/iter-num';
export {
  bpf_xdp_metadata_rx_hash,
  bpf_xdp_metadata_rx_timestamp,
  bpf_xdp_metadata_rx_vlan_tag,
} from './kfunc/metadata';
export {
  nobody as bpf_cgroup_acquire,
  nobody as bpf_cgroup_ancestor,
  nobody as bpf_cgroup_from_id,
  nobody as bpf_cgroup_release,
  nobody as bpf_task_acquire,
  nobody as bpf_task_from_pid,
  nobody as bpf_task_from_vpid,
  nobody as bpf_task_get_cgroup1,
  nobody as bpf_task_release,
  nobody as bpf_task_under_cgroup,
} from './kfunc/nobody';
export { bpf_xdp_pull_data } from './kfunc/packet';
export {
  bpf_local_irq_restore,
  bpf_local_irq_save,
  bpf_preempt_disable,
  bpf_preempt_enable,
  bpf_rcu_read_lock,
  bpf_rcu_read_unlock,
} from './kfunc/section';
export {
  bpf_strcasecmp,
  bpf_strchr,
  bpf_strchrnul,
  bpf_strcmp,
  bpf_strcspn,
  bpf_strlen,
  bpf_strnchr,
  bpf_strnlen,
  bpf_strnstr,
  bpf_strrchr,
  bpf_strspn,
  bpf_strstr,
} from './kfunc/string';
export { arena_at, arena_touch } from './map/arena';
export { array_lookup } from './map/array';
export { map_create, map_destroy } from './map/create';
export { map_set_fields } from './map/fields';
export { hash_lookup, hash_lookup4, hash_lookup8, hash_lookup16 } from './map/hash';
export { hash_batch, hash_buckets } from './map/hash-walk';
export { hash_delete_words, hash_update_words } from './map/hash-words';
export { map_peek, map_peek_elem, map_pop, map_pop_elem, map_push_elem, queue_at } from './map/keyless';
export { lpm_lookup, lpm_lookup_short } from './map/lpm';
export {
  lru_delete_words,
  lru_lookup,
  lru_lookup4,
  lru_lookup8,
  lru_lookup16,
  lru_percpu_lookup,
  lru_update_words,
} from './map/lru-hash';
export { map_first } from './map/map';
export {
  array_update,
  hash_delete,
  hash_update,
  lpm_delete,
  lpm_update,
  lru_delete,
  lru_percpu_update,
  lru_update,
  map_delete,
  map_delete_elem,
  map_lookup,
  map_lookup_elem,
  map_lookup_percpu_elem,
  map_next_key,
  map_update,
  map_update_elem,
  percpu_array_update,
  percpu_hash_update,
} from './map/ops';
export { percpu_array_lookup } from './map/percpu-array';
export { percpu_hash_lookup } from './map/percpu-hash';
export { perf_close, perf_consume, perf_next, perf_open, perf_ring } from './map/perf-event-array';
export { ringbuf_consume, ringbuf_next, ringbuf_walk } from './map/ringbuf';
export { user_ringbuf_commit, user_ringbuf_drain, user_ringbuf_reserve } from './map/user-ringbuf';
export { map_user_came, map_user_gone } from './map/values';
export { alloc, alloc_raw, free, mem_used } from './mem';
export { net_conn_add, net_conn_next } from './net/conntrack';
export { device_remove, device_set } from './net/device';
export { net_address_add, net_device_remove, net_device_set } from './net/interface';
export { net_neighbour_delete, net_neighbour_set } from './net/neighbour';
export { net_route_add, net_route_delete } from './net/route';
export { net_rule_add } from './net/rule';
export { net_sock_add, net_sock_delete } from './net/sock';
export {
  bpf_obj_drop_impl,
  bpf_obj_new_impl,
  bpf_percpu_obj_drop_impl,
  bpf_percpu_obj_new_impl,
  bpf_refcount_acquire_impl,
  kptr_xchg,
  per_cpu_ptr,
  this_cpu_ptr,
} from './object/kfunc';
export {
  bpf_list_back,
  bpf_list_front,
  bpf_list_pop_back,
  bpf_list_pop_front,
  bpf_list_push_back_impl,
  bpf_list_push_front_impl,
} from './object/list';
export { object_reclaim, object_type, object_type_fields, object_type_release } from './object/object';
export {
  bpf_rbtree_add_impl,
  bpf_rbtree_first,
  bpf_rbtree_left,
  bpf_rbtree_remove,
  bpf_rbtree_right,
  bpf_rbtree_root,
} from './object/rbtree';
export { batch_copy, batch_in_place, batch_untimed, verdict_count } from './replay/batch';
export { batch_copy_frags, batch_split } from './replay/batch-frags';
export { pcap_gather } from './replay/gather';
export { pcap_guess } from './replay/guess';
export { pcap_walk } from './replay/pcap';
export { pcapng_walk } from './replay/pcapng';
export { piece_records, piece_sort, piece_walk } from './replay/piece';
export { rss_hash, rss_tables } from './replay/rss';
export { threads_running } from './thread';
export { async_stop, callback_in_use } from './timer';
