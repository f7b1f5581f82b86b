// Routing tables: a trie for each table and family, at each prefix its routes in the order Linux looks at them.
import {
  AF_INET,
  NET_ROUTE_DST,
  NET_ROUTE_FLAGS,
  NET_ROUTE_METRIC,
  NET_ROUTE_MTU_LOCK,
  NET_ROUTE_SIZE,
  NET_ROUTE_SRC_ADDR,
  NET_ROUTE_TOS,
  NET_ROUTE_TYPE,
  NET_ROUTE_VIA,
  NET_ROUTE_VIA_FAMILY,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_THROW,
  RTN_UNREACHABLE,
} from '../../abi-net';
import { EACCES, EAGAIN, EEXIST, EHOSTUNREACH, EINVAL, ENOMEM, ESRCH } from '../../isa';
import { alloc, free } from '../mem';
import { Interface } from './interface';
import { hasFewLengths, lengthBelow, lengths4, Prefixes, Probe, prefixAdd, prefixHead } from './prefixes';
import { TrieNode, trieFind, trieInsert, trieStep, trieWalk } from './trie';

@unmanaged
export class NetRoute {
  family: u32;
  table: u32;
  dst0: u32;
  dst1: u32;
  dst2: u32;
  dst3: u32;
  plen: u32;
  type: u32;
  metric: u32;
  tos: u32;
  ifindex: u32;
  mtu: u32;
  flags: u32;
  viaFamily: u32;
  via0: u32;
  via1: u32;
  via2: u32;
  via3: u32;
  src0: u32;
  src1: u32;
  src2: u32;
  src3: u32;
  next: u32;
}

if (offsetof<NetRoute>('dst0') != NET_ROUTE_DST) ERROR('NetRoute.dst0 drifted from abi-net.ts');
if (offsetof<NetRoute>('type') != NET_ROUTE_TYPE) ERROR('NetRoute.type drifted from abi-net.ts');
if (offsetof<NetRoute>('metric') != NET_ROUTE_METRIC) ERROR('NetRoute.metric drifted from abi-net.ts');
if (offsetof<NetRoute>('tos') != NET_ROUTE_TOS) ERROR('NetRoute.tos drifted from abi-net.ts');
if (offsetof<NetRoute>('flags') != NET_ROUTE_FLAGS) ERROR('NetRoute.flags drifted from abi-net.ts');
if (offsetof<NetRoute>('viaFamily') != NET_ROUTE_VIA_FAMILY) ERROR('NetRoute.viaFamily drifted from abi-net.ts');
if (offsetof<NetRoute>('via0') != NET_ROUTE_VIA) ERROR('NetRoute.via0 drifted from abi-net.ts');
if (offsetof<NetRoute>('src0') != NET_ROUTE_SRC_ADDR) ERROR('NetRoute.src0 drifted from abi-net.ts');
if (offsetof<NetRoute>('next') != NET_ROUTE_SIZE) ERROR('NetRoute: its size drifted from abi-net.ts');

@unmanaged
class Table extends Prefixes {
  family: u32;
  id: u32;
  next: u32;
}

/** Every table: a link. */
const tables: u32 = <u32>memory.data(4);
/** Both of IPv4's local and main as one trie, which is how Linux looks while nobody has rules of their own. */
const merged: u32 = <u32>memory.data(offsetof<Prefixes>(), 8);

/** The trie of a table (struct Prefixes); 0 for none. */
export function tableRoot(family: u32, id: u32): u32 {
  let at = load<u32>(tables);
  while (at) {
    const table = changetype<Table>(at);
    if (table.id == id && table.family == family) return at;
    at = table.next;
  }
  return 0;
}

export function mergedRoot(): u32 {
  return merged;
}

function makeTable(family: u32, id: u32): u32 {
  const at = alloc(offsetof<Table>());
  if (!at) return 0;
  const table = changetype<Table>(at);
  table.family = family;
  table.id = id;
  table.next = load<u32>(tables);
  store<u32>(tables, at);
  return at;
}

export function isMerged(family: u32, table: u32): bool {
  return family == AF_INET && (table == RT_TABLE_LOCAL || table == RT_TABLE_MAIN);
}

/** The high word of an address as a key: bits in order. */
export function keyHi(family: u32, address: u32): u64 {
  return family == AF_INET ? (<u64>bswap<u32>(load<u32>(address))) << 32 : bswap<u64>(load<u64>(address));
}

export function keyLo(family: u32, address: u32): u64 {
  return family == AF_INET ? 0 : bswap<u64>(load<u64>(address, 8));
}

/** Whether `a` is looked at before `b`: the local table first, then what asks for a TOS, then the lower metric. */
function before(a: NetRoute, b: NetRoute): bool {
  if (a.table != b.table) return a.table > b.table;
  if (a.tos != b.tos) return a.tos > b.tos;
  return a.metric < b.metric;
}

/** Whether the kernel takes no second one of these. IPv6 takes another next hop. */
function same(a: NetRoute, b: NetRoute): bool {
  if (a.table != b.table || a.tos != b.tos || a.metric != b.metric) return false;
  if (a.family == AF_INET) return true;
  const via = changetype<u32>(a) + NET_ROUTE_VIA;
  const other = changetype<u32>(b) + NET_ROUTE_VIA;
  if (a.ifindex != b.ifindex) return false;
  return load<u64>(via) == load<u64>(other) && load<u64>(via, 8) == load<u64>(other, 8);
}

function insert(root: u32, record: u32): i32 {
  const route = changetype<NetRoute>(record);
  const dst = record + NET_ROUTE_DST;
  const node = trieInsert(root, keyHi(route.family, dst), keyLo(route.family, dst), route.plen);
  if (!node || !prefixAdd(root, node)) return -ENOMEM;
  let link: u32 = node + offsetof<TrieNode>('head');
  while (load<u32>(link)) {
    const other = changetype<NetRoute>(load<u32>(link));
    if (same(route, other)) return -EEXIST;
    if (before(route, other)) break;
    link = changetype<u32>(other) + offsetof<NetRoute>('next');
  }
  const at = alloc(offsetof<NetRoute>());
  if (!at) return -ENOMEM;
  memory.copy(at, record, NET_ROUTE_SIZE);
  changetype<NetRoute>(at).next = load<u32>(link);
  store<u32>(link, at);
  return 0;
}

/** Adds a route: 0, -EEXIST or -ENOMEM. */
export function net_route_add(record: u32): i32 {
  const family = changetype<NetRoute>(record).family;
  const id = changetype<NetRoute>(record).table;
  let root = tableRoot(family, id);
  if (!root) root = makeTable(family, id);
  if (!root) return -ENOMEM;
  const error = insert(root, record);
  return error || !isMerged(family, id) ? error : insert(merged, record);
}

function remove(root: u32, record: u32): i32 {
  const route = changetype<NetRoute>(record);
  const dst = record + NET_ROUTE_DST;
  const node = trieFind(root, keyHi(route.family, dst), keyLo(route.family, dst), route.plen);
  if (!node) return -ESRCH;
  let link: u32 = node + offsetof<TrieNode>('head');
  while (load<u32>(link)) {
    const at = load<u32>(link);
    const other = changetype<NetRoute>(at);
    if (same(route, other) && route.type == other.type) {
      store<u32>(link, other.next);
      free(at);
      return 0;
    }
    link = at + offsetof<NetRoute>('next');
  }
  return -ESRCH;
}

/** Takes a route out: 0 or -ESRCH. */
export function net_route_delete(record: u32): i32 {
  const family = changetype<NetRoute>(record).family;
  const id = changetype<NetRoute>(record).table;
  const root = tableRoot(family, id);
  const error = root ? remove(root, record) : -ESRCH;
  return error || !isMerged(family, id) ? error : remove(merged, record);
}

/** What a type other than those that lead somewhere answers. */
function typeError(type: u32): i32 {
  if (type == RTN_BLACKHOLE) return -EINVAL;
  if (type == RTN_UNREACHABLE) return -EHOSTUNREACH;
  if (type == RTN_PROHIBIT) return -EACCES;
  return type == RTN_THROW ? -EAGAIN : 0;
}

/** What the last lookup found. */
let found: u32 = 0;

export function foundRoute(): NetRoute {
  return changetype<NetRoute>(found);
}

/** Nothing at this prefix: what is shorter is asked. */
const NOTHING: i32 = 1;

/** Of the routes at one prefix, beginning with `first`. */
function choose4(first: u32, tos: u32, oif: u32): i32 {
  for (let at = first; at; at = changetype<NetRoute>(at).next) {
    const route = changetype<NetRoute>(at);
    if (route.tos && route.tos != tos) continue;
    const error = typeError(route.type);
    if (error) return error;
    if (oif && route.ifindex != oif) continue;
    found = at;
    return 0;
  }
  return NOTHING;
}

/** IPv4's lookup in one trie: 0, or what the route's type says; -EAGAIN when there is none. */
export function lookup4(root: u32, address: u32, tos: u32, oif: u32): i32 {
  const key = keyHi(AF_INET, address);
  if (hasFewLengths(root)) {
    for (let lengths = lengths4(root); lengths; ) {
      const len = 63 - <u32>clz(lengths);
      lengths ^= (<u64>1) << len;
      // Two shifts: `len` may be 0.
      const first = Probe.head(root, key & (((<u64>-1) << (63 - len)) << 1), 0, len);
      if (!first) continue;
      const error = choose4(first, tos, oif);
      if (error != NOTHING) return error;
    }
    return -EAGAIN;
  }
  let index = trieWalk(root, key, 0, 32);
  while (index--) {
    const error = choose4(trieStep(index), tos, oif);
    if (error != NOTHING) return error;
  }
  return -EAGAIN;
}

/** The routes at the longest prefix of a key that has some. */
function longest6(root: u32, hi: u64, lo: u64): u32 {
  if (!hasFewLengths(root)) {
    const index = trieWalk(root, hi, lo, 128);
    return index ? trieStep(index - 1) : 0;
  }
  for (let limit = lengthBelow(root, 129); limit; limit = lengthBelow(root, limit - 1)) {
    const first = prefixHead(root, hi, lo, limit - 1);
    if (first) return first;
  }
  return 0;
}

/** IPv6's: of the routes with the lowest metric, the one through `oif` if there is one. */
export function lookup6(root: u32, address: u32, oif: u32): bool {
  const first = longest6(root, keyHi(0, address), keyLo(0, address));
  if (!first) return false;
  found = first;
  const metric = changetype<NetRoute>(found).metric;
  if (!oif) return true;
  for (let at = found; at && changetype<NetRoute>(at).metric == metric; at = changetype<NetRoute>(at).next) {
    if (changetype<NetRoute>(at).ifindex != oif) continue;
    found = at;
    break;
  }
  return true;
}

/** What may be forwarded along a route in one piece: the device's mtu, unless the route has a locked one. The kernel answered so for both families. */
export function routeMtu(route: NetRoute, device: Interface): u32 {
  return route.mtu && route.flags & NET_ROUTE_MTU_LOCK ? route.mtu : device.mtu;
}
