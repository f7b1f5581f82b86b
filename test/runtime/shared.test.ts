/** The runtime that several threads share: what is in memory is everybody's, what is in an instance is one thread's, and locks hold. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { STACK_TOP, VM_BASE, VM_FRAME_TOP, VM_MAY_WAIT, VM_SIZE } from '../../assembly/abi.ts';
import { instantiateRuntime } from '../../src/runtime/exports.ts';
import { Memory } from '../../src/runtime/memory.ts';
import { compileSharedRuntime } from '../../src/runtime/shared.ts';

const root = fileURLToPath(new URL('../../assembly/runtime', import.meta.url));

/**
 * Variables of the runtime, which are one thread's own, and why that is right. What threads share is in memory.
 *   call    nobody relies on it from one call of the runtime to the next
 *   main    only the main thread makes maps
 *   timer   programs with timers and queued work do not run on several threads
 *   object  nor do those that make objects
 *   cache   not used with several threads
 *   place   where this thread's scratch memory is
 */
const REVIEWED: Readonly<Record<string, string>> = {
  'helper/print-text.ts': 'call: cut length out room',
  'helper/string.ts': 'call: magnitude negative',
  'map/hash-table.ts': 'main: engineSeed',
  'map/map.ts': 'main: head lastId',
  'net/route.ts': 'call: found',
  'net/siphash.ts': 'call: v0 v1 v2 v3',
  'object/object.ts': 'object: dropped droppedBy dying isBurying',
  'region.ts': 'cache: last',
  'thread.ts': 'place: taken',
  'timer.ts': 'timer: armed first heap heapRoom latest running sorted starts workCount workHead workTail',
};

test('every variable of the runtime has been looked at', () => {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!entry.endsWith('.ts')) continue;
    const names = [...readFileSync(join(root, entry), 'utf8').matchAll(/^(?:export )?let (\w+)/gm)].map((m) => m[1]);
    if (names.length > 0) found[entry] = names.sort().join(' ');
  }
  const reviewed = Object.entries(REVIEWED).map(([file, text]) => [file, text.replace(/^\w+: /, '')]);
  expect(found).toEqual(Object.fromEntries(reviewed));
});

function shared(): Memory {
  return new Memory(new WebAssembly.Memory({ initial: 16, maximum: 4096, shared: true }));
}

async function instance(memory: Memory, module: WebAssembly.Module, vm: number) {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
  return instantiateRuntime(memory.raw, { vm, table, module, traceFull: () => {} });
}

test('a further instance changes nothing of what the first one has written', async () => {
  const memory = shared();
  const module = await compileSharedRuntime();
  const first = await instance(memory, module, VM_BASE);
  first.seed(1, 2);
  first.net_syncookies(2);
  first.alloc(1000);
  const vm = first.alloc(VM_SIZE) >>> 0;
  const before = memory.u8.slice();
  await instance(memory, module, vm);
  expect(memory.u8.length).toBe(before.length);
  expect(memory.u8.findIndex((byte, i) => byte !== before[i])).toBe(-1);
});

const ALLOCATING = `
const { parentPort, workerData } = require('node:worker_threads');
const { memory, module, vm, rounds, mark } = workerData;
const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
const env = { memory, table, vm: new WebAssembly.Global({ value: 'i32' }, vm), trace_full() {} };
const { exports: rt } = new WebAssembly.Instance(module, { env });
let state = mark;
const random = (n) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % n;
const words = (at, size) => new Int32Array(memory.buffer, at, size >> 2);
const live = [];
let bad = 0;
for (let i = 0; i < rounds; i++) {
  if (live.length > 20 || (live.length > 0 && random(2) === 0)) {
    const [{ at, size }] = live.splice(random(live.length), 1);
    if (words(at, size).some((word) => word !== mark)) bad++;
    rt.free(at);
  } else {
    const size = 4 + 4 * random(500);
    const at = rt.alloc(size) >>> 0;
    if (at === 0 || words(at, size).some((word) => word !== 0)) bad++;
    words(at, size).fill(mark);
    live.push({ at, size });
  }
}
for (const { at } of live) rt.free(at);
parentPort.postMessage(bad);
`;

test('threads that allocate at the same time never get the same memory', async () => {
  const memory = shared();
  const module = await compileSharedRuntime();
  const main = await instance(memory, module, VM_BASE);
  memory.setU32(VM_BASE + VM_FRAME_TOP, STACK_TOP);
  const vms = [1, 2, 3].map(() => main.alloc(VM_SIZE) >>> 0);
  const before = main.mem_used();
  const answers = vms.map((vm, i) => {
    memory.setU32(vm + VM_MAY_WAIT, 1);
    const workerData = { memory: memory.raw, module, vm, rounds: 20000, mark: i + 1 };
    const worker = new Worker(ALLOCATING, { eval: true, workerData });
    return new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
  });
  expect(await Promise.all(answers)).toEqual([0, 0, 0]);
  expect(main.mem_used()).toBe(before);
});
