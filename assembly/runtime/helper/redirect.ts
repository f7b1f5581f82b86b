// bpf_redirect for XDP: notes the target; the packet leaves when the program returns XDP_REDIRECT.
import { CTX_REDIRECT_FLAGS, CTX_REDIRECT_IFINDEX, VM_CTX } from '../../abi';
import { XDP_ABORTED, XDP_REDIRECT } from '../../isa';
import { vm } from '../env';

/** XDP knows no flags here. Whether the interface exists is not looked at before the packet leaves. */
export function redirect(ifindex: u64, flags: u64): i64 {
  if (flags) return XDP_ABORTED;
  const ctx = load<u32>(vm, VM_CTX);
  if (ctx) {
    store<u32>(ctx, <u32>ifindex, CTX_REDIRECT_IFINDEX);
    store<u32>(ctx, 0, CTX_REDIRECT_FLAGS);
  }
  return XDP_REDIRECT;
}
