/** Arguments of messages about memory in the kernel's forms. */

import * as abi from '../abi.ts';
import { MAP_STRUCTS } from '../tables/map-structs.ts';

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
