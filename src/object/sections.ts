/**
 * What `SEC()` names mean: section name -> program type and attach type, as libbpf documents them
 * (docs.kernel.org/bpf/libbpf/program_types.html). One row a name; attach types are numbers of enum bpf_attach_type.
 */
import type { ProgType } from './types.ts';

/**
 * How a row's name compares with a section's:
 * - `exact`: the whole name;
 * - `either`: the name alone, or with a slash and what to attach to (`kprobe/do_sys_open`);
 * - `prefix`: the name and whatever follows (names older than the rules above).
 */
export type SectionRule = 'exact' | 'either' | 'prefix';

export interface SectionDef {
  readonly name: string;
  readonly rule: SectionRule;
  readonly type: ProgType;
  /** -1 where the name says nothing. */
  readonly attachType: number;
  readonly sleepable: boolean;
  readonly frags: boolean;
}

export interface SectionMeaning {
  readonly type: ProgType;
  readonly expectedAttachType: number;
  readonly attachTo: string;
  readonly sleepable: boolean;
  readonly frags: boolean;
  /** False for `SEC("?...")`. */
  readonly autoload: boolean;
}

function row(name: string, rule: SectionRule, type: ProgType, attachType = -1, flags = ''): SectionDef {
  return { name, rule, type, attachType, sleepable: flags.includes('sleepable'), frags: flags.includes('frags') };
}

/** The first row that fits decides. */
export const SECTION_DEFS: readonly SectionDef[] = [
  row('socket', 'either', 'socket_filter'),
  row('sk_reuseport/migrate', 'exact', 'sk_reuseport', 40),
  row('sk_reuseport', 'exact', 'sk_reuseport', 39),
  row('kprobe', 'either', 'kprobe'),
  row('uprobe', 'either', 'kprobe'),
  row('uprobe.s', 'either', 'kprobe', -1, 'sleepable'),
  row('kretprobe', 'either', 'kprobe'),
  row('uretprobe', 'either', 'kprobe'),
  row('uretprobe.s', 'either', 'kprobe', -1, 'sleepable'),
  row('kprobe.multi', 'either', 'kprobe', 42),
  row('kretprobe.multi', 'either', 'kprobe', 42),
  row('kprobe.session', 'either', 'kprobe', 56),
  row('uprobe.multi', 'either', 'kprobe', 48),
  row('uretprobe.multi', 'either', 'kprobe', 48),
  row('uprobe.session', 'either', 'kprobe', 57),
  row('uprobe.multi.s', 'either', 'kprobe', 48, 'sleepable'),
  row('uretprobe.multi.s', 'either', 'kprobe', 48, 'sleepable'),
  row('uprobe.session.s', 'either', 'kprobe', 57, 'sleepable'),
  row('ksyscall', 'either', 'kprobe'),
  row('kretsyscall', 'either', 'kprobe'),
  row('usdt', 'either', 'kprobe'),
  row('usdt.s', 'either', 'kprobe', -1, 'sleepable'),
  row('tc/ingress', 'exact', 'sched_cls', 46),
  row('tc/egress', 'exact', 'sched_cls', 47),
  row('tcx/ingress', 'exact', 'sched_cls', 46),
  row('tcx/egress', 'exact', 'sched_cls', 47),
  row('netkit/primary', 'exact', 'sched_cls', 54),
  row('netkit/peer', 'exact', 'sched_cls', 55),
  row('tc', 'either', 'sched_cls'),
  row('classifier', 'either', 'sched_cls'),
  row('action', 'either', 'sched_act'),
  row('tracepoint', 'either', 'tracepoint'),
  row('tp', 'either', 'tracepoint'),
  row('raw_tracepoint', 'either', 'raw_tracepoint'),
  row('raw_tp', 'either', 'raw_tracepoint'),
  row('raw_tracepoint.w', 'either', 'raw_tracepoint_writable'),
  row('raw_tp.w', 'either', 'raw_tracepoint_writable'),
  row('tp_btf', 'either', 'tracing', 23),
  row('fentry', 'either', 'tracing', 24),
  row('fmod_ret', 'either', 'tracing', 26),
  row('fexit', 'either', 'tracing', 25),
  row('fentry.s', 'either', 'tracing', 24, 'sleepable'),
  row('fmod_ret.s', 'either', 'tracing', 26, 'sleepable'),
  row('fexit.s', 'either', 'tracing', 25, 'sleepable'),
  row('freplace', 'either', 'ext'),
  row('lsm', 'either', 'lsm', 27),
  row('lsm.s', 'either', 'lsm', 27, 'sleepable'),
  row('lsm_cgroup', 'either', 'lsm', 43),
  row('iter', 'either', 'tracing', 28),
  row('iter.s', 'either', 'tracing', 28, 'sleepable'),
  row('syscall', 'exact', 'syscall', -1, 'sleepable'),
  row('xdp.frags/devmap', 'exact', 'xdp', 33, 'frags'),
  row('xdp/devmap', 'exact', 'xdp', 33),
  row('xdp.frags/cpumap', 'exact', 'xdp', 35, 'frags'),
  row('xdp/cpumap', 'exact', 'xdp', 35),
  row('xdp.frags', 'either', 'xdp', 37, 'frags'),
  row('xdp', 'either', 'xdp', 37),
  row('perf_event', 'either', 'perf_event'),
  row('lwt_in', 'either', 'lwt_in'),
  row('lwt_out', 'either', 'lwt_out'),
  row('lwt_xmit', 'either', 'lwt_xmit'),
  row('lwt_seg6local', 'either', 'lwt_seg6local'),
  row('sockops', 'exact', 'sock_ops', 3),
  row('sk_skb/stream_parser', 'exact', 'sk_skb', 4),
  row('sk_skb/stream_verdict', 'exact', 'sk_skb', 5),
  row('sk_skb/verdict', 'exact', 'sk_skb', 38),
  row('sk_skb', 'either', 'sk_skb'),
  row('sk_msg', 'exact', 'sk_msg', 7),
  row('lirc_mode2', 'exact', 'lirc_mode2', 16),
  row('flow_dissector', 'exact', 'flow_dissector', 17),
  row('cgroup_skb/ingress', 'exact', 'cgroup_skb', 0),
  row('cgroup_skb/egress', 'exact', 'cgroup_skb', 1),
  row('cgroup/skb', 'exact', 'cgroup_skb'),
  row('cgroup/sock_create', 'exact', 'cgroup_sock', 2),
  row('cgroup/sock_release', 'exact', 'cgroup_sock', 34),
  row('cgroup/sock', 'exact', 'cgroup_sock', 2),
  row('cgroup/post_bind4', 'exact', 'cgroup_sock', 12),
  row('cgroup/post_bind6', 'exact', 'cgroup_sock', 13),
  row('cgroup/bind4', 'exact', 'cgroup_sock_addr', 8),
  row('cgroup/bind6', 'exact', 'cgroup_sock_addr', 9),
  row('cgroup/connect4', 'exact', 'cgroup_sock_addr', 10),
  row('cgroup/connect6', 'exact', 'cgroup_sock_addr', 11),
  row('cgroup/connect_unix', 'exact', 'cgroup_sock_addr', 49),
  row('cgroup/sendmsg4', 'exact', 'cgroup_sock_addr', 14),
  row('cgroup/sendmsg6', 'exact', 'cgroup_sock_addr', 15),
  row('cgroup/sendmsg_unix', 'exact', 'cgroup_sock_addr', 50),
  row('cgroup/recvmsg4', 'exact', 'cgroup_sock_addr', 19),
  row('cgroup/recvmsg6', 'exact', 'cgroup_sock_addr', 20),
  row('cgroup/recvmsg_unix', 'exact', 'cgroup_sock_addr', 51),
  row('cgroup/getpeername4', 'exact', 'cgroup_sock_addr', 29),
  row('cgroup/getpeername6', 'exact', 'cgroup_sock_addr', 30),
  row('cgroup/getpeername_unix', 'exact', 'cgroup_sock_addr', 52),
  row('cgroup/getsockname4', 'exact', 'cgroup_sock_addr', 31),
  row('cgroup/getsockname6', 'exact', 'cgroup_sock_addr', 32),
  row('cgroup/getsockname_unix', 'exact', 'cgroup_sock_addr', 53),
  row('cgroup/sysctl', 'exact', 'cgroup_sysctl', 18),
  row('cgroup/getsockopt', 'exact', 'cgroup_sockopt', 21),
  row('cgroup/setsockopt', 'exact', 'cgroup_sockopt', 22),
  row('cgroup/dev', 'exact', 'cgroup_device', 6),
  row('struct_ops', 'either', 'struct_ops', 44),
  row('struct_ops.s', 'either', 'struct_ops', 44, 'sleepable'),
  row('sk_lookup', 'exact', 'sk_lookup', 36),
  row('netfilter', 'exact', 'netfilter', 45),
  // Names of older objects: `xdp1`, `socket_filter`, `classifier_1`, `sk_msg4`.
  row('socket', 'prefix', 'socket_filter'),
  row('xdp', 'prefix', 'xdp', 37),
  row('tc', 'prefix', 'sched_cls'),
  row('classifier', 'prefix', 'sched_cls'),
  row('action', 'prefix', 'sched_act'),
  row('perf_event', 'prefix', 'perf_event'),
  row('lwt_in', 'prefix', 'lwt_in'),
  row('lwt_out', 'prefix', 'lwt_out'),
  row('lwt_xmit', 'prefix', 'lwt_xmit'),
  row('lwt_seg6local', 'prefix', 'lwt_seg6local'),
  row('sk_skb', 'prefix', 'sk_skb'),
  row('sk_msg', 'prefix', 'sk_msg', 7),
];

/**
 * What a program section's name says; a name nothing fits gives type `unspec`. Before libbpf 1.0 anything could follow any name, and aya still writes
 * `sockops/NAME`, `cgroup_skb/ingress/NAME`: a slash behind a name is enough where no row fits better.
 */
export function sectionMeaning(section: string): SectionMeaning {
  const autoload = !section.startsWith('?');
  const name = autoload ? section : section.slice(1);
  const def = SECTION_DEFS.find((d) => fits(d, name)) ?? SECTION_DEFS.find((d) => name.startsWith(`${d.name}/`));
  if (def === undefined)
    return { type: 'unspec', expectedAttachType: -1, attachTo: '', sleepable: false, frags: false, autoload };
  const attachTo = name.startsWith(`${def.name}/`) ? name.slice(def.name.length + 1) : '';
  const { type, attachType: expectedAttachType, sleepable, frags } = def;
  return { type, expectedAttachType, attachTo, sleepable, frags, autoload };
}

function fits(def: SectionDef, name: string): boolean {
  switch (def.rule) {
    case 'exact':
      return name === def.name;
    case 'either':
      return name === def.name || name.startsWith(`${def.name}/`);
    case 'prefix':
      return name.startsWith(def.name);
  }
}
