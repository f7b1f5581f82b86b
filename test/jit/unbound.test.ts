/** A module that was compiled without an engine: it imports its addresses, and does what the one that an engine makes does. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CTX_SIZE, CTX_VERDICT } from '../../assembly/abi.ts';
import { compileObject } from '../../src/compiler.ts';
import { Engine } from '../../src/engine.ts';
import type { Loaded } from '../../src/loader.ts';
import { loadObject } from '../../src/object/load.ts';
import { runBatch } from '../../src/runtime/batch.ts';
import { frameSize, layFrame, writeContext } from '../../src/runtime/packet.ts';
import { ProgArray } from '../../src/runtime/prog-array.ts';

const PACKETS = 3;
/** Ethernet, IPv4 without options, UDP. */
const PACKET = Uint8Array.from({ length: 64 }, (_, i) => ({ 12: 8, 14: 0x45, 23: 17 })[i] ?? 0);
const STATISTICS = 4096;

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.create({ cpus: 2, cpu: 1 });
});
afterAll(() => engine.close());

const i32 = (value: number) => new WebAssembly.Global({ value: 'i32' }, value);

/** What the module asks for, from the engine that has the object as well. */
function importsOf(module: WebAssembly.Module, loaded: Loaded): WebAssembly.Imports {
  const runtime = engine.runtime as unknown as Record<string, WebAssembly.ImportValue>;
  const own: Record<string, WebAssembly.ImportValue> = {
    memory: engine.memory.raw,
    table: engine.table.table,
    vm: i32(engine.vm),
  };
  const globals = new Map<string, number>();
  for (const [name, map] of loaded.maps) {
    globals.set(`map ${name}`, map.address);
    if (map instanceof ProgArray) globals.set(`map ${name}.table`, map.tableBase);
  }
  for (const [name, prog] of loaded.progs) {
    globals.set(`prog ${name}.id`, prog.id);
    globals.set(`prog ${name}.stats`, engine.alloc(STATISTICS, 'statistics'));
  }
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: space, name, kind } of WebAssembly.Module.imports(module)) {
    const found = space === 'env' ? (own[name] ?? runtime[name]) : runtime[name];
    const value = kind === 'global' && space !== 'env' ? i32(globals.get(`${space} ${name}`)!) : found;
    imports[space] = { ...imports[space], [name]: value! };
  }
  return imports;
}

/** R0 of every packet. */
function run(loop: (ctx: number, end: number) => void, stopsEarly: boolean): number[] {
  const { memory } = engine;
  const ctx = engine.frames(PACKETS * (CTX_SIZE + frameSize(PACKET.length)));
  for (let i = 0; i < PACKETS; i++) {
    const frame = layFrame(ctx + PACKETS * CTX_SIZE + i * frameSize(PACKET.length), PACKET.length);
    memory.u8.set(PACKET, frame.data);
    writeContext(memory.view, ctx + i * CTX_SIZE, { ...frame, timeNs: 0n, wireLength: PACKET.length });
  }
  runBatch(engine, { loop, stopsEarly, addRuns: () => {} }, { ctx, count: PACKETS }, (violation) => {
    throw new Error(violation.prog);
  });
  return Array.from({ length: PACKETS }, (_, i) => memory.u32(ctx + i * CTX_SIZE + CTX_VERDICT));
}

async function both(file: string, checked: boolean) {
  const object = loadObject(readFileSync(file));
  const loaded = await engine.load(object, { checked });
  const module = await WebAssembly.compile((await compileObject(object, { checked })) as Uint8Array<ArrayBuffer>);
  const { exports } = await WebAssembly.instantiate(module, importsOf(module, loaded));
  const loopOf = (name: string) => exports[`run:${name}`] as (ctx: number, end: number) => void;
  return { loaded, loopOf };
}

test.each([true, false])('tail calls, checked %s', async (checked) => {
  const { loaded, loopOf } = await both('bench/programs/chain.o', checked);
  const hops = loaded.map('hops');
  for (let i = 1; i <= 32; i++) hops.set(i - 1, loaded.prog(`hop_${i}`));
  hops.set(39, loaded.prog('again'));
  // Nothing sits in slot 32.
  for (const [name, value] of [
    ['hop_0', 0],
    ['again', 3],
  ] as const) {
    expect(run(loaded.prog(name).loop, true), name).toEqual([value, value, value]);
    expect(run(loopOf(name), true), name).toEqual([value, value, value]);
  }
  hops.set(32, loaded.prog('last'));
  expect(run(loopOf('hop_0'), true)).toEqual([3, 3, 3]);
  loaded.close();
});

test.each([true, false])('a per-CPU array, checked %s', async (checked) => {
  const { loaded, loopOf } = await both('bench/programs/counter.o', checked);
  expect(run(loopOf('counter'), false)).toEqual([2, 2, 2]);
  expect(loaded.map('traffic').get(17)).toMatchObject([
    { packets: 0n, bytes: 0n },
    { packets: 3n, bytes: 192n },
  ]);
  loaded.close();
});
