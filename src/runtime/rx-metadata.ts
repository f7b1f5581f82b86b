/** What a network card says of a packet beside its bytes: what the bpf_xdp_metadata_rx_* kfuncs answer. */
import {
  RX_FLAGS,
  RX_HAS_HASH,
  RX_HAS_TIMESTAMP,
  RX_HAS_VLAN,
  RX_HASH,
  RX_HASH_TYPE,
  RX_PACKET_TIME,
  RX_SIZE,
  RX_TIMESTAMP,
  RX_TOLD,
  RX_VLAN_PROTO,
  RX_VLAN_TCI,
  VM_RX_METADATA,
} from '../../assembly/abi.ts';
import { RunError } from '../errors/index.ts';
import type { ProgHost } from './host.ts';

/** What is not given, the card does not say of this packet (-ENODATA). */
export interface RxMetadata {
  /** When it was received, ns. */
  readonly timestamp?: bigint;
  /** The hash that chose the queue. */
  readonly hash?: number;
  /** What the hash is of: bits of `enum xdp_rss_hash_type` (1 IPv4, 2 IPv6, 8 ports, 16 TCP, 32 UDP, ...). 0 unless given. */
  readonly hashType?: number;
  /** The VLAN tag that the card took off the packet. */
  readonly vlan?: {
    /** 0x8100 or 0x88a8. */
    readonly proto: number;
    /** Priority and number. */
    readonly tci: number;
  };
}

type Host = Pick<ProgHost, 'memory' | 'vm'>;
const U16 = 0xffff;
const U32 = 0xffff_ffff;

function refuse(option: string, found: unknown, expected: string): never {
  throw new RunError('RUN_OPTION', { option: `rxMetadata${option}`, found: String(found), expected });
}

function number(option: string, value: unknown, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return value;
  return refuse(option, value, `an integer from 0 to ${max}`);
}

function timestampOf(value: unknown): bigint {
  if (typeof value === 'bigint' && value >= 0n && value < 1n << 64n) return value;
  return refuse('.timestamp', value, 'a bigint of 64 bits');
}

/** @throws RunError RUN_OPTION */
export function checkRxMetadata(metadata: RxMetadata | undefined): void {
  if (metadata === undefined) return;
  if (typeof metadata !== 'object' || metadata === null) refuse('', metadata, 'an object');
  const { timestamp, hash, hashType, vlan } = metadata;
  if (timestamp !== undefined) timestampOf(timestamp);
  if (hash !== undefined) number('.hash', hash, U32);
  if (hashType !== undefined) number('.hashType', hashType, U32);
  if (hash === undefined && hashType !== undefined) refuse('.hash', hash, 'what `hashType` is of');
  if (vlan === undefined) return;
  if (typeof vlan !== 'object' || vlan === null) refuse('.vlan', vlan, 'an object');
  number('.vlan.proto', vlan.proto, U16);
  number('.vlan.tci', vlan.tci, U16);
}

/** For the packets that run until `clearRxMetadata`. */
export function writeRxMetadata({ memory, vm }: Host, { timestamp, hash, hashType, vlan }: RxMetadata): void {
  const { view } = memory;
  const at = vm + VM_RX_METADATA;
  let flags = RX_TOLD;
  if (timestamp !== undefined) flags |= RX_HAS_TIMESTAMP;
  if (hash !== undefined) flags |= RX_HAS_HASH;
  if (vlan !== undefined) flags |= RX_HAS_VLAN;
  view.setUint32(at + RX_FLAGS, flags, true);
  view.setUint32(at + RX_HASH, hash ?? 0, true);
  view.setBigUint64(at + RX_TIMESTAMP, timestamp ?? 0n, true);
  view.setUint32(at + RX_HASH_TYPE, hashType ?? 0, true);
  view.setUint16(at + RX_VLAN_PROTO, vlan?.proto ?? 0, false);
  view.setUint16(at + RX_VLAN_TCI, vlan?.tci ?? 0, true);
}

/** Every packet was received at the time of its context. */
export function writePacketTimes({ memory, vm }: Host): void {
  memory.view.setUint32(vm + VM_RX_METADATA + RX_FLAGS, RX_TOLD | RX_PACKET_TIME, true);
}

export function clearRxMetadata({ memory, vm }: Host): void {
  memory.u8.fill(0, vm + VM_RX_METADATA, vm + VM_RX_METADATA + RX_SIZE);
}
