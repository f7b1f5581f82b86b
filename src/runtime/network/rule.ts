/** Rules of policy routing: a line of `ip rule`, checked and as a record. */
import * as abi from '../../../assembly/abi-net.ts';
import { networkAt, type Prefix } from './address.ts';
import { flagAt, integerAt, MAX_U32, nameAt, objectAt, refuse, u32At } from './input.ts';
import type { RecordWriter } from './record.ts';
import type { FindDevice } from './route.ts';

/** A line of `ip rule`. What is not given is any. The first rule of a family brings those for local, main and default. */
export interface RuleOptions {
  /** `ipv4` unless `from` or `to` is of IPv6. */
  readonly family?: 'ipv4' | 'ipv6';
  /** Rules are looked at from the lowest on. */
  readonly priority: number;
  readonly from?: string;
  readonly to?: string;
  /** Name of the device the packet came in by. */
  readonly iif?: string;
  readonly oif?: string;
  readonly fwmark?: number;
  /** Bits of the mark that count; all unless given. */
  readonly fwmask?: number;
  readonly tos?: number;
  /** IP protocol number. */
  readonly ipproto?: number;
  /** A port, or the first and the last one. */
  readonly sport?: number | readonly [number, number];
  readonly dport?: number | readonly [number, number];
  /** It holds for what does not match. */
  readonly not?: boolean;
  /** The table to look in; or `action`. */
  readonly table?: number;
  readonly action?: 'blackhole' | 'unreachable' | 'prohibit';
}

const FIELDS = [
  ...['family', 'priority', 'from', 'to', 'iif', 'oif', 'fwmark', 'fwmask', 'tos', 'ipproto', 'sport', 'dport', 'not'],
  ...['table', 'action'],
];
const ACTIONS = { blackhole: abi.FR_ACT_BLACKHOLE, unreachable: abi.FR_ACT_UNREACHABLE, prohibit: abi.FR_ACT_PROHIBIT };

function portsAt(value: unknown, field: string): readonly [number, number] {
  if (value === undefined) return [0, 0];
  if (!Array.isArray(value)) {
    const port = integerAt(value, field, 1, 0xffff);
    return [port, port];
  }
  if (value.length !== 2) refuse(field, value, 'a port, or the first and the last one');
  const low = integerAt(value[0], `${field}[0]`, 1, 0xffff);
  return [low, integerAt(value[1], `${field}[1]`, low, 0xffff)];
}

/** Checks a rule; what it gives writes the record. */
export function readRule(value: unknown, field: string, device: FindDevice): (record: RecordWriter) => void {
  const input = objectAt(value, field, FIELDS);
  const families = { ipv4: abi.AF_INET, ipv6: abi.AF_INET6 };
  const prefix = (name: 'from' | 'to'): Prefix | undefined =>
    input[name] === undefined ? undefined : networkAt(input[name], `${field}.${name}`);
  const [from, to] = [prefix('from'), prefix('to')];
  const said = input.family === undefined ? undefined : nameAt(input.family, `${field}.family`, families);
  const family = said ?? from?.family ?? to?.family ?? abi.AF_INET;
  if (from !== undefined && from.family !== family) refuse(`${field}.from`, input.from, 'of the family of the rule');
  if (to !== undefined && to.family !== family) refuse(`${field}.to`, input.to, 'of the family of the rule');
  const hasTable = input.action === undefined;
  const table = hasTable ? integerAt(input.table, `${field}.table`, 1, MAX_U32) : 0;
  const action = hasTable ? abi.FR_ACT_TO_TBL : nameAt(input.action, `${field}.action`, ACTIONS);
  const mark = u32At(input.fwmark, `${field}.fwmark`);
  const numbers: readonly (readonly [number, number])[] = [
    [abi.NET_RULE_FAMILY, family],
    [abi.NET_RULE_PRIORITY, integerAt(input.priority, `${field}.priority`, 0, MAX_U32)],
    [abi.NET_RULE_ACTION, action],
    [abi.NET_RULE_TABLE, table],
    [abi.NET_RULE_FROM_LEN, from?.length ?? 0],
    [abi.NET_RULE_TO_LEN, to?.length ?? 0],
    [abi.NET_RULE_IIF, input.iif === undefined ? 0 : device(input.iif, `${field}.iif`)],
    [abi.NET_RULE_OIF, input.oif === undefined ? 0 : device(input.oif, `${field}.oif`)],
    [abi.NET_RULE_MARK, mark],
    [abi.NET_RULE_MARK_MASK, u32At(input.fwmask, `${field}.fwmask`, input.fwmark === undefined ? 0 : MAX_U32)],
    [abi.NET_RULE_TOS, input.tos === undefined ? 0 : integerAt(input.tos, `${field}.tos`, 0, 0xfc) & 0xfc],
    [abi.NET_RULE_PROTO, input.ipproto === undefined ? 0 : integerAt(input.ipproto, `${field}.ipproto`, 0, 0xff)],
    [abi.NET_RULE_INVERT, flagAt(input.not, `${field}.not`, false) ? 1 : 0],
  ];
  const sport = portsAt(input.sport, `${field}.sport`);
  const dport = portsAt(input.dport, `${field}.dport`);
  return (record) => {
    for (const [offset, number] of numbers) record.u32(offset, number);
    if (from !== undefined) record.bytes(abi.NET_RULE_FROM, from.bytes);
    if (to !== undefined) record.bytes(abi.NET_RULE_TO, to.bytes);
    record.u32(abi.NET_RULE_SPORT_LOW, sport[0]);
    record.u32(abi.NET_RULE_SPORT_HIGH, sport[1]);
    record.u32(abi.NET_RULE_DPORT_LOW, dport[0]);
    record.u32(abi.NET_RULE_DPORT_HIGH, dport[1]);
  };
}
