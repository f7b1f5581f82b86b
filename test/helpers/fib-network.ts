/** Random networks for bpf_fib_lookup, as lines for iproute2 and as what users of the engine say; and random questions. */
import type { NetworkJson } from '../../src/runtime/network/json.ts';
import type { RouteOptions } from '../../src/runtime/network/route.ts';
import type { RuleOptions } from '../../src/runtime/network/rule.ts';
import type { Random } from '../fuzz/verifier-item.ts';

export const DEVICES = ['eth0', 'eth1', 'eth2'] as const;
const MTUS = [1500, 1400, 9000] as const;

/** `ip` lines that make the devices; the ends of the cables that nobody uses are called p0 and so on. */
export const DEVICE_LINES: readonly string[] = [
  'link set lo up',
  ...DEVICES.flatMap((name, i) => [
    `link add ${name} type veth peer name p${i}`,
    `link set ${name} address 02:00:00:00:00:0${i + 1} mtu ${MTUS[i]} addrgenmode none`,
    `link set p${i} mtu ${MTUS[i]} addrgenmode none`,
    `link set ${name} up`,
    `link set p${i} up`,
  ]),
];

type Lists = 'devices' | 'addresses' | 'routes' | 'rules' | 'neighbours';

export interface Both {
  readonly lines: string[];
  readonly json: { [K in Lists]-?: NonNullable<NetworkJson[K]>[number][] };
}

/** Devices of both families' addresses; `ifindexes` are the kernel's. */
export function startNetwork(ifindexes: readonly number[]): Both {
  const devices = DEVICES.map((name, i) => ({
    name,
    ifindex: ifindexes[i],
    mtu: MTUS[i],
    mac: `02:00:00:00:00:0${i + 1}`,
    addresses: [`10.0.${i}.1/24`, `10.0.${i}.129/25`, `2001:db8:${i}::1/64`],
  }));
  const loopback = {
    name: 'lo',
    ifindex: 1,
    mtu: 65536,
    mac: '00:00:00:00:00:00',
    addresses: ['127.0.0.1/8', '::1/128'],
  };
  const lines = devices.flatMap(({ name, addresses }) =>
    addresses.map((address) => `addr add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`),
  );
  return { lines, json: { devices: [loopback, ...devices], addresses: [], routes: [], rules: [], neighbours: [] } };
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)];

/** An address that routes, rules and questions are likely to share. */
export function someAddress(random: Random, isV4: boolean): string {
  const host = pick(random, [0, 1, 2, 3, 9, 127, 128, 130, 255]);
  if (!isV4) {
    const subnet = pick(random, [0, 1, 2, 3, 0x100, 0xffff]);
    return `2001:db8:${subnet.toString(16)}:${pick(random, [0, 0, 1])}::${host.toString(16)}`;
  }
  return `${pick(random, [10, 10, 10, 11, 198])}.${pick(random, [0, 0, 1, 7])}.${pick(random, [0, 1, 2, 3, 64, 255])}.${host}`;
}

function prefixOf(random: Random, isV4: boolean): string {
  if (random.below(12) === 0) return isV4 ? '0.0.0.0/0' : '::/0';
  const length = isV4
    ? pick(random, [8, 9, 15, 16, 22, 24, 25, 30, 31, 32])
    : pick(random, [16, 32, 46, 47, 48, 64, 65, 127, 128]);
  return isV4 ? clear4(someAddress(random, true), length) : clear6(someAddress(random, false), length);
}

function clear4(address: string, length: number): string {
  const bits = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const kept = length === 0 ? 0 : (bits & (-1 << (32 - length))) >>> 0;
  return `${[24, 16, 8, 0].map((by) => (kept >>> by) & 255).join('.')}/${length}`;
}

function clear6(address: string, length: number): string {
  const [left, right = ''] = address.split('::');
  const first = left.split(':');
  const groups = [...first, ...new Array(7 - first.length).fill('0'), right].map((part) =>
    Number.parseInt(part || '0', 16),
  );
  const kept = groups.map((group, i) => {
    const bits = Math.min(16, Math.max(0, length - 16 * i));
    return group & (0xffff0000 >> bits) & 0xffff;
  });
  return `${kept.map((group) => group.toString(16)).join(':')}/${length}`;
}

const LEADS_NOWHERE = ['blackhole', 'unreachable', 'prohibit', 'throw'] as const;

/** A route that Linux takes: its next hop is on one of the devices. */
export function someRoute(random: Random, isV4: boolean, index: number): RouteOptions {
  const to = prefixOf(random, isV4);
  // IPv6 makes one route of several with one metric.
  const metric = isV4 ? random.below(3) : 1 + index;
  const table = pick(random, [undefined, undefined, undefined, 100, 101, 253]);
  const common = { to, metric, ...(table !== undefined && { table }) };
  if (random.below(6) === 0) return { ...common, type: pick(random, isV4 ? LEADS_NOWHERE : LEADS_NOWHERE.slice(0, 3)) };
  const at = random.below(DEVICES.length);
  const via = isV4 ? `10.0.${at}.${2 + random.below(4)}` : `2001:db8:${at}::${2 + random.below(4)}`;
  const src = isV4 ? `10.0.${random.below(3)}.1` : `2001:db8:${random.below(3)}::1`;
  const viaSix = isV4 && random.below(8) === 0;
  return {
    ...common,
    dev: DEVICES[at],
    ...(random.below(4) !== 0 && { via: viaSix ? `2001:db8:${at}::2` : via }),
    ...(random.below(4) === 0 && { src }),
    ...(random.below(4) === 0 && { mtu: 1280 + random.below(300), mtuLock: random.below(2) === 0 }),
    ...(isV4 && random.below(5) === 0 && { tos: pick(random, [4, 8, 0x10, 0x18, 0xb8]) }),
  };
}

export function routeLine(route: RouteOptions): string {
  const { to, via, dev, table, src, mtu, mtuLock, metric, tos, type } = route;
  const gateway = via === undefined ? '' : ` via ${via.includes(':') && !to.includes(':') ? `inet6 ${via}` : via}`;
  return [
    `route add ${type ?? 'unicast'} ${to}${gateway}`,
    dev === undefined ? '' : `dev ${dev}`,
    table === undefined ? '' : `table ${table}`,
    src === undefined ? '' : `src ${src}`,
    mtu === undefined ? '' : `mtu ${mtuLock === true ? 'lock ' : ''}${mtu}`,
    metric === undefined ? '' : `metric ${metric}`,
    tos === undefined ? '' : `tos 0x${tos.toString(16)}`,
  ].join(' ');
}

export function someRule(random: Random, isV4: boolean, index: number): RuleOptions {
  const family = isV4 ? 'ipv4' : 'ipv6';
  const rule: Record<string, unknown> = { family, priority: 100 + 10 * index };
  const maybe = (name: string, value: () => unknown): void => {
    if (random.below(4) === 0) rule[name] = value();
  };
  maybe('from', () => prefixOf(random, isV4));
  maybe('to', () => prefixOf(random, isV4));
  maybe('iif', () => pick(random, DEVICES));
  maybe('oif', () => pick(random, DEVICES));
  maybe('fwmark', () => random.below(3));
  maybe('tos', () => pick(random, [4, 8, 0x10]));
  maybe('ipproto', () => pick(random, [6, 17]));
  maybe('sport', () => [1000, 1000 + random.below(1000)]);
  maybe('dport', () => 53);
  maybe('not', () => true);
  if (random.below(5) === 0) rule.action = pick(random, ['blackhole', 'unreachable', 'prohibit']);
  else rule.table = pick(random, [100, 101, 254, 77]);
  return rule as unknown as RuleOptions;
}

export function ruleLine(rule: RuleOptions): string {
  const range = (value: number | readonly [number, number]) => (typeof value === 'number' ? value : value.join('-'));
  const words = ['rule add', rule.not === true ? 'not' : ''];
  for (const key of ['from', 'to', 'iif', 'oif', 'fwmark', 'ipproto'] as const)
    if (rule[key] !== undefined) words.push(`${key} ${rule[key]}`);
  if (rule.tos !== undefined) words.push(`tos 0x${rule.tos.toString(16)}`);
  for (const key of ['sport', 'dport'] as const) if (rule[key] !== undefined) words.push(`${key} ${range(rule[key])}`);
  words.push(`priority ${rule.priority}`, rule.table === undefined ? `${rule.action}` : `table ${rule.table}`);
  return words.join(' ');
}
