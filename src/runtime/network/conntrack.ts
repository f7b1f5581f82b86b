/** Tracked connections: what users say, checked and as records; and the entries that are there. */
import * as abi from '../../../assembly/abi-net.ts';
import type { Memory } from '../memory.ts';
import { type Endpoint, endpointAt } from './address.ts';
import { integerAt, nameAt, objectAt, refuse, u32At } from './input.ts';
import type { RecordWriter } from './record.ts';

/** An entry of the connection table: bpf_xdp_ct_lookup finds it by either direction. */
export interface ConnectionOptions {
  readonly protocol: 'tcp' | 'udp';
  /** Where the first packet came from: `10.0.0.1:1000`. */
  readonly src: string;
  readonly dst: string;
  /** Of replies, where addresses are translated: from the real server to the address it sees; else `dst` and `src`. */
  readonly reply?: { readonly src: string; readonly dst: string };
  readonly zone?: number;
  readonly mark?: number;
  /** IPS_* bits (linux/netfilter/nf_conntrack_common.h); IPS_CONFIRMED is always there. */
  readonly status?: number;
}

/** An entry as programs left it. */
export interface Connection {
  readonly protocol: number;
  readonly src: string;
  readonly dst: string;
  readonly zone: number;
  readonly mark: number;
  readonly status: number;
}

const FIELDS = ['protocol', 'src', 'dst', 'reply', 'zone', 'mark', 'status'];
const IPS_CONFIRMED = 8;

function writeTuple(
  record: RecordWriter,
  at: number,
  protocol: number,
  ends: readonly [Endpoint, Endpoint],
  dir: number,
): void {
  const [src, dst] = ends;
  const bytes = new Uint8Array(abi.NF_TUPLE_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(src.bytes, abi.NF_TUPLE_SRC);
  bytes.set(dst.bytes, abi.NF_TUPLE_DST);
  view.setUint16(abi.NF_TUPLE_SPORT, src.port);
  view.setUint16(abi.NF_TUPLE_DPORT, dst.port);
  view.setUint16(abi.NF_TUPLE_FAMILY, src.family, true);
  view.setUint8(abi.NF_TUPLE_PROTO, protocol);
  view.setUint8(abi.NF_TUPLE_DIR, dir);
  record.bytes(at, bytes);
}

/** Checks an entry; what it gives writes the record. */
export function readConnection(value: unknown, field: string): (record: RecordWriter) => void {
  const input = objectAt(value, field, FIELDS);
  const protocol = nameAt(input.protocol, `${field}.protocol`, { tcp: abi.IPPROTO_TCP, udp: abi.IPPROTO_UDP });
  const ends = (from: Readonly<Record<string, unknown>>, at: string): [Endpoint, Endpoint] => {
    const found: [Endpoint, Endpoint] = [endpointAt(from.src, `${at}.src`), endpointAt(from.dst, `${at}.dst`)];
    if (found[0].family !== found[1].family) refuse(`${at}.dst`, from.dst, 'of the family of `src`');
    return found;
  };
  const original = ends(input, field);
  const reply: [Endpoint, Endpoint] =
    input.reply === undefined
      ? [original[1], original[0]]
      : ends(objectAt(input.reply, `${field}.reply`, ['src', 'dst']), `${field}.reply`);
  const zone = input.zone === undefined ? 0 : integerAt(input.zone, `${field}.zone`, 0, 0xffff);
  const mark = u32At(input.mark, `${field}.mark`);
  const status = u32At(input.status, `${field}.status`) | IPS_CONFIRMED;
  return (record) => {
    record.u32(abi.NF_CONN_ZONE, zone);
    record.u32(abi.NF_CONN_MARK, mark);
    record.u32(abi.NF_CONN_STATUS, status);
    record.u32(abi.NF_CONN_PERMANENT, 1);
    writeTuple(record, abi.NF_CONN_TUPLE, protocol, original, 0);
    writeTuple(record, abi.NF_CONN_TUPLE + abi.NF_CONN_TUPLE_STRIDE, protocol, reply, 1);
  };
}

function endText(bytes: Uint8Array, family: number, port: number): string {
  if (family === abi.AF_INET) return `${bytes.subarray(0, 4).join('.')}:${port}`;
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] << 8) | bytes[2 * i + 1]).toString(16));
  return `[${groups.join(':')}]:${port}`;
}

/** The entry at an address. */
export function connectionAt(memory: Memory, at: number): Connection {
  const tuple = at + abi.NF_CONN_TUPLE;
  const { view } = memory;
  const family = view.getUint16(tuple + abi.NF_TUPLE_FAMILY, true);
  const end = (address: number, port: number): string =>
    endText(memory.read(tuple + address, 16), family, view.getUint16(tuple + port));
  return {
    protocol: view.getUint8(tuple + abi.NF_TUPLE_PROTO),
    src: end(abi.NF_TUPLE_SRC, abi.NF_TUPLE_SPORT),
    dst: end(abi.NF_TUPLE_DST, abi.NF_TUPLE_DPORT),
    zone: view.getUint16(at + abi.NF_CONN_ZONE, true),
    mark: view.getUint32(at + abi.NF_CONN_MARK, true),
    status: view.getUint32(at + abi.NF_CONN_STATUS, true),
  };
}
