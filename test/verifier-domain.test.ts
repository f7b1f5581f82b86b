// The number domains: every small tnum and range through every operation, and the text of what is known.

import { beforeAll, describe, expect, test } from 'vitest';
import * as isa from '../assembly/isa.ts';
import { type ScalarFields, scalarText } from '../src/verifier/scalar-text.ts';
import { ALU_OPS, JUMPS } from './verifier-domain/chain.ts';
import { alu, compare } from './verifier-domain/concrete.ts';
import { admits, type Domain, loadDomain, readScalar, SIZE } from './verifier-domain/module.ts';

const [A, B, C, D] = [1024, 1024 + SIZE, 1024 + 2 * SIZE, 1024 + 3 * SIZE];
const WIDTH = 3;
const HIGHEST = (1 << WIDTH) - 1;
const u64 = (v: number | bigint): bigint => BigInt.asUintN(64, BigInt(v));

let domain: Domain;

beforeAll(async () => {
  domain = await loadDomain();
});

interface SmallTnum {
  readonly value: bigint;
  readonly mask: bigint;
  readonly members: readonly bigint[];
}

/** All tnums of WIDTH bits, at the low end and at the high end of 64 bits. */
function smallTnums(shift: number): SmallTnum[] {
  const found: SmallTnum[] = [];
  for (let mask = 0; mask <= HIGHEST; mask++) {
    for (let value = 0; value <= HIGHEST; value++) {
      if ((value & mask) !== 0) continue;
      const members = Array.from({ length: HIGHEST + 1 }, (_, m) => m).filter((m) => (m & ~mask) === value);
      const up = (v: number): bigint => u64(BigInt(v) << BigInt(shift));
      found.push({ value: up(value), mask: up(mask), members: members.map(up) });
    }
  }
  return found;
}

function putTnum(at: number, { value, mask }: Pick<SmallTnum, 'value' | 'mask'>): void {
  const view = new DataView(domain.memory.buffer, at, 16);
  view.setBigUint64(0, value, true);
  view.setBigUint64(8, mask, true);
}

function expectMember(at: number, number: bigint, what: () => string): void {
  const { value, mask } = readScalar(domain, at);
  if ((value & mask) !== 0n || (u64(number) & ~mask) !== value) {
    throw new Error(`${what()}: ${number} is not in (0x${value.toString(16)}; 0x${mask.toString(16)})`);
  }
}

const tnumText = (t: SmallTnum): string => `(0x${t.value.toString(16)}; 0x${t.mask.toString(16)})`;

describe.each([0, 61])('tnums of 3 bits at bit %i', (shift) => {
  const binary = [
    ['tnumAdd', (a: bigint, b: bigint) => a + b],
    ['tnumSub', (a: bigint, b: bigint) => a - b],
    ['tnumMul', (a: bigint, b: bigint) => a * b],
    ['tnumAnd', (a: bigint, b: bigint) => a & b],
    ['tnumOr', (a: bigint, b: bigint) => a | b],
    ['tnumXor', (a: bigint, b: bigint) => a ^ b],
  ] as const;

  test.each(binary)('%s', (name, concrete) => {
    for (const a of smallTnums(shift)) {
      for (const b of smallTnums(shift)) {
        putTnum(A, a);
        domain[name](A, b.value, b.mask);
        for (const x of a.members) {
          for (const y of b.members) expectMember(A, concrete(x, y), () => `${tnumText(a)} ${name} ${tnumText(b)}`);
        }
      }
    }
  });

  test('shifts and negation', () => {
    for (const a of smallTnums(shift)) {
      for (const amount of [0, 1, 2, 31, 32, 61, 63]) {
        const by = BigInt(amount);
        const cases: [(at: number) => void, (v: bigint) => bigint][] = [
          [(at) => domain.tnumLsh(at, by), (v) => v << by],
          [(at) => domain.tnumRsh(at, by), (v) => v >> by],
          [(at) => domain.tnumArsh(at, by), (v) => BigInt.asIntN(64, v) >> by],
          [(at) => domain.tnumArsh32(at, amount % 32), (v) => BigInt.asUintN(32, BigInt.asIntN(32, v) >> (by % 32n))],
          [(at) => domain.tnumNeg(at), (v) => -v],
        ];
        for (const [change, concrete] of cases) {
          putTnum(A, a);
          change(A);
          for (const x of a.members) expectMember(A, concrete(x), () => `${tnumText(a)} by ${amount}`);
        }
      }
    }
  });

  test('the next member, and what both hold', () => {
    const tnums = smallTnums(shift);
    for (const a of tnums) {
      putTnum(A, a);
      const largest = a.members[a.members.length - 1];
      for (let n = 0; n <= HIGHEST; n++) {
        const number = u64(BigInt(n) << BigInt(shift));
        expect(u64(domain.tnumNext(A, number))).toBe(a.members.find((m) => m > number) ?? largest);
      }
      for (const b of tnums) {
        const both = a.members.filter((m) => b.members.includes(m));
        expect(Boolean(domain.tnumOverlap(a.value, a.mask, b.value, b.mask))).toBe(both.length > 0);
        putTnum(B, b);
        expect(Boolean(domain.tnumContains(A, B))).toBe(both.length === b.members.length);
        putTnum(C, a);
        domain.tnumIntersect(C, b.value, b.mask);
        for (const m of both) expectMember(C, m, () => `${tnumText(a)} and ${tnumText(b)}`);
      }
    }
  });
});

/** All ranges low..high of numbers around 0. */
const RANGES = Array.from({ length: 7 }, (_, i) => i - 3).flatMap((low) =>
  Array.from({ length: 4 - low }, (_, i) => [low, low + i] as const),
);
const numbersOf = ([low, high]: readonly [number, number]): bigint[] =>
  Array.from({ length: high - low + 1 }, (_, i) => u64(low + i));

function putRange(at: number, [low, high]: readonly [number, number]): void {
  domain.setUnknown(at);
  domain.setConst(D, u64(low));
  domain.refine(isa.BPF_JSGE, false, at, D);
  domain.setConst(D, u64(high));
  if (domain.branchTaken(isa.BPF_JSLE, false, at, D) < 0) domain.refine(isa.BPF_JSLE, false, at, D);
}

function expectAdmitted(at: number, number: bigint, what: string): void {
  if (admits(domain, at, number) && domain.isConsistent(at)) return;
  throw new Error(`${what}: ${scalarText(readScalar(domain, at))} is 0x${number.toString(16)}`);
}

const isShift = (op: number): boolean => op === isa.BPF_LSH || op === isa.BPF_RSH || op === isa.BPF_ARSH;

describe.each([true, false])('ranges around 0, 64 bits: %s', (is64) => {
  test.each(ALU_OPS)('ALU operation %i', (op) => {
    for (const a of RANGES) {
      for (const b of RANGES) {
        putRange(A, a);
        putRange(B, b);
        domain.scalarAlu(op, is64, A, B);
        for (const x of numbersOf(a)) {
          for (const y of numbersOf(b)) {
            if (!isShift(op) || y < 32n) expectAdmitted(A, alu(op, is64, x, y), `${a} ${op} ${b}`);
          }
        }
      }
    }
  });

  test.each(JUMPS)('comparison %i', (op) => {
    for (const a of RANGES) for (const b of RANGES) checkComparison(op, !is64, a, b);
  });
});

function checkComparison(op: number, is32: boolean, a: readonly [number, number], b: readonly [number, number]): void {
  putRange(A, a);
  putRange(B, b);
  const outcome = domain.branchTaken(op, is32, A, B);
  const pairs = numbersOf(a).flatMap((x) => numbersOf(b).map((y) => [x, y] as const));
  const outcomes = new Set(pairs.map(([x, y]) => compare(op, is32, x, y)));
  if (outcome >= 0) expect([...outcomes], `${a} ${op} ${b}`).toEqual([outcome === 1]);
  else {
    for (const holds of [true, false]) {
      domain.copyScalar(C, A);
      domain.copyScalar(D, B);
      domain.refine(holds ? op : domain.invert(op), is32, C, D);
      for (const [x, y] of pairs.filter((pair) => compare(op, is32, ...pair) === holds)) {
        expectAdmitted(C, x, `left of ${a} ${op} ${b}, ${holds}`);
        expectAdmitted(D, y, `right of ${a} ${op} ${b}, ${holds}`);
      }
    }
  }
}

describe('text', () => {
  const unknown = (): ScalarFields => {
    domain.setUnknown(A);
    return readScalar(domain, A);
  };
  const constant = (v: bigint): string => {
    domain.setConst(A, u64(v));
    return scalarText(readScalar(domain, A));
  };

  test('constants: decimal as long as they are small', () => {
    expect([0n, -1n, 32767n, -32768n].map(constant)).toEqual(['0', '-1', '32767', '-32768']);
    expect([32768n, -32769n].map(constant)).toEqual(['0x8000', '0xffffffffffff7fff']);
  });

  test('nothing known, and what the caller has to say', () => {
    expect(scalarText(unknown())).toBe('scalar()');
    expect(scalarText(unknown(), ['id=1'])).toBe('scalar(id=1)');
  });

  test('bounds of one value share an entry, in hexadecimal those of one width', () => {
    domain.setUnknown(A);
    domain.truncate(A, 1);
    expect(scalarText(readScalar(domain, A))).toBe(
      'scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))',
    );
    domain.setUnknown(A);
    domain.signExtend(A, 4);
    expect(scalarText(readScalar(domain, A))).toBe('scalar(smin=0xffffffff80000000,smax=0x7fffffff)');
  });
});
