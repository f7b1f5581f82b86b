/** Arguments of messages about calls in the kernel's forms. */

import type { LinkedProg } from '../../link/types.ts';
import * as abi from '../abi.ts';

const MEMORY = 'fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_';
const SOCKETS = 'sock_common, sock, tcp_sock, xdp_sock';

/** Register types that an argument of each kind takes, as the kernel lists them. */
const EXPECTED: Readonly<Record<number, string>> = {
  [abi.ARG_CONST_MAP_PTR]: 'map_ptr',
  [abi.ARG_PTR_TO_MAP_KEY]: MEMORY,
  [abi.ARG_PTR_TO_MAP_VALUE]: MEMORY,
  [abi.ARG_PTR_TO_MEM]: MEMORY,
  [abi.ARG_CONST_SIZE]: 'scalar',
  [abi.ARG_CONST_SIZE_OR_ZERO]: 'scalar',
  [abi.ARG_CONST_ALLOC_SIZE_OR_ZERO]: 'scalar',
  [abi.ARG_PTR_TO_CTX]: 'ctx',
  [abi.ARG_PTR_TO_SPIN_LOCK]: 'map_value, ptr_',
  [abi.ARG_PTR_TO_SOCK_COMMON]: SOCKETS,
  [abi.ARG_PTR_TO_SOCKET]: 'sock',
  [abi.ARG_PTR_TO_BTF_ID]: 'ptr_, trusted_ptr_, rcu_ptr_',
  [abi.ARG_PTR_TO_RINGBUF_MEM]: 'ringbuf_mem',
  [abi.ARG_PTR_TO_BTF_ID_SOCK_COMMON]: `${SOCKETS}, ptr_, trusted_ptr_`,
  [abi.ARG_PTR_TO_PERCPU_BTF_ID]: 'percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_',
  [abi.ARG_PTR_TO_FUNC]: 'func',
  [abi.ARG_PTR_TO_STACK]: 'fp',
  [abi.ARG_PTR_TO_CONST_STR]: 'map_value',
  [abi.ARG_PTR_TO_TIMER]: 'map_value',
  [abi.ARG_KPTR_XCHG_DEST]: 'map_value, ptr_',
  [abi.ARG_PTR_TO_DYNPTR]: 'fp, dynptr_ptr',
};

/** What must not happen while something is held (HELD_ of call/refs.ts). */
const PLACES = ['BPF_EXIT instruction in main prog', 'tail_call', 'BPF_LD_[ABS|IND]', 'bpf_throw'];
/** Objects on the stack (OBJ_ of call/dynptr.ts). */
const OBJECTS = ['dynptr', 'iter', 'irq_flag'];
const LOCKS = ['bpf_spin', 'bpf_res_spin'];
const DYNPTRS = ['', 'local', 'ringbuf', 'skb', 'xdp', 'skb_meta'];
const IRQ_CLASSES = ['', 'native', 'lock'];

/** `bpf_iter_num_next` steps an `iter_num`. */
const iteratorOf = (kfunc: string | undefined): string =>
  kfunc?.replace(/^bpf_(iter_.*)_(new|next|destroy)$/, '$1') ?? 'iter';

/** Undefined when `kind` is none of calls'. */
export function formatCallArg(kind: string, number: number, prog: LinkedProg): string | undefined {
  switch (kind) {
    case 'expected':
      return EXPECTED[number] ?? MEMORY;
    case 'place':
      return PLACES[number];
    case 'object':
      return OBJECTS[number];
    case 'lock_lock':
      return `${LOCKS[number]}_lock`;
    case 'lock_unlock':
      return `${LOCKS[number]}_unlock`;
    case 'dynptr':
      return DYNPTRS[number];
    case 'irqclass':
      return IRQ_CLASSES[number];
    case 'iterator':
      return iteratorOf(prog.kfuncs[number]);
    case 'pointee':
      return number === 1 ? 'void, scalar' : 'scalar';
    default:
      return undefined;
  }
}
