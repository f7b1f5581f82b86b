// Loads, stores and atomics on stack, packet and map values. RFC 9669 sections 5.1 to 5.3.

import type { Item, Size } from '../asm.ts';
import { alu32, alu64, atomic, lddwMapValue, ldx, ldxs, movr, sizes, st, stx } from '../asm.ts';
import type { CaseMap, IsaCase, IsaInput } from '../types.ts';
import { DST, pairs, RESULT_DST, SRC, singles, wrap } from './operands.ts';

const sizeNames = Object.keys(sizes) as Size[];
const bytesOf: Readonly<Record<Size, number>> = { b: 1, h: 2, w: 4, dw: 8 };
const bits = (size: Size): number => bytesOf[size] * 8;

/** One array value of 16 bytes: where map accesses go. */
const valueMap: CaseMap = { type: 'array', keySize: 4, valueSize: 16, maxEntries: 1 };

const read = (signed: boolean, size: Size, value: bigint): bigint =>
  BigInt.asUintN(64, signed ? BigInt.asIntN(bits(size), value) : BigInt.asUintN(bits(size), value));

/** Loads of every size at every offset: the packet allows unaligned ones, the stack does not. */
function loads(signed: boolean): IsaCase[] {
  const encode = signed ? ldxs : ldx;
  return sizeNames
    .filter((size) => !(signed && size === 'dw'))
    .flatMap((size) =>
      Array.from({ length: 9 }, (_, off) => off).flatMap((off): IsaCase[] => {
        const title = `${signed ? 'ldxs' : 'ldx'} ${size} at +${off}`;
        const model = (dst: bigint, src: bigint): bigint => read(signed, size, (dst | (src << 64n)) >> BigInt(off * 8));
        const inputs = singles;
        const packet: IsaCase = {
          name: `${title}, packet`,
          group: 'other',
          insns: wrap([encode(size, DST, 6, off)]),
          inputs,
          model,
        };
        if (off % bytesOf[size] !== 0) return [packet];
        const body = [stx('dw', 10, DST, -16), stx('dw', 10, SRC, -8), encode(size, DST, 10, off - 16)];
        return [packet, { name: `${title}, stack`, group: 'other', insns: wrap(body), inputs, model }];
      }),
    );
}

/** The u64 at 8 after `size` bytes of `value` went to byte `off` of `before`. */
function written(before: bigint, size: Size, off: number, value: bigint): bigint {
  const mask = ((1n << BigInt(bits(size))) - 1n) << BigInt(off * 8);
  return BigInt.asUintN(64, (before & ~mask) | ((value << BigInt(off * 8)) & mask));
}

const stores: readonly IsaCase[] = sizeNames.flatMap((size) =>
  Array.from({ length: 9 - bytesOf[size] }, (_, off) => off).flatMap((off): IsaCase[] => {
    const onStack = [stx('dw', 10, SRC, -8), stx(size, 10, DST, off - 8), ldx('dw', DST, 10, -8)];
    const inPacket = [stx(size, 6, DST, 8 + off), ldx('dw', DST, 6, 8)];
    const model = (dst: bigint, src: bigint): bigint => written(src, size, off, dst);
    const packet: IsaCase = {
      name: `stx ${size} at +${off}, packet`,
      group: 'other',
      insns: wrap(inPacket),
      inputs: singles,
      model,
    };
    if (off % bytesOf[size] !== 0) return [packet];
    return [
      packet,
      { name: `stx ${size} at +${off}, stack`, group: 'other', insns: wrap(onStack), inputs: singles, model },
    ];
  }),
);

const immediateStores: readonly IsaCase[] = sizeNames.flatMap((size) =>
  [0, 1, -1, 0x7fff_ffff, -0x8000_0000, 0x1234_5678, 0x80, 0xff80, 0x8000].flatMap((imm): IsaCase[] => {
    const model = (_dst: bigint, src: bigint): bigint => written(src, size, 0, BigInt.asUintN(64, BigInt(imm)));
    const inputs = singles.slice(20);
    const onStack = [stx('dw', 10, SRC, -8), st(size, 10, -8, imm), ldx('dw', DST, 10, -8)];
    const inPacket = [st(size, 6, 8, imm), ldx('dw', DST, 6, 8)];
    return [
      { name: `st ${size} ${imm}, stack`, group: 'other', insns: wrap(onStack), inputs, model },
      { name: `st ${size} ${imm}, packet`, group: 'other', insns: wrap(inPacket), inputs, model },
    ];
  }),
);

const FETCH = 1;
const atomicOps = { add: 0x00, or: 0x40, and: 0x50, xor: 0xa0 } as const;

/** dst in memory, op src; r7 = memory after, r8 = what was fetched (else src). r5 points to the memory. */
function atomicBody(place: 'stack' | 'map', size: 'w' | 'dw', off: number, op: number, before: Item[] = []): Item[] {
  const pointer = place === 'stack' ? [movr(5, 10), alu64('add', 5, -16)] : [lddwMapValue(5, 0)];
  return [
    ...pointer,
    stx('dw', 5, DST, 0),
    stx('dw', 5, SRC, 8),
    ...before,
    atomic(size, op, 5, SRC, off),
    ldx('dw', DST, 5, off & ~7),
  ];
}

const places = ['stack', 'map'] as const;
const slots = [
  ['dw', 0],
  ['dw', 8],
  ['w', 0],
  ['w', 4],
] as const;

/** Fewer pairs than arithmetic gets: every operand, each against a handful. */
const atomicInputs: readonly IsaInput[] = pairs.filter((_, i) => i % 5 === 0);

/** What an atomic insn sees: memory is dst at 0 and src at 8, the operand is src. */
function atomicModel(size: 'w' | 'dw', off: number, combine: (old: bigint, operand: bigint) => bigint) {
  const word = (dst: bigint, src: bigint): bigint => (off === 8 ? src : dst);
  const shift = BigInt((off & 7) * 8);
  const old = (dst: bigint, src: bigint): bigint => BigInt.asUintN(bits(size), word(dst, src) >> shift);
  const after = (dst: bigint, src: bigint): bigint =>
    written(word(dst, src), size, off & 7, combine(old(dst, src), BigInt.asUintN(bits(size), src)));
  return { old, after };
}

const combine: Readonly<Record<string, (old: bigint, operand: bigint) => bigint>> = {
  add: (old, operand) => old + operand,
  or: (old, operand) => old | operand,
  and: (old, operand) => old & operand,
  xor: (old, operand) => old ^ operand,
  xchg: (_old, operand) => operand,
};

const modifyOps: readonly (readonly [string, number])[] = [
  ...Object.entries(atomicOps),
  ...Object.entries(atomicOps).map(([op, code]) => [op, code | FETCH] as const),
  ['xchg', 0xe1],
];

const readModifyWrite: readonly IsaCase[] = places.flatMap((place) =>
  slots.flatMap(([size, off]) =>
    modifyOps.map(([op, code]): IsaCase => {
      const { old, after } = atomicModel(size, off, combine[op]!);
      const fetches = (code & FETCH) !== 0;
      return {
        name: `atomic ${op}${fetches && op !== 'xchg' ? ' fetch' : ''} ${size} at +${off}, ${place}`,
        group: 'other',
        insns: wrap(atomicBody(place, size, off, code)),
        inputs: atomicInputs,
        model: after,
        modelSrc: fetches ? old : (_dst, src) => src,
      };
    }),
  ),
);

const MASK_LOW = 0xffff_ffffn;
/** What r0 is made of memory's value before cmpxchg, as insns and as a model. */
const comparisons: readonly (readonly [string, Item[], (old: bigint) => bigint])[] = [
  ['equal', [], (old) => old],
  ['low bit differs', [alu64('xor', 0, 1)], (old) => old ^ 1n],
  ['high half zero', [alu32('add', 0, 0)], (old) => old & MASK_LOW],
  ['high half all ones', [alu64('or', 0, -0x8000_0000)], (old) => old | 0xffff_ffff_8000_0000n],
];

const compareExchange: readonly IsaCase[] = places.flatMap((place) =>
  slots.flatMap(([size, off]) =>
    comparisons.map(([title, change, expected]): IsaCase => {
      const exchange = (old: bigint, operand: bigint): bigint =>
        BigInt.asUintN(bits(size), expected(old)) === old ? operand : old;
      const { old, after } = atomicModel(size, off, exchange);
      return {
        name: `atomic cmpxchg ${size} at +${off}, ${title}, ${place}`,
        group: 'other',
        insns: wrap(atomicBody(place, size, off, 0xf1, [ldx(size, 0, 5, off), ...change])),
        inputs: atomicInputs,
        model: after,
        modelSrc: (_dst, src) => src,
        modelR0: old,
      };
    }),
  ),
);

/** Load-acquire and store-release: RFC 9669 does not have them; Linux has since 6.15. */
const ordered: readonly IsaCase[] = sizeNames.flatMap((size): IsaCase[] => [
  {
    name: `load_acquire ${size}`,
    group: 'other',
    insns: wrap([stx('dw', 10, DST, -8), { ...atomic('dw', 0x100, DST, 10, -8), op: 0xc3 | sizes[size] }]),
    inputs: singles,
    model: (dst) => read(false, size, dst),
  },
  {
    name: `store_release ${size}`,
    group: 'other',
    insns: wrap([
      stx('dw', 10, SRC, -8),
      { ...atomic('dw', 0x110, 10, DST, -8), op: 0xc3 | sizes[size] },
      ldx('dw', DST, 10, -8),
    ]),
    inputs: singles,
    model: (dst, src) => written(src, size, 0, dst),
  },
]);

/** An insn's result also lands in the packet when it is stored there directly: offset 16 before the wrapper's store. */
const resultAlias: IsaCase = {
  name: 'stx dw over the result, then the wrapper',
  group: 'other',
  insns: wrap([stx('dw', 6, SRC, RESULT_DST), ldx('dw', DST, 6, RESULT_DST)]),
  inputs: singles,
  model: (_dst, src) => src,
};

/** Cases that use map 0, and what it is. */
export const memMaps: readonly CaseMap[] = [valueMap];

export const memCases: readonly IsaCase[] = [
  ...loads(false),
  ...loads(true),
  ...stores,
  ...immediateStores,
  resultAlias,
  ...readModifyWrite,
  ...compareExchange,
  ...ordered,
];
