// What the bench measures: one row per program and path through it.

import type { BenchCase, Slot } from './case.ts';
import { makePacket, makeTunnels } from './packets.ts';

/** The empty program, whose time is the fixed cost of any run. */
export const FIXED_COST = 'pass';

const SMALL = 64;
const LARGE = 1400;
const tcp = (port: number) => makePacket({ protocol: 'tcp', port, bytes: SMALL });
const udp = (bytes: number) => makePacket({ protocol: 'udp', port: 53, bytes });

/** A row whose program is `prog` of bench/programs/FILE.o, on a small UDP packet unless `fields` say otherwise. */
function row(name: string, file: string, prog: string, fields: Partial<BenchCase> = {}): BenchCase {
  const object = `bench/programs/${file}.o`;
  return { name, object, prog, packet: udp(SMALL), slots: [], prints: false, headroom: 0, uncompared: {}, ...fields };
}

const slots = (map: string, progs: readonly string[]): Slot[] => progs.map((prog, index) => ({ map, index, prog }));

function example(name: string, packet: Uint8Array, prints = false): BenchCase {
  const leaves = slots('prog_array', ['port8080_prog', 'port22_prog']);
  const object = 'examples/tail_call.o';
  return row(`example/${name}`, '', 'main_prog', { object, packet, slots: leaves, prints, clang: 'example' });
}

function quiet(name: string, prog: string, packet: Uint8Array): BenchCase {
  return row(`tail-call/${name}`, 'quiet', prog, {
    packet,
    slots: slots('prog_array', ['first', 'second']),
    clang: 'quiet',
  });
}

/** A lookup in a large map, or an update of one. */
function keyed(prog: string): BenchCase {
  const fill = { prog: 'fill', runs: 100_000 };
  const uncompared = { recent: 'which elements an LRU hash gives up is its own affair' };
  return row(`keyed/${prog.replace('_', '-')}`, 'keyed', prog, { fill, uncompared });
}

const checksum = (bytes: number) =>
  row(`checksum/${bytes}`, 'checksum', 'checksum', { packet: udp(bytes), clang: 'checksum' });

const LAST_HOP = 32;
const hops = [...Array.from({ length: LAST_HOP }, (_, i) => `hop_${i + 1}`), 'last'];
const SELF_SLOT = 39;
const alternating = slots('hops', hops).map((slot) => ({ ...slot, apart: slot.index % 2 === 0 }));
/** As `fill` of chain-map.c orders them. */
const mappedHops = hops.map((prog, i) => ({ map: 'hops', index: (7 * i + 5) % hops.length, prog }));

const flows = { prog: 'fill', runs: 1024 };
const flow = (prog: string) => row(`flow/${prog}`, 'flow', prog, { packet: tcp(443), fill: flows, clang: 'flow' });

const events = { ring: 'events', uncompared: { events: 'a ring is read, not looked up in' } };

export const CASES: readonly BenchCase[] = [
  row(FIXED_COST, 'pass', 'pass', { clang: 'pass' }),
  example('udp', udp(SMALL)),
  example('other-port', tcp(443)),
  example('port-8080', tcp(8080), true),
  example('port-22', tcp(22), true),
  quiet('constant-0', 'dispatch', tcp(8080)),
  quiet('constant-1', 'dispatch', tcp(22)),
  quiet('variable', 'dispatch_by_port', tcp(1)),
  row('chain/33-programs', 'chain', 'hop_0', { slots: slots('hops', hops), clang: 'chain' }),
  row('chain/33-computed', 'chain-computed', 'hop_0', { slots: slots('hops', hops), clang: 'chain-computed' }),
  row('chain/33-modules', 'chain', 'hop_0', { slots: alternating }),
  row('chain/33-from-map', 'chain-map', 'hop_0', { slots: mappedHops, fill: { prog: 'fill', runs: 1 } }),
  row('chain/33-self', 'chain', 'again', { slots: [{ map: 'hops', index: SELF_SLOT, prog: 'again' }], clang: 'chain' }),
  row('jhash', 'jhash', 'jhash', { packet: udp(LARGE), clang: 'jhash' }),
  row('jhash/1000', 'jhash', 'jhash_1000', { clang: 'jhash' }),
  row('siphash', 'siphash', 'siphash', { packet: udp(LARGE), clang: 'siphash' }),
  row('siphash/1000', 'siphash', 'siphash_1000', { clang: 'siphash' }),
  row('checksum', 'checksum', 'checksum', { packet: udp(LARGE), clang: 'checksum' }),
  checksum(64),
  checksum(512),
  checksum(1500),
  row('minmax', 'minmax', 'minmax', { uncompared: { state: 'each run goes on with the numbers of the one before' } }),
  row('rewrite', 'rewrite', 'rewrite'),
  row('nat', 'nat', 'nat', { packet: tcp(443), clang: 'nat' }),
  row('vlan', 'vlan', 'vlan', { headroom: 256 }),
  row('counter', 'counter', 'counter', { clang: 'counter' }),
  row('counter/atomic', 'counter', 'counter_atomic'),
  flow('lookup'),
  flow('update'),
  flow('churn'),
  row('limiter', 'limiter', 'limiter', { uncompared: { buckets: 'it holds the time' } }),
  row('ringbuf/output', 'ringbuf', 'output', events),
  row('ringbuf/reserve', 'ringbuf', 'reserve', events),
  row('loop/1000', 'loop', 'loop'),
  row('parser', 'parser', 'parser', { packet: makeTunnels(24) }),
  keyed('choose'),
  keyed('route'),
  keyed('flow'),
  keyed('lru_find'),
  keyed('lru_churn'),
];
