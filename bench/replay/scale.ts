// For scale: what the kernel takes for a packet when each one is a system call of its own, as packets of a capture must be there.
import { closeSync, openSync, readSync } from 'node:fs';
import { PCAP_HEADER_BYTES, PCAP_RECORD_BYTES } from '../../src/replay/pcap.ts';
import { KernelSide, openBytes } from '../../test/kernel/kernel-side.ts';
import { openSyscalls, type Syscalls } from '../../test/kernel/syscall.ts';
import { BPF_PROG_TEST_RUN } from '../../test/kernel/uapi.ts';
import { kernelRefusal } from '../kernel.ts';
import { readProjectFile } from '../project.ts';
import type { ReplayCase } from './cases.ts';

const PACKETS = 5_000;
const ROUNDS = 10;
const BYTES = 4 << 20;
/** Of union bpf_attr: prog_fd, data_size_in, data_in, repeat. */
const ATTR = { fd: 0, size: 8, data: 16, repeat: 32, bytes: 80 };
const NO_COMMAND = 0xffff;

/** The first packets of a little-endian pcap. */
function firstPackets(path: string): Uint8Array[] {
  const bytes = new Uint8Array(BYTES);
  const file = openSync(path, 'r');
  const length = readSync(file, bytes);
  closeSync(file);
  const view = new DataView(bytes.buffer);
  const packets: Uint8Array[] = [];
  for (let at = PCAP_HEADER_BYTES; packets.length < PACKETS && at + PCAP_RECORD_BYTES < length; ) {
    const data = at + PCAP_RECORD_BYTES;
    at = data + view.getUint32(at + 8, true);
    if (at <= length) packets.push(bytes.subarray(data, at));
  }
  return packets;
}

/** Ns a call, one for each packet; the best of some rounds. */
function timeCalls(sys: Syscalls, command: number, fd: number, packets: readonly Uint8Array[]): number {
  const attr = sys.begin();
  const placed = packets.map((packet) => ({ address: sys.put(packet), length: packet.length }));
  attr.setUint32(ATTR.fd, fd, true);
  attr.setUint32(ATTR.repeat, 1, true);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    for (const { address, length } of placed) {
      attr.setUint32(ATTR.size, length, true);
      attr.setBigUint64(ATTR.data, address, true);
      sys.bpf(command, ATTR.bytes);
    }
    best = Math.min(best, ((performance.now() - started) * 1e6) / packets.length);
  }
  return best;
}

/**
 * Ns a packet of `source` in the kernel, less what a call costs that the kernel refuses at once: this way of calling it is not its affair. A text says why
 * there is no figure.
 */
export function kernelNs(source: ReplayCase, capture: string): number | string {
  const refusal = kernelRefusal();
  const sys = openSyscalls();
  if (refusal !== undefined || typeof sys === 'string') return refusal ?? String(sys);
  const side = new KernelSide();
  try {
    side.load(openBytes(readProjectFile(source.object)));
    const packets = firstPackets(capture);
    const fd = side.progs.get(source.prog)!;
    return timeCalls(sys, BPF_PROG_TEST_RUN, fd, packets) - timeCalls(sys, NO_COMMAND, fd, packets);
  } finally {
    side.close();
  }
}
