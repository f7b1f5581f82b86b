// Which socket a packet is for, as Linux looks: a connection first, then what listens, a specific address before any, and of those that are
// left the one with the best score.
import {
  AF_INET,
  AF_INET6,
  BPF_SOCK_DST_IP6,
  BPF_SOCK_SRC_IP6,
  IPPROTO_TCP,
  NET_SOCK_V6ONLY,
  TCP_LISTEN,
  TCP_NEW_SYN_RECV,
} from '../../abi-net';
import { firstConnected, firstSock, NetSock, nextConnected, nextSock } from './sock';

/** The packet's ends: it came from `src` to `dst`. Addresses are where they lie, ports as numbers. */
@unmanaged
export class SockTuple {
  family: u32;
  src: u32;
  dst: u32;
  sport: u32;
  dport: u32;
  /** The device it came in by. */
  dif: u32;
}

function same16(a: u32, b: u32): bool {
  return load<u64>(a) == load<u64>(b) && load<u64>(a, 8) == load<u64>(b, 8);
}

function isAny16(a: u32): bool {
  return !(load<u64>(a) | load<u64>(a, 8));
}

function hasLocal(sock: NetSock, tuple: SockTuple): bool {
  if (tuple.family == AF_INET) return sock.srcIp4 == load<u32>(tuple.dst);
  return same16(changetype<u32>(sock) + BPF_SOCK_SRC_IP6, tuple.dst);
}

function hasRemote(sock: NetSock, tuple: SockTuple): bool {
  if (sock.dstPort != bswap<u16>(<u16>tuple.sport)) return false;
  if (tuple.family == AF_INET) return sock.dstIp4 == load<u32>(tuple.src);
  return same16(changetype<u32>(sock) + BPF_SOCK_DST_IP6, tuple.src);
}

/** Bound to any address: an IPv6 socket that is takes IPv4 too, unless it was told not to. */
function isWild(sock: NetSock, family: u32): bool {
  if (family == AF_INET6) return sock.family == AF_INET6 && isAny16(changetype<u32>(sock) + BPF_SOCK_SRC_IP6);
  return sock.family == AF_INET ? !sock.srcIp4 : isAny16(changetype<u32>(sock) + BPF_SOCK_SRC_IP6);
}

function fitsDevice(sock: NetSock, dif: u32): bool {
  return !sock.boundDev || sock.boundDev == dif;
}

/** Whether an address of the packet's family can be this socket's. */
function fitsFamily(sock: NetSock, family: u32): bool {
  return sock.family == family || (family == AF_INET && !(sock.flags & NET_SOCK_V6ONLY));
}

function established(tuple: SockTuple): u32 {
  let at = firstConnected(tuple.family, tuple.dport, bswap<u16>(<u16>tuple.sport), tuple.src);
  for (; at; at = nextConnected(at)) {
    const sock = changetype<NetSock>(at);
    if (sock.srcPort != tuple.dport || sock.family != tuple.family) continue;
    if (hasLocal(sock, tuple) && hasRemote(sock, tuple) && fitsDevice(sock, tuple.dif)) return at;
  }
  return 0;
}

function listenerScore(sock: NetSock, family: u32): u32 {
  return (sock.boundDev ? 2 : 1) + (family == AF_INET && sock.family == AF_INET ? 1 : 0);
}

function listener(tuple: SockTuple, wild: bool): u32 {
  let best: u32 = 0;
  let bestScore: u32 = 0;
  for (let at = firstSock(IPPROTO_TCP, tuple.dport); at; at = nextSock(at)) {
    const sock = changetype<NetSock>(at);
    if (sock.protocol != IPPROTO_TCP || sock.srcPort != tuple.dport || sock.state != TCP_LISTEN) continue;
    if (!fitsFamily(sock, tuple.family) || !fitsDevice(sock, tuple.dif)) continue;
    if (wild ? !isWild(sock, tuple.family) : isWild(sock, tuple.family) || !hasLocal(sock, tuple)) continue;
    const score = listenerScore(sock, tuple.family);
    if (score <= bestScore) continue;
    bestScore = score;
    best = at;
  }
  return best;
}

export function lookupTcp(tuple: SockTuple): u32 {
  let found = established(tuple);
  if (!found) found = listener(tuple, false);
  return found ? found : listener(tuple, true);
}

/** 0: it is not for this socket. */
function udpScore(sock: NetSock, tuple: SockTuple): u32 {
  const isV4 = tuple.family == AF_INET;
  let score: u32 = isV4 && sock.family == AF_INET ? 2 : 1;
  if (sock.dstPort) {
    if (sock.dstPort != bswap<u16>(<u16>tuple.sport)) return 0;
    score += 4;
  }
  const remote = changetype<u32>(sock) + BPF_SOCK_DST_IP6;
  const hasPeer = isV4 ? sock.dstIp4 != 0 : !isAny16(remote);
  if (hasPeer) {
    if (isV4 ? sock.dstIp4 != load<u32>(tuple.src) : !same16(remote, tuple.src)) return 0;
    score += 4;
  }
  if (!fitsDevice(sock, tuple.dif)) return 0;
  return sock.boundDev ? score + 4 : score;
}

function udp(tuple: SockTuple, protocol: u32, wild: bool): u32 {
  let best: u32 = 0;
  let bestScore: u32 = 0;
  for (let at = firstSock(protocol, tuple.dport); at; at = nextSock(at)) {
    const sock = changetype<NetSock>(at);
    if (sock.protocol != protocol || sock.srcPort != tuple.dport || !fitsFamily(sock, tuple.family)) continue;
    if (wild ? !isWild(sock, tuple.family) : isWild(sock, tuple.family) || !hasLocal(sock, tuple)) continue;
    const score = udpScore(sock, tuple);
    if (score <= bestScore) continue;
    bestScore = score;
    best = at;
  }
  return best;
}

export function lookupUdp(tuple: SockTuple, protocol: u32): u32 {
  const found = udp(tuple, protocol, false);
  return found ? found : udp(tuple, protocol, true);
}

/** A socket that is not on its way out or only a request. */
export function isFull(sock: NetSock): bool {
  return sock.state != 6 && sock.state != TCP_NEW_SYN_RECV;
}
