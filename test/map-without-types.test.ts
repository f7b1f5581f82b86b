/** What libbpf does when the kernel refuses a map's types: it makes the map without them. */
import { expect, test } from 'vitest';
import { BPF_MAP_TYPE_LRU_HASH } from '../assembly/isa.ts';
import { Engine } from '../src/engine.ts';
import { findMap } from '../src/object/edit.ts';
import { openObject } from './kernel/sides.ts';

/** An LRU hash whose values would have a lock. */
function locked(autoload: boolean) {
  const { object } = openObject('examples/rate_limit/rate_limit');
  findMap(object, 'buckets').type = BPF_MAP_TYPE_LRU_HASH;
  for (const prog of object.progs) prog.autoload = autoload;
  return object;
}

test('a map that nobody locks is there, as bytes', async () => {
  using engine = await Engine.create();
  const map = (await engine.load(locked(false))).map('buckets');
  const [key, value] = [Uint8Array.of(10, 0, 0, 1), new Uint8Array(map.spec.valueSize).fill(7)];
  map.set(key, value);
  expect(map.get(key)).toEqual(value);
});

test('a program that locks one is refused', async () => {
  using engine = await Engine.create();
  await expect(engine.load(locked(true))).rejects.toMatchObject({ stage: 'verifier' });
  expect([...engine.maps]).toEqual([]);
});

test('what is refused for another reason stays so', async () => {
  using engine = await Engine.create();
  const object = locked(false);
  findMap(object, 'buckets').maxEntries = 0;
  await expect(engine.load(object)).rejects.toMatchObject({ code: 'RUN_MAP_CREATE', fields: { errno: 22 } });
});
