/**
 * Every kind of program in the slots of a prog array: none, the caller itself, one in front of it or behind it in its module, one of the same kind that
 * was loaded alone, one of other code. They are replaced between batches; R0 and the statistics are what a model says, however the callers are compiled.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CTX_SIZE, CTX_VERDICT } from '../../assembly/abi.ts';
import { MAX_TAIL_CALL_CNT } from '../../assembly/isa.ts';
import type { Engine, InternalLoadOptions } from '../../src/engine.ts';
import { runBatch } from '../../src/runtime/batch.ts';
import { frameSize, layFrame, writeContext } from '../../src/runtime/packet.ts';
import type { Prog } from '../../src/runtime/prog.ts';
import type { ProgArray } from '../../src/runtime/prog-array.ts';
import type { Violation } from '../../src/runtime/trap.ts';
import { Bench, newEngine } from '../engines.cases.ts';
import {
  asm,
  call,
  callSubprog,
  exit,
  type Item,
  label,
  lddwMap,
  lddwMapValue,
  ldx,
  mov,
  movr,
} from '../kernel/cases/asm.ts';

const PACKET = 64;
const PACKETS = 3;
/** Map 0: the prog array; map 1: where computed indices come from. */
const maps = [
  { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 4 },
  { type: 'array', keySize: 4, valueSize: 32, maxEntries: 1 },
] as const;

/** The module's programs in order, with the slot that each jumps through; what it returns where it cannot is its number. */
const CALLERS = [
  { name: 'front', slot: 1 },
  { name: 'entry', slot: 0 },
  { name: 'behind', slot: 1 },
  { name: 'other', slot: 2 },
] as const;
const LEAF = { name: 'leaf', slot: undefined };
const ALL = [...CALLERS, LEAF] as const;
/** Loaded each for itself: `alone` is compiled as `behind` is, `foreign` goes back to slot 0. */
const ALONE = { name: 'alone', slot: 1 };
const FOREIGN = { name: 'foreign', slot: 0 };
const EVERY = [...ALL, ALONE, FOREIGN];
type Name = (typeof EVERY)[number]['name'];
const returned = (name: string): number => 100 + EVERY.findIndex((one) => one.name === name);

type IndexForm = 'constant' | 'computed';

/** `pad`: insns that make the program larger. */
function insnsOf({ name, slot }: { name: string; slot: number | undefined }, form: IndexForm, pad: number): Uint8Array {
  const padding: Item[] = Array.from({ length: pad }, (_, i) => mov(7, i));
  if (slot === undefined) return asm([...padding, mov(0, returned(name)), exit()]);
  const index = form === 'constant' ? [mov(3, slot)] : [lddwMapValue(3, 1), ldx('dw', 3, 3, slot * 8)];
  return asm([...padding, lddwMap(2, 0), ...index, call('tail_call'), mov(0, returned(name)), exit()]);
}

/** What `slots` make of one packet that enters `from`. */
function model(from: Name, slots: readonly (Name | undefined)[]) {
  const runs = new Map<string, number>([[from, 1]]);
  const taken = new Map<string, number>();
  let at: string = from;
  for (let count = 0; ; count++) {
    const slot = EVERY.find(({ name }) => name === at)!.slot;
    const next = slot === undefined ? undefined : slots[slot];
    if (next === undefined || count >= MAX_TAIL_CALL_CNT) return { value: returned(at), runs, taken, last: at };
    taken.set(at, (taken.get(at) ?? 0) + 1);
    runs.set(next, (runs.get(next) ?? 0) + 1);
    at = next;
  }
}

/** Runs a batch; gives R0 of each packet. */
function runAll(engine: Engine, prog: Prog, onViolation: (violation: Violation, index: number) => void): number[] {
  const { memory } = engine;
  const ctx = engine.frames(PACKETS * (CTX_SIZE + frameSize(PACKET)));
  for (let i = 0; i < PACKETS; i++) {
    const frame = layFrame(ctx + PACKETS * CTX_SIZE + i * frameSize(PACKET), PACKET);
    writeContext(memory.view, ctx + i * CTX_SIZE, { ...frame, timeNs: 0n, wireLength: PACKET });
  }
  runBatch(engine, prog, { ctx, count: PACKETS }, onViolation);
  return Array.from({ length: PACKETS }, (_, i) => memory.u32(ctx + i * CTX_SIZE + CTX_VERDICT));
}

const never = (violation: Violation): never => {
  throw new Error(JSON.stringify(violation, (_, value) => (typeof value === 'bigint' ? `${value}` : value)));
};

let engine: Engine;
beforeAll(async () => {
  engine = await newEngine();
});
afterAll(() => engine.close());

interface Loaded {
  readonly bench: Bench;
  readonly array: ProgArray;
  readonly progs: ReadonlyMap<string, Prog>;
}

async function loadAll(form: IndexForm, pad: number, options: InternalLoadOptions): Promise<Loaded> {
  const bench = new Bench(engine, maps);
  bench.maps[1]!.set(0, new Uint8Array(BigUint64Array.of(0n, 1n, 2n, 3n).buffer));
  const bare = (one: (typeof EVERY)[number]) => ({ name: one.name, insns: insnsOf(one, form, pad) });
  const modules = [ALL.map(bare), [bare(ALONE)], [bare(FOREIGN)]];
  const progs = new Map<string, Prog>();
  for (const module of modules) {
    for (const [name, prog] of (await bench.load(module, options)).progs) progs.set(name, prog);
  }
  return { bench, array: bench.maps[0] as ProgArray, progs };
}

function fill({ array, progs }: Loaded, slots: readonly (Name | undefined)[]): void {
  slots.forEach((name, slot) => {
    if (name !== undefined) array.set(slot, progs.get(name));
    else array.delete(slot);
  });
}

function check({ progs }: Loaded, from: Name, slots: readonly (Name | undefined)[]): void {
  for (const prog of progs.values()) prog.resetStats();
  const wanted = model(from, slots);
  const what = `${from} with [${slots}]`;
  expect(runAll(engine, progs.get(from)!, never), what).toEqual(Array(PACKETS).fill(wanted.value));
  for (const [name, prog] of progs) {
    const { runs, tailCalls } = prog.stats;
    const missed = wanted.last === name && tailCalls.length > 0 ? 1 : 0;
    const expected = [wanted.runs.get(name) ?? 0, wanted.taken.get(name) ?? 0, missed].map((n) => n * PACKETS);
    const [site] = tailCalls;
    expect([runs, site?.taken ?? 0, site?.missed ?? 0], `${what}: ${name}`).toEqual(expected);
  }
}

/** Small programs have loops of their own, larger ones share a loop, large ones are called. */
const SIZES = [
  { name: 'loops of their own', pad: 0 },
  { name: 'a shared loop', pad: 150 },
  { name: 'functions', pad: 1100 },
] as const;
const WAYS: readonly { readonly name: string; readonly options: InternalLoadOptions }[] = [
  { name: 'checked', options: { checked: true } },
  { name: 'unchecked', options: {} },
  { name: 'optimized', options: { optimize: true } },
];
const CONTENTS: readonly (Name | undefined)[] = [undefined, ...EVERY.map(({ name }) => name)];

describe.each(WAYS)('$name', ({ options }) => {
  const forms: readonly IndexForm[] = ['constant', 'computed'];
  const rows = SIZES.flatMap((size) => forms.map((form) => ({ ...size, form })));

  test.each(rows)('$name, index $form: every pair of slots', async ({ form, pad }) => {
    const loaded = await loadAll(form, pad, options);
    for (const first of CONTENTS) {
      for (const second of CONTENTS) {
        const slots = [first, second, 'leaf' as const];
        fill(loaded, slots);
        for (const from of ['entry', 'behind', 'foreign'] as const) check(loaded, from, slots);
      }
    }
    loaded.bench.close();
  });

  test('programs of the module are reached without the table', async () => {
    for (const { pad } of SIZES) {
      const loaded = await loadAll('constant', pad, options);
      const slots = ['behind', 'front', 'leaf'] as const;
      fill(loaded, slots);
      const { array } = loaded;
      for (let slot = 0; slot < slots.length; slot++) engine.table.table.set(array.tableBase + slot, null);
      check(loaded, 'entry', slots);
      loaded.bench.close();
    }
  });
});

/** With checks and no verifier: a load at `address`, which is in nothing. */
const violates: readonly Item[] = [mov(2, 8), ldx('w', 0, 2, 0), exit()];

describe('violations behind tail calls', () => {
  const load = async (progs: readonly { name: string; insns: Uint8Array }[]) => {
    const bench = new Bench(engine, maps);
    const loaded = await bench.load(progs, { checked: true, unverified: true });
    return { bench, array: bench.maps[0]!, loaded };
  };
  const jump = (slot: number): Item[] => [lddwMap(2, 0), mov(3, slot), call('tail_call')];

  test('name the program that was called, and where in it', async () => {
    const progs = [
      { name: 'entry', insns: asm([...jump(0), mov(0, 1), exit()]) },
      { name: 'bad', insns: asm([...violates]) },
    ];
    const { bench, array, loaded } = await load(progs);
    array.set(0, loaded.prog('bad'));
    const found: [string, number, number][] = [];
    const values = runAll(engine, loaded.prog('entry'), ({ prog, pc }, index) => found.push([prog, pc, index]));
    expect(values).toEqual([0, 0, 0]);
    expect(found).toEqual([0, 1, 2].map((index) => ['bad', 1, index]));
    expect(loaded.prog('bad').stats.runs).toBe(3);
    expect(loaded.prog('entry').stats).toMatchObject({ runs: 3, tailCalls: [{ taken: 3, missed: 0 }] });
    array.delete(0);
    expect(runAll(engine, loaded.prog('entry'), never)).toEqual([1, 1, 1]);
    bench.close();
  });

  test.each([
    ['itself', violates],
    ['a function that it calls', [callSubprog('sub'), exit(), label('sub'), ...violates]],
  ] as const)('calls of a program by itself are counted when it ends by %s', async (_, end) => {
    const { bench, array, loaded } = await load([
      { name: 'again', insns: asm([movr(6, 1), movr(1, 6), ...jump(0), ...end]) },
    ]);
    array.set(0, loaded.prog('again'));
    let violations = 0;
    expect(runAll(engine, loaded.prog('again'), () => violations++)).toEqual([0, 0, 0]);
    expect(violations).toBe(3);
    const { runs, tailCalls } = loaded.prog('again').stats;
    expect([runs, tailCalls[0]?.taken, tailCalls[0]?.missed]).toEqual([3 * 34, 3 * 33, 3]);
    bench.close();
  });
});

test('random numbers of compiled programs are those of the runtime, the CPU is the one of the engine', async () => {
  const bench = new Bench(engine, maps);
  const random = asm([call('get_prandom_u32'), exit()]);
  const loaded = await bench.load(
    [
      { name: 'random', insns: random },
      { name: 'cpu', insns: asm([call('get_smp_processor_id'), exit()]) },
    ],
    {},
  );
  const draw = () => loaded.prog('random').run(new Uint8Array(PACKET)).returnValue;
  engine.runtime.seed(3, 4);
  const drawn = [draw(), draw(), draw()];
  engine.runtime.seed(3, 4);
  expect([1, 2, 3].map(() => Number(engine.runtime.get_prandom_u32()))).toEqual(drawn);
  expect(new Set(drawn).size).toBe(3);
  expect(loaded.prog('cpu').run(new Uint8Array(PACKET)).returnValue).toBe(0);
  bench.close();
});
