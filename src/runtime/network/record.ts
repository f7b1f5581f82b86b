/** Writes one record of the network's tables (assembly/abi-net.ts) and hands it to the runtime. */
import { RunError } from '../../errors/index.ts';
import type { RuntimeExports } from '../exports.ts';
import type { Memory } from '../memory.ts';

/** What the network needs of its engine. */
export interface NetworkHost {
  readonly memory: Memory;
  readonly runtime: RuntimeExports;
  scratch(bytes: number): number;
}

export interface RecordWriter {
  u32(offset: number, value: number): void;
  bytes(offset: number, value: Uint8Array): void;
}

const ENOMEM = 12;

/** Hands a record of `size` bytes to `take`: the errno that it gives back, or 0. */
export function giveRecord(
  host: NetworkHost,
  size: number,
  fill: (record: RecordWriter) => void,
  take: (address: number) => number,
): number {
  const at = host.scratch(size);
  host.memory.fill(at, size);
  fill({
    u32: (offset, value) => host.memory.setU32(at + offset, value),
    bytes: (offset, value) => host.memory.write(at + offset, value),
  });
  const errno = -take(at);
  if (errno === ENOMEM) throw new RunError('RUN_MEMORY', { what: 'the network', bytes: size });
  return errno;
}
