// Which of its addresses a machine sends from when a route does not say: IPv4's choice by device, IPv6's by RFC 6724.
import { AF_INET, AF_INET6, NET_ADDR_ADDRESS } from '../../abi-net';
import { firstAddress, NetAddress } from './interface';
import { keyHi, keyLo } from './route';
import { head } from './trie';

const SCOPE_HOST: u32 = 16;
const SCOPE_LINK: u32 = 2;
const SCOPE_SITE: u32 = 5;
const SCOPE_GLOBAL: u32 = 14;

function isLoopback(address: u32): bool {
  return load<u8>(address) == 127;
}

/** An IPv4 address for packets by `via` out of a device: one of the next hop's subnet, the device's first, any other; 0 for none. */
export function source4(ifindex: u32, via: u32): u32 {
  let onDevice: u32 = 0;
  let elsewhere: u32 = 0;
  for (let at = firstAddress(); at; at = changetype<NetAddress>(at).next) {
    const one = changetype<NetAddress>(at);
    if (one.family != AF_INET) continue;
    const address = at + NET_ADDR_ADDRESS;
    if (isLoopback(address)) continue;
    if (one.ifindex != ifindex) {
      if (!elsewhere) elsewhere = address;
      continue;
    }
    if (!load<u32>(via) || !head(keyHi(AF_INET, address) ^ keyHi(AF_INET, via), one.plen)) return address;
    if (!onDevice) onDevice = address;
  }
  return onDevice ? onDevice : elsewhere;
}

function scope6(hi: u64, lo: u64): u32 {
  if (hi >> 56 == 0xff) return <u32>(hi >> 48) & 15;
  if (hi == 0 && lo == 1) return SCOPE_LINK;
  const ten = <u32>(hi >> 54);
  if (ten == 0x3fa) return SCOPE_LINK;
  return ten == 0x3fb ? SCOPE_SITE : SCOPE_GLOBAL;
}

/** Labels of RFC 6724's policy table, as far as addresses on a wire have them. */
function label6(hi: u64, lo: u64): u32 {
  if (hi == 0 && lo == 1) return 0;
  if (hi >> 48 == 0x2002) return 2;
  if (hi >> 32 == 0x20010000) return 5;
  return hi >> 57 == 0x7e ? 13 : 1;
}

function shared(a: u64, aLow: u64, b: u64, bLow: u64): u32 {
  const hi = a ^ b;
  if (hi) return <u32>clz(hi);
  const lo = aLow ^ bLow;
  return lo ? 64 + <u32>clz(lo) : 128;
}

/** Higher is better, rule by rule: the same address, a fitting scope, the outgoing device, the same label, the longest common prefix. */
function rank6(one: NetAddress, ifindex: u32, hi: u64, lo: u64): u32 {
  const address = changetype<u32>(one) + NET_ADDR_ADDRESS;
  const ownHi = keyHi(AF_INET6, address);
  const ownLo = keyLo(AF_INET6, address);
  const wanted = scope6(hi, lo);
  const own = scope6(ownHi, ownLo);
  const scope = own >= wanted ? 32 + SCOPE_HOST - own : own;
  let rank: u32 = hi == ownHi && lo == ownLo ? 1 : 0;
  rank = (rank << 6) | scope;
  rank = (rank << 1) | (one.ifindex == ifindex ? 1 : 0);
  rank = (rank << 1) | (label6(ownHi, ownLo) == label6(hi, lo) ? 1 : 0);
  return (rank << 8) | min(shared(ownHi, ownLo, hi, lo), one.plen);
}

/** An IPv6 address to reach `dst` from, out of a device; 0 for none. */
export function source6(ifindex: u32, dst: u32): u32 {
  const hi = keyHi(AF_INET6, dst);
  const lo = keyLo(AF_INET6, dst);
  let best: u32 = 0;
  let bestRank: u32 = 0;
  for (let at = firstAddress(); at; at = changetype<NetAddress>(at).next) {
    const one = changetype<NetAddress>(at);
    if (one.family != AF_INET6) continue;
    const rank = rank6(one, ifindex, hi, lo) + 1;
    if (rank <= bestRank) continue;
    bestRank = rank;
    best = at + NET_ADDR_ADDRESS;
  }
  return best;
}
