/**
 * Functions of 100,000 insns in shapes that break what is quadratic: they compile, and Wasm engines take the result. The time limit only
 * says that nothing hangs; with BPF2WASM_TIMES set the times are printed.
 */
import { expect, test } from 'vitest';
import { compile } from '../../src/jit/compile.ts';
import { checkStructure } from '../../src/verifier/structural.ts';
import { linkedProg } from '../engines.cases.ts';
import { prng } from '../fuzz/generate.ts';
import { alu64, asm, exit, gotol, type Item, ja, jmp, label, mov } from '../kernel/cases/asm.ts';

const INSNS = 100_000;
const random = prng(99);
const below = (n: number): number => random() % n;

const straight = (): Item[] => [...Array.from({ length: INSNS - 2 }, () => alu64('add', 0, 1)), mov(0, 2), exit()];

const diamonds = (): Item[] => [
  ...Array.from({ length: INSNS / 4 - 1 }, () => [
    jmp('jeq', 0, 7, 2),
    alu64('add', 0, 1),
    ja(1),
    alu64('add', 0, 2),
  ]).flat(),
  mov(0, 2),
  exit(),
];

/** `depth` loops in each other, with the same number of insns between. */
function nestedLoops(depth: number): Item[] {
  const heads = Array.from({ length: depth }, (_, i): Item[] => [label(`l${i}`), alu64('add', 0, 1)]);
  const tails = Array.from({ length: depth }, (_, i): Item[] => [jmp('jlt', 0, 3, `l${depth - 1 - i}`)]);
  const rest = Array.from({ length: Math.max(0, INSNS - 2 * depth - 2) }, () => alu64('xor', 1, 1));
  return [...heads.flat(), ...tails.flat(), ...rest, mov(0, 2), exit()];
}

/** One after the other, 100 deep each. */
const manyNests = (): Item[] =>
  Array.from({ length: INSNS / 202 }, (_, n): Item[] => [
    ...Array.from({ length: 100 }, (_, i): Item[] => [label(`${n}.${i}`), alu64('add', 0, 1)]).flat(),
    ...Array.from({ length: 100 }, (_, i): Item[] => [jmp('jlt', 0, 3, `${n}.${99 - i}`)]).flat(),
  ])
    .flat()
    .concat([mov(0, 2), exit()]);

/** A chain of compares, each with a case of its own behind them; the cases go on to the end. */
function bigSwitch(cases: number): Item[] {
  const compares = Array.from({ length: cases }, (_, i): Item => jmp('jeq', 1, i, `c${i}`));
  const bodies = Array.from({ length: cases }, (_, i): Item[] => [label(`c${i}`), mov(0, i & 3), gotol('end')]);
  return [...compares, gotol('end'), ...bodies.flat(), label('end'), exit()];
}

/** Rung i jumps to i + 1 and i - 1, and the entry goes to both ends of every pair. */
const ladder = (rungs: number, entries: number): Item[] => [
  ...Array.from(
    { length: entries },
    (_, i): Item => jmp('jeq', 1, i, `r${Math.floor((i * Math.min(rungs, 10_000)) / entries)}`),
  ),
  ...Array.from({ length: rungs }, (_, i): Item[] => [
    label(`r${i}`),
    alu64('add', 0, 1),
    jmp('jlt', 0, 9, i > 0 ? `r${i - 1}` : `r${i}`),
    jmp('jgt', 0, 1000, i + 2 < rungs ? `r${i + 2}` : 'end'),
  ]).flat(),
  label('end'),
  exit(),
];

/** Jumps to anywhere within 16 bits, both ways. */
function scatter(share: number): Item[] {
  const items: Item[] = Array.from({ length: INSNS }, (_, pc) => {
    if (below(100) >= share) return alu64('add', below(6), below(9));
    const off = Math.max(-pc, Math.min(INSNS - pc - 2, below(2000) - 1000));
    return jmp('jeq', below(6), below(9), off);
  });
  return [...items, exit()];
}

const shapes: readonly (readonly [name: string, insns: () => Uint8Array])[] = [
  ['straight line', () => asm(straight())],
  ['diamonds', () => asm(diamonds())],
  ['loops 1,000 deep', () => asm(nestedLoops(1000))],
  ['loops 10,000 deep', () => asm(nestedLoops(10_000))],
  ['loops 100 deep, one nest behind the other', () => asm(manyNests())],
  ['a switch of 15,000 cases', () => asm(bigSwitch(15_000))],
  ['an irreducible ladder, 2 entries', () => asm(ladder(33_000, 2))],
  ['an irreducible ladder, 1,000 entries', () => asm(ladder(33_000, 1000))],
  ['2 % jumps to anywhere', () => asm(scatter(2))],
  ['20 % jumps to anywhere', () => asm(scatter(20))],
];

test.each(shapes)('%s', { timeout: 60_000 }, (name, make) => {
  const prog = linkedProg({ name: 'large', insns: make() });
  const times: string[] = [];
  for (const checked of [true, false]) {
    const started = performance.now();
    const bytes = compile([checkStructure(prog)], { checked });
    const compiled = performance.now();
    expect(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>)).toBeInstanceOf(WebAssembly.Module);
    const all = performance.now();
    times.push(
      `${(compiled - started).toFixed(0)} + ${(all - compiled).toFixed(0)} ms, ${(bytes.length / 1024).toFixed(0)} KiB`,
    );
  }
  if (process.env.BPF2WASM_TIMES !== undefined) {
    console.log(`${name}: ${prog.insns.length / 8} insns: checked ${times[0]}; unchecked ${times[1]}`);
  }
});
