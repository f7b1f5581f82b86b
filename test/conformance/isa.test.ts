/** The ISA table on every way of compiling, against RFC 9669 as test/kernel/cases/isa/model.ts reads it. */
import { describe, expect, test } from 'vitest';
import type { Prog } from '../../src/runtime/prog.ts';
import { Bench, newEngine, sample, variants } from '../engines.cases.ts';
import { isaCases, isaMaps, isaPacket, RESULT_DST, RESULT_R0, RESULT_SRC } from '../kernel/cases/isa/index.ts';
import type { IsaCase, IsaInput } from '../kernel/cases/types.ts';

const XDP_PASS = 2;
const hex = (value: bigint): string => `0x${value.toString(16)}`;

function difference(one: IsaCase, input: IsaInput, packet: Uint8Array): string[] {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const models = [
    ['r7', RESULT_DST, one.model],
    ['r8', RESULT_SRC, one.modelSrc],
    ['r0', RESULT_R0, one.modelR0],
  ] as const;
  return models.flatMap(([register, offset, model]) => {
    const found = view.getBigUint64(offset, true);
    const wanted = model?.(input.dst, input.src) ?? found;
    if (found === wanted) return [];
    return [`${one.name} (${hex(input.dst)}, ${hex(input.src)}): ${register} is ${hex(found)}, not ${hex(wanted)}`];
  });
}

function runAll(one: IsaCase, prog: Prog): string[] {
  return one.inputs.flatMap((input) => {
    const { returnValue, violation, packet } = prog.run(isaPacket(input));
    if (violation !== undefined) return [`${one.name}: violation ${violation.code} at ${violation.pc}`];
    if (returnValue !== XDP_PASS) return [`${one.name}: returned ${returnValue}`];
    return difference(one, input, packet);
  });
}

/** Programs of one Wasm module. */
const MODULE = 50;

describe.each(variants)('the ISA table: $name', (variant) => {
  const cases = sample(isaCases, variant);
  const runs = cases.reduce((sum, one) => sum + one.inputs.length, 0);

  test(`${cases.length} programs, ${runs} runs`, async () => {
    const engine = await newEngine();
    const wrong: string[] = [];
    let counted = 0;
    for (let from = 0; from < cases.length; from += MODULE) {
      const some = cases.slice(from, from + MODULE);
      const bench = new Bench(engine, isaMaps);
      const progs = some.map((one, i) => ({ name: `isa${i}`, insns: one.insns }));
      const loaded = await bench.load(progs, variant.options);
      some.forEach((one, i) => {
        const prog = loaded.prog(`isa${i}`);
        wrong.push(...runAll(one, prog));
        counted += prog.stats.runs;
      });
      bench.close();
    }
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(counted).toBe(runs);
    engine.close();
  });
});
