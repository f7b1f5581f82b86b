/** Arguments of messages about memory in the kernel's forms. */
import * as abi from '../../../assembly/verifier/abi.ts';

/** Special fields of map values (btf_field_type_name). */
const FIELD_NAMES: Readonly<Record<number, string>> = {
  [abi.FIELD_SPIN_LOCK]: 'bpf_spin_lock',
  [abi.FIELD_RES_SPIN_LOCK]: 'bpf_res_spin_lock',
  [abi.FIELD_TIMER]: 'bpf_timer',
  [abi.FIELD_WORKQUEUE]: 'bpf_wq',
  [abi.FIELD_KPTR_UNREF]: 'kptr',
  [abi.FIELD_KPTR_REF]: 'kptr',
  [abi.FIELD_KPTR_PERCPU]: 'percpu_kptr',
  [abi.FIELD_UPTR]: 'uptr',
  [abi.FIELD_LIST_HEAD]: 'bpf_list_head',
  [abi.FIELD_LIST_NODE]: 'bpf_list_node',
  [abi.FIELD_RB_ROOT]: 'bpf_rb_root',
  [abi.FIELD_RB_NODE]: 'bpf_rb_node',
  [abi.FIELD_REFCOUNT]: 'bpf_refcount',
  [abi.FIELD_TASK_WORK]: 'bpf_task_work',
};

/** How messages about alignment name what a pointer points to. */
const POINTER_NAMES: Readonly<Record<number, string>> = {
  [abi.PTR_TO_FLOW_KEYS]: 'flow keys ',
  [abi.PTR_TO_MAP_KEY]: 'key ',
  [abi.PTR_TO_MAP_VALUE]: 'value ',
  [abi.PTR_TO_CTX]: 'context ',
  [abi.PTR_TO_STACK]: 'stack ',
  [abi.PTR_TO_SOCKET]: 'sock ',
  [abi.PTR_TO_SOCK_COMMON]: 'sock_common ',
  [abi.PTR_TO_TCP_SOCK]: 'tcp_sock ',
  [abi.PTR_TO_XDP_SOCK]: 'xdp_sock ',
};

/** The kernel's struct behind a map, by map type. */
const MAP_STRUCTS: Readonly<Record<number, string>> = {
  1: 'bpf_htab',
  2: 'bpf_array',
  3: 'bpf_array',
  4: 'bpf_array',
  5: 'bpf_htab',
  6: 'bpf_array',
  7: 'bpf_stack_map',
  8: 'bpf_array',
  9: 'bpf_htab',
  10: 'bpf_htab',
  11: 'lpm_trie',
  12: 'bpf_array',
  13: 'bpf_htab',
  14: 'bpf_dtab',
  15: 'bpf_stab',
  16: 'bpf_cpu_map',
  17: 'xsk_map',
  18: 'bpf_shtab',
  22: 'bpf_queue_stack',
  23: 'bpf_queue_stack',
  24: 'bpf_local_storage_map',
  25: 'bpf_dtab',
  26: 'bpf_struct_ops_map',
  27: 'bpf_ringbuf_map',
  30: 'bpf_bloom_filter',
  33: 'bpf_arena',
};

/** Text of a placeholder of kind `kind`, if it is one of these. */
export function formatAccessArg(kind: string, value: number): string | undefined {
  switch (kind) {
    case 'rdwr':
      return value === 0 ? 'read from' : 'write to';
    case 'ptraccess':
      return `${POINTER_NAMES[value] ?? ''}access`;
    case 'field':
      return FIELD_NAMES[value] ?? 'unknown';
    case 'mapstruct':
      return MAP_STRUCTS[value] ?? 'bpf_map';
    default:
      return undefined;
  }
}
