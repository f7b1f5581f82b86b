// Policy routing: which tables a packet is looked up in, in which order. Without rules of the user's, local, main and default.
import {
  AF_INET,
  FR_ACT_BLACKHOLE,
  FR_ACT_PROHIBIT,
  FR_ACT_TO_TBL,
  FR_ACT_UNREACHABLE,
  NET_RULE_FROM,
  NET_RULE_IIF,
  NET_RULE_INVERT,
  NET_RULE_SIZE,
  NET_RULE_TO,
  RT_TABLE_DEFAULT,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
} from '../../abi-net';
import { EACCES, EAGAIN, EINVAL, ENETUNREACH, ENOMEM } from '../../isa';
import { alloc } from '../mem';
import { THREADS, threadRoom } from '../thread';
import { keyHi, keyLo, lookup4, lookup6, mergedRoot, tableRoot } from './route';
import { head } from './trie';

@unmanaged
class NetRule {
  family: u32;
  priority: u32;
  action: u32;
  table: u32;
  from0: u32;
  from1: u32;
  from2: u32;
  from3: u32;
  fromLen: u32;
  to0: u32;
  to1: u32;
  to2: u32;
  to3: u32;
  toLen: u32;
  iif: u32;
  oif: u32;
  mark: u32;
  markMask: u32;
  tos: u32;
  proto: u32;
  sportLow: u32;
  sportHigh: u32;
  dportLow: u32;
  dportHigh: u32;
  invert: u32;
  next: u32;
}

if (offsetof<NetRule>('from0') != NET_RULE_FROM) ERROR('NetRule.from0 drifted from abi-net.ts');
if (offsetof<NetRule>('to0') != NET_RULE_TO) ERROR('NetRule.to0 drifted from abi-net.ts');
if (offsetof<NetRule>('iif') != NET_RULE_IIF) ERROR('NetRule.iif drifted from abi-net.ts');
if (offsetof<NetRule>('invert') != NET_RULE_INVERT) ERROR('NetRule.invert drifted from abi-net.ts');
if (offsetof<NetRule>('next') != NET_RULE_SIZE) ERROR('NetRule: its size drifted from abi-net.ts');

/** What a lookup asks with. Addresses are given by where they lie. */
@unmanaged
export class Flow {
  family: u32;
  src: u32;
  dst: u32;
  iif: u32;
  oif: u32;
  mark: u32;
  tos: u32;
  proto: u32;
  sport: u32;
  dport: u32;
}

const flowRoom: u32 = THREADS ? threadRoom(offsetof<Flow>()) : <u32>memory.data(offsetof<Flow>());
/** Rules by priority, a link for each family. */
const rules4: u32 = <u32>memory.data(4);
const rules6: u32 = <u32>memory.data(4);
/** Families that the user gave rules for. */
@unmanaged
class Own {
  v4: bool;
  v6: bool;
}

const own = changetype<Own>(memory.data(offsetof<Own>()));

/** The one flow there is room for. */
export function theFlow(): Flow {
  return changetype<Flow>(flowRoom);
}

function insert(record: u32): i32 {
  const at = alloc(offsetof<NetRule>());
  if (!at) return -ENOMEM;
  memory.copy(at, record, NET_RULE_SIZE);
  const rule = changetype<NetRule>(at);
  let link = rule.family == AF_INET ? rules4 : rules6;
  while (load<u32>(link) && changetype<NetRule>(load<u32>(link)).priority <= rule.priority)
    link = load<u32>(link) + offsetof<NetRule>('next');
  rule.next = load<u32>(link);
  store<u32>(link, at);
  return 0;
}

const standard: u32 = <u32>memory.data(offsetof<NetRule>());

function addStandard(family: u32, priority: u32, table: u32): i32 {
  const rule = changetype<NetRule>(standard);
  rule.family = family;
  rule.action = FR_ACT_TO_TBL;
  rule.priority = priority;
  rule.table = table;
  return insert(standard);
}

/** The rules that are there before anyone adds one. */
function addStandards(family: u32): i32 {
  let error = addStandard(family, 0, RT_TABLE_LOCAL);
  if (!error) error = addStandard(family, 32766, RT_TABLE_MAIN);
  return error || family != AF_INET ? error : addStandard(family, 32767, RT_TABLE_DEFAULT);
}

/** Adds a rule behind those of its priority: 0 or -ENOMEM. */
export function net_rule_add(record: u32): i32 {
  const family = changetype<NetRule>(record).family;
  if (!(family == AF_INET ? own.v4 : own.v6)) {
    const error = addStandards(family);
    if (error) return error;
    if (family == AF_INET) own.v4 = true;
    else own.v6 = true;
  }
  return insert(record);
}

function within(family: u32, address: u32, prefix: u32, len: u32): bool {
  if (!len) return true;
  if (head(keyHi(family, address) ^ keyHi(family, prefix), len)) return false;
  return len <= 64 || !head(keyLo(family, address) ^ keyLo(family, prefix), len - 64);
}

function selects(rule: NetRule, flow: Flow): bool {
  if (rule.iif && rule.iif != flow.iif) return false;
  if (rule.oif && rule.oif != flow.oif) return false;
  if ((rule.mark ^ flow.mark) & rule.markMask) return false;
  // IPv6 asked for output has no source address yet (no RT6_LOOKUP_F_HAS_SADDR).
  if (rule.fromLen && rule.family != AF_INET && flow.oif) return false;
  if (!within(rule.family, flow.src, changetype<u32>(rule) + NET_RULE_FROM, rule.fromLen)) return false;
  if (!within(rule.family, flow.dst, changetype<u32>(rule) + NET_RULE_TO, rule.toLen)) return false;
  if (rule.tos && rule.tos != flow.tos) return false;
  if (rule.proto && rule.proto != flow.proto) return false;
  if (rule.sportHigh && (flow.sport < rule.sportLow || flow.sport > rule.sportHigh)) return false;
  return !rule.dportHigh || (flow.dport >= rule.dportLow && flow.dport <= rule.dportHigh);
}

/** One table: 0, or why not; -EAGAIN goes on to the next rule. */
export function lookupTable(flow: Flow, table: u32): i32 {
  const root = tableRoot(flow.family, table);
  if (!root) return -EAGAIN;
  if (flow.family == AF_INET) return lookup4(root, flow.dst, flow.tos, flow.oif);
  return lookup6(root, flow.dst, flow.oif) ? 0 : -EAGAIN;
}

function lookupByRules(flow: Flow, first: u32): i32 {
  for (let at = first; at; at = changetype<NetRule>(at).next) {
    const rule = changetype<NetRule>(at);
    if (selects(rule, flow) == (rule.invert != 0)) continue;
    if (rule.action == FR_ACT_UNREACHABLE) return -ENETUNREACH;
    if (rule.action == FR_ACT_PROHIBIT) return -EACCES;
    if (rule.action == FR_ACT_BLACKHOLE) return -EINVAL;
    const error = lookupTable(flow, rule.table);
    if (error != -EAGAIN) return error;
  }
  return -EAGAIN;
}

/** Whether IPv4's local and main tables are still looked at as one. */
export function areMerged(): bool {
  return !own.v4;
}

/** A lookup through all tables that the rules say. */
export function lookupFlow(flow: Flow): i32 {
  if (flow.family == AF_INET) {
    if (own.v4) return lookupByRules(flow, load<u32>(rules4));
    const error = lookup4(mergedRoot(), flow.dst, flow.tos, flow.oif);
    return error == -EAGAIN ? lookupTable(flow, RT_TABLE_DEFAULT) : error;
  }
  if (own.v6) return lookupByRules(flow, load<u32>(rules6));
  const error = lookupTable(flow, RT_TABLE_LOCAL);
  return error == -EAGAIN ? lookupTable(flow, RT_TABLE_MAIN) : error;
}
