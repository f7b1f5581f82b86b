/** Maps of maps and pinned maps: what a program finds in them, what may be put in, who keeps what alive. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { BpfError } from '../src/errors/index.ts';
import { loadObject } from '../src/object/load.ts';
import type { MapInMap } from '../src/runtime/map-in-map.ts';
import { fixture } from './data/patch.ts';
import { linkedProg, mapSpec } from './engines.cases.ts';
import { asm, call, exit, lddwMap, ldx, mov, movr, raw, stx } from './kernel/cases/asm.ts';

const packet = new Uint8Array(64);
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer);

const array = (name: string, maxEntries = 2, flags = 0) =>
  mapSpec(name, { type: 'array', keySize: 4, valueSize: 8, maxEntries, flags });
const outerOf = (type: 12 | 13, inner = array('inner')) => ({
  ...mapSpec('outer', { type: 'hash', keySize: 4, valueSize: 4, maxEntries: 4 }),
  ...{ type, innerMap: inner },
});

/** R0: -1 without inner map, -2 without value, else the value of inner key 1 in outer key `key`, to which 10 is added. */
const lookups = (key: number): Uint8Array =>
  asm([
    mov(1, key),
    stx('w', 10, 1, -4),
    movr(2, 10),
    raw(0x07, 2, 0, 0, -4),
    lddwMap(1, 0),
    call('map_lookup_elem'),
    raw(0x55, 0, 0, 2, 0),
    mov(0, -1),
    exit(),
    mov(1, 1),
    stx('w', 10, 1, -4),
    movr(1, 0),
    movr(2, 10),
    raw(0x07, 2, 0, 0, -4),
    call('map_lookup_elem'),
    raw(0x55, 0, 0, 2, 0),
    mov(0, -2),
    exit(),
    ldx('dw', 1, 0, 0),
    raw(0x07, 1, 0, 0, 10),
    stx('dw', 0, 1, 0),
    movr(0, 1),
    exit(),
  ]);

function errnoOf(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    if (error instanceof BpfError) return error.fields.errno ?? error.code;
    throw error;
  }
  return 0;
}

describe.each([
  ['array_of_maps', 12],
  ['hash_of_maps', 13],
] as const)('%s', (_name, type) => {
  test.each([true, false])('a program reaches into the map of a slot; checked: %s', async (checked) => {
    const engine = await Engine.create();
    const spec = outerOf(type);
    const outer = engine.createMap(spec) as MapInMap;
    const [a, b] = [engine.createMap(array('a')), engine.createMap(array('b'))];
    a.set(1, u64(5n));
    b.set(1, u64(100n));
    const progs = [0, 1, 2].map((key) => linkedProg({ name: `key${key}`, insns: lookups(key) }, [spec]));
    const loaded = await engine.loadLinked(progs, new Map([[spec, outer]]), { checked });
    const run = (name: string): number => loaded.prog(name).run(packet).returnValue | 0;
    expect(run('key1')).toBe(-1);
    outer.set(u32(1), a);
    outer.set(u32(2), b);
    expect([run('key0'), run('key1'), run('key1'), run('key2')]).toEqual([-1, 15, 25, 110]);
    // Replaced and deleted between packets.
    outer.set(u32(1), b);
    expect([run('key1'), run('key2')]).toEqual([120, 130]);
    expect(outer.delete(u32(1))).toBe(true);
    expect(outer.delete(u32(1))).toBe(false);
    expect([run('key1'), run('key2')]).toEqual([-1, 140]);
    expect(a.get(1, { raw: true })).toEqual(u64(25n));
    expect([...outer.entries()].map(([, slot]) => slot)).toEqual([{ id: b.id, name: 'b' }]);
    expect(outer.mapAt(u32(2))).toBe(b);
    engine.close();
  });

  test('keeps what it holds, and gives it back', async () => {
    const engine = await Engine.create();
    engine.scratch(4096);
    engine.createMap(array('first')).close();
    const used = engine.runtime.mem_used();
    const outer = engine.createMap(outerOf(type)) as MapInMap;
    const inner = engine.createMap(array('a'));
    outer.set(u32(0), inner);
    outer.set(u32(3), inner);
    inner.close();
    expect(outer.mapAt(u32(0))?.get(1, { raw: true })).toEqual(u64(0n));
    outer.delete(u32(0));
    expect(outer.mapAt(u32(3))).toBe(inner);
    outer.close();
    expect(engine.runtime.mem_used()).toBe(used);
  });

  test('takes maps like its template only, with the errors of Linux', async () => {
    const engine = await Engine.create();
    const outer = engine.createMap(outerOf(type)) as MapInMap;
    expect(errnoOf(() => outer.set(u32(0), engine.createMap(array('longer', 3))))).toBe(22);
    expect(errnoOf(() => outer.set(u32(0), engine.createMap(array('flags', 2, 128))))).toBe(22);
    expect(errnoOf(() => outer.set(u32(0), 5))).toBe('RUN_MAP_INPUT');
    expect(errnoOf(() => outer.set(u32(type === 12 ? 4 : 9), engine.createMap(array('far'))))).toBe(
      type === 12 ? 7 : 0,
    );
    const foreign = (await Engine.create()).createMap(array('a'));
    expect(errnoOf(() => outer.set(u32(0), foreign))).toBe('RUN_FOREIGN');
    const free = engine.createMap(outerOf(type, array('t', 2, 4096))) as MapInMap;
    expect(errnoOf(() => free.set(u32(0), engine.createMap(array('shorter', 1, 4096))))).toBe(0);
    // Without a template; of prog arrays; of maps of maps.
    const { innerMap: _, ...bare } = outerOf(type);
    expect(errnoOf(() => engine.createMap(bare))).toBe(9);
    expect(errnoOf(() => engine.createMap(outerOf(type, { ...array('p'), type: 3 })))).toBe(524);
    expect(errnoOf(() => engine.createMap(outerOf(type, outerOf(12))))).toBe(524);
  });
});

describe('an object', () => {
  test('fills its maps of maps, and shares pinned maps with other objects', async () => {
    const engine = await Engine.create();
    const object = () => {
      const opened = loadObject(fixture('object/maps.o'), { name: 'maps' });
      for (const map of opened.maps) map.mapExtra = 0n;
      return opened;
    };
    const only = (opened: ReturnType<typeof object>) => {
      const kept = opened.maps.filter((map) => ['flows', 'inner_a', 'inner_b', 'outer', 'jumps'].includes(map.name));
      return { ...opened, maps: kept };
    };
    const first = await engine.load(only(object()), { progs: ['leaf'] });
    const outer = first.map('outer') as MapInMap;
    expect([0, 1, 2].map((slot) => outer.mapAt(slot)?.name)).toEqual(['inner_a', undefined, 'inner_b']);
    expect([...engine.pins.keys()]).toEqual(['flows']);
    const second = await engine.load(only(object()), { progs: ['leaf'] });
    expect(second.map('flows')).toBe(first.map('flows'));
    expect(second.map('outer')).not.toBe(outer);
    first.close();
    second.close();
    // The pin keeps it.
    expect(engine.pins.get('flows')?.size).toBe(0);
    const other = only(object());
    const flows = other.maps.find((map) => map.name === 'flows');
    if (flows !== undefined) flows.maxEntries = 7;
    await expect(engine.load(other, { progs: ['leaf'] })).rejects.toMatchObject({ code: 'RUN_MAP_CREATE' });
    expect(engine.unpin('flows')).toBe(true);
    expect(engine.unpin('flows')).toBe(false);
    await engine.load(other, { progs: ['leaf'] });
    const taken = engine.createMap(array('flows'));
    expect(errnoOf(() => engine.pin(taken))).toBe('RUN_PINNED');
    engine.pin(taken, 'mine');
    engine.close();
    expect(engine.pins.size).toBe(0);
  });
});
