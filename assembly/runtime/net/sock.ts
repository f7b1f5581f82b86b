// Sockets of the user's: a hash over protocol and local port, and one of connections over both ports and the remote address; in each chain the
// newest first.
import {
  AF_INET,
  BPF_SOCK_DST_IP6,
  BPF_SOCK_SIZE,
  BPF_SOCK_SRC_PORT,
  BPF_TCP_SOCK_SIZE,
  IPPROTO_TCP,
  NET_SOCK_ID,
  NET_SOCK_OVERFLOW,
  NET_SOCK_SIZE,
  NET_SOCK_TCP,
  TCP_LISTEN,
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
const NEXT_CONNECTED: u32 = NET_SOCK_SIZE + 4;
const SIZE: u32 = NET_SOCK_SIZE + 8;
const BUCKETS: u32 = 1024;
const buckets: u32 = <u32>memory.data(BUCKETS * 4);
const CONNECTED_BUCKETS: u32 = 4096;
const connectedBuckets: u32 = <u32>memory.data(CONNECTED_BUCKETS * 4);

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

/** `dstPort` in network order; `remote` is where an address of the family lies. */
function connectedBucket(family: u32, srcPort: u32, dstPort: u32, remote: u32): u32 {
  let h = (((<u64>srcPort) << 16) | dstPort) * 0x9e3779b97f4a7c15;
  if (family == AF_INET) h ^= <u64>load<u32>(remote) * 0xd6e8feb86659fd93;
  else h ^= (load<u64>(remote) ^ rotl(load<u64>(remote, 8), 32)) * 0xd6e8feb86659fd93;
  return connectedBuckets + ((<u32>((h ^ (h >> 29)) >> 16) & (CONNECTED_BUCKETS - 1)) << 2);
}

/** First TCP socket that may be this connection's, or 0. */
export function firstConnected(family: u32, srcPort: u32, dstPort: u32, remote: u32): u32 {
  return load<u32>(connectedBucket(family, srcPort, dstPort, remote));
}

export function nextConnected(at: u32): u32 {
  return load<u32>(at, NEXT_CONNECTED);
}

function bucketOfConnected(at: u32): u32 {
  const sock = changetype<NetSock>(at);
  const remote: u32 = sock.family == AF_INET ? at + offsetof<NetSock>('dstIp4') : at + BPF_SOCK_DST_IP6;
  return connectedBucket(sock.family, sock.srcPort, sock.dstPort, remote);
}

/** What a connection's lookup looks at: every TCP socket that does not listen. */
function canBeConnected(at: u32): bool {
  const sock = changetype<NetSock>(at);
  return sock.protocol == IPPROTO_TCP && sock.state != TCP_LISTEN;
}

function unlinkConnected(wanted: u32): void {
  let link = bucketOfConnected(wanted);
  while (load<u32>(link) != wanted) link = load<u32>(link) + NEXT_CONNECTED;
  store<u32>(link, load<u32>(wanted, NEXT_CONNECTED));
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
  if (!canBeConnected(at)) return 0;
  const connected = bucketOfConnected(at);
  store<u32>(at, load<u32>(connected), NEXT_CONNECTED);
  store<u32>(connected, at);
  return 0;
}

/** Takes out the socket of this id: 0 or -ENOENT. */
export function net_sock_delete(id: u32): i32 {
  for (let i: u32 = 0; i < BUCKETS; i++) {
    let link = buckets + (i << 2);
    for (let at = load<u32>(link); at; at = load<u32>(link)) {
      if (load<u32>(at, NET_SOCK_ID) == id) {
        store<u32>(link, load<u32>(at, NEXT));
        if (canBeConnected(at)) unlinkConnected(at);
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
