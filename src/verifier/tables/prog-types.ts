// What BPF_PROG_LOAD and the verifier ask of each packet program type. Numbers are linux/bpf.h's; Linux 6.18 was asked for every row.

import type { ProgType } from '../../object/types.ts';
import { PACKET_ACCESS_NONE, PACKET_ACCESS_READ, PACKET_ACCESS_WRITE } from '../abi.ts';

/** enum bpf_attach_type, as far as packet program types are told apart by it. */
export const ATTACH_TYPES = {
  cgroup_inet_ingress: 0,
  cgroup_inet_egress: 1,
  cgroup_inet_sock_create: 2,
  cgroup_inet4_bind: 8,
  cgroup_inet6_bind: 9,
  cgroup_inet4_connect: 10,
  cgroup_inet6_connect: 11,
  cgroup_inet4_post_bind: 12,
  cgroup_inet6_post_bind: 13,
  cgroup_udp4_sendmsg: 14,
  cgroup_udp6_sendmsg: 15,
  cgroup_udp4_recvmsg: 19,
  cgroup_udp6_recvmsg: 20,
  cgroup_inet4_getpeername: 29,
  cgroup_inet6_getpeername: 30,
  cgroup_inet4_getsockname: 31,
  cgroup_inet6_getsockname: 32,
  xdp_devmap: 33,
  cgroup_inet_sock_release: 34,
  xdp_cpumap: 35,
  sk_lookup: 36,
  xdp: 37,
  sk_reuseport_select: 39,
  sk_reuseport_select_or_migrate: 40,
  netfilter: 45,
  cgroup_unix_connect: 49,
  cgroup_unix_sendmsg: 50,
  cgroup_unix_recvmsg: 51,
  cgroup_unix_getpeername: 52,
  cgroup_unix_getsockname: 53,
} as const;

export type AttachTypeName = keyof typeof ATTACH_TYPES;

/** R0 at exit, as a signed 64-bit value: lo <= R0 <= hi. */
export interface RetRange {
  readonly lo: number;
  readonly hi: number;
}

/** A range, and the attach types it holds for; the last row has none and holds for the rest. */
export interface RetRule extends RetRange {
  readonly attach?: readonly AttachTypeName[];
}

/**
 * What a program may do with packet memory. Not told by it: loads through a packet pointer, which are always allowed to those
 * whose ctx gives one (so sock_ops may load from a packet while it has no access: `cannot write into packet` and
 * `helper access to the packet is not allowed` are what `none` means for it).
 * `none`: no stores, no helper arguments. `read`: no stores; helpers may be given packet memory (if their prototype has
 * pkt_access). `write`: both. No type may do atomic operations on a packet.
 */
export type PacketAccess = 'none' | 'read' | 'write';

export interface ProgTypeRow {
  readonly type: ProgType;
  /** enum bpf_prog_type. */
  readonly number: number;
  /** The ctx, as a program's BTF names it. */
  readonly ctx: string;
  readonly packetAccess: PacketAccess;
  /** The expected_attach_types BPF_PROG_LOAD takes (EINVAL otherwise); undefined: it does not look. */
  readonly attach?: readonly AttachTypeName[];
  /** What an expected_attach_type of 0 is taken as, where 0 is not in `attach`. */
  readonly attachDefault?: AttachTypeName;
  /** May use LD_ABS and LD_IND. */
  readonly ldAbs: boolean;
  /** Needs CAP_NET_ADMIN besides CAP_BPF. */
  readonly netAdmin: boolean;
  /** May be loaded without CAP_BPF, where the system allows that at all. */
  readonly unprivileged: boolean;
  /** Undefined: any R0, pointers included. */
  readonly ret?: readonly RetRule[];
}

const BOOL: RetRule = { lo: 0, hi: 1 };

const net = { ldAbs: false, netAdmin: true, unprivileged: false };
const skb = { ...net, ctx: '__sk_buff' };

export const PROG_TYPES = [
  {
    ...skb,
    ...{ type: 'socket_filter', number: 1, packetAccess: 'none' },
    ...{ ldAbs: true, netAdmin: false, unprivileged: true },
  },
  { ...skb, type: 'sched_cls', number: 3, packetAccess: 'write', ldAbs: true },
  { ...skb, type: 'sched_act', number: 4, packetAccess: 'write', ldAbs: true },
  { ...net, type: 'xdp', number: 6, ctx: 'xdp_md', packetAccess: 'write' },
  {
    ...skb,
    ...{ type: 'cgroup_skb', number: 8, packetAccess: 'read', netAdmin: false, unprivileged: true },
    attach: ['cgroup_inet_ingress', 'cgroup_inet_egress'],
    ret: [{ attach: ['cgroup_inet_egress'], lo: 0, hi: 3 }, BOOL],
  },
  {
    ...net,
    ...{ type: 'cgroup_sock', number: 9, ctx: 'bpf_sock', packetAccess: 'none' },
    attach: ['cgroup_inet_sock_create', 'cgroup_inet_sock_release', 'cgroup_inet4_post_bind', 'cgroup_inet6_post_bind'],
    attachDefault: 'cgroup_inet_sock_create',
    ret: [BOOL],
  },
  { ...skb, type: 'lwt_in', number: 10, packetAccess: 'read' },
  { ...skb, type: 'lwt_out', number: 11, packetAccess: 'read' },
  { ...skb, type: 'lwt_xmit', number: 12, packetAccess: 'write' },
  { ...net, type: 'sock_ops', number: 13, ctx: 'bpf_sock_ops', packetAccess: 'none', ret: [BOOL] },
  { ...skb, type: 'sk_skb', number: 14, packetAccess: 'write' },
  { ...net, type: 'sk_msg', number: 16, ctx: 'sk_msg_md', packetAccess: 'write' },
  {
    ...net,
    ...{ type: 'cgroup_sock_addr', number: 18, ctx: 'bpf_sock_addr', packetAccess: 'none' },
    attach: [
      ...['cgroup_inet4_bind', 'cgroup_inet6_bind', 'cgroup_inet4_connect', 'cgroup_inet6_connect'],
      ...['cgroup_udp4_sendmsg', 'cgroup_udp6_sendmsg', 'cgroup_udp4_recvmsg', 'cgroup_udp6_recvmsg'],
      ...['cgroup_inet4_getpeername', 'cgroup_inet6_getpeername'],
      ...['cgroup_inet4_getsockname', 'cgroup_inet6_getsockname'],
      ...['cgroup_unix_connect', 'cgroup_unix_sendmsg', 'cgroup_unix_recvmsg'],
      ...['cgroup_unix_getpeername', 'cgroup_unix_getsockname'],
    ] as AttachTypeName[],
    ret: [
      { attach: ['cgroup_inet4_bind', 'cgroup_inet6_bind'], lo: 0, hi: 3 },
      {
        attach: [
          ...['cgroup_udp4_recvmsg', 'cgroup_udp6_recvmsg', 'cgroup_unix_recvmsg'],
          ...['cgroup_inet4_getpeername', 'cgroup_inet6_getpeername', 'cgroup_unix_getpeername'],
          ...['cgroup_inet4_getsockname', 'cgroup_inet6_getsockname', 'cgroup_unix_getsockname'],
        ] as AttachTypeName[],
        ...{ lo: 1, hi: 1 },
      },
      BOOL,
    ],
  },
  { ...skb, type: 'lwt_seg6local', number: 19, packetAccess: 'read' },
  {
    ...net,
    ...{ type: 'sk_reuseport', number: 21, ctx: 'sk_reuseport_md', packetAccess: 'read', netAdmin: false },
    attach: ['sk_reuseport_select', 'sk_reuseport_select_or_migrate'],
    attachDefault: 'sk_reuseport_select',
  },
  { ...skb, type: 'flow_dissector', number: 22, packetAccess: 'read' },
  {
    ...net,
    ...{ type: 'sk_lookup', number: 30, ctx: 'bpf_sk_lookup', packetAccess: 'none', netAdmin: false },
    attach: ['sk_lookup'],
    ret: [BOOL],
  },
  {
    ...net,
    ...{ type: 'netfilter', number: 32, ctx: 'bpf_nf_ctx', packetAccess: 'none' },
    attach: ['netfilter'],
    ret: [BOOL],
  },
] as const satisfies readonly ProgTypeRow[];

/** The types there are context tables for. */
export type PacketProgType = (typeof PROG_TYPES)[number]['type'];

const byType: ReadonlyMap<ProgType, ProgTypeRow> = new Map(PROG_TYPES.map((row) => [row.type, row]));

/** The row of a type; undefined when it is no packet program type. */
export function progTypeRow(type: ProgType): ProgTypeRow | undefined {
  return byType.get(type);
}

/** An object file's expected attach type (-1: not said) as the kernel takes it; undefined where it refuses to load. */
export function effectiveAttachType(row: ProgTypeRow, expected: number): number | undefined {
  const attach = Math.max(expected, 0);
  if (row.attach === undefined) return attach;
  if (attach === 0 && row.attachDefault !== undefined) return ATTACH_TYPES[row.attachDefault];
  return row.attach.some((name) => ATTACH_TYPES[name] === attach) ? attach : undefined;
}

/** What R0 may be at exit; undefined: anything. `attach` as effectiveAttachType gives it. */
export function retRange(row: ProgTypeRow, attach: number): RetRange | undefined {
  const rule = row.ret?.find((one) => one.attach?.some((name) => ATTACH_TYPES[name] === attach) ?? true);
  return rule === undefined ? undefined : { lo: rule.lo, hi: rule.hi };
}

const PACKET_ACCESS: Readonly<Record<PacketAccess, number>> = {
  none: PACKET_ACCESS_NONE,
  read: PACKET_ACCESS_READ,
  write: PACKET_ACCESS_WRITE,
};

/** INPUT_PACKET_ACCESS of a type. */
export function packetAccessWord(row: ProgTypeRow): number {
  return PACKET_ACCESS[row.packetAccess];
}
