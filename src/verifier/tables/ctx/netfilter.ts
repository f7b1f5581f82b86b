// `struct bpf_nf_ctx` (the kernel's BTF): trusted pointers to kernel structs, nothing else.

import { PTR_TO_BTF_ID, PTR_TRUSTED } from '../../abi.ts';
import { ctxStruct, DOUBLE_WORD, field } from './field.ts';

const type = PTR_TO_BTF_ID | PTR_TRUSTED;

export const NF_CTX = ctxStruct('bpf_nf_ctx', 16, [
  field('state', 0, 8, DOUBLE_WORD, { type, struct: 'nf_hook_state' }),
  field('skb', 8, 8, DOUBLE_WORD, { type, struct: 'sk_buff' }),
]);
