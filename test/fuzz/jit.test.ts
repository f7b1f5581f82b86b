/**
 * Random programs: the engine, checked, against an interpreter of the standard and against itself without checks (jit-sides.ts).
 * BPF2WASM_FUZZ_RUNS programs of each kind, from seed BPF2WASM_FUZZ_SEED on.
 */
import { expect, test } from 'vitest';
import { BpfError } from '../../src/errors/index.ts';
import { assemble, generate, prng } from './generate.ts';
import { parsing } from './generate-parsing.ts';
import { Fuzzer, runEngine, Side, show, shrink } from './jit-sides.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 1000);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
/** Programs of one module. */
const GROUP = 10;

const kinds = [
  { name: 'any', generate },
  { name: 'parsing', generate: parsing },
] as const;

test.each(kinds)(
  `${RUNS} random programs from seed ${SEED} do what the standard says: $name`,
  { timeout: 36_000_000 },
  async ({ name, generate }) => {
    const fuzzer = await Fuzzer.create();
    const outcomes: Record<string, number> = {};
    for (let from = SEED; from < SEED + RUNS; from += GROUP) {
      const group = Array.from({ length: Math.min(GROUP, SEED + RUNS - from) }, (_, i) => generate(from + i));
      const results = await fuzzer.group(group.map(assemble), from);
      for (const { outcome } of results) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      const bad = results.findIndex((result) => result.difference !== undefined);
      if (bad < 0) continue;
      const { difference } = results[bad]!;
      const least = await shrink(await Fuzzer.create(), group, bad, from);
      expect.fail(`seed ${from + bad}: ${difference}\n${show(least)}`);
    }
    console.log(`${name} programs from seed ${SEED}: ${JSON.stringify(outcomes)}`);
    // Both kinds of ends are common, and little is left unjudged.
    expect(outcomes.exit).toBeGreaterThan(RUNS / 5);
    expect(outcomes.violation).toBeGreaterThan(RUNS / 20);
    expect((outcomes.limit ?? 0) + (outcomes.ambiguous ?? 0)).toBeLessThan(RUNS / 5);
  },
);

test('random bytes as insns give a typed error or run to an end', async () => {
  const side = await Side.create();
  const random = prng(SEED);
  const codes: Record<string, number> = {};
  for (let i = 0; i < 2 * RUNS; i++) {
    const insns = Uint8Array.from({ length: 8 * (1 + (random() % 12)) }, () => random());
    // Mostly known opcodes, so that more than the first insn is looked at.
    for (let at = 0; at < insns.length; at += 8) {
      if (random() % 4 > 0)
        insns.set([[0xb7, 0x0f, 0x61, 0x55, 0x95, 0x05, 0x85, 0x18][random() % 8]!, 0, 0, 0, 0, 0, 0, 0], at);
      if (random() % 4 > 0) insns[at + 4] = random() % 12;
    }
    try {
      const loaded = await side.bench.load([{ name: 'garbage', insns }], { checked: true, unverified: true });
      side.layPacket(i);
      runEngine(side, loaded.prog('garbage'));
      loaded.close();
      codes.ran = (codes.ran ?? 0) + 1;
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      codes[error.code] = (codes[error.code] ?? 0) + 1;
    }
  }
  expect(codes.ran).toBeGreaterThan(0);
  expect(Object.keys(codes).length).toBeGreaterThan(5);
});
