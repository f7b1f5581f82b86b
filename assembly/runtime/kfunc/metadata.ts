// What the network card says of a packet beside its bytes (Documentation/networking/xdp-rx-metadata.rst): -EOPNOTSUPP where it cannot say, -ENODATA
// where it does not of this packet; nothing is written then.

import {
  CTX_TIME,
  RX_FLAGS,
  RX_HAS_HASH,
  RX_HAS_TIMESTAMP,
  RX_HAS_VLAN,
  RX_HASH,
  RX_HASH_TYPE,
  RX_PACKET_TIME,
  RX_TIMESTAMP,
  RX_TOLD,
  RX_VLAN_PROTO,
  RX_VLAN_TCI,
  VM_RX_METADATA,
} from '../../abi';
import { ENODATA, EOPNOTSUPP } from '../../isa';
import { vm } from '../env';

/** 0 when the card says it. */
function told(what: u32): i32 {
  const flags = load<u32>(vm, VM_RX_METADATA + RX_FLAGS);
  if (flags & what) return 0;
  return flags & RX_TOLD ? -ENODATA : -EOPNOTSUPP;
}

export function bpf_xdp_metadata_rx_timestamp(ctx: u64, to: u64, _3: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const error = told(RX_HAS_TIMESTAMP | RX_PACKET_TIME);
  if (error) return <u32>error;
  let time = load<u64>(vm, VM_RX_METADATA + RX_TIMESTAMP);
  if (load<u32>(vm, VM_RX_METADATA + RX_FLAGS) & RX_PACKET_TIME) {
    time = load<u64>(<u32>ctx, CTX_TIME);
    if (!time) return <u32>-ENODATA;
  }
  store<u64>(<u32>to, time);
  return 0;
}

export function bpf_xdp_metadata_rx_hash(_ctx: u64, hash: u64, type: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const error = told(RX_HAS_HASH);
  if (error) return <u32>error;
  store<u32>(<u32>hash, load<u32>(vm, VM_RX_METADATA + RX_HASH));
  store<u32>(<u32>type, load<u32>(vm, VM_RX_METADATA + RX_HASH_TYPE));
  return 0;
}

export function bpf_xdp_metadata_rx_vlan_tag(_ctx: u64, proto: u64, tci: u64, _4: u64, _5: u64, _fp: u32): u64 {
  const error = told(RX_HAS_VLAN);
  if (error) return <u32>error;
  store<u16>(<u32>proto, load<u16>(vm, VM_RX_METADATA + RX_VLAN_PROTO));
  store<u16>(<u32>tci, load<u16>(vm, VM_RX_METADATA + RX_VLAN_TCI));
  return 0;
}
