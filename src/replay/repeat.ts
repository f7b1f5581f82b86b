/** One packet through a program many times in batches, for its average duration: each run starts from a copy of the packet. */
import { XDP_LINEAR_MAX } from '../../assembly/abi.ts';
import type { Prog } from '../runtime/prog.ts';
import type { Violation } from '../runtime/trap.ts';
import { CaptureBatch } from './capture-batch.ts';
import { ReplayBuffers, type ReplayHost } from './replay-buffers.ts';

const BATCH_PACKETS = 64;
/** Packets are copied in whole lines. */
const LINE = 64;

export interface RepeatOptions {
  readonly times: number;
  readonly ingressIfindex?: number;
  /** As of a run. */
  readonly linear?: number;
}

export interface RepeatResult {
  /** Average of one run, ns. */
  readonly durationNs: number;
  readonly violations: number;
  /** The last one. */
  readonly violation?: Violation;
}

/** Runs `prog` on `packet`; `bpf_ktime_get_ns` follows the engine's clock, read once for each batch. */
export function repeatPacket(host: ReplayHost, prog: Prog, packet: Uint8Array, options: RepeatOptions): RepeatResult {
  prog.alive();
  const { times, ingressIfindex = 0, linear = prog.frags ? XDP_LINEAR_MAX : undefined } = options;
  const batch = new CaptureBatch({ batchPackets: BATCH_PACKETS });
  for (let i = 0; i < BATCH_PACKETS; i++) batch.push(0, packet.length, packet.length, 0);
  const bytes = host.alloc(packet.length + LINE, 'a packet');
  let buffers: ReplayBuffers | undefined;
  let violations = 0;
  let last: Violation | undefined;
  const onViolation = (violation: Violation) => {
    violations++;
    last = violation;
  };
  try {
    buffers = new ReplayBuffers(host, prog, ingressIfindex);
    host.memory.write(bytes, packet);
    buffers.loadParsed(batch, bytes);
    const run = { copy: true, linear, rxTimestamp: false, onViolation, onRan: undefined };
    for (let left = times; left > 0; left -= BATCH_PACKETS) {
      const count = Math.min(left, BATCH_PACKETS);
      buffers.recordParsed(0, count);
      buffers.run(count, { ...run, now: BigInt.asUintN(64, host.now()) });
    }
    const durationNs = times > 0 ? buffers.spentNs / times : 0;
    return { durationNs, violations, ...(last !== undefined && { violation: last }) };
  } finally {
    buffers?.close();
    host.runtime.free(bytes);
  }
}
