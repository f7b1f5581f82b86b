// Which structs a program sees: its ctx, and the ones behind the pointers it can come by.

import type { AttachTypeName, PacketProgType } from '../prog-types.ts';
import { ATTACH_TYPES } from '../prog-types.ts';
import type { CtxStruct } from './field.ts';
import { FLOW_KEYS } from './flow-keys.ts';
import { NF_CTX } from './netfilter.ts';
import { SK_LOOKUP, SK_MSG_MD, SK_REUSEPORT_MD } from './sk.ts';
import type { SkBuffView } from './sk-buff.ts';
import { skBuff } from './sk-buff.ts';
import type { SockView } from './sock.ts';
import { bpfSock, TCP_SOCK } from './sock.ts';
import type { SockAddrView } from './sock-addr.ts';
import { sockAddr } from './sock-addr.ts';
import { SOCK_OPS } from './sock-ops.ts';
import { XDP_SOCK, xdpMd } from './xdp.ts';

/** What decides about fields besides the program type. `attach` as effectiveAttachType gives it. */
export interface CtxConditions {
  readonly attach: number;
  readonly bpfCapable: boolean;
}

type ViewOf = (conditions: CtxConditions) => CtxStruct;

const byAttach = <View>(names: Readonly<Partial<Record<AttachTypeName, View>>>): ReadonlyMap<number, View> =>
  new Map(Object.entries(names).map(([name, view]) => [ATTACH_TYPES[name as AttachTypeName], view]));

const sockViews = byAttach<SockView>({ cgroup_inet4_post_bind: 'post_bind4', cgroup_inet6_post_bind: 'post_bind6' });

const sockAddrViews = byAttach<SockAddrView>({
  cgroup_inet4_bind: 'inet4',
  cgroup_inet4_connect: 'inet4',
  cgroup_udp4_recvmsg: 'inet4',
  cgroup_inet4_getpeername: 'inet4',
  cgroup_inet4_getsockname: 'inet4',
  cgroup_udp4_sendmsg: 'sendmsg4',
  cgroup_inet6_bind: 'inet6',
  cgroup_inet6_connect: 'inet6',
  cgroup_udp6_recvmsg: 'inet6',
  cgroup_inet6_getpeername: 'inet6',
  cgroup_inet6_getsockname: 'inet6',
  cgroup_udp6_sendmsg: 'sendmsg6',
});

const skb =
  (view: SkBuffView): ViewOf =>
  ({ bpfCapable }) =>
    skBuff(view, bpfCapable);

const CTX: Readonly<Record<PacketProgType, ViewOf>> = {
  socket_filter: skb('socket_filter'),
  sched_cls: skb('tc'),
  sched_act: skb('tc'),
  xdp: ({ attach }) => xdpMd(attach === ATTACH_TYPES.xdp_devmap),
  cgroup_skb: skb('cgroup_skb'),
  cgroup_sock: ({ attach }) => bpfSock(sockViews.get(attach) ?? 'create'),
  lwt_in: skb('lwt'),
  lwt_out: skb('lwt'),
  lwt_xmit: skb('lwt'),
  sock_ops: () => SOCK_OPS,
  sk_skb: skb('sk_skb'),
  sk_msg: () => SK_MSG_MD,
  cgroup_sock_addr: ({ attach }) => sockAddr(sockAddrViews.get(attach) ?? 'unix'),
  lwt_seg6local: skb('lwt'),
  sk_reuseport: () => SK_REUSEPORT_MD,
  flow_dissector: skb('flow_dissector'),
  sk_lookup: () => SK_LOOKUP,
  netfilter: () => NF_CTX,
};

/** The ctx of a program type. */
export function ctxOf(type: PacketProgType, conditions: CtxConditions): CtxStruct {
  return CTX[type](conditions);
}

/** The ctx, then what flow_keys, socket, sock_common, tcp_sock and xdp_sock point to: the order of a blob's directory. */
export function structsOf(type: PacketProgType, conditions: CtxConditions): CtxStruct[] {
  return [ctxOf(type, conditions), FLOW_KEYS, bpfSock('socket'), bpfSock('sock_common'), TCP_SOCK, XDP_SOCK];
}
