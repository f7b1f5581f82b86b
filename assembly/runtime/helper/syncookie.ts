// SYN cookies: bpf_tcp_gen_syncookie, bpf_tcp_check_syncookie and the raw forms. A cookie is as Linux makes it: a minute's number in the high
// eight bits, and in the low twenty-four the index of an MSS, both under hashes of the connection; the secrets are the engine's seed's, so the
// values are no kernel's. A cookie is good in its own minute and the next.
import { AF_INET, AF_INET6, IPPROTO_TCP, NET_SOCK_SYN_FULL, NET_SOCK_V6ONLY, TCP_LISTEN } from '../../abi-net';
import { EACCES, EINVAL, ENOENT, EPROTONOSUPPORT } from '../../isa';
import { sipEnd, sipStart, sipWord } from '../net/siphash';
import { NetSock, noteOverflow, overflowTime } from '../net/sock';
import { now } from './state';

const IPHDR: u32 = 20;
const IPV6HDR: u32 = 40;
const TCPHDR: u32 = 20;
const MINUTE: u64 = 60000000000;
const MAX_AGE: u32 = 2;
const LOW: u32 = 0xffffff;
const MSS_DEFAULT_V4: u32 = 536;
const MSS_DEFAULT_V6: u32 = 1220;

/** The MSS values a cookie can say (tcp_syncookies' tables). */
const mss4: u32 = <u32>memory.data<u16>([536, 1300, 1440, 1460]);
const mss6: u32 = <u32>memory.data<u16>([1220, 1420, 1440, 8940]);

/** net.ipv4.tcp_syncookies: 0 never, 1 when a queue is full, 2 always. Kept as what differs from 1, which is what zeroed memory means then. */
const modeWord: u32 = <u32>memory.data(4);
const DEFAULT_MODE: u32 = 1;

export function net_syncookies(mode: u32): void {
  store<u32>(modeWord, mode ^ DEFAULT_MODE);
}

function syncookies(): u32 {
  return load<u32>(modeWord) ^ DEFAULT_MODE;
}

function hash(iph: u32, th: u32, isV4: bool, count: u32, salt: u32): u32 {
  sipStart(salt);
  if (isV4) sipWord(load<u64>(iph, 12));
  else {
    for (let i: u32 = 0; i < 32; i += 8) sipWord(load<u64>(iph + i, 8));
  }
  sipWord(((<u64>load<u32>(th)) << 32) | count);
  return <u32>sipEnd();
}

/** The table's index of the largest MSS that is not above `mss`. */
function mssIndex(isV4: bool, mss: u32): u32 {
  const table = isV4 ? mss4 : mss6;
  let index: u32 = 3;
  while (index && mss < <u32>load<u16>(table + (index << 1))) index--;
  return index;
}

/** The MSS option of a TCP header, or 0. */
function mssOption(th: u32): u32 {
  let left = <i32>((load<u8>(th, 12) >> 4) << 2) - <i32>TCPHDR;
  let mss: u32 = 0;
  for (let at = th + TCPHDR; left > 0; ) {
    const kind = load<u8>(at);
    if (kind == 0) break;
    if (kind == 1) {
      at++;
      left--;
      continue;
    }
    if (left < 2) break;
    const size = <i32>load<u8>(at, 1);
    if (size < 2 || size > left) break;
    const found = <u32>bswap<u16>(load<u16>(at, 2));
    if (kind == 2 && size == 4 && found) mss = found;
    at += size;
    left -= size;
  }
  return mss;
}

/** Cookie in the low half, its MSS in the high one. */
function make(iph: u32, th: u32, isV4: bool): i64 {
  const given = mssOption(th);
  const index = mssIndex(isV4, given ? given : isV4 ? MSS_DEFAULT_V4 : MSS_DEFAULT_V6);
  const count = <u32>(now() / MINUTE);
  const seq = bswap<u32>(load<u32>(th, 4));
  const low = (hash(iph, th, isV4, count, 1) + index) & LOW;
  const cookie = hash(iph, th, isV4, 0, 0) + seq + (count << 24) + low;
  const mss = load<u16>((isV4 ? mss4 : mss6) + (index << 1));
  return ((<i64>mss) << 32) | cookie;
}

/** The MSS of the cookie that an ACK brings back, or 0. */
function verify(iph: u32, th: u32, isV4: bool): u32 {
  const seq = bswap<u32>(load<u32>(th, 4)) - 1;
  const cookie = bswap<u32>(load<u32>(th, 8)) - 1 - hash(iph, th, isV4, 0, 0) - seq;
  const count = <u32>(now() / MINUTE);
  const age = (count - (cookie >> 24)) & 0xff;
  if (age >= MAX_AGE) return 0;
  const index = (cookie - hash(iph, th, isV4, count - age, 1)) & LOW;
  return index < 4 ? load<u16>((isV4 ? mss4 : mss6) + (index << 1)) : 0;
}

function headerSize(th: u32): u32 {
  return (load<u8>(th, 12) >> 4) << 2;
}

function flags(th: u32): u32 {
  return load<u8>(th, 13);
}

const FIN: u32 = 1;
const SYN: u32 = 2;
const RST: u32 = 4;
const ACK: u32 = 16;

/** Whether the IP header is one of the listener's: 4 or 6, or a negated errno. */
function version(sock: NetSock, iph: u32, size: u32): i32 {
  const found = load<u8>(iph) >> 4;
  if (found == 4) return sock.family == AF_INET6 && sock.flags & NET_SOCK_V6ONLY ? -EINVAL : 4;
  if (found != 6) return -EPROTONOSUPPORT;
  return size < IPV6HDR || sock.family != AF_INET6 ? -EINVAL : 6;
}

function isListener(sock: NetSock): bool {
  return sock.protocol == IPPROTO_TCP && sock.state == TCP_LISTEN;
}

export function tcp_gen_syncookie(at: u32, iph: u32, iphSize: u32, th: u32, thSize: u32): i64 {
  if (!at || thSize < TCPHDR || thSize != headerSize(th)) return -EINVAL;
  const sock = changetype<NetSock>(at);
  if (!isListener(sock)) return -EINVAL;
  if (!syncookies()) return -ENOENT;
  if ((flags(th) & (SYN | ACK | FIN | RST)) != SYN || iphSize < IPHDR) return -EINVAL;
  const kind = version(sock, iph, iphSize);
  if (kind < 0) return kind;
  if (syncookies() != 2 && !(sock.flags & NET_SOCK_SYN_FULL)) return -ENOENT;
  noteOverflow(at, now() + 1);
  return make(iph, th, kind == 4);
}

export function tcp_check_syncookie(at: u32, iph: u32, iphSize: u32, th: u32, thSize: u32): i64 {
  if (!at || thSize < TCPHDR) return -EINVAL;
  const sock = changetype<NetSock>(at);
  if (!isListener(sock) || !syncookies()) return -EINVAL;
  if ((flags(th) & (ACK | RST | SYN)) != ACK) return -ENOENT;
  if (iphSize < IPHDR) return -EINVAL;
  const overflow = overflowTime(at);
  if (!overflow || now() >= overflow + 2 * MINUTE) return -ENOENT;
  const kind = version(sock, iph, iphSize);
  if (kind < 0) return kind;
  return verify(iph, th, kind == 4) ? 0 : -ENOENT;
}

export function tcp_raw_gen_syncookie_ipv4(iph: u32, th: u32, thSize: u32): i64 {
  return thSize < TCPHDR || thSize != headerSize(th) ? -EINVAL : make(iph, th, true);
}

export function tcp_raw_gen_syncookie_ipv6(iph: u32, th: u32, thSize: u32): i64 {
  return thSize < TCPHDR || thSize != headerSize(th) ? -EINVAL : make(iph, th, false);
}

export function tcp_raw_check_syncookie_ipv4(iph: u32, th: u32): i64 {
  return verify(iph, th, true) ? 0 : -EACCES;
}

export function tcp_raw_check_syncookie_ipv6(iph: u32, th: u32): i64 {
  return verify(iph, th, false) ? 0 : -EACCES;
}
