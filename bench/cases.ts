// What the bench measures: one row per program and path through it.

import { makePacket } from './packets.ts';

/** A slot of the object's prog array that is filled before the run. */
export interface Slot {
  readonly map: string;
  readonly index: number;
  readonly prog: string;
}

export interface Fill {
  readonly prog: string;
  readonly runs: number;
}

export interface BenchCase {
  readonly name: string;
  /** Object file, relative to the project. */
  readonly object: string;
  readonly prog: string;
  readonly packet: Uint8Array;
  readonly slots: readonly Slot[];
  /** A program that is run first, so often, on the same packet: it fills maps. */
  readonly fill?: Fill;
  /** It writes a trace line: the kernel does so for every packet, this engine only when somebody listens. */
  readonly prints: boolean;
}

/** The empty program, whose time is the fixed cost of any run. */
export const FIXED_COST = 'pass';

const SMALL = 64;
const LARGE = 1400;
const tcp = (port: number) => makePacket({ protocol: 'tcp', port, bytes: SMALL });
const udp = (bytes: number) => makePacket({ protocol: 'udp', port: 53, bytes });
const bench = (name: string) => `bench/programs/${name}.o`;

type Row = Omit<BenchCase, 'slots' | 'prints'> & Partial<BenchCase>;
const row = (fields: Row): BenchCase => ({ slots: [], prints: false, ...fields });

const slots = (map: string, progs: readonly string[]): Slot[] => progs.map((prog, index) => ({ map, index, prog }));

function example(name: string, packet: Uint8Array, prints: boolean): BenchCase {
  const leaves = slots('prog_array', ['port8080_prog', 'port22_prog']);
  return row({
    name: `example/${name}`,
    object: 'examples/tail_call.o',
    prog: 'main_prog',
    packet,
    slots: leaves,
    prints,
  });
}

function quiet(name: string, prog: string, packet: Uint8Array): BenchCase {
  const leaves = slots('prog_array', ['first', 'second']);
  return row({ name: `tail-call/${name}`, object: bench('quiet'), prog, packet, slots: leaves });
}

/** A lookup in a large map, or an update of one. */
function keyed(prog: string): BenchCase {
  const fill = { prog: 'fill', runs: 100_000 };
  return row({ name: `keyed/${prog.replace('_', '-')}`, object: bench('keyed'), prog, packet: udp(SMALL), fill });
}

const LAST_HOP = 32;
const hops = [...Array.from({ length: LAST_HOP }, (_, i) => `hop_${i + 1}`), 'last'];
const chain = slots('hops', hops);
const SELF_SLOT = 39;

export const CASES: readonly BenchCase[] = [
  row({ name: FIXED_COST, object: bench('pass'), prog: 'pass', packet: udp(SMALL) }),
  example('udp', udp(SMALL), false),
  example('other-port', tcp(443), false),
  example('port-8080', tcp(8080), true),
  example('port-22', tcp(22), true),
  quiet('constant-0', 'dispatch', tcp(8080)),
  quiet('constant-1', 'dispatch', tcp(22)),
  quiet('variable', 'dispatch_by_port', tcp(1)),
  row({ name: 'chain/33-programs', object: bench('chain'), prog: 'hop_0', packet: udp(SMALL), slots: chain }),
  row({
    name: 'chain/33-self',
    object: bench('chain'),
    prog: 'again',
    packet: udp(SMALL),
    slots: [{ map: 'hops', index: SELF_SLOT, prog: 'again' }],
  }),
  row({ name: 'jhash', object: bench('jhash'), prog: 'jhash', packet: udp(LARGE) }),
  row({ name: 'siphash', object: bench('siphash'), prog: 'siphash', packet: udp(LARGE) }),
  row({ name: 'checksum', object: bench('checksum'), prog: 'checksum', packet: udp(LARGE) }),
  row({ name: 'rewrite', object: bench('rewrite'), prog: 'rewrite', packet: udp(SMALL) }),
  row({ name: 'counter', object: bench('counter'), prog: 'counter', packet: udp(SMALL) }),
  keyed('choose'),
  keyed('route'),
  keyed('flow'),
  keyed('lru_find'),
  keyed('lru_churn'),
];
