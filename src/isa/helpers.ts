/**
 * The helpers, one row each: number and prototype as linux/bpf.h documents them. The JIT derives the import's Wasm signature and
 * the checks of an unverified call from the argument kinds; the runtime exports a function of the same name.
 */
import { lazy } from '../util/lazy.ts';

/** Kinds of arguments, in the words of the verifier's `enum bpf_arg_type`. */
export type HelperArg =
  | 'ctx'
  /** A map whose address is known. */
  | 'const_map_ptr'
  /** Readable memory of the map's key size. */
  | 'map_key'
  /** Readable memory of the map's value size. */
  | 'map_value'
  /** Writable memory of the map's value size; of a bloom filter it is read. */
  | 'map_value_out'
  /** Readable memory; the next argument is its size. */
  | 'mem'
  /** The same, or NULL when the size is 0. */
  | 'mem_or_null'
  /** Writable memory; the next argument is its size. */
  | 'uninit_mem'
  /** Memory that the helper reads and writes; the next argument is its size. */
  | 'inout_mem'
  /** A byte count above 0. */
  | 'size'
  /** A byte count that may be 0. */
  | 'size_or_zero'
  /** A string with its NUL, in a map that no one writes. */
  | 'const_str'
  /** Any scalar, 64 bits. */
  | 'anything'
  /** A callback: its slot in the shared table. */
  | 'func'
  /** What callbacks are handed on: an address or NULL, 64 bits, which nothing here looks at. */
  | 'callback_ctx'
  /** Memory whose size the prototype fixes: see FIXED_SIZE. */
  | FixedArg
  /** An address of what only the runtime knows (a socket, a ring buffer's record): its function looks for itself. */
  | 'object';

/** Arguments of a fixed size. `_out`: the helper writes it. */
export type FixedArg =
  | 'dynptr'
  | 'dynptr_out'
  | 'timer'
  | 'spin_lock'
  | 'int'
  | 'int_out'
  | 'long'
  | 'long_out'
  | 'kptr'
  | 'iphdr'
  | 'ipv6hdr'
  | 'tcphdr';

/** Bytes of each, and whether the helper writes. */
export const FIXED_SIZE: Readonly<Record<FixedArg, { readonly size: number; readonly write: boolean }>> = {
  dynptr: { size: 16, write: false },
  dynptr_out: { size: 16, write: true },
  timer: { size: 16, write: true },
  spin_lock: { size: 4, write: true },
  int: { size: 4, write: false },
  int_out: { size: 4, write: true },
  long: { size: 8, write: false },
  long_out: { size: 8, write: true },
  iphdr: { size: 20, write: false },
  ipv6hdr: { size: 40, write: false },
  tcphdr: { size: 20, write: false },
  kptr: { size: 8, write: true },
};

export function isFixedArg(arg: HelperArg): arg is FixedArg {
  return arg in FIXED_SIZE;
}

/** `pointer_or_null`: an address of what is no map's value. */
export type HelperRet = 'integer' | 'void' | 'map_value_or_null' | 'pointer_or_null';

export interface HelperProto {
  readonly id: number;
  /** As in the UAPI enum, without `BPF_FUNC_`. */
  readonly name: string;
  readonly args: readonly HelperArg[];
  readonly ret: HelperRet;
  readonly gplOnly: boolean;
  /** It may move the packet's ends: packet pointers taken before are dead. */
  readonly changesPacket: boolean;
  /** It calls a function that it is given: its Wasm function has the frame for that as a last parameter, i32. */
  readonly callsBack: boolean;
}

function row(id: number, name: string, args: readonly HelperArg[], ret: HelperRet, flags = ''): HelperProto {
  const callsBack = args.includes('func');
  return { id, name, args, ret, callsBack, gplOnly: flags.includes('gpl'), changesPacket: flags.includes('pkt') };
}

/** All of them. */
export const helpers: () => readonly HelperProto[] = lazy(() => [
  row(1, 'map_lookup_elem', ['const_map_ptr', 'map_key'], 'map_value_or_null'),
  row(2, 'map_update_elem', ['const_map_ptr', 'map_key', 'map_value', 'anything'], 'integer'),
  row(3, 'map_delete_elem', ['const_map_ptr', 'map_key'], 'integer'),
  row(5, 'ktime_get_ns', [], 'integer'),
  row(6, 'trace_printk', ['mem', 'size', 'anything', 'anything', 'anything'], 'integer', 'gpl'),
  row(7, 'get_prandom_u32', [], 'integer'),
  row(8, 'get_smp_processor_id', [], 'integer'),
  // The JIT lowers it itself; there is no runtime function of this name.
  row(12, 'tail_call', ['ctx', 'const_map_ptr', 'anything'], 'void'),
  row(14, 'get_current_pid_tgid', [], 'integer'),
  row(15, 'get_current_uid_gid', [], 'integer'),
  row(16, 'get_current_comm', ['uninit_mem', 'size'], 'integer'),
  row(17, 'get_cgroup_classid', [], 'integer'),
  row(22, 'perf_event_read', ['const_map_ptr', 'anything'], 'integer', 'gpl'),
  row(23, 'redirect', ['anything', 'anything'], 'integer'),
  row(25, 'perf_event_output', ['ctx', 'const_map_ptr', 'anything', 'mem', 'size_or_zero'], 'integer', 'gpl'),
  row(28, 'csum_diff', ['mem_or_null', 'size_or_zero', 'mem_or_null', 'size_or_zero', 'anything'], 'integer'),
  row(35, 'get_current_task', [], 'integer', 'gpl'),
  row(42, 'get_numa_node_id', [], 'integer'),
  row(44, 'xdp_adjust_head', ['ctx', 'anything'], 'integer', 'pkt'),
  row(51, 'redirect_map', ['const_map_ptr', 'anything', 'anything'], 'integer'),
  row(54, 'xdp_adjust_meta', ['ctx', 'anything'], 'integer', 'pkt'),
  row(55, 'perf_event_read_value', ['const_map_ptr', 'anything', 'uninit_mem', 'size'], 'integer', 'gpl'),
  row(65, 'xdp_adjust_tail', ['ctx', 'anything'], 'integer', 'pkt'),
  row(69, 'fib_lookup', ['ctx', 'inout_mem', 'size', 'anything'], 'integer', 'gpl'),
  row(80, 'get_current_cgroup_id', [], 'integer'),
  row(84, 'sk_lookup_tcp', ['ctx', 'mem', 'size_or_zero', 'anything', 'anything'], 'pointer_or_null'),
  row(85, 'sk_lookup_udp', ['ctx', 'mem', 'size_or_zero', 'anything', 'anything'], 'pointer_or_null'),
  row(86, 'sk_release', ['object'], 'integer'),
  row(87, 'map_push_elem', ['const_map_ptr', 'map_value', 'anything'], 'integer'),
  row(88, 'map_pop_elem', ['const_map_ptr', 'map_value_out'], 'integer'),
  row(89, 'map_peek_elem', ['const_map_ptr', 'map_value_out'], 'integer'),
  row(93, 'spin_lock', ['spin_lock'], 'void'),
  row(94, 'spin_unlock', ['spin_lock'], 'void'),
  row(95, 'sk_fullsock', ['object'], 'pointer_or_null'),
  row(96, 'tcp_sock', ['object'], 'pointer_or_null'),
  row(98, 'get_listener_sock', ['object'], 'pointer_or_null'),
  row(99, 'skc_lookup_tcp', ['ctx', 'mem', 'size_or_zero', 'anything', 'anything'], 'pointer_or_null'),
  row(100, 'tcp_check_syncookie', ['object', 'mem', 'size', 'mem', 'size'], 'integer', 'gpl'),
  row(105, 'strtol', ['mem', 'size', 'anything', 'long_out'], 'integer'),
  row(106, 'strtoul', ['mem', 'size', 'anything', 'long_out'], 'integer'),
  row(109, 'send_signal', ['anything'], 'integer'),
  row(110, 'tcp_gen_syncookie', ['object', 'mem', 'size', 'mem', 'size'], 'integer', 'gpl'),
  row(112, 'probe_read_user', ['uninit_mem', 'size_or_zero', 'anything'], 'integer', 'gpl'),
  row(113, 'probe_read_kernel', ['uninit_mem', 'size_or_zero', 'anything'], 'integer', 'gpl'),
  row(114, 'probe_read_user_str', ['uninit_mem', 'size_or_zero', 'anything'], 'integer', 'gpl'),
  row(115, 'probe_read_kernel_str', ['uninit_mem', 'size_or_zero', 'anything'], 'integer', 'gpl'),
  row(117, 'send_signal_thread', ['anything'], 'integer'),
  row(118, 'jiffies64', [], 'integer'),
  row(120, 'get_ns_current_pid_tgid', ['anything', 'anything', 'uninit_mem', 'size'], 'integer'),
  row(123, 'get_current_ancestor_cgroup_id', ['anything'], 'integer'),
  row(125, 'ktime_get_boot_ns', [], 'integer'),
  row(130, 'ringbuf_output', ['const_map_ptr', 'mem', 'size_or_zero', 'anything'], 'integer'),
  row(131, 'ringbuf_reserve', ['const_map_ptr', 'anything', 'anything'], 'pointer_or_null'),
  row(132, 'ringbuf_submit', ['object', 'anything'], 'void'),
  row(133, 'ringbuf_discard', ['object', 'anything'], 'void'),
  row(134, 'ringbuf_query', ['const_map_ptr', 'anything'], 'integer'),
  row(160, 'ktime_get_coarse_ns', [], 'integer'),
  row(163, 'check_mtu', ['ctx', 'anything', 'int_out', 'anything', 'anything'], 'integer', 'gpl'),
  row(164, 'for_each_map_elem', ['const_map_ptr', 'func', 'callback_ctx', 'anything'], 'integer'),
  row(165, 'snprintf', ['uninit_mem', 'size_or_zero', 'const_str', 'mem_or_null', 'size_or_zero'], 'integer', 'gpl'),
  row(169, 'timer_init', ['timer', 'const_map_ptr', 'anything'], 'integer', 'gpl'),
  row(170, 'timer_set_callback', ['timer', 'func'], 'integer', 'gpl'),
  row(171, 'timer_start', ['timer', 'anything', 'anything'], 'integer', 'gpl'),
  row(172, 'timer_cancel', ['timer'], 'integer', 'gpl'),
  row(176, 'get_branch_snapshot', ['uninit_mem', 'size_or_zero', 'anything'], 'integer', 'gpl'),
  row(93, 'spin_lock', ['spin_lock'], 'void'),
  row(94, 'spin_unlock', ['spin_lock'], 'void'),
  row(153, 'per_cpu_ptr', ['object', 'anything'], 'pointer_or_null'),
  row(154, 'this_cpu_ptr', ['object'], 'pointer_or_null'),
  row(177, 'trace_vprintk', ['mem', 'size', 'mem_or_null', 'size_or_zero'], 'integer', 'gpl'),
  row(181, 'loop', ['anything', 'func', 'callback_ctx', 'anything'], 'integer'),
  row(182, 'strncmp', ['mem', 'size', 'const_str'], 'integer'),
  row(188, 'xdp_get_buff_len', ['ctx'], 'integer'),
  row(189, 'xdp_load_bytes', ['ctx', 'anything', 'uninit_mem', 'size'], 'integer'),
  row(190, 'xdp_store_bytes', ['ctx', 'anything', 'mem', 'size'], 'integer'),
  row(195, 'map_lookup_percpu_elem', ['const_map_ptr', 'map_key', 'anything'], 'map_value_or_null'),
  row(194, 'kptr_xchg', ['kptr', 'object'], 'pointer_or_null'),
  row(197, 'dynptr_from_mem', ['uninit_mem', 'size_or_zero', 'anything', 'dynptr_out'], 'integer'),
  row(198, 'ringbuf_reserve_dynptr', ['const_map_ptr', 'anything', 'anything', 'dynptr_out'], 'integer'),
  row(199, 'ringbuf_submit_dynptr', ['dynptr_out', 'anything'], 'void'),
  row(200, 'ringbuf_discard_dynptr', ['dynptr_out', 'anything'], 'void'),
  row(201, 'dynptr_read', ['uninit_mem', 'size_or_zero', 'dynptr', 'anything', 'anything'], 'integer'),
  row(202, 'dynptr_write', ['dynptr', 'anything', 'mem', 'size_or_zero', 'anything'], 'integer'),
  row(203, 'dynptr_data', ['dynptr', 'anything', 'anything'], 'pointer_or_null'),
  row(204, 'tcp_raw_gen_syncookie_ipv4', ['iphdr', 'mem', 'size_or_zero'], 'integer', 'gpl'),
  row(205, 'tcp_raw_gen_syncookie_ipv6', ['ipv6hdr', 'mem', 'size_or_zero'], 'integer', 'gpl'),
  row(206, 'tcp_raw_check_syncookie_ipv4', ['iphdr', 'tcphdr'], 'integer', 'gpl'),
  row(207, 'tcp_raw_check_syncookie_ipv6', ['ipv6hdr', 'tcphdr'], 'integer', 'gpl'),
  row(208, 'ktime_get_tai_ns', [], 'integer'),
  row(209, 'user_ringbuf_drain', ['const_map_ptr', 'func', 'callback_ctx', 'anything'], 'integer'),
]);

const byId = lazy((): ReadonlyMap<number, HelperProto> => new Map(helpers().map((h) => [h.id, h])));

/** The helpers by number. */
export const HELPER_BY_ID: Pick<ReadonlyMap<number, HelperProto>, 'get' | 'has'> = {
  get: (id) => byId().get(id),
  has: (id) => byId().has(id),
};

export const BPF_FUNC_map_lookup_elem = 1;
export const BPF_FUNC_map_update_elem = 2;
export const BPF_FUNC_map_delete_elem = 3;
export const BPF_FUNC_get_prandom_u32 = 7;
export const BPF_FUNC_get_smp_processor_id = 8;
export const BPF_FUNC_tail_call = 12;
export const BPF_FUNC_xdp_adjust_head = 44;
export const BPF_FUNC_ringbuf_output = 130;
export const BPF_FUNC_ringbuf_reserve = 131;
export const BPF_FUNC_timer_start = 171;

/** Wasm type of an argument: addresses and sizes are i32 (memory is 32-bit), scalars i64. */
export function wasmArg(arg: HelperArg): 'i32' | 'i64' {
  return arg === 'anything' || arg === 'callback_ctx' ? 'i64' : 'i32';
}

/** Wasm type of a result: addresses come as i32 and are zero-extended into R0. */
export function wasmRet(ret: HelperRet): 'i32' | 'i64' {
  return ret === 'map_value_or_null' || ret === 'pointer_or_null' ? 'i32' : 'i64';
}
