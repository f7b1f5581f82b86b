/** Which helper a program may call, and with what prototype: the rows of helpers-rows.ts seen from one program. */
import type { ProgType } from '../../object/types.ts';
import type { HelperRow, PacketType } from './helpers-row.ts';
import { PACKET_TYPES } from './helpers-row.ts';
import { helperRows, helperVariants } from './helpers-rows.ts';

/** Whose helpers: a program's type, attach type and rights. */
export interface HelperOptions {
  /** `expected_attach_type`; some helpers are for some of them only. */
  readonly attachType?: number;
  /** CAP_BPF; default true. */
  readonly bpf?: boolean;
  /** CAP_PERFMON; default true. */
  readonly perfmon?: boolean;
}

/** Why a helper may not be called; `ok` when it may. */
export type Gate = 'ok' | 'type' | 'bpf' | 'perfmon';

const BPF_CGROUP_INET4_CONNECT = 10;
const BPF_CGROUP_INET6_CONNECT = 11;
const CONNECT = [BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET6_CONNECT];
/** recvmsg, getpeername, getsockname of IPv4 and IPv6, and those three of Unix sockets. */
const NO_RETVAL = [19, 20, 29, 30, 31, 32, 51, 52, 53];
const BPF_FUNC_bind = 64;
const BPF_FUNC_get_retval = 186;
const BPF_FUNC_set_retval = 187;

/** cgroup_sock_addr alone looks at the attach type. */
function attachAllows(id: number, progType: PacketType, attachType: number): boolean {
  if (progType !== 'cgroup_sock_addr') return true;
  if (id === BPF_FUNC_bind) return CONNECT.includes(attachType);
  if (id === BPF_FUNC_get_retval || id === BPF_FUNC_set_retval) return !NO_RETVAL.includes(attachType);
  return true;
}

export function isPacketType(type: ProgType): type is PacketType {
  return (PACKET_TYPES as readonly ProgType[]).includes(type);
}

/** The prototype that programs of this type see; the id's name with no callers when it is for others. */
export function helperRow(id: number, progType: PacketType): HelperRow | undefined {
  return helperVariants().find((row) => row.id === id && row.callers.has(progType)) ?? helperRows()[id];
}

export function helperGate(row: HelperRow, progType: PacketType, options: HelperOptions = {}): Gate {
  const { attachType = 0, bpf = true, perfmon = true } = options;
  if (!row.callers.has(progType) || !attachAllows(row.id, progType, attachType)) return 'type';
  const needsPerfmon = row.flags.has('perfmon');
  if (!bpf && (needsPerfmon || row.flags.has('bpf'))) return 'bpf';
  return needsPerfmon && !perfmon ? 'perfmon' : 'ok';
}

/** `map_lookup_elem` for 1: the name in messages, `bpf_map_lookup_elem#1`. */
export function helperName(id: number): string | undefined {
  return helperRows()[id]?.name;
}

/** Kernel structs that prototypes name: arguments and returns, in order of id. */
export function helperStructs(): readonly string[] {
  return [...new Set([...helperRows(), ...helperVariants()].flatMap((row) => row.structs))];
}
