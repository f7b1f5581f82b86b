/**
 * Keys of hashes, values and records that compiled code has as values: whatever stores a program writes its key with, a lookup finds the element, an update
 * makes one with that key, and a deletion takes it away; values and records are what was written. Programs are made by chance, from a seed, and played here on an array of bytes.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import type { RingBuf } from '../../src/runtime/ringbuf.ts';
import { Bench } from '../engines.cases.ts';
import {
  alu64,
  asm,
  call,
  exit,
  type Item,
  jmp,
  label,
  lddwMap,
  ldx,
  mov,
  movr,
  type Size,
  st,
  stx,
} from '../kernel/cases/asm.ts';

const KEY_SIZES = [1, 2, 3, 4, 6, 7, 8, 12, 13, 16, 20, 23, 40, 48];
const PROGS_OF_EACH = 6;
const SIZES: readonly (readonly [Size, number])[] = [
  ['b', 1],
  ['h', 2],
  ['w', 4],
  ['dw', 8],
];
const MISSING = 77;
/** Where keys begin, from R10 on; the frame around them is written as well. */
const BASE = -128;
const MARGIN = 8;
const PACKET = Uint8Array.from({ length: 16 }, (_, i) => 0x91 + 7 * i);

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** One store: by R10, or by its copy in R9, which is BASE behind it. */
interface Store {
  readonly size: number;
  /** Bytes behind BASE. */
  readonly at: number;
  /** 6: the packet's first eight bytes; 7: its ninth byte; 8: -5. Otherwise the number. */
  readonly reg: number | undefined;
  readonly imm: number;
  readonly byCopy: boolean;
}

function makeStore(below: (n: number) => number, keySize: number): Store {
  const [, size] = SIZES[below(4)];
  const at = size * below(Math.ceil((keySize + 2 * MARGIN) / size)) - MARGIN;
  return {
    size,
    at,
    reg: below(3) === 0 ? undefined : 6 + below(3),
    imm: below(1 << 16) - 300,
    byCopy: below(4) === 0,
  };
}

function storeItem({ size, at, reg, imm, byCopy }: Store): Item {
  const name = SIZES.find(([, bytes]) => bytes === size)![0];
  const [base, off] = byCopy ? [9, at] : [10, BASE + at];
  return reg === undefined ? st(name, base, off, imm) : stx(name, base, reg, off);
}

/** What is in the frame, from BASE - MARGIN on. */
type Frame = Uint8Array<ArrayBuffer>;

function play(frame: Frame, { size, at, reg, imm }: Store): void {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  if (reg === 6) bytes.set(PACKET.subarray(0, 8));
  else if (reg === 7) bytes[0] = PACKET[8];
  else view.setBigInt64(0, BigInt(reg === 8 ? -5 : imm), true);
  frame.set(bytes.subarray(0, size), MARGIN + at);
}

/** Two neighbours of four bytes change places, as who turns a flow round does. */
function exchange(frame: Frame, at: number): Item[] {
  const words = frame.slice(MARGIN + at, MARGIN + at + 8);
  frame.set(words.subarray(4), MARGIN + at);
  frame.set(words.subarray(0, 4), MARGIN + at + 4);
  const off = BASE + at;
  return [ldx('w', 4, 10, off), ldx('w', 5, 10, off + 4), stx('w', 10, 4, off + 4), stx('w', 10, 5, off)];
}

interface Made {
  readonly insns: Uint8Array;
  readonly key: Uint8Array<ArrayBuffer>;
}

/** The end of each program: what it does with the key in the map, behind whose call R0 says something. */
const ENDS = {
  lookup: (map: number): Item[] => [
    ...[lddwMap(1, map), call('map_lookup_elem'), jmp('jeq', 0, 0, 'none'), ldx('w', 0, 0, 0), exit()],
    ...[label('none'), mov(0, MISSING), exit()],
  ],
  update: (map: number): Item[] => [
    ...[st('w', 10, -8, 55), movr(3, 10), alu64('add', 3, -8), mov(4, 0), lddwMap(1, map)],
    ...[call('map_update_elem'), exit()],
  ],
  remove: (map: number): Item[] => [lddwMap(1, map), call('map_delete_elem'), exit()],
  /** What was written is a value, or a record. */
  value: (_map: number, size: number): Item[] => [
    ...[movr(3, 2), st('w', 10, -8, 1), movr(2, 10), alu64('add', 2, -8), mov(4, 0)],
    ...[lddwMap(1, FIRST_VALUES + KEY_SIZES.indexOf(size)), call('map_update_elem'), exit()],
  ],
  output: (_map: number, size: number): Item[] => [
    ...[lddwMap(1, RING), mov(3, size), mov(4, 0), call('ringbuf_output'), exit()],
  ],
} as const;

function make(seed: number, keySize: number, end: readonly Item[]): Made {
  const below = random(seed);
  const frame: Frame = new Uint8Array(keySize + 3 * MARGIN);
  const items: Item[] = [
    ...[ldx('w', 2, 1, 0), ldx('w', 3, 1, 4), movr(4, 2), alu64('add', 4, 16), mov(0, 1)],
    ...[{ ...jmp('jgt', 4, 0, 'out'), src: 3, op: 0x2d }, ldx('dw', 6, 2, 0), ldx('b', 7, 2, 8), mov(8, -5)],
    ...[movr(9, 10), alu64('add', 9, BASE)],
  ];
  for (let at = -MARGIN; at < keySize + MARGIN; at += 8) {
    const zero = { size: 8, at, reg: undefined, imm: 0, byCopy: false };
    items.push(storeItem(zero));
    play(frame, zero);
  }
  const stores = Array.from({ length: 1 + below(8) }, () => makeStore(below, keySize));
  stores.forEach((store, i) => {
    // Some stores are in a branch, which is taken or not, and some have a helper's call in front.
    const kind = below(6);
    const taken = below(2) === 0;
    if (kind === 0)
      items.push(jmp(taken ? 'jeq' : 'jne', 7, PACKET[8], `over${i}`), storeItem(store), label(`over${i}`));
    else if (kind === 1) items.push(call('get_prandom_u32'), storeItem(store));
    else items.push(storeItem(store));
    if (kind !== 0 || !taken) play(frame, store);
    if (below(3) === 0) items.push(...exchange(frame, 4 * below(Math.floor(keySize / 4) + 1) - 4));
  });
  items.push(movr(2, 10), alu64('add', 2, BASE), ...end, label('out'), mov(0, 1), exit());
  return { insns: asm(items), key: frame.slice(MARGIN, MARGIN + keySize) };
}

const KINDS = ['hash', 'lru_hash', 'percpu_hash'] as const;
const keyed = KINDS.flatMap((type) => KEY_SIZES.map((keySize) => ({ type, keySize, valueSize: 4, maxEntries: 16 })));
const values = KEY_SIZES.map((valueSize) => ({ type: 'hash' as const, keySize: 4, valueSize, maxEntries: 16 }));
const FIRST_VALUES = keyed.length;
const RING = FIRST_VALUES + values.length;
const maps = [...keyed, ...values, { type: 'ringbuf' as const, keySize: 0, valueSize: 0, maxEntries: 4096 }];

describe.each(KINDS)('%s', (kind) => {
  let engine: Engine;
  let bench: Bench;
  beforeAll(async () => {
    engine = await Engine.create({ cpus: 2, cpu: 1 });
    bench = new Bench(engine, maps);
  });
  afterAll(() => {
    bench.close();
    engine.close();
  });

  const cases = KEY_SIZES.flatMap((keySize, i) =>
    Array.from({ length: PROGS_OF_EACH }, (_, n) => ({
      seed: 1000 * keySize + n,
      keySize,
      map: KINDS.indexOf(kind) * KEY_SIZES.length + i,
    })),
  );

  test.each([{ checked: true }, { checked: false }])('checked: $checked', async (options) => {
    const made = (end: keyof typeof ENDS) =>
      cases.map(({ seed, keySize, map }) => make(seed, keySize, ENDS[end](map, keySize)));
    const all = {
      ...{ lookup: made('lookup'), update: made('update'), remove: made('remove') },
      ...{ value: made('value'), output: made('output') },
    };
    const progs = (Object.keys(all) as (keyof typeof ENDS)[]).flatMap((end) =>
      all[end].map(({ insns }, i) => ({ name: `${end}${i}`, insns })),
    );
    const { progs: loaded } = await bench.load(progs, options);
    cases.forEach(({ map: index, seed }, i) => {
      const map = bench.maps[index]!;
      const { key } = all.lookup[i];
      // A per-CPU value has a copy for CPU 0, and one for CPU 1, which the program sees.
      const set = (at: Uint8Array<ArrayBuffer>, number: number): void => {
        const value = Uint8Array.of(number, 0, 0, 0);
        map.set(at, kind === 'percpu_hash' ? [Uint8Array.of(99, 0, 0, 0), value] : value);
      };
      const raw = (number: number, other: number): Uint8Array =>
        kind === 'percpu_hash'
          ? Uint8Array.of(other, 0, 0, 0, 0, 0, 0, 0, number, 0, 0, 0, 0, 0, 0, 0)
          : Uint8Array.of(number, 0, 0, 0);
      const run = (end: keyof typeof ENDS) => loaded.get(`${end}${i}`)!.run(PACKET).returnValue | 0;
      // Its neighbours are there: keys that differ in one bit.
      const others = [0, 3, 8 * key.length - 1].map((bit) => {
        const other = key.slice();
        other[bit >> 3] ^= 1 << (bit & 7);
        return other;
      });
      for (const other of others) set(other, 1);
      expect(run('lookup'), `seed ${seed}: nothing`).toBe(MISSING);
      set(key, 44);
      expect(run('lookup'), `seed ${seed}: found`).toBe(44);
      expect(run('remove'), `seed ${seed}: deleted`).toBe(0);
      expect(run('remove'), `seed ${seed}: deleted again`).toBe(-2);
      expect(run('update'), `seed ${seed}: new`).toBe(0);
      expect(map.get(key, { raw: true }), `seed ${seed}: made`).toEqual(raw(55, 0));
      set(key, 44);
      expect(run('update'), `seed ${seed}: replaced`).toBe(0);
      expect(run('lookup'), `seed ${seed}: the new one`).toBe(55);
      for (const other of others) expect(map.delete(other), `seed ${seed}: a neighbour`).toBe(true);
      expect([...map.rawKeys()], `seed ${seed}: nothing else`).toEqual([key]);
      map.delete(key);
      const ofValue = bench.maps[FIRST_VALUES + KEY_SIZES.indexOf(key.length)]!;
      expect(run('value'), `seed ${seed}: a value`).toBe(0);
      expect(ofValue.get(Uint8Array.of(1, 0, 0, 0), { raw: true }), `seed ${seed}: the value`).toEqual(key);
      expect([run('output'), run('output'), run('output')], `seed ${seed}: records`).toEqual([0, 0, 0]);
      expect((bench.maps[RING] as RingBuf).drain(), `seed ${seed}: the records`).toEqual([key, key, key]);
    });
  });
});

test.each([{ checked: true }, { checked: false }])('a long key first, checked: $checked', async (options) => {
  const engine = await Engine.create();
  const shapes = (['hash', 'lru_hash'] as const).flatMap((type) =>
    [24, 8].map((keySize) => ({ type, keySize, valueSize: 4, maxEntries: 4 })),
  );
  const bench = new Bench(engine, shapes);
  const change = (map: number): Item[] => [
    ...[movr(2, 10), alu64('add', 2, -32), movr(3, 10), alu64('add', 3, -8), mov(4, 0)],
    ...[lddwMap(1, map), call('map_update_elem'), st('w', 10, -32, 1)],
    ...[movr(2, 10), alu64('add', 2, -32), lddwMap(1, map), call('map_delete_elem'), st('w', 10, -32, 7)],
  ];
  const zero = [-32, -24, -16, -8].map((off) => st('dw', 10, off, off === -32 ? 7 : 0));
  const insns = asm([...zero, ...shapes.flatMap((_, map) => change(map)), exit()]);
  const { progs } = await bench.load([{ name: 'change', insns }], options);
  expect(progs.get('change')!.run(PACKET).returnValue | 0).toBe(-2);
  for (const map of bench.maps) {
    const key = Uint8Array.from({ length: map.spec.keySize }, (_, i) => (i === 0 ? 7 : 0));
    expect([...map.rawKeys()]).toEqual([key]);
  }
  bench.close();
  engine.close();
});
