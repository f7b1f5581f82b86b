/** Which programs keep nothing between packets, so that any worker may run any packet. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Engine, loadObject } from '../../src/index.ts';

/** [object, programs that keep nothing, programs that do] */
const OBJECTS: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  // Tail calls and trace lines.
  ['examples/tail_call', ['main_prog', 'port8080_prog', 'port22_prog'], []],
  // Reads of an array that only `fill` writes.
  ['bench/programs/chain-map', ['hop_0', 'hop_32', 'last'], ['fill']],
  // Writes to packets: in place, and with the ends moved.
  ['bench/programs/rewrite', ['rewrite'], []],
  ['bench/programs/nat', ['nat'], []],
  ['bench/programs/vlan', ['vlan'], []],
  // Calls back.
  ['bench/programs/loop', ['loop'], []],
  ['bench/programs/counter', [], ['counter', 'counter_atomic']],
  ['bench/programs/flow', [], ['lookup', 'update', 'churn', 'fill']],
  // A lookup in an LRU map changes the order in which elements go.
  ['bench/programs/keyed', [], ['lru_find', 'lru_churn', 'flow']],
  ['bench/programs/limiter', [], ['limiter']],
  ['bench/programs/ringbuf', [], ['output', 'reserve']],
  [
    'test/data/workers/workers',
    ['dropped', 'jumps_always', 'prints', 'taller'],
    // `cpu` asks where it runs.
    ['per_flow', 'per_flow_lru', 'jumped', 'atomics', 'locks', 'crowds', 'rings', 'times', 'cpu'],
  ],
];

test.each(OBJECTS)('%s', async (path, nothing, something) => {
  const engine = await Engine.create({ workers: 1 });
  const object = loadObject(new Uint8Array(readFileSync(new URL(`../../${path}.o`, import.meta.url))));
  const loaded = await engine.load(object);
  for (const name of nothing) expect([name, loaded.prog(name).stateless]).toEqual([name, true]);
  for (const name of something) expect([name, loaded.prog(name).stateless]).toEqual([name, false]);
  engine.close();
});
