/**
 * Lookups in arrays, which take no call: the index as clang and others put it on the stack, inside and outside of the array, known and unknown, on one
 * CPU and on one of several.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { Bench } from '../engines.cases.ts';
import {
  alu64,
  asm,
  call,
  exit,
  type Item,
  jmp,
  jmpr,
  label,
  lddwMap,
  ldx,
  mov,
  movr,
  st,
  stx,
} from '../kernel/cases/asm.ts';

const ENTRIES = 5;
const maps = [
  { type: 'array', keySize: 4, valueSize: 12, maxEntries: ENTRIES },
  { type: 'percpu_array', keySize: 4, valueSize: 12, maxEntries: ENTRIES },
] as const;
const CPUS = [
  { cpus: 1, cpu: 0 },
  { cpus: 4, cpu: 0 },
  { cpus: 4, cpu: 3 },
] as const;
const MISSING = 77;

/** R6 is a number from the packet's first byte. How it, or what it becomes, gets to the key at `r10 - 4`, with R2 pointing there. */
const KEYS: readonly {
  readonly name: string;
  readonly items: readonly Item[];
  readonly index: (byte: number) => number;
}[] = [
  { name: 'stored from a register', items: [stx('w', 10, 6, -4), movr(2, 10), alu64('add', 2, -4)], index: (b) => b },
  {
    name: 'and the register is used again',
    items: [movr(1, 6), stx('w', 10, 1, -4), mov(1, 3), movr(2, 10), alu64('add', 2, -4)],
    index: (b) => b,
  },
  {
    name: 'with one byte changed behind it',
    items: [stx('w', 10, 6, -4), st('b', 10, -4, 2), movr(2, 10), alu64('add', 2, -4)],
    index: () => 2,
  },
  {
    name: 'stored twice',
    items: [stx('w', 10, 6, -4), mov(7, 1), stx('w', 10, 7, -4), movr(2, 10), alu64('add', 2, -4)],
    index: () => 1,
  },
  {
    name: 'stored through a copy of R10',
    items: [stx('w', 10, 6, -4), movr(8, 10), mov(7, 4), stx('w', 8, 7, -4), movr(2, 10), alu64('add', 2, -4)],
    index: () => 4,
  },
  {
    name: 'next to other stores',
    items: [stx('w', 10, 6, -4), st('w', 10, -8, 1), st('dw', 10, -16, 2), movr(2, 10), alu64('add', 2, -4)],
    index: (b) => b,
  },
  {
    name: 'as the upper half of a wider store',
    items: [movr(7, 6), alu64('lsh', 7, 32), stx('dw', 10, 7, -8), movr(2, 10), alu64('add', 2, -4)],
    index: (b) => b,
  },
  {
    name: 'in two steps to the address',
    items: [movr(2, 10), alu64('add', 2, -8), stx('w', 10, 6, -4), alu64('add', 2, 4)],
    index: (b) => b,
  },
  {
    name: 'on one of two paths',
    items: [
      ...[stx('w', 10, 6, -4), movr(2, 10), alu64('add', 2, -4), jmp('jgt', 6, 2, 'large')],
      ...[st('w', 10, -4, 0), label('large')],
    ],
    index: (b) => (b > 2 ? b : 0),
  },
  ...[0, 4, 5, -1].map((value) => ({
    name: `the constant ${value}`,
    items: [st('w', 10, -4, value), movr(2, 10), alu64('add', 2, -4)],
    index: () => value >>> 0,
  })),
];

/** Returns the value's first word, or MISSING. */
const lookup = (map: number, key: readonly Item[]): Uint8Array =>
  asm([
    ...[ldx('w', 2, 1, 0), ldx('w', 3, 1, 4), movr(4, 2), alu64('add', 4, 1), mov(6, 0)],
    ...[jmpr('jgt', 4, 3, 'empty'), ldx('b', 6, 2, 0), label('empty')],
    ...[...key, lddwMap(1, map), call('map_lookup_elem'), jmp('jeq', 0, 0, 'none'), ldx('w', 0, 0, 0), exit()],
    ...[label('none'), mov(0, MISSING), exit()],
  ]);

const valueAt = (index: number, cpu: number): number => 1000 + 10 * index + cpu;
const value = (index: number, cpu: number): Uint8Array =>
  new Uint8Array(Uint32Array.of(valueAt(index, cpu), 0, 0).buffer);

describe.each(CPUS)('CPU $cpu of $cpus', ({ cpus, cpu }) => {
  let engine: Engine;
  let bench: Bench;
  beforeAll(async () => {
    engine = await Engine.create({ cpus, cpu });
    bench = new Bench(engine, maps);
    for (let i = 0; i < ENTRIES; i++) {
      bench.maps[0]!.set(i, value(i, 0));
      bench.maps[1]!.set(
        i,
        Array.from({ length: cpus }, (_, c) => value(i, c)),
      );
    }
  });
  afterAll(() => {
    bench.close();
    engine.close();
  });

  test.each([{ checked: true }, { checked: false }])('checked: $checked', async (options) => {
    const progs = KEYS.flatMap(({ items }, i) =>
      [0, 1].map((map) => ({ name: `p${i}_${map}`, insns: lookup(map, items) })),
    );
    const { progs: loaded } = await bench.load(progs, options);
    for (const [i, { name, index }] of KEYS.entries()) {
      for (const map of [0, 1]) {
        for (const byte of [0, 1, 2, 3, 4, 5, 255]) {
          const at = index(byte);
          const wanted = at < ENTRIES ? valueAt(at, map === 0 ? 0 : cpu) : MISSING;
          const { returnValue, violation } = loaded.get(`p${i}_${map}`)!.run(Uint8Array.of(byte));
          expect([returnValue, violation], `${name}, map ${map}, byte ${byte}`).toEqual([wanted, undefined]);
        }
      }
    }
  });
});
