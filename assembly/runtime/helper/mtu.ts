// bpf_check_mtu: whether a packet fits through a device.
import {
  CTX_SKB,
  DEVICE_MTU,
  SKB_IFINDEX,
  SKB_LEN,
  VM_CTX,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_MD_INGRESS_IFINDEX,
} from '../../abi';
import { EINVAL, ENODEV } from '../../isa';
import { vm } from '../env';
import { findDevice } from '../net/device';

const BPF_MTU_CHK_SEGS: u64 = 1;
const BPF_MTU_CHK_RET_SUCCESS: i64 = 0;
const BPF_MTU_CHK_RET_FRAG_NEEDED: i64 = 1;
const ETH_HLEN: i32 = 14;

/**
 * @param mtuLen in: the length behind the link header to judge instead of the packet's, unless 0; out: the device's MTU
 * @param diff signed 32 bits, added to the length
 */
export function check_mtu(ctx: u32, ifindex: u64, mtuLen: u32, diff: u64, flags: u64): i64 {
  const record = load<u32>(vm, VM_CTX);
  const skb: u32 = record ? load<u32>(record, CTX_SKB) : 0;
  const given = load<u32>(mtuLen);
  if (flags & ~(skb ? BPF_MTU_CHK_SEGS : 0)) return -EINVAL;
  // Segments are looked at for the packet as it is only.
  if (flags && (<i32>diff || given)) return -EINVAL;
  const own = skb ? load<u32>(ctx, SKB_IFINDEX) : load<u32>(ctx, XDP_MD_INGRESS_IFINDEX);
  const device = findDevice(<u32>ifindex ? <u32>ifindex : own);
  if (!device) return -ENODEV;
  const mtu = load<u32>(device, DEVICE_MTU);
  let length: i32 = skb ? load<u32>(ctx, SKB_LEN) : load<u32>(ctx, XDP_MD_DATA_END) - load<u32>(ctx, XDP_MD_DATA);
  if (given) length = <i32>given + ETH_HLEN;
  length += <i32>diff;
  store<u32>(mtuLen, mtu);
  return length > <i32>mtu + ETH_HLEN ? BPF_MTU_CHK_RET_FRAG_NEEDED : BPF_MTU_CHK_RET_SUCCESS;
}
