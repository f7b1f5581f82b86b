/** Sockets: what users say, checked and as records. */
import * as abi from '../../../assembly/abi-net.ts';
import { type Endpoint, endpointAt } from './address.ts';
import { flagAt, integerAt, MAX_U32, nameAt, objectAt, refuse, u32At } from './input.ts';
import type { RecordWriter } from './record.ts';
import type { FindDevice } from './route.ts';

/** States of a TCP socket, in `ss`'s words. */
export type SockState =
  | 'established'
  | 'syn-sent'
  | 'syn-recv'
  | 'fin-wait-1'
  | 'fin-wait-2'
  | 'time-wait'
  | 'close'
  | 'close-wait'
  | 'last-ack'
  | 'listen'
  | 'closing'
  | 'new-syn-recv';

/** What a program reads through `struct bpf_tcp_sock`, by the names of its fields; 0 unless given. */
export type TcpInfo = { readonly [K in (typeof TCP_FIELDS)[number]]?: number };

/** A socket of this machine: bpf_sk_lookup_tcp and its kin find it. */
export interface SocketOptions {
  readonly protocol: 'tcp' | 'udp';
  /** `10.0.0.1:80`, `[::]:80`. */
  readonly local: string;
  /** The other end of a connection. */
  readonly remote?: string;
  /** `established` with a remote end, else `listen` for TCP and `close` for UDP. */
  readonly state?: SockState;
  /** Name of the device it is bound to. */
  readonly dev?: string;
  readonly mark?: number;
  readonly priority?: number;
  readonly rxQueue?: number;
  /** IPV6_V6ONLY: without it a socket on `[::]` takes IPv4 as well. */
  readonly v6only?: boolean;
  /** A listener whose queue of half-open connections is full: it gives out SYN cookies. */
  readonly synQueueFull?: boolean;
  readonly tcp?: TcpInfo;
}

const FIELDS = [
  ...['protocol', 'local', 'remote', 'state', 'dev', 'mark', 'priority', 'rxQueue', 'v6only', 'synQueueFull', 'tcp'],
];
const STATES: Readonly<Record<SockState, number>> = {
  established: 1,
  'syn-sent': 2,
  'syn-recv': 3,
  'fin-wait-1': 4,
  'fin-wait-2': 5,
  'time-wait': 6,
  close: 7,
  'close-wait': 8,
  'last-ack': 9,
  listen: 10,
  closing: 11,
  'new-syn-recv': 12,
};

/** struct bpf_tcp_sock's fields in order; the two that have eight bytes are marked below. */
const TCP_FIELDS = [
  ...(['snd_cwnd', 'srtt_us', 'rtt_min', 'snd_ssthresh', 'rcv_nxt', 'snd_nxt', 'snd_una', 'mss_cache'] as const),
  ...(['ecn_flags', 'rate_delivered', 'rate_interval_us', 'packets_out', 'retrans_out', 'total_retrans'] as const),
  ...(['segs_in', 'data_segs_in', 'segs_out', 'data_segs_out', 'lost_out', 'sacked_out'] as const),
  ...(['bytes_received', 'bytes_acked', 'dsack_dups', 'delivered', 'delivered_ce', 'icsk_retransmits'] as const),
] as const;
const WIDE: readonly string[] = ['bytes_received', 'bytes_acked'];

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
/** What Linux has as the IPv4 address of a socket bound to one of IPv6: 127.0.0.6. */
const LOOPBACK4_IPV6 = Uint8Array.of(127, 0, 0, 6);

function stateOf(input: Readonly<Record<string, unknown>>, field: string, isTcp: boolean): number {
  if (input.state !== undefined) return nameAt(input.state, `${field}.state`, STATES);
  if (input.remote !== undefined) return abi.TCP_ESTABLISHED;
  return isTcp ? abi.TCP_LISTEN : abi.TCP_CLOSE;
}

function tcpInfo(value: unknown, field: string): Uint8Array {
  const bytes = new Uint8Array(abi.BPF_TCP_SOCK_SIZE);
  if (value === undefined) return bytes;
  const input = objectAt(value, field, TCP_FIELDS);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const name of TCP_FIELDS) {
    const isWide = WIDE.includes(name);
    const max = isWide ? Number.MAX_SAFE_INTEGER : MAX_U32;
    const number = input[name] === undefined ? 0 : integerAt(input[name], `${field}.${name}`, 0, max);
    if (isWide) view.setBigUint64(at, BigInt(number), true);
    else view.setUint32(at, number, true);
    at += isWide ? 8 : 4;
  }
  return bytes;
}

/** Checks a socket; what it gives writes the record. */
export function readSocket(value: unknown, field: string, device: FindDevice): (record: RecordWriter) => void {
  const input = objectAt(value, field, FIELDS);
  const protocol = nameAt(input.protocol, `${field}.protocol`, { tcp: abi.IPPROTO_TCP, udp: abi.IPPROTO_UDP });
  const isTcp = protocol === abi.IPPROTO_TCP;
  const local = endpointAt(input.local, `${field}.local`);
  const remote = input.remote === undefined ? undefined : endpointAt(input.remote, `${field}.remote`);
  if (remote !== undefined && remote.family !== local.family)
    refuse(`${field}.remote`, input.remote, 'of the family of `local`');
  const state = stateOf(input, field, isTcp);
  if (isTcp && remote === undefined && state === abi.TCP_ESTABLISHED)
    refuse(`${field}.remote`, undefined, 'the other end of the connection');
  const v6only = flagAt(input.v6only, `${field}.v6only`, false) ? abi.NET_SOCK_V6ONLY : 0;
  const full = flagAt(input.synQueueFull, `${field}.synQueueFull`, false) ? abi.NET_SOCK_SYN_FULL : 0;
  const info = tcpInfo(input.tcp, `${field}.tcp`);
  const numbers: readonly (readonly [number, number])[] = [
    [abi.BPF_SOCK_BOUND_DEV_IF, input.dev === undefined ? 0 : device(input.dev, `${field}.dev`)],
    [abi.BPF_SOCK_FAMILY, local.family],
    [abi.BPF_SOCK_TYPE, isTcp ? SOCK_STREAM : SOCK_DGRAM],
    [abi.BPF_SOCK_PROTOCOL, protocol],
    [abi.BPF_SOCK_MARK, u32At(input.mark, `${field}.mark`)],
    [abi.BPF_SOCK_PRIORITY, u32At(input.priority, `${field}.priority`)],
    [abi.BPF_SOCK_SRC_PORT, local.port],
    [abi.BPF_SOCK_STATE, state],
    // No queue is -1.
    [abi.BPF_SOCK_RX_QUEUE, u32At(input.rxQueue, `${field}.rxQueue`, MAX_U32)],
    [abi.NET_SOCK_FLAGS, v6only | full],
  ];
  return (record) => {
    for (const [offset, number] of numbers) record.u32(offset, number);
    writeEnd(record, local, abi.BPF_SOCK_SRC_IP4, abi.BPF_SOCK_SRC_IP6);
    if (remote !== undefined) {
      writeEnd(record, remote, abi.BPF_SOCK_DST_IP4, abi.BPF_SOCK_DST_IP6);
      record.bytes(abi.BPF_SOCK_DST_PORT, Uint8Array.of(remote.port >> 8, remote.port & 0xff));
    }
    record.bytes(abi.NET_SOCK_TCP, info);
  };
}

function writeEnd(record: RecordWriter, { family, bytes }: Endpoint, at4: number, at6: number): void {
  if (family === abi.AF_INET) record.bytes(at4, bytes.subarray(0, 4));
  else {
    record.bytes(at6, bytes);
    if (bytes.some((byte) => byte !== 0)) record.bytes(at4, LOOPBACK4_IPV6);
  }
}
