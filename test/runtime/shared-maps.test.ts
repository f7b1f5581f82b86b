/** Maps that several threads look up, change and empty at the same time: nothing is lost, doubled or torn, and afterwards each map is whole. */
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { MAP_COUNT, STACK_TOP, VM_BASE, VM_CPU, VM_FRAME_TOP, VM_MAY_WAIT, VM_SIZE } from '../../assembly/abi.ts';
import * as isa from '../../assembly/isa.ts';
import { instantiateRuntime } from '../../src/runtime/exports.ts';
import { Memory } from '../../src/runtime/memory.ts';
import { compileSharedRuntime } from '../../src/runtime/shared.ts';

const THREADS = 3;
/** Operations of each thread on each map; `BPF2WASM_FUZZ_RUNS=3000000` is a campaign. */
const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 20_000);

interface Kind {
  readonly name: string;
  readonly type: number;
  readonly key: number;
  readonly max: number;
  /** Keys that are used. */
  readonly keys: number;
  readonly flags?: number;
  readonly lookup: string;
  readonly update: string;
  readonly remove: string;
}

const hash = (name: string, key: number, max: number, keys: number, flags = 0): Kind => {
  const lookup = `hash_lookup${[4, 8, 16].includes(key) ? key : ''}`;
  return {
    name,
    type: isa.BPF_MAP_TYPE_HASH,
    key,
    max,
    keys,
    flags,
    lookup,
    update: 'hash_update',
    remove: 'hash_delete',
  };
};
const lru = (name: string, key: number, max: number, keys: number, flags = 0): Kind => {
  const lookup = `lru_lookup${[4, 8, 16].includes(key) ? key : ''}`;
  return {
    name,
    type: isa.BPF_MAP_TYPE_LRU_HASH,
    key,
    max,
    keys,
    flags,
    lookup,
    update: 'lru_update',
    remove: 'lru_delete',
  };
};
const KINDS: readonly Kind[] = [
  hash('hash, 4', 4, 16, 20),
  hash('hash, 16, one bucket is many', 16, 200, 256),
  hash('hash, 8, on demand', 8, 64, 80, isa.BPF_F_NO_PREALLOC),
  hash('hash, 20, full', 20, 8, 40),
  hash('hash, one element', 4, 1, 3),
  lru('lru_hash, 4', 4, 24, 60),
  lru('lru_hash, 16', 16, 100, 120),
  lru('lru_hash, 12, of each CPU', 12, 24, 60, isa.BPF_F_NO_COMMON_LRU),
  {
    name: 'percpu_hash',
    type: isa.BPF_MAP_TYPE_PERCPU_HASH,
    key: 4,
    max: 16,
    keys: 20,
    lookup: 'percpu_hash_lookup',
    update: 'percpu_hash_update',
    remove: 'hash_delete',
  },
  {
    name: 'lpm_trie',
    type: isa.BPF_MAP_TYPE_LPM_TRIE,
    key: 8,
    max: 300,
    keys: 256,
    flags: isa.BPF_F_NO_PREALLOC,
    lookup: 'lpm_lookup_short',
    update: 'lpm_update',
    remove: 'lpm_delete',
  },
];

/** What a thread does. Keys say their number in every word, values as well: what is torn is seen. */
const PLAYER = `
const { parentPort, workerData } = require('node:worker_threads');
const { memory, module, vm, seed, jobs, room } = workerData;
const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
const env = { memory, table, vm: new WebAssembly.Global({ value: 'i32' }, vm), trace_full() {} };
const { exports: rt } = new WebAssembly.Instance(module, { env });
let state = seed;
const random = (n) => { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return (state >>> 0) % n; };
const u32 = new Uint32Array(memory.buffer);
const value = room + 256;
const bad = [];
for (const { name, map, keys, key, isTrie, lookup, update, remove, runs } of jobs) {
  const words = key >> 2;
  for (let i = 0; i < runs && bad.length < 5; i++) {
    const k = random(keys);
    for (let w = 0; w < words; w++) u32[(room >> 2) + w] = k * 0x9e3779b1 + w;
    if (isTrie) { u32[room >> 2] = 32; u32[(room >> 2) + 1] = k * 0x01010101; }
    const what = random(8);
    if (what < 4) {
      const at = rt[lookup](map, room) >>> 0;
      if (at === 0) continue;
      // An element may be used again while it is looked at: what is read from a value is somebody's, whole or not, of this map.
      if (u32[at >> 2] >= keys) bad.push(name + ': a value of nobody ' + u32[at >> 2] + ' for ' + k);
    } else if (what < 7) {
      u32[value >> 2] = k;
      u32[(value >> 2) + 1] = k;
      const error = Number(rt[update](map, room, value, 0n));
      if (error !== 0 && error !== -7) bad.push(name + ': update ' + error);
    } else {
      const error = Number(rt[remove](map, room));
      if (error !== 0 && error !== -2) bad.push(name + ': delete ' + error);
    }
  }
}
parentPort.postMessage(bad);
`;

async function started() {
  const memory = new Memory(new WebAssembly.Memory({ initial: 16, maximum: 4096, shared: true }));
  const module = await compileSharedRuntime();
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
  const rt = await instantiateRuntime(memory.raw, { vm: VM_BASE, table, module, traceFull: () => {} });
  memory.setU32(VM_BASE + VM_FRAME_TOP, STACK_TOP);
  rt.seed(5, 6);
  return { memory, module, rt };
}

type Started = Awaited<ReturnType<typeof started>>;

/** Runs the source in as many threads and gives what they post. */
function inThreads({ memory, module, rt }: Started, source: string, data: object): Promise<unknown[]> {
  const answers = Array.from({ length: THREADS }, (_, i) => {
    const vm = rt.alloc(VM_SIZE) >>> 0;
    memory.setU32(vm + VM_MAY_WAIT, 1);
    memory.setU32(vm + VM_CPU, i);
    const workerData = { memory: memory.raw, module, vm, seed: 77 + i * 1001, room: rt.alloc(4096) >>> 0, ...data };
    const worker = new Worker(source, { eval: true, workerData });
    return new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
  });
  return Promise.all(answers);
}

/** All keys of a map, by its own order. */
function keysOf({ memory, rt }: Started, map: number, size: number): string[] {
  const [from, to] = [rt.alloc(64) >>> 0, rt.alloc(64) >>> 0];
  const keys: string[] = [];
  for (let key = 0; keys.length < 10_000 && rt.map_next_key(map, key, to) === 0; key = from) {
    const bytes = memory.read(to, size);
    keys.push(Buffer.from(bytes).toString('hex'));
    memory.write(from, bytes);
  }
  return keys;
}

test.each(KINDS.map((kind) => [kind.name, kind] as const))(
  'three threads on one map: %s',
  async (_, one) => {
    const at = await started();
    const { memory, rt } = at;
    const maps = [one].map(
      ({ type, key, max, flags }) => rt.map_create(type, key, 8, max, flags ?? 0, THREADS, 0) >>> 0,
    );
    const jobs = [one].map((kind, i) => ({ ...kind, map: maps[i], isTrie: kind.name === 'lpm_trie', runs: RUNS }));
    expect((await inThreads(at, PLAYER, { jobs })).flat()).toEqual([]);
    const [key, value] = [rt.alloc(64) >>> 0, rt.alloc(64) >>> 0];
    for (const [i, kind] of [one].entries()) {
      const map = maps[i];
      const keys = keysOf(at, map, kind.key);
      expect(new Set(keys).size, `${kind.name}: no key twice`).toBe(keys.length);
      expect(memory.u32(map + MAP_COUNT), `${kind.name}: counted`).toBe(keys.length);
      for (const text of keys) {
        memory.write(key, Uint8Array.from(Buffer.from(text, 'hex')));
        const found = rt.map_lookup(map, key) >>> 0;
        expect(found, `${kind.name}: ${text} is found`).not.toBe(0);
        // Of a per-CPU value, the first CPU's copy is zero when another one made the element.
        const of = memory.u32(found);
        const isTrie = kind.name === 'lpm_trie';
        const wanted = isTrie ? of * 0x01010101 : Math.imul(of, 0x9e3779b1) >>> 0;
        const isOwn = kind.type !== isa.BPF_MAP_TYPE_PERCPU_HASH || of !== 0;
        if (isOwn) expect(memory.u32(key + (isTrie ? 4 : 0)), `${kind.name}: the value is the key's`).toBe(wanted);
        expect(rt.map_delete(map, key)).toBe(0);
      }
      // Nothing of what was in use is lost: as many fit as in a new one.
      const capacity = Math.ceil(kind.max / (kind.flags === isa.BPF_F_NO_COMMON_LRU ? THREADS : 1));
      for (let k = 0; k < capacity; k++) {
        for (let w = 0; w < kind.key; w += 4) memory.setU32(key + w, 0x5000_0000 + k + w);
        if (kind.name === 'lpm_trie') memory.setU32(key, 32);
        expect(rt.map_update(map, key, value, 0), `${kind.name}: room for ${k}`).toBe(0);
      }
      expect(keysOf(at, map, kind.key).length, `${kind.name}: filled again`).toBe(capacity);
    }
  },
  Math.max(30_000, RUNS),
);
