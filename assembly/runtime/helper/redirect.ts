// bpf_redirect and bpf_redirect_map for XDP: they note the target; the packet leaves when the program returns XDP_REDIRECT.
import {
  CTX_REDIRECT_FLAGS,
  CTX_REDIRECT_IFINDEX,
  CTX_STATUS,
  CTX_STATUS_BROADCAST,
  CTX_STATUS_EXCLUDE_INGRESS,
  CTX_STATUS_REDIRECT_MAP,
  MAP_DATA,
  MAP_MAX_ENTRIES,
  MAP_TYPE,
  REDIRECT_ENTRY_SIZE,
  REDIRECT_SOCKET,
  VM_CTX,
} from '../../abi';
import {
  BPF_F_BROADCAST,
  BPF_F_EXCLUDE_INGRESS,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_XSKMAP,
  XDP_ABORTED,
  XDP_REDIRECT,
} from '../../isa';
import { vm } from '../env';
import { hash_lookup4 } from '../map/hash';
import { THREADS, threadRoom } from '../thread';

if (CTX_STATUS_BROADCAST != BPF_F_BROADCAST || CTX_STATUS_EXCLUDE_INGRESS != BPF_F_EXCLUDE_INGRESS)
  ERROR('the flags of bpf_redirect_map go into the status as they are');

/** What a map that holds nothing there answers. */
const ACTION: u64 = 3;
const DEVMAP_FLAGS: u64 = BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS;
const REDIRECT_STATUS: u32 = CTX_STATUS_REDIRECT_MAP | CTX_STATUS_BROADCAST | CTX_STATUS_EXCLUDE_INGRESS;

const keyRoom: u32 = THREADS ? threadRoom(4) : <u32>memory.data(4);

/** XDP knows no flags here. Whether the interface exists is not looked at before the packet leaves. */
export function redirect(ifindex: u64, flags: u64): i64 {
  if (flags) return XDP_ABORTED;
  note(0, <u32>ifindex, 0);
  return XDP_REDIRECT;
}

function note(status: u32, target: u32, key: u32): void {
  const ctx = load<u32>(vm, VM_CTX);
  if (!ctx) return;
  store<u32>(ctx, target, CTX_REDIRECT_IFINDEX);
  store<u32>(ctx, key, CTX_REDIRECT_FLAGS);
  store<u32>(ctx, (load<u32>(ctx, CTX_STATUS) & ~REDIRECT_STATUS) | status, CTX_STATUS);
}

/** A lookup that failed leaves no map behind: what a program then redirects to is the device whose number the last key or ifindex is. */
function missed(flags: u64): i64 {
  const ctx = load<u32>(vm, VM_CTX);
  if (ctx && load<u32>(ctx, CTX_STATUS) & CTX_STATUS_REDIRECT_MAP) note(0, load<u32>(ctx, CTX_REDIRECT_FLAGS), 0);
  return flags & ACTION;
}

/** `found`: the map holds something under the key, or is asked for all. */
function redirectTo(map: u32, key: u32, flags: u64, found: bool): i64 {
  if (!found && !(flags & BPF_F_BROADCAST)) return missed(flags);
  // Excluding the ingress means something in a broadcast only.
  note(CTX_STATUS_REDIRECT_MAP | (flags & BPF_F_BROADCAST ? <u32>(flags & DEVMAP_FLAGS) : 0), map, key);
  return XDP_REDIRECT;
}

/** Whether the word at `offset` of the entry is set, in a map that is an array. */
function isSet(map: u32, index: u32, offset: u32): bool {
  if (index >= load<u32>(map, MAP_MAX_ENTRIES)) return false;
  return load<u32>(map + MAP_DATA + index * <u32>REDIRECT_ENTRY_SIZE + offset) != 0;
}

export function devmap_redirect(map: u32, key: u64, flags: u64): i64 {
  if (flags & ~(ACTION | DEVMAP_FLAGS)) return XDP_ABORTED;
  return redirectTo(map, <u32>key, flags, isSet(map, <u32>key, 0));
}

export function devmap_hash_redirect(map: u32, key: u64, flags: u64): i64 {
  if (flags & ~(ACTION | DEVMAP_FLAGS)) return XDP_ABORTED;
  store<u32>(keyRoom, <u32>key);
  return redirectTo(map, <u32>key, flags, hash_lookup4(map, keyRoom) != 0);
}

export function cpumap_redirect(map: u32, key: u64, flags: u64): i64 {
  if (flags & ~ACTION) return XDP_ABORTED;
  return redirectTo(map, <u32>key, flags, isSet(map, <u32>key, 0));
}

export function xskmap_redirect(map: u32, key: u64, flags: u64): i64 {
  if (flags & ~ACTION) return XDP_ABORTED;
  return redirectTo(map, <u32>key, flags, isSet(map, <u32>key, REDIRECT_SOCKET));
}

export function redirect_map(map: u32, key: u64, flags: u64): i64 {
  switch (load<u32>(map, MAP_TYPE)) {
    case BPF_MAP_TYPE_DEVMAP:
      return devmap_redirect(map, key, flags);
    case BPF_MAP_TYPE_DEVMAP_HASH:
      return devmap_hash_redirect(map, key, flags);
    case BPF_MAP_TYPE_XSKMAP:
      return xskmap_redirect(map, key, flags);
    default:
      return cpumap_redirect(map, key, flags);
  }
}
