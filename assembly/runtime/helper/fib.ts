// bpf_fib_lookup: what Linux 6.18 answers for XDP programs, over the network's tables.
//
// struct bpf_fib_lookup (linux/bpf.h), 64 bytes; what comes out lies over what goes in:
//   0 family u8 | 1 l4_protocol u8 | 2 sport | 4 dport | 6 tot_len, out mtu_result | 8 ifindex, in and out | 12 tos, flowinfo, out rt_metric
//   16 src 16 bytes | 32 dst 16 bytes, out the next hop | 48 tbid u32, out h_vlan_proto and h_vlan_TCI | 52 mark u32, out smac | 58 out dmac
import {
  AF_INET,
  AF_INET6,
  NET_ADDR_ADDRESS,
  NET_ROUTE_ENCAP,
  NET_ROUTE_HAS_SRC,
  NET_ROUTE_SRC_ADDR,
  NET_ROUTE_VIA,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from '../../abi-net';
import { EACCES, EAFNOSUPPORT, EAGAIN, EHOSTUNREACH, EINVAL, ENODEV } from '../../isa';
import { findInterface, Interface } from '../net/interface';
import { findNeighbour } from '../net/neighbour';
import { foundRoute, isMerged, lookup4, mergedRoot, NetRoute, routeMtu } from '../net/route';
import { areMerged, Flow, lookupFlow, lookupTable, theFlow } from '../net/rule';
import { source4, source6 } from '../net/source';

const SIZE: u32 = 64;
const TOT_LEN: u32 = 6;
const IFINDEX: u32 = 8;
const METRIC: u32 = 12;
const SRC: u32 = 16;
const DST: u32 = 32;
const TBID: u32 = 48;
const MARK: u32 = 52;
const SMAC: u32 = 52;
const DMAC: u32 = 58;

const FLAG_DIRECT: u32 = 1;
const FLAG_OUTPUT: u32 = 2;
const FLAG_SKIP_NEIGH: u32 = 4;
const FLAG_TBID: u32 = 8;
const FLAG_SRC: u32 = 16;
const FLAG_MARK: u32 = 32;
const FLAGS: u32 = 63;

// BPF_FIB_LKUP_RET_*
const SUCCESS: i32 = 0;
const BLACKHOLE: i32 = 1;
const UNREACHABLE: i32 = 2;
const PROHIBIT: i32 = 3;
const NOT_FWDED: i32 = 4;
const FWD_DISABLED: i32 = 5;
const UNSUPP_LWT: i32 = 6;
const NO_NEIGH: i32 = 7;
const FRAG_NEEDED: i32 = 8;
const NO_SRC_ADDR: i32 = 9;

const LOOPBACK_IFINDEX: u32 = 1;
const DSCP_MASK: u32 = 0xfc;
/** Of IPv4's TOS, bpf_fib_lookup looks at these bits alone (IPTOS_RT_MASK): the kernel answered so. */
const TOS_MASK: u32 = 0x1c;

/** What is asked, out of the program's struct. */
function flowOf(params: u32, flags: u32): Flow {
  const flow = theFlow();
  const family = <u32>load<u8>(params);
  const ifindex = load<u32>(params, IFINDEX);
  const isOutput = (flags & FLAG_OUTPUT) != 0;
  flow.family = family;
  flow.src = params + SRC;
  flow.dst = params + DST;
  flow.iif = isOutput ? LOOPBACK_IFINDEX : ifindex;
  flow.oif = isOutput ? ifindex : 0;
  flow.mark = flags & FLAG_MARK ? load<u32>(params, MARK) : 0;
  flow.tos = family == AF_INET ? <u32>load<u8>(params, METRIC) & TOS_MASK : dscp6(load<u32>(params, METRIC));
  flow.proto = load<u8>(params, 1);
  flow.sport = bswap<u16>(load<u16>(params, 2));
  flow.dport = bswap<u16>(load<u16>(params, 4));
  return flow;
}

/** The DSCP in a flowinfo, where IPv4's TOS has it. */
function dscp6(flowinfo: u32): u32 {
  return (bswap<u32>(flowinfo) >> 20) & DSCP_MASK;
}

/** The table that BPF_FIB_LOOKUP_DIRECT looks in, and no other. */
function lookupDirect(params: u32, flow: Flow, flags: u32): i32 {
  let table = <u32>RT_TABLE_MAIN;
  if (flags & FLAG_TBID) {
    table = load<u32>(params, TBID);
    store<u32>(params, 0, TBID);
  }
  if (!table) table = RT_TABLE_MAIN;
  if (isMerged(flow.family, table) && areMerged()) return lookup4(mergedRoot(), flow.dst, flow.tos, flow.oif);
  return lookupTable(flow, table);
}

/** Without rules of the user's IPv4 looks in one trie, and seldom needs to know more than the address. */
function lookupMerged(params: u32, flags: u32): i32 {
  const isOutput = (flags & FLAG_OUTPUT) != 0;
  const tos = <u32>load<u8>(params, METRIC) & TOS_MASK;
  const error = lookup4(mergedRoot(), params + DST, tos, isOutput ? load<u32>(params, IFINDEX) : 0);
  return error == -EAGAIN ? lookupFlow(flowOf(params, flags)) : error;
}

function lookup(params: u32, family: u32, flags: u32): i32 {
  if (flags & FLAG_DIRECT) return lookupDirect(params, flowOf(params, flags), flags);
  return family == AF_INET && areMerged() ? lookupMerged(params, flags) : lookupFlow(flowOf(params, flags));
}

/** 0 for a route to forward along, else the answer. */
function verdict4(error: i32): i32 {
  if (error == -EINVAL) return BLACKHOLE;
  if (error == -EHOSTUNREACH) return UNREACHABLE;
  if (error == -EACCES) return PROHIBIT;
  if (error) return NOT_FWDED;
  return foundRoute().type == RTN_UNICAST ? SUCCESS : NOT_FWDED;
}

function verdict6(error: i32): i32 {
  if (error) return NOT_FWDED;
  const type = foundRoute().type;
  if (type == RTN_UNICAST) return SUCCESS;
  if (type == RTN_BLACKHOLE) return BLACKHOLE;
  if (type == RTN_UNREACHABLE) return UNREACHABLE;
  return type == RTN_PROHIBIT ? PROHIBIT : NOT_FWDED;
}

/** Link-local addresses, of which link is not said, the loopback address and groups are not forwarded, whatever the routes say. */
function isBound(address: u32): bool {
  if (!load<u64>(address)) return load<u64>(address, 8) == 0x0100000000000000;
  const first = <u32>load<u8>(address);
  return first == 0xff || (first == 0xfe && (load<u8>(address, 1) & 0xc0) == 0x80);
}

/** The source address: the route's own, or that of the device. */
function putSource(params: u32, route: NetRoute): i32 {
  const isV4 = route.family == AF_INET;
  let from: u32 = changetype<u32>(route) + NET_ROUTE_SRC_ADDR;
  if (!(route.flags & NET_ROUTE_HAS_SRC)) {
    const via = changetype<u32>(route) + NET_ROUTE_VIA;
    from = isV4 ? source4(route.ifindex, via) : source6(route.ifindex, params + DST);
    if (!from && !isV4) return NO_SRC_ADDR;
  }
  if (isV4) store<u32>(params, from ? load<u32>(from) : 0, SRC);
  else memory.copy(params + SRC, from, 16);
  return SUCCESS;
}

/** The next hop: its address, unless the destination itself is on the link. */
function putNextHop(params: u32, route: NetRoute): void {
  const via = changetype<u32>(route) + NET_ROUTE_VIA;
  if (route.viaFamily == AF_INET) store<u32>(params, load<u32>(via), DST);
  if (route.viaFamily != AF_INET6) return;
  store<u8>(params, AF_INET6);
  memory.copy(params + DST, via, 16);
}

function putMacs(params: u32, route: NetRoute, device: Interface): i32 {
  const family = <u32>load<u8>(params);
  const mac = findNeighbour(route.ifindex, family, params + DST);
  if (!mac) return NO_NEIGH;
  store<u32>(params, <u32>device.mac, SMAC);
  store<u16>(params, <u16>(device.mac >> 32), SMAC + 4);
  store<u32>(params, load<u32>(mac), DMAC);
  store<u16>(params, load<u16>(mac, 4), DMAC + 4);
  return SUCCESS;
}

/** Writes the answer over the question. */
function answer(params: u32, route: NetRoute, flags: u32): i32 {
  const isV4 = route.family == AF_INET;
  const at = findInterface(route.ifindex);
  if (!at) return NOT_FWDED;
  const device = changetype<Interface>(at);
  const mtu = routeMtu(route, device);
  if (<u32>load<u16>(params, TOT_LEN) > mtu) {
    store<u16>(params, mtu, TOT_LEN);
    return FRAG_NEEDED;
  }
  if (route.flags & NET_ROUTE_ENCAP) return UNSUPP_LWT;
  store<u32>(params, route.metric, METRIC);
  store<u32>(params, route.ifindex, IFINDEX);
  if (isV4 && flags & FLAG_SRC) putSource(params, route);
  putNextHop(params, route);
  if (!isV4 && flags & FLAG_SRC) {
    const error = putSource(params, route);
    if (error) return error;
  }
  if (!(flags & FLAG_SKIP_NEIGH)) {
    const error = putMacs(params, route, device);
    if (error) return error;
  }
  store<u32>(params, 0, TBID);
  store<u16>(params, mtu, TOT_LEN);
  return SUCCESS;
}

export function fib_lookup(_ctx: u32, params: u32, size: u32, wide: u64): i64 {
  const flags = <u32>wide;
  if (size < SIZE || flags & ~FLAGS) return -EINVAL;
  const family = <u32>load<u8>(params);
  if (family != AF_INET && family != AF_INET6) return -EAFNOSUPPORT;
  const isV4 = family == AF_INET;
  if (!isV4 && isBound(params + DST)) return NOT_FWDED;
  const at = findInterface(load<u32>(params, IFINDEX));
  if (!at) return -ENODEV;
  const device = changetype<Interface>(at);
  if (!(isV4 ? device.forward4 : device.forward6)) return FWD_DISABLED;
  const error = lookup(params, family, flags);
  const verdict = isV4 ? verdict4(error) : verdict6(error);
  return verdict ? verdict : answer(params, foundRoute(), flags);
}
