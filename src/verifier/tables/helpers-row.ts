// What a row of the helper tables is, and how the short form of helpers-rows.ts becomes one.
import type { ProgType } from '../../object/types.ts';
import type { Arg } from './helpers-words.ts';

/** Program types that packets pass through, and the socket types beside them. */
export const PACKET_TYPES = [
  'socket_filter',
  'sched_cls',
  'sched_act',
  'xdp',
  'cgroup_skb',
  'cgroup_sock',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
  'lwt_seg6local',
  'sock_ops',
  'sk_skb',
  'sk_msg',
  'cgroup_sock_addr',
  'sk_reuseport',
  'flow_dissector',
  'sk_lookup',
  'netfilter',
] as const satisfies readonly ProgType[];
export type PacketType = (typeof PACKET_TYPES)[number];

export interface HelperArgRow {
  /** Type word: an ARG_ base and flags of assembly/verifier/abi/types.ts. */
  readonly word: number;
  /** Bytes of a MEM_FIXED_SIZE argument. */
  readonly size: number;
  /** Kernel struct that an ARG_PTR_TO_BTF_ID wants. */
  readonly struct: string | undefined;
}

export interface HelperRow {
  readonly id: number;
  /** Without `bpf_`. */
  readonly name: string;
  readonly args: readonly HelperArgRow[];
  /** Type word: a RET_ base and flags. */
  readonly ret: number;
  readonly retStruct: string | undefined;
  /** Kernel structs that the prototype names. */
  readonly structs: readonly string[];
  readonly flags: ReadonlySet<HelperFlag>;
  readonly callers: ReadonlySet<PacketType>;
}

const FLAGS = [
  'pkt',
  'moves',
  'gpl',
  'fast',
  'sleep',
  'acquire',
  'cast',
  'callback',
  'async',
  'bpf',
  'perfmon',
] as const;
export type HelperFlag = (typeof FLAGS)[number];

const GROUPS: Readonly<Record<string, readonly PacketType[]>> = {
  all: PACKET_TYPES,
  tc: ['sched_cls', 'sched_act'],
  cgroup: ['cgroup_skb', 'cgroup_sock', 'sock_ops', 'cgroup_sock_addr'],
  lwt: ['lwt_in', 'lwt_out', 'lwt_xmit', 'lwt_seg6local'],
};

function typesOf(list: string): ReadonlySet<PacketType> {
  const names = list.replace(/^-/, '').split(' ').filter(Boolean);
  const found = new Set(names.flatMap((name) => GROUPS[name] ?? PACKET_TYPES.filter((type) => type === name)));
  return list.startsWith('-') ? new Set(PACKET_TYPES.filter((type) => !found.has(type))) : found;
}

const LISTS = new Map<string, ReadonlySet<PacketType>>();

/** Program types of a list such as `tc xdp`, `all` or `-netfilter sk_reuseport`. */
export function progTypes(list: string): ReadonlySet<PacketType> {
  const known = LISTS.get(list) ?? typesOf(list);
  LISTS.set(list, known);
  return known;
}

function argRow(arg: Arg): HelperArgRow {
  if (typeof arg === 'number') return { word: arg, size: 0, struct: undefined };
  return { word: arg.word, size: arg.size ?? 0, struct: arg.struct };
}

/** The short form. Of most rows nobody asks more than the name: the rest is made when somebody does. */
class Row implements HelperRow {
  readonly id: number;
  readonly name: string;
  readonly ret: number;
  readonly retStruct: string | undefined;
  private readonly short: { readonly args: readonly Arg[]; readonly flags: string; readonly callers: string };

  constructor(id: number, name: string, ret: Ret, short: Row['short']) {
    this.id = id;
    this.name = name;
    this.ret = typeof ret === 'number' ? ret : ret[0];
    this.retStruct = typeof ret === 'number' ? undefined : ret[1];
    this.short = short;
  }

  get args(): readonly HelperArgRow[] {
    return this.short.args.map(argRow);
  }

  get structs(): readonly string[] {
    const names = this.short.args.map((arg) => (typeof arg === 'number' ? undefined : arg.struct));
    return [...names, this.retStruct].filter((name) => name !== undefined);
  }

  get flags(): ReadonlySet<HelperFlag> {
    const names = this.short.flags.split(' ');
    return new Set(FLAGS.filter((flag) => names.includes(flag)));
  }

  get callers(): ReadonlySet<PacketType> {
    return progTypes(this.short.callers);
  }
}

type Ret = number | readonly [word: number, struct: string];

export function row(
  id: number,
  name: string,
  args: readonly Arg[],
  ret: Ret,
  flags: string,
  callers: string,
): HelperRow {
  return new Row(id, name, ret, { args, flags, callers });
}

/** A helper that none of PACKET_TYPES may call. */
export function no(id: number, name: string): HelperRow {
  return row(id, name, [], 0, '', '');
}
