// The instruction table and what is made from it: decoding, its errors, the support page.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isaSupportPage } from '../scripts/make-isa-support.ts';
import { InsnError } from '../src/errors/index.ts';
import { decodeInsns, decodeOp, encodeInsns } from '../src/isa/decode.ts';
import { helperNames } from '../src/isa/helper-names.ts';
import { helpers } from '../src/isa/helpers.ts';
import type { Insn } from '../src/isa/insn.ts';
import { findRow } from '../src/isa/match.ts';
import { isaTable } from '../src/isa/table.ts';
import { insnOf, rowName } from './isa-arbitrary.ts';
import { caseTables } from './kernel/cases/index.ts';
import { isaCases } from './kernel/cases/isa/index.ts';

const insn = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ opcode, dst, src, off, imm });

describe('the table', () => {
  test('rows of one opcode differ in one field', () => {
    for (const row of isaTable()) {
      const same = isaTable().filter((other) => other.opcode === row.opcode);
      const fields = new Set(same.map((other) => other.select?.field));
      const values = new Set(same.map((other) => other.select?.value));
      expect(fields.size, rowName(row)).toBe(1);
      expect(values.size, rowName(row)).toBe(same.length);
    }
  });

  // RFC 9669 section 2.4; counted by hand from the insns that sections 4 and 5 put into each group.
  test.each([
    // 9 operations x 2, neg, 2 movsx; 6 swaps; 3 x (load, store, store imm), 2 memsx; 22 jumps; ja, gotol, 3 calls, exit
    ['base32', 9 * 2 + 1 + 2 + 6 + 9 + 2 + 22 + 6],
    ['base64', 9 * 2 + 1 + 3 + 3 + 3 + 1 + 22 + 7],
    ['divmul32', 10],
    ['divmul64', 10],
    ['atomic32', 10],
    ['atomic64', 10],
    ['packet', 6],
    ['linux', 10],
  ])('group %s has %i rows', (group, count) => {
    expect(isaTable().filter((row) => row.group === group)).toHaveLength(count);
  });

  test('each row is run by a case that the kernel answered, but for what needs BTF and for file descriptors', () => {
    const seen = new Set<unknown>();
    const progs = Object.values(caseTables).flatMap((cases) => cases.flatMap((one) => one.progs));
    for (const { insns: bytes } of [...isaCases, ...progs]) {
      const insns = decodeInsns(bytes);
      for (let pc = 0; pc < insns.length; pc++) {
        const row = findRow(insns[pc], insns[pc + 1], pc);
        seen.add(row);
        if (row.meaning.kind === 'lddw') pc++;
      }
    }
    expect(
      isaTable()
        .filter((row) => !seen.has(row))
        .map((row) => row.syntax),
    ).toEqual([
      '{rd} = addr_space_cast({rs}, {spaces})',
      '{rd} = map[fd:{imm}]',
      '{rd} = map[fd:{imm}][0]+{next}',
      '{rd} = btf[id:{imm} module:{next}]',
      '{rd} = subprog[{rel}]',
      'call kfunc[id:{imm} module:{module}]',
    ]);
  });

  test('the helpers that can be called have their UAPI names', () => {
    expect(helpers().map((helper) => helperNames()[helper.id])).toEqual(helpers().map((helper) => helper.name));
    expect(helperNames()).toHaveLength(212);
  });

  test('docs/isa-support.md is up to date', () => {
    expect(readFileSync('docs/isa-support.md', 'utf8')).toBe(isaSupportPage(isaTable()));
  });
});

describe('decoding', () => {
  test.each(isaTable().map((row) => [rowName(row), row] as const))('%s: bytes, insns and op', (_, row) => {
    fc.assert(
      fc.property(insnOf(row), (slots) => {
        expect(decodeInsns(encodeInsns(slots))).toEqual(slots);
        expect(findRow(slots[0], slots[1], 7)).toBe(row);
        const op = decodeOp(slots[0], slots[1], 7);
        if (row.meaning.kind !== 'cast') expect(op.kind).toBe(row.meaning.kind);
        if ('width' in row.meaning) expect(op).toMatchObject({ width: row.meaning.width });
        if ('size' in row.meaning) expect(op).toMatchObject({ size: row.meaning.size });
        if ('op' in row.meaning) expect(op).toMatchObject({ op: row.meaning.op });
      }),
      { numRuns: 25 },
    );
  });

  test.each(isaTable().flatMap((row) => row.zero.map((field) => [rowName(row), field, row] as const)))(
    '%s with something in %s is refused',
    (_, field, row) => {
      const slots = fc.sample(insnOf(row), { seed: 1, numRuns: 1 })[0];
      if (field === 'next') slots[1] = { ...slots[1], imm: 1 };
      else slots[0] = { ...slots[0], [field]: 1 };
      const code = field === 'next' ? 'INSN_WIDE' : 'INSN_RESERVED';
      const decode = () => decodeOp(slots[0], slots[1], 3);
      expect(decode).toThrow(InsnError);
      expect(decode).toThrow(expect.objectContaining({ code, fields: expect.objectContaining({ pc: 3, found: 1 }) }));
    },
  );

  test('a cast of address spaces', () => {
    const cast = (imm: number) => decodeOp(insn(0xbf, 1, 2, 1, imm), undefined, 0);
    expect(cast(1)).toEqual({ kind: 'alu', op: 'mov', width: 32, dst: 1, src: { kind: 'reg', reg: 2 } });
    expect(cast(0x10000)).toEqual({ kind: 'cast_user', dst: 1, src: 2 });
  });

  const lddw = insn(0x18, 1);
  test.each([
    [insn(0x8d), undefined, 'insn 5: unknown opcode 0x8d'],
    [insn(0x00), undefined, 'insn 5: unknown opcode 0x00'],
    [insn(0x37, 0, 0, 2), undefined, 'insn 5 (opcode 0x37) has no form with off 2: it is one of 0, 1'],
    [insn(0xbf, 1, 1, 1, 2), undefined, 'insn 5 (opcode 0xbf) has no form with imm 2: it is one of 1, 0x10000'],
    [insn(0xdc, 0, 0, 0, 8), undefined, 'insn 5 (opcode 0xdc) has no form with imm 8: it is one of 16, 32, 0x40'],
    [insn(0x85, 0, 3), undefined, 'insn 5 (opcode 0x85) has no form with src 3: it is one of 0, 1, 2'],
    [insn(0xd3, 0, 0, 0, 0), undefined, 'insn 5 (opcode 0xd3) has no form with imm 0: it is one of 0x100, 0x110'],
    [insn(0xb7, 1, 2), undefined, 'insn 5 (opcode 0xb7) uses reserved fields: src is 2 and must be 0'],
    [insn(0xbf, 1, 11), undefined, 'insn 5 (opcode 0xbf): src R11 is invalid; registers are R0 to R10'],
    [
      lddw,
      undefined,
      'insn 5 (opcode 0x18): invalid BPF_LD_IMM insn: it takes two slots and the code ends after the first',
    ],
    [lddw, insn(0x95), 'insn 5 (opcode 0x18): invalid BPF_LD_IMM insn: opcode of its second slot is 149 and must be 0'],
    [
      { ...lddw, src: 1 },
      insn(0, 0, 0, 0, 4),
      'insn 5 (opcode 0x18): invalid BPF_LD_IMM insn: imm of its second slot is 4 and must be 0',
    ],
  ] as const)('%j, %j', (first, next, message) => {
    expect(() => decodeOp(first, next, 5)).toThrow(message);
  });

  test('bytes that are no whole insn', () => {
    expect(() => decodeInsns(new Uint8Array(12))).toThrow('12 bytes are no whole number of 8-byte insns');
  });

  test.each([
    [insn(256), 'insn 1 cannot be encoded: its opcode is 256, where an integer from 0 to 255 is expected'],
    [insn(0xbf, 16), 'insn 1 cannot be encoded: its dst is 16, where an integer from 0 to 15 is expected'],
    [insn(0xbf, 0, -1), 'insn 1 cannot be encoded: its src is -1, where an integer from 0 to 15 is expected'],
    [insn(0x05, 0, 0, 0x8000), 'its off is 32768, where an integer from -32768 to 32767 is expected'],
    [
      insn(0xb7, 0, 0, 0, 2 ** 31),
      'its imm is 2147483648, where an integer from -2147483648 to 2147483647 is expected',
    ],
    [insn(0xb7, 0, 0, 0, 0.5), 'its imm is 0.5,'],
    [insn(0xb7, 0, 0, 0, Number.NaN), 'its imm is NaN,'],
  ])('a field that does not fit is not encoded: %j', (slot, message) => {
    expect(() => encodeInsns([insn(0x95), slot])).toThrow(InsnError);
    expect(() => encodeInsns([insn(0x95), slot])).toThrow(message);
  });

  test('100,000 insns decode in well under 100 ms', () => {
    const slots = isaTable().map((row) => fc.sample(insnOf(row), { seed: 2, numRuns: 1 })[0]);
    const insns = Array.from({ length: 100_000 }, (_, i) => slots[i % slots.length]);
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round++) {
      const start = performance.now();
      insns.forEach(([first, next], pc) => {
        decodeOp(first, next, pc);
      });
      best = Math.min(best, performance.now() - start);
    }
    expect(best).toBeLessThan(100);
  });
});
