/** Values of every map type that gives out their addresses: with checks, a program may touch what its lookup gave it. */
import { describe, expect, test } from 'vitest';
import {
  BPF_F_NO_PREALLOC,
  BPF_F_WRONLY_PROG,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
} from '../../assembly/isa.ts';
import { Engine } from '../../src/engine.ts';
import { mapSpec } from '../engines.cases.ts';

/** Adds one to the last of three words of the value for key 0. */
const COUNT = `r1 = map[idx:0]
  r2 = r10
  r2 += -8
  *(u64 *)(r10 -8) = 0
  call 1
  if r0 == 0 goto l0
  r1 = *(u64 *)(r0 +16)
  r1 += 1
  *(u64 *)(r0 +16) = r1
  l0: r0 = 2
  exit`;

describe('values of', () => {
  test.each([
    ['array', BPF_MAP_TYPE_ARRAY, 4],
    ['hash', BPF_MAP_TYPE_HASH, 8],
    ['percpu_array', BPF_MAP_TYPE_PERCPU_ARRAY, 4],
    ['percpu_hash', BPF_MAP_TYPE_PERCPU_HASH, 8],
    ['lru_hash', BPF_MAP_TYPE_LRU_HASH, 8],
    ['lru_percpu_hash', BPF_MAP_TYPE_LRU_PERCPU_HASH, 8],
    ['lpm_trie', BPF_MAP_TYPE_LPM_TRIE, 8],
  ])('%s', async (_name, type, keySize) => {
    using engine = await Engine.create();
    const flags = type === BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : 0;
    const plain = mapSpec('values', { type: 'hash', keySize, valueSize: 24, maxEntries: 4 });
    const map = engine.createMap({ ...plain, type, flags });
    map.set(new Uint8Array(keySize), new Uint8Array(24));
    const prog = await engine.loadInsns(COUNT, { type: 'xdp', maps: [map], checked: true });
    for (let run = 0; run < 2; run++) expect(prog.run(new Uint8Array(64)).violation).toBeUndefined();
    expect(map.get(new Uint8Array(keySize), { raw: true })?.slice(16)).toEqual(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0));
  });

  // Linux lets a program look up in it and write to what it finds.
  test('a map that programs may only write', async () => {
    using engine = await Engine.create();
    const plain = mapSpec('values', { type: 'array', keySize: 4, valueSize: 24, maxEntries: 1 });
    const map = engine.createMap({ ...plain, flags: BPF_F_WRONLY_PROG });
    const text = COUNT.replace('r1 = *(u64 *)(r0 +16)', 'r1 = 41');
    const prog = await engine.loadInsns(text, { type: 'xdp', maps: [map], checked: true });
    expect(prog.run(new Uint8Array(64)).violation).toBeUndefined();
    expect(map.get(0, { raw: true })?.slice(16)).toEqual(Uint8Array.of(42, 0, 0, 0, 0, 0, 0, 0));
  });
});
