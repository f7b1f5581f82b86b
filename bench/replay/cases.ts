// What the bench of replays measures: programs, and what a replay does beside running them.
import type { Slot } from '../case.ts';
import type { FORMATS } from './capture.ts';

export interface ReplayCase {
  readonly name: string;
  /** Object file, relative to the project. */
  readonly object: string;
  readonly prog: string;
  readonly slots: readonly Slot[];
  readonly format: keyof typeof FORMATS;
  /** What passes is written to a file. */
  readonly output: boolean;
}

const LEAVES: readonly Slot[] = [
  { map: 'prog_array', index: 0, prog: 'port8080_prog' },
  { map: 'prog_array', index: 1, prog: 'port22_prog' },
];

function row(name: string, file: string, prog: string, fields: Partial<ReplayCase> = {}): ReplayCase {
  return { name, object: `bench/programs/${file}.o`, prog, slots: [], format: 'pcap', output: false, ...fields };
}

function example(name: string, fields: Partial<ReplayCase> = {}): ReplayCase {
  return row(name, '', 'main_prog', { object: 'examples/tail_call.o', slots: LEAVES, ...fields });
}

export const REPLAYS: readonly ReplayCase[] = [
  example('example'),
  row('pass', 'pass', 'pass'),
  row('parse', 'quiet', 'dispatch'),
  row('flow', 'flow', 'update'),
  row('nat', 'nat', 'nat'),
  // Reads all of a packet: programs take longer than all else.
  row('checksum', 'checksum', 'checksum'),
  // Moves the packet's front: packets are copied.
  row('vlan', 'vlan', 'vlan'),
  example('example/out', { output: true }),
  row('nat/out', 'nat', 'nat', { output: true }),
  example('example/pcapng', { format: 'pcapng' }),
];
