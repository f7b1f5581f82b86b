/** A packet on its way through a network, and programs run over some of them. */
import {
  CTX_REDIRECT_FLAGS,
  CTX_REDIRECT_IFINDEX,
  CTX_SIZE,
  CTX_STATUS,
  CTX_VERDICT,
  VM_CPU,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_MD_DATA_META,
} from '../../assembly/abi.ts';
import { runBatch } from '../runtime/batch.ts';
import type { Device } from '../runtime/device.ts';
import type { ProgHost } from '../runtime/host.ts';
import { frameSize, layFrame, writeContext, type XdpMeta } from '../runtime/packet.ts';
import type { NetPacket } from '../runtime/packet-queue.ts';
import type { Prog } from '../runtime/prog.ts';
import type { Violation } from '../runtime/trap.ts';

export interface Flight {
  data: Uint8Array;
  metadata: Uint8Array;
  readonly timeNs: bigint;
  readonly wireLength: number;
  /** The device it came in by last, and its queue there. */
  readonly device: Device;
  readonly queue: number;
  cpu: number;
  /** Devices it has been through. */
  readonly hops: number;
  /** What the latest program left in its record. */
  verdict: number;
  status: number;
  target: number;
  key: number;
}

export const NO_BYTES = new Uint8Array(0);

export function flight(packet: NetPacket, device: Device, hops: number, metadata: Uint8Array = NO_BYTES): Flight {
  const { data, timeNs, queue, cpu, wireLength } = packet;
  const left = { verdict: 0, status: 0, target: 0, key: 0 };
  return { data, metadata, timeNs, wireLength, device, queue, cpu, hops, ...left };
}

/** A flight as taps and sockets show it. */
export function shown({ data, timeNs, queue, cpu, wireLength }: Flight): NetPacket {
  return { data, timeNs, queue, cpu, wireLength };
}

export interface RunContext {
  readonly cpu: number;
  /** `struct xdp_md` of each. */
  readonly meta: (flight: Flight) => XdpMeta;
  readonly onViolation: (violation: Violation, flight: Flight) => void;
}

const same = (bytes: Uint8Array, u8: Uint8Array, at: number, length: number): boolean => {
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[i] !== u8[at + i]) return false;
  return true;
};

/** Runs a program over flights, all in one batch; verdicts and changed bytes are in the flights afterwards. */
export function runFlights(host: ProgHost, prog: Prog, flights: readonly Flight[], how: RunContext): void {
  const sizes = flights.map((one) => frameSize(one.data.length));
  const ctx = host.frames(flights.length * CTX_SIZE + sizes.reduce((sum, size) => sum + size, 0));
  const { memory } = host;
  let base = ctx + flights.length * CTX_SIZE;
  flights.forEach((one, i) => {
    const frame = layFrame(base, one.data.length, one.metadata.length);
    memory.u8.fill(0, base, frame.dataMeta);
    memory.u8.set(one.metadata, frame.dataMeta);
    memory.u8.set(one.data, frame.data);
    const { timeNs, wireLength } = one;
    writeContext(memory.view, ctx + i * CTX_SIZE, { ...how.meta(one), ...frame, timeNs, wireLength });
    base += sizes[i];
  });
  const cpu = memory.u32(host.vm + VM_CPU);
  memory.setU32(host.vm + VM_CPU, how.cpu);
  const started = performance.now();
  try {
    runBatch(host, prog, { ctx, count: flights.length }, (violation, i) => how.onViolation(violation, flights[i]));
  } finally {
    memory.setU32(host.vm + VM_CPU, cpu);
    prog.addTime((performance.now() - started) * 1e6);
  }
  flights.forEach((one, i) => {
    takeResult(host, one, ctx + i * CTX_SIZE);
  });
}

function takeResult(host: ProgHost, one: Flight, at: number): void {
  const { u8, view } = host.memory;
  const word = (offset: number): number => view.getUint32(at + offset, true);
  one.verdict = word(CTX_VERDICT);
  one.status = word(CTX_STATUS);
  one.target = word(CTX_REDIRECT_IFINDEX);
  one.key = word(CTX_REDIRECT_FLAGS);
  const [meta, data, end] = [word(XDP_MD_DATA_META), word(XDP_MD_DATA), word(XDP_MD_DATA_END)];
  // Bytes are copied where the program changed them: a flight's own are shared by taps.
  if (!same(one.data, u8, data, end - data)) one.data = u8.slice(data, end);
  if (!same(one.metadata, u8, meta, data - meta)) one.metadata = u8.slice(meta, data);
}
