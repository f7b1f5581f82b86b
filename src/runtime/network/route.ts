/** Routes, rules and neighbours: what users say, checked and as records. */
import * as abi from '../../../assembly/abi-net.ts';
import { type Address, addressAt, networkAt, type Prefix } from './address.ts';
import { flagAt, integerAt, MAX_U32, nameAt, objectAt, refuse, u32At } from './input.ts';
import type { RecordWriter } from './record.ts';

/** Kinds of routes, in iproute2's words. */
export type RouteType =
  | 'unicast'
  | 'local'
  | 'broadcast'
  | 'anycast'
  | 'multicast'
  | 'blackhole'
  | 'unreachable'
  | 'prohibit'
  | 'throw';

/** A line of `ip route`. */
export interface RouteOptions {
  /** The destination: `10.0.0.0/8`, `2001:db8::/32`; `default` is IPv4's unless `via` or `src` is an IPv6 address. */
  readonly to: string;
  /** The next hop; without one the destination is on the device's link. */
  readonly via?: string;
  /** Name of the device; types that lead nowhere need none. */
  readonly dev?: string;
  /** 254, main, unless given; `local`, `main` and `default` are known by name. */
  readonly table?: number | string;
  /** Preferred source address: what BPF_FIB_LOOKUP_SRC answers. */
  readonly src?: string;
  readonly mtu?: number;
  /** `mtu lock`: without it Linux forwards IPv4 by the device's mtu. */
  readonly mtuLock?: boolean;
  /** 0 for IPv4 and 1024 for IPv6 unless given; the lowest wins. */
  readonly metric?: number;
  /** IPv4: only for packets with this DSCP, as a TOS byte. */
  readonly tos?: number;
  readonly type?: RouteType;
  /** It has a lightweight tunnel (`encap`), which bpf_fib_lookup does not follow. */
  readonly encap?: boolean;
}

const ROUTE_FIELDS = ['to', 'via', 'dev', 'table', 'src', 'mtu', 'mtuLock', 'metric', 'tos', 'type', 'encap'];

const TYPES: Readonly<Record<RouteType, number>> = {
  unicast: abi.RTN_UNICAST,
  local: abi.RTN_LOCAL,
  broadcast: abi.RTN_BROADCAST,
  anycast: abi.RTN_ANYCAST,
  multicast: abi.RTN_MULTICAST,
  blackhole: abi.RTN_BLACKHOLE,
  unreachable: abi.RTN_UNREACHABLE,
  prohibit: abi.RTN_PROHIBIT,
  throw: abi.RTN_THROW,
};
const TABLES = { local: abi.RT_TABLE_LOCAL, main: abi.RT_TABLE_MAIN, default: abi.RT_TABLE_DEFAULT };
const MAX_MTU = 0xffff;
const METRIC_IPV6 = 1024;

/** A route, checked. */
export interface Route {
  readonly to: Prefix;
  readonly table: number;
  readonly type: number;
  readonly metric: number;
  readonly tos: number;
  readonly ifindex: number;
  readonly mtu: number;
  readonly mtuLock: boolean;
  readonly encap: boolean;
  readonly via?: Address;
  readonly src?: Address;
}

/** The number of a device's name. */
export type FindDevice = (value: unknown, field: string) => number;

function tableAt(value: unknown, field: string, otherwise: number): number {
  if (value === undefined) return otherwise;
  return typeof value === 'string' ? nameAt(value, field, TABLES) : integerAt(value, field, 1, MAX_U32);
}

/** The family a default route is of. */
function familyOf(input: Readonly<Record<string, unknown>>): number | undefined {
  const given = input.via ?? input.src;
  return typeof given === 'string' && given.includes(':') ? abi.AF_INET6 : undefined;
}

export function readRoute(value: unknown, field: string, device: FindDevice): Route {
  const input = objectAt(value, field, ROUTE_FIELDS);
  const type = input.type === undefined ? abi.RTN_UNICAST : nameAt(input.type, `${field}.type`, TYPES);
  const to = networkAt(input.to, `${field}.to`, familyOf(input));
  const isV4 = to.family === abi.AF_INET;
  const leads = type <= abi.RTN_MULTICAST;
  if (leads && input.dev === undefined) refuse(`${field}.dev`, undefined, 'the name of a device');
  const table = tableAt(input.table, `${field}.table`, type === abi.RTN_LOCAL ? abi.RT_TABLE_LOCAL : abi.RT_TABLE_MAIN);
  // IPv4 routes may go by an IPv6 next hop, not the other way round.
  const via =
    input.via === undefined ? undefined : addressAt(input.via, `${field}.via`, isV4 ? undefined : abi.AF_INET6);
  const src = input.src === undefined ? undefined : addressAt(input.src, `${field}.src`, to.family);
  return {
    to,
    table,
    type,
    metric: u32At(input.metric, `${field}.metric`, isV4 ? 0 : METRIC_IPV6),
    tos: input.tos === undefined ? 0 : tosAt(input.tos, `${field}.tos`, isV4),
    ifindex: input.dev === undefined ? 0 : device(input.dev, `${field}.dev`),
    mtu: input.mtu === undefined ? 0 : integerAt(input.mtu, `${field}.mtu`, 68, MAX_MTU),
    mtuLock: flagAt(input.mtuLock, `${field}.mtuLock`, false),
    encap: flagAt(input.encap, `${field}.encap`, false),
    ...(via !== undefined && { via }),
    ...(src !== undefined && { src }),
  };
}

function tosAt(value: unknown, field: string, isV4: boolean): number {
  if (!isV4) refuse(field, value, 'of an IPv4 route: those of IPv6 have none');
  const tos = integerAt(value, field, 0, 0xff);
  return (tos & 3) === 0 ? tos : refuse(field, value, 'a DSCP: the low two bits of a TOS must be 0');
}

export function writeRoute(record: RecordWriter, route: Route): void {
  const { to, via, src } = route;
  const lock = route.mtuLock ? abi.NET_ROUTE_MTU_LOCK : 0;
  const encap = route.encap ? abi.NET_ROUTE_ENCAP : 0;
  record.u32(abi.NET_ROUTE_FAMILY, to.family);
  record.u32(abi.NET_ROUTE_TABLE, route.table);
  record.bytes(abi.NET_ROUTE_DST, to.bytes);
  record.u32(abi.NET_ROUTE_PLEN, to.length);
  record.u32(abi.NET_ROUTE_TYPE, route.type);
  record.u32(abi.NET_ROUTE_METRIC, route.metric);
  record.u32(abi.NET_ROUTE_TOS, route.tos);
  record.u32(abi.NET_ROUTE_IFINDEX, route.ifindex);
  record.u32(abi.NET_ROUTE_MTU, route.mtu);
  record.u32(abi.NET_ROUTE_FLAGS, lock | encap | (src === undefined ? 0 : abi.NET_ROUTE_HAS_SRC));
  record.u32(abi.NET_ROUTE_VIA_FAMILY, via?.family ?? 0);
  if (via !== undefined) record.bytes(abi.NET_ROUTE_VIA, via.bytes);
  if (src !== undefined) record.bytes(abi.NET_ROUTE_SRC_ADDR, src.bytes);
}
