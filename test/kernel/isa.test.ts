// The ISA table against the running kernel and against RFC 9669 in BigInt: the table is right before an engine meets it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeKernel } from './available.ts';
import { closeFd, createMap, testRun } from './bpf.ts';
import { isaCases, isaMaps, isaPacket, RESULT_DST, RESULT_R0, RESULT_SRC } from './cases/isa/index.ts';
import type { IsaCase, IsaInput } from './cases/types.ts';
import { loadCaseProg } from './run.ts';
import { XDP_PASS } from './uapi.ts';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** What differs between the packet that came out and the model, as text; nothing when all is well. */
function difference(one: IsaCase, input: IsaInput, out: Uint8Array): string[] {
  const view = new DataView(out.buffer, out.byteOffset, out.length);
  const models = [
    ['r7', RESULT_DST, one.model],
    ['r8', RESULT_SRC, one.modelSrc],
    ['r0', RESULT_R0, one.modelR0],
  ] as const;
  return models.flatMap(([register, offset, model]) => {
    const found = view.getBigUint64(offset, true);
    const wanted = model?.(input.dst, input.src) ?? found;
    if (found === wanted) return [];
    return [
      `${one.name} (${hex(input.dst)}, ${hex(input.src)}): ${register} is ${hex(found)}, the model says ${hex(wanted)}`,
    ];
  });
}

describeKernel('the ISA table in the kernel', () => {
  const maps: number[] = [];
  beforeAll(() => {
    for (const map of isaMaps) maps.push(createMap(map));
  });
  afterAll(() => {
    for (const fd of maps) closeFd(fd);
  });

  function runAll(cases: readonly IsaCase[]): string[] {
    const wrong: string[] = [];
    for (const one of cases) {
      const fd = loadCaseProg({ name: 'isa', type: 'xdp', insns: one.insns }, maps);
      for (const input of one.inputs) {
        const { retval, data } = testRun(fd, { data: isaPacket(input) });
        if (retval !== XDP_PASS) wrong.push(`${one.name}: returned ${retval}`);
        wrong.push(...difference(one, input, data));
      }
      closeFd(fd);
    }
    return wrong;
  }

  for (const group of ['alu', 'jmp', 'other'] as const) {
    const cases = isaCases.filter((one) => one.group === group);
    const runs = cases.reduce((sum, one) => sum + one.inputs.length, 0);
    test(`${group}: ${cases.length} programs, ${runs} runs`, () => {
      expect(runs).toBeGreaterThan(1000);
      expect(runAll(cases)).toEqual([]);
    });
  }
});

test('every case of the ISA table has a name of its own, inputs, and a model', () => {
  expect(new Set(isaCases.map((one) => one.name)).size).toBe(isaCases.length);
  expect(isaCases.filter((one) => one.inputs.length === 0 || one.model === undefined)).toEqual([]);
});
