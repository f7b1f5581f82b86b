// Keys and values as JavaScript writes and sees them, by the BTF of each map; the bytes between are what clang lays out.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import type { BpfMap } from '../src/runtime/map.ts';
import { openObject } from './kernel/sides.ts';

const CPUS = 3;
const { object } = openObject('test/data/helpers/typed');
let engine: Engine;
beforeAll(async () => {
  engine = await Engine.create({ cpus: CPUS });
});
afterAll(() => engine.close());

function make(name: string): BpfMap {
  const spec = object.maps.find((one) => one.name === name);
  if (spec === undefined) throw new Error(`no map ${name}`);
  return engine.createMap(spec, object);
}
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

const flags = { a: 5, b: -3, wide: 0x123456789an, last: true };
const GIVEN = { big: 2n ** 63n, small: -2, colour: 'GREEN', name: 'eth0', flags, number: { whole: 0x100000002n } };
const SEEN = { ...GIVEN, small: -2n, number: { whole: 0x100000002n, half: [2, 1] } };
const ZERO = {
  big: 0n,
  small: 0n,
  colour: 'RED',
  name: '',
  flags: { a: 0, b: 0, wide: 0n, last: false },
  number: { whole: 0n, half: [0, 0] },
};
const BYTES = '0000000000000080feffffffffffffff0500000065746830000000000000000';

const KEY = { id: 7, colour: 'BLUE', big: 2n ** 64n - 1n };
const KEY_BYTES = '07000000ffffffffffffffffffffffff';
const PREFIX = { prefixlen: 24, data: [10, 1, 2, 0] };

describe.each([
  ['array', 2, '02000000', false],
  ['percpu_array', 2, '02000000', true],
  ['hash', KEY, KEY_BYTES, false],
  ['percpu_hash', KEY, KEY_BYTES, true],
  ['lru_hash', KEY, KEY_BYTES, false],
  ['lru_percpu_hash', KEY, KEY_BYTES, true],
  ['lpm_trie', PREFIX, '180000000a010200', false],
] as const)('%s', (name, key, keyBytes, perCpu) => {
  test('a value of every kind of type goes in and comes out', () => {
    const map = make(name);
    map.set(key, GIVEN);
    expect(map.get(key)).toEqual(perCpu ? Array(CPUS).fill(SEEN) : SEEN);
    const raw = hex(map.get(key, { raw: true }));
    expect(raw.startsWith(BYTES.slice(0, 56)), raw).toBe(true);
    expect(map.get(Buffer.from(keyBytes, 'hex'))).toEqual(map.get(key));
    expect([...map.entries()].filter(([one]) => JSON.stringify(one, text) === JSON.stringify(key, text))).toEqual([
      [key, map.get(key)],
    ]);
    // What a value does not mention is zero.
    map.set(key, { small: 9n });
    const sparse = { ...ZERO, small: 9n };
    expect(map.get(key)).toEqual(perCpu ? Array(CPUS).fill(sparse) : sparse);
  });

  test('what does not fit is refused, and nothing is changed', () => {
    const map = make(name);
    map.set(key, GIVEN);
    const before = hex(map.get(key, { raw: true }));
    for (const bad of [
      { big: -1 },
      { flags: { a: 8 } },
      { flags: { b: 16 } },
      { colour: 'PINK' },
      { name: 'too long a name' },
    ])
      expect(() => map.set(key, { ...GIVEN, ...bad }), JSON.stringify(bad)).toThrow();
    expect(() => map.set(key, { other: 1 })).toThrow();
    expect(hex(map.get(key, { raw: true }))).toBe(before);
  });

  if (!perCpu) return;
  test('each CPU has its own', () => {
    const map = make(name);
    const each = Array.from({ length: CPUS }, (_, cpu) => ({ ...GIVEN, big: BigInt(cpu) }));
    map.set(key, each);
    expect(map.get(key)).toEqual(each.map(({ big }) => ({ ...SEEN, big })));
    expect(map.get(key, { raw: true })).toHaveLength(CPUS * map.spec.valueSize);
    expect(() => map.set(key, each.slice(1))).toThrow();
  });
});

const text = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value);

describe('keys of other types', () => {
  test.each([
    ['by_colour', 'GREEN', 'GREEN', '05000000', 'BLUE', 'BLUE', 'ffffffff'],
    ['by_colour', 17, 17, '11000000', -1, 'BLUE', 'ffffffff'],
    ['by_number', 2n ** 64n - 2n, 2n ** 64n - 2n, 'feffffffffffffff', -300, -300, 'd4fe'],
    ['by_number', 12, 12n, '0c00000000000000', 32767n, 32767, 'ff7f'],
  ])('%s[%s]', (name, key, keySeen, keyBytes, value, valueSeen, valueBytes) => {
    const map = make(name);
    map.set(key, value);
    expect([...map.entries()]).toEqual([[keySeen, valueSeen]]);
    expect([...map.entries({ raw: true })].map((one) => one.map(hex))).toEqual([[keyBytes, valueBytes]]);
    expect(map.delete(keySeen)).toBe(true);
  });

  test('unions, of which one member is given', () => {
    const map = make('by_union');
    map.set({ half: [1, 2] }, [{ whole: 5n }, { half: [6, 7] }, { whole: 0n }]);
    const seen = [
      { whole: 5n, half: [5, 0] },
      { whole: 0x700000006n, half: [6, 7] },
      { whole: 0n, half: [0, 0] },
    ];
    expect([...map.entries()]).toEqual([[{ whole: 0x200000001n, half: [1, 2] }, seen]]);
    expect(map.lookupAndDelete({ whole: 0x200000001n })).toEqual(seen);
  });

  test('a prefix is found by a longer address', () => {
    const map = make('lpm_trie');
    map.set(PREFIX, { big: 1 });
    map.set({ prefixlen: 8, data: [10] }, { big: 2 });
    const at = (...data: number[]) => map.get({ prefixlen: 32, data }) as { big: bigint } | undefined;
    expect([at(10, 1, 2, 3)?.big, at(10, 9, 9, 9)?.big, at(11, 0, 0, 0)]).toEqual([1n, 2n, undefined]);
    expect([...map.keys()]).toEqual([PREFIX, { prefixlen: 8, data: [10, 0, 0, 0] }]);
  });
});
