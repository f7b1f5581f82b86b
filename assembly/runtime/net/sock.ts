// Sockets of the user's: a hash over protocol and local port, in each chain the newest first.
import {
  BPF_SOCK_SIZE,
  BPF_SOCK_SRC_PORT,
  BPF_TCP_SOCK_SIZE,
  NET_SOCK_ID,
  NET_SOCK_OVERFLOW,
  NET_SOCK_SIZE,
  NET_SOCK_TCP,
} from '../../abi-net';
import { ENOENT, ENOMEM } from '../../isa';
import { alloc, free } from '../mem';
import { addMemory, REGION_READ, removeRegion, reserveRegion } from '../region';

@unmanaged
export class NetSock {
  boundDev: u32;
  family: u32;
  type: u32;
  protocol: u32;
  mark: u32;
  priority: u32;
  srcIp4: u32;
  srcIp6: u32;
  srcIp61: u32;
  srcIp62: u32;
  srcIp63: u32;
  srcPort: u32;
  /** Network order. */
  dstPort: u16;
  padding: u16;
  dstIp4: u32;
  dstIp6: u32;
  dstIp61: u32;
  dstIp62: u32;
  dstIp63: u32;
  state: u32;
  rxQueue: u32;
  flags: u32;
}

if (offsetof<NetSock>('srcPort') != BPF_SOCK_SRC_PORT) ERROR('NetSock.srcPort drifted from abi-net.ts');
if (offsetof<NetSock>('flags') != BPF_SOCK_SIZE) ERROR('NetSock.flags drifted from abi-net.ts');

const NEXT: u32 = NET_SOCK_SIZE;
const SIZE: u32 = NET_SOCK_SIZE + 4;
const BUCKETS: u32 = 1024;
const buckets: u32 = <u32>memory.data(BUCKETS * 4);

function bucket(protocol: u32, port: u32): u32 {
  return buckets + (((port ^ (protocol << 5)) & (BUCKETS - 1)) << 2);
}

/** First socket that may have this protocol and local port, or 0. */
export function firstSock(protocol: u32, port: u32): u32 {
  return load<u32>(bucket(protocol, port));
}

export function nextSock(at: u32): u32 {
  return load<u32>(at, NEXT);
}

/** When the listener last gave out cookies. */
export function overflowTime(at: u32): u64 {
  return load<u64>(at, NET_SOCK_OVERFLOW);
}

export function noteOverflow(at: u32, time: u64): void {
  store<u64>(at, time, NET_SOCK_OVERFLOW);
}

/** Adds a socket: 0 or -ENOMEM. */
export function net_sock_add(record: u32): i32 {
  if (!reserveRegion()) return -ENOMEM;
  const at = alloc(SIZE);
  if (!at) return -ENOMEM;
  memory.copy(at, record, NET_SOCK_SIZE);
  addMemory(at, at + BPF_SOCK_SIZE, REGION_READ);
  if (!reserveRegion()) {
    removeRegion(at);
    free(at);
    return -ENOMEM;
  }
  addMemory(at + NET_SOCK_TCP, at + NET_SOCK_TCP + BPF_TCP_SOCK_SIZE, REGION_READ);
  const link = bucket(changetype<NetSock>(at).protocol, changetype<NetSock>(at).srcPort);
  store<u32>(at, load<u32>(link), NEXT);
  store<u32>(link, at);
  return 0;
}

/** Takes out the socket of this id: 0 or -ENOENT. */
export function net_sock_delete(id: u32): i32 {
  for (let i: u32 = 0; i < BUCKETS; i++) {
    let link = buckets + (i << 2);
    for (let at = load<u32>(link); at; at = load<u32>(link)) {
      if (load<u32>(at, NET_SOCK_ID) == id) {
        store<u32>(link, load<u32>(at, NEXT));
        removeRegion(at);
        removeRegion(at + NET_SOCK_TCP);
        free(at);
        return 0;
      }
      link = at + NEXT;
    }
  }
  return -ENOENT;
}
