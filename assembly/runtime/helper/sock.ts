// Helpers that look sockets up and what can be done with one. Sockets live as long as the user says; holding one costs nothing.

import { XDP_MD_INGRESS_IFINDEX } from '../../abi';
import { AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, NET_SOCK_TCP, TCP_LISTEN } from '../../abi-net';
import { NetSock } from '../net/sock';
import { isFull, lookupTcp, lookupUdp, SockTuple } from '../net/sock-lookup';
import { THREADS, threadRoom } from '../thread';

/** sizeof(tuple->ipv4), sizeof(tuple->ipv6) of struct bpf_sock_tuple. */
const TUPLE4: u32 = 12;
const TUPLE6: u32 = 36;

const room: u32 = THREADS ? threadRoom(offsetof<SockTuple>()) : <u32>memory.data(offsetof<SockTuple>());

/** The packet's ends out of a struct bpf_sock_tuple; null for a size that is no tuple's. */
function tupleOf(ctx: u32, tuple: u32, size: u32): bool {
  const isV4 = size == TUPLE4;
  if (!isV4 && size != TUPLE6) return false;
  const width: u32 = isV4 ? 4 : 16;
  const flow = changetype<SockTuple>(room);
  flow.family = isV4 ? AF_INET : AF_INET6;
  flow.src = tuple;
  flow.dst = tuple + width;
  flow.sport = bswap<u16>(load<u16>(tuple + 2 * width));
  flow.dport = bswap<u16>(load<u16>(tuple + 2 * width, 2));
  flow.dif = load<u32>(ctx, XDP_MD_INGRESS_IFINDEX);
  return true;
}

/** Flags must be 0; of network namespaces there is only the caller's (BPF_F_CURRENT_NETNS, any negative 32-bit number). */
function lookup(protocol: u32, ctx: u32, tuple: u32, size: u32, netns: u64, flags: u64): u32 {
  if (flags || <i32>netns >= 0 || !tupleOf(ctx, tuple, size)) return 0;
  const flow = changetype<SockTuple>(room);
  return protocol == IPPROTO_TCP ? lookupTcp(flow) : lookupUdp(flow, protocol);
}

/** Full sockets only: a request leads to its listener in Linux, which the user then supplies. */
export function sk_lookup_tcp(ctx: u32, tuple: u32, size: u32, netns: u64, flags: u64): u32 {
  const found = lookup(IPPROTO_TCP, ctx, tuple, size, netns, flags);
  return found && isFull(changetype<NetSock>(found)) ? found : 0;
}

export function skc_lookup_tcp(ctx: u32, tuple: u32, size: u32, netns: u64, flags: u64): u32 {
  return lookup(IPPROTO_TCP, ctx, tuple, size, netns, flags);
}

export function sk_lookup_udp(ctx: u32, tuple: u32, size: u32, netns: u64, flags: u64): u32 {
  return lookup(IPPROTO_UDP, ctx, tuple, size, netns, flags);
}

export function sk_release(_sock: u32): i64 {
  return 0;
}

export function sk_fullsock(sock: u32): u32 {
  return sock && isFull(changetype<NetSock>(sock)) ? sock : 0;
}

export function tcp_sock(sock: u32): u32 {
  const isTcp = sk_fullsock(sock) && changetype<NetSock>(sock).protocol == IPPROTO_TCP;
  return isTcp ? sock + NET_SOCK_TCP : 0;
}

export function get_listener_sock(sock: u32): u32 {
  return sock && changetype<NetSock>(sock).state == TCP_LISTEN ? sock : 0;
}
