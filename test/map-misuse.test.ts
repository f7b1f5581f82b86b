/** What JavaScript may not give a map: typed errors, and nothing is written. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import type { BpfError } from '../src/errors/index.ts';
import type { MapSpec } from '../src/object/types.ts';
import { Arena } from '../src/runtime/arena.ts';
import type { BpfMap } from '../src/runtime/map.ts';
import type { Queue } from '../src/runtime/queue.ts';
import type { UserRingBuf } from '../src/runtime/user-ringbuf.ts';

const [HASH, ARRAY, LPM_TRIE, QUEUE, STACK, USER_RINGBUF, ARENA] = [1, 2, 11, 22, 23, 31, 33];
const [NO_PREALLOC, RDONLY, WRONLY, MMAPABLE] = [1, 8, 16, 1024];

let engine: Engine;
beforeEach(async () => {
  engine = await Engine.create();
});
afterEach(() => engine.close());

function make(type: number, change: Partial<MapSpec> = {}): BpfMap {
  return engine.createMap({
    name: 'm',
    type,
    keySize: 4,
    valueSize: 8,
    maxEntries: 8,
    flags: 0,
    mapExtra: 0n,
    btfKeyTypeId: 0,
    btfValueTypeId: 0,
    dataKind: '',
    initialSlots: [],
    ...change,
  } as MapSpec);
}

function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    const { code, fields } = error as BpfError;
    return [code, fields?.option ?? fields?.errno];
  }
  return 'no error';
}

test('flags are a name or an integer', () => {
  const map = make(HASH);
  const [key, value] = [new Uint8Array(4), new Uint8Array(8)];
  for (const flags of ['bogus', 'constructor', Number.NaN, 1.5, 1n, null] as never[]) {
    expect(codeOf(() => map.set(key, value, { flags }))).toEqual(['RUN_OPTION', 'flags']);
    expect(codeOf(() => map.updateBatch([], { flags }))).toEqual(['RUN_OPTION', 'flags']);
  }
  expect([...map.entries()]).toEqual([]);
});

test('a batch begins where the one before ended', () => {
  for (const map of [make(HASH), make(ARRAY), make(LPM_TRIE, { flags: NO_PREALLOC, keySize: 8 })]) {
    for (const batch of [new Uint8Array(2), new Uint8Array(1 << 20), 'abcd', null, 4] as never[])
      expect(codeOf(() => map.lookupBatch(2, { batch }))).toEqual(['RUN_OPTION', 'batch']);
  }
});

test('an arena takes bytes', () => {
  const arena = make(ARENA, { keySize: 0, valueSize: 0, flags: MMAPABLE });
  expect(arena).toBeInstanceOf(Arena);
  for (const bytes of ['abc', null, [1]] as never[])
    expect(codeOf(() => (arena as Arena).write(0, bytes))).toEqual(['RUN_OPTION', 'bytes']);
});

test('queues that may only be read or only be written', () => {
  for (const type of [QUEUE, STACK]) {
    const readOnly = make(type, { keySize: 0, flags: RDONLY }) as Queue;
    const writeOnly = make(type, { keySize: 0, flags: WRONLY }) as Queue;
    writeOnly.push(new Uint8Array(8));
    const EPERM = 1;
    for (const run of [() => readOnly.pop(), () => writeOnly.pop(), () => [...writeOnly.entries()]])
      expect(codeOf(run)).toEqual(['RUN_MAP_OP', EPERM]);
    expect(writeOnly.size).toBe(1);
  }
});

test('a map that is closed while it is walked', () => {
  const hash = make(HASH);
  const queue = make(QUEUE, { keySize: 0 });
  const ring = make(USER_RINGBUF, { keySize: 0, valueSize: 0, maxEntries: 4096 }) as UserRingBuf;
  for (let i = 0; i < 3; i++) {
    hash.set(Uint8Array.of(i, 0, 0, 0), new Uint8Array(8));
    (queue as Queue).push(new Uint8Array(8));
    ring.write(new Uint8Array(8));
  }
  for (const map of [hash, queue, ring]) {
    const walk = () => {
      for (const _ of map === hash ? map.keys() : map.entries()) map.close();
    };
    expect(codeOf(walk)).toEqual(['RUN_CLOSED', undefined]);
  }
});
