/** How long programs live that only slots hold: several slots, several arrays, arrays that such programs jump through. */
import { expect, test } from 'vitest';
import type { Engine } from '../src/engine.ts';
import { Bench, newEngine } from './engines.cases.ts';
import { asm, call, callSubprog, exit, label, lddwMap, mov } from './kernel/cases/asm.ts';

const packet = new Uint8Array(64);
const shape = { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 3 } as const;

const returns = (value: number): Uint8Array => asm([mov(0, value), exit()]);
/** From a subprogram into a slot of map number `map`; `otherwise` where it is empty. */
const jumps = (map: number, slot: number, otherwise: number): Uint8Array =>
  asm([
    ...[callSubprog('sub'), exit()],
    ...[label('sub'), lddwMap(2, map), mov(3, slot), call('tail_call'), mov(0, otherwise), exit()],
  ]);

/** An engine whose own buffers are there already, with two prog arrays. */
async function settled(): Promise<{ engine: Engine; bench: Bench; used: number }> {
  const engine = await newEngine();
  engine.scratch(4096);
  engine.frames(8192);
  new Bench(engine, [shape]).close();
  const used = engine.runtime.mem_used();
  return { engine, bench: new Bench(engine, [shape, shape]), used };
}

test('a program in three slots of two arrays is freed with the last of them', async () => {
  const { engine, bench } = await settled();
  const [a, b] = bench.maps;
  const entry = (await bench.load([{ name: 'entry', insns: jumps(1, 1, 7) }], {})).prog('entry');
  const before = engine.runtime.mem_used();
  const leaf = await bench.load([{ name: 'leaf', insns: returns(2) }], {});
  a!.set(0, leaf.prog('leaf'));
  a!.set(2, leaf.prog('leaf'));
  b!.set(1, leaf.prog('leaf'));
  leaf.close();
  expect(engine.runtime.mem_used()).toBeGreaterThan(before);
  a!.delete(0);
  a!.set(2, entry);
  expect(entry.run(packet).returnValue).toBe(2);
  expect(engine.progs.map((prog) => prog.name)).toEqual(['entry', 'leaf']);
  b!.delete(1);
  expect(engine.progs.map((prog) => prog.name)).toEqual(['entry']);
  expect(engine.runtime.mem_used()).toBe(before);
  expect(entry.run(packet).returnValue).toBe(7);
});

test('a program that only a slot holds goes on when the array it jumps through is emptied', async () => {
  const { engine, bench, used } = await settled();
  const [a, b] = bench.maps;
  const entry = await bench.load([{ name: 'entry', insns: jumps(0, 0, 7) }], {});
  const middle = await bench.load([{ name: 'middle', insns: jumps(1, 0, 8) }], {});
  const leaf = await bench.load([{ name: 'leaf', insns: returns(2) }], {});
  a!.set(0, middle.prog('middle'));
  b!.set(0, leaf.prog('leaf'));
  middle.close();
  leaf.close();
  const run = (): number => entry.prog('entry').run(packet).returnValue;
  expect(run()).toBe(2);
  // Its last user empties the second array; what jumps through it finds it empty, not gone.
  b!.close();
  expect(run()).toBe(8);
  expect(engine.progs.map((prog) => prog.name)).toEqual(['entry', 'middle']);
  a!.delete(0);
  expect(run()).toBe(7);
  expect(engine.progs.map((prog) => prog.name)).toEqual(['entry']);
  bench.close();
  expect(engine.runtime.mem_used()).toBe(used);
  expect(engine.table.used).toBe(0);
});

test('two closed programs that hold each other through two arrays go with the arrays', async () => {
  const { engine, bench, used } = await settled();
  const loaded = await bench.load(
    [
      { name: 'one', insns: jumps(0, 0, 7) },
      { name: 'two', insns: jumps(1, 0, 8) },
    ],
    {},
  );
  bench.maps[0]!.set(0, loaded.prog('two'));
  bench.maps[1]!.set(0, loaded.prog('one'));
  const { one } = Object.fromEntries(loaded.progs);
  // 33 jumps, the last of them from `one` into `two`, whose own falls through.
  expect(one!.run(packet).returnValue).toBe(8);
  expect(one!.stats).toMatchObject({ runs: 17, tailCalls: [{ taken: 17, missed: 0 }] });
  loaded.close();
  expect(engine.progs.length).toBe(2);
  bench.close();
  expect(engine.progs).toEqual([]);
  expect(engine.runtime.mem_used()).toBe(used);
  expect(engine.table.used).toBe(0);
});
