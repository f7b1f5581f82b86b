/** Captures of UDP flows, and of what has no flow; and a file of them where one is wanted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concat, pcapHeader, pcapRecord } from '../data/captures/build.ts';
import { prng } from '../runtime/harness.ts';

export interface Shape {
  readonly packets: number;
  readonly flows: number;
  readonly seed?: number;
  /** Bytes behind the headers, at most. */
  readonly payload?: number;
  /** One in so many packets is ARP, one is IPv6, one has a VLAN tag; none unless given. */
  readonly others?: number;
}

const HEADERS = 14 + 20 + 8;

/** A UDP packet of flow `flow` whose payload begins with `number`. */
export function udp(flow: number, number: number, payload: number): Uint8Array {
  const bytes = new Uint8Array(HEADERS + 4 + payload);
  const view = new DataView(bytes.buffer);
  bytes.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45]);
  view.setUint16(16, 20 + 8 + 4 + payload);
  bytes[22] = 64;
  bytes[23] = 17;
  view.setUint32(26, 0x0a000000 + (flow % 50));
  view.setUint32(30, 0x0a010000 + (flow >> 3));
  view.setUint16(34, 1024 + flow);
  view.setUint16(36, flow % 7 === 0 ? 53 : 2000 + (flow % 300));
  view.setUint16(38, 8 + 4 + payload);
  view.setUint32(42, number, true);
  return bytes;
}

function other(kind: number, number: number): Uint8Array {
  const bytes = new Uint8Array(80);
  bytes.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
  const view = new DataView(bytes.buffer);
  if (kind === 0) view.setUint16(12, 0x0806);
  else if (kind === 1) {
    view.setUint16(12, 0x86dd);
    bytes[20] = 17;
    view.setUint32(34, number % 17);
  } else {
    view.setUint32(12, 0x81000005);
    view.setUint16(16, 0x0800);
    bytes.set(udp(number % 30, number, 20).subarray(14), 18);
  }
  return bytes;
}

/** The packets of a capture, with numbers from 1 on. */
export function packetsOf({ packets, flows, seed = 1, payload = 60, others = 0 }: Shape): Uint8Array[] {
  const random = prng(seed);
  return Array.from({ length: packets }, (_, i) => {
    if (others > 0 && random() % others === 0) return other(random() % 3, i + 1);
    return udp(random() % flows, i + 1, random() % (payload + 1));
  });
}

export function pcapOf(packets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const records = packets.map((packet, i) =>
    pcapRecord(packet, {
      seconds: 1_000_000 + (i >> 10),
      fraction: (i & 1023) * 900,
      origLen: packet.length + (i % 3),
    }),
  );
  return concat(pcapHeader(), ...records);
}

/** Writes bytes to a file for the time of `use`. */
export async function withFile<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'bpf2wasm-'));
  try {
    const path = join(folder, 'capture.pcap');
    writeFileSync(path, bytes);
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
