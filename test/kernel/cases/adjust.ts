// xdp_adjust_head, _tail, _meta: scans over deltas for several packet sizes, and sequences of them.

import type { Insn, Item } from './asm.ts';
import { alu64, alu64r, asm, call, exit, jmpr, label, lddwMapValue, ldx, mov, movr, st, stx } from './asm.ts';
import { u32, u64 } from './bytes.ts';
import type { Case, CaseMap, Step } from './types.ts';

export const adjustKinds = ['xdp_adjust_head', 'xdp_adjust_tail', 'xdp_adjust_meta'] as const;
export type AdjustKind = (typeof adjustKinds)[number];

/** The packet of a given size: byte i is i + 1, so that a zeroed byte shows. */
export const countingPacket = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i % 255) + 1);

/** `struct xdp_md` for a packet of `size` bytes of which the first `meta` are metadata. */
export function xdpMd(size: number, meta = 0): Uint8Array {
  return new Uint8Array(Uint32Array.of(meta, size, 0, 0, 0, 0).buffer);
}

const wordMap = (words: number): CaseMap => ({ type: 'array', keySize: 4, valueSize: words * 8, maxEntries: 1 });

/** One program, its delta in word 0 of map 0; the helper's return value is the program's. */
function scan(kind: AdjustKind, size: number, deltas: readonly number[], meta = 0): Case {
  const insns = asm([lddwMapValue(2, 0), ldx('dw', 2, 2), call(kind), exit()]);
  const step = (delta: number): Step[] => [
    { op: 'update', map: 0, key: u32(0), value: u64(BigInt.asUintN(64, BigInt(delta))) },
    { op: 'run', data: countingPacket(size), ctx: xdpMd(size, meta) },
  ];
  return {
    name: `${kind}: packet of ${size}${meta === 0 ? '' : `, metadata ${meta}`}`,
    maps: [wordMap(1)],
    progs: [{ name: 'scan', type: 'xdp', insns }],
    steps: deltas.flatMap(step),
  };
}

const range = (from: number, to: number, stride = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / stride) + 1 }, (_, i) => from + i * stride);

const extremes = [
  -0x8000_0000, -0x7fff_ffff, -65536, -4096, 4096, 65536, 0x7fff_ffff, 0x8000_0000, 0x1_0000_0000, 0x1_0000_0004,
];

/** Words of map 0 that one operation of a sequence writes. */
export const SEQUENCE_WORDS = ['return', 'length', 'metaLength', 'buffLen'] as const;

const store = (op: number, word: number, src: number): Item[] => [
  lddwMapValue(1, 0),
  stx('dw', 1, src, (op * SEQUENCE_WORDS.length + word) * 8),
];

const sequenceOp = (kind: AdjustKind, delta: number, op: number): Item[] => [
  movr(1, 6),
  mov(2, delta),
  call(kind),
  movr(7, 0),
  ...store(op, 0, 7),
  ldx('w', 8, 6, 0),
  ldx('w', 9, 6, 4),
  alu64r('sub', 9, 8),
  ...store(op, 1, 9),
  ldx('w', 9, 6, 8),
  alu64r('sub', 8, 9),
  ...store(op, 2, 8),
  movr(1, 6),
  call('xdp_get_buff_len'),
  ...store(op, 3, 0),
];

/** Write 0xa1a2a3a4 to the first four bytes of the metadata, if there are so many. */
const writeMeta: Insn[] = [
  ldx('w', 1, 6, 8),
  ldx('w', 2, 6, 0),
  movr(3, 1),
  alu64('add', 3, 4),
  jmpr('jgt', 3, 2, 1),
  st('w', 1, 0, 0xa1a2a3a4 | 0),
];

/** Write 0xb1b2b3b4 to the first four bytes of the packet, if there are so many. */
const writeHead: Insn[] = [
  ldx('w', 1, 6, 0),
  ldx('w', 2, 6, 4),
  movr(3, 1),
  alu64('add', 3, 4),
  jmpr('jgt', 3, 2, 1),
  st('w', 1, 0, 0xb1b2b3b4 | 0),
];

type SequenceStep = readonly [AdjustKind, number] | 'writeMeta' | 'writeHead';

const head = (delta: number): SequenceStep => ['xdp_adjust_head', delta];
const tail = (delta: number): SequenceStep => ['xdp_adjust_tail', delta];
const meta = (delta: number): SequenceStep => ['xdp_adjust_meta', delta];

const sequences: readonly (readonly [name: string, size: number, steps: readonly SequenceStep[], meta?: number])[] = [
  ['push and pop 14', 64, [head(-14), head(14)]],
  ['push 14, write, keep', 64, [head(-14), 'writeHead']],
  ['pop 18, write', 64, ['writeHead', head(18), 'writeHead']],
  ['pop 14 then push 14 keeps the bytes', 64, [head(14), head(-14)]],
  ['grow then shrink the tail', 64, [tail(100), tail(-100)]],
  ['shrink then grow the tail: the grown bytes are zero', 64, [tail(-32), tail(32)]],
  ['push, then grow', 64, [head(-100), tail(200)]],
  ['meta, write, head push: metadata moves along', 64, [meta(-8), 'writeMeta', head(-4), 'writeHead']],
  ['meta, write, head pop: metadata moves along', 64, [meta(-8), 'writeMeta', head(4), 'writeHead']],
  ['meta, write, head pop 12: metadata overlaps', 64, [meta(-16), 'writeMeta', head(12)]],
  ['meta, then head push to the limit', 64, [meta(-32), 'writeMeta', head(-188), head(-184), head(-1)]],
  ['head push to the limit, then meta', 64, [head(-216), meta(-4), meta(0), head(4), meta(-4)]],
  ['meta in steps and back', 64, [meta(-4), meta(-4), meta(4), meta(4), meta(4)]],
  ['meta then misaligned', 64, [meta(-8), meta(-2), meta(2), meta(3)]],
  ['meta then tail', 64, [meta(-8), 'writeMeta', tail(-10), tail(20)]],
  ['a refused call changes nothing', 64, [head(1000), tail(-1000), tail(100000), meta(-1000), meta(4)]],
  ['longest metadata', 512, [head(200), meta(-260), meta(-256), meta(-252), meta(-4), meta(252)]],
  ['a packet with a fragment', 3521, [head(0), head(14), tail(0), tail(-1), tail(-14), tail(100), meta(-4)]],
  ['a longer packet with a fragment', 4096, [head(0), tail(-577), tail(1)]],
  ['growing a packet that has a fragment', 4000, [tail(1), tail(-1), tail(1), head(-200), tail(-300)]],
  ['metadata given with the packet', 64, [head(0), head(-4), meta(-4)], 8],
];

function sequence([name, size, steps, given = 0]: (typeof sequences)[number]): Case {
  let ops = 0;
  const body = steps.flatMap((step): Item[] => {
    if (step === 'writeMeta') return writeMeta;
    if (step === 'writeHead') return writeHead;
    return sequenceOp(step[0], step[1], ops++);
  });
  return {
    name: `sequence: ${name}`,
    maps: [wordMap(8 * SEQUENCE_WORDS.length)],
    progs: [{ name: 'sequence', type: 'xdp', insns: asm([movr(6, 1), ...body, label('out'), mov(0, 2), exit()]) }],
    steps: [{ op: 'run', data: countingPacket(size), ctx: xdpMd(size, given) }],
  };
}

export const adjustCases: readonly Case[] = [
  scan('xdp_adjust_head', 64, [...range(-260, 66), ...extremes]),
  scan('xdp_adjust_head', 14, [...range(-4, 16), -216, -217]),
  scan('xdp_adjust_head', 1500, [...range(1480, 1501), -216, -217]),
  scan('xdp_adjust_tail', 64, [...range(-66, 20), ...range(3440, 3470), ...extremes]),
  scan('xdp_adjust_tail', 14, [...range(-15, 4), ...range(3490, 3520)]),
  scan('xdp_adjust_tail', 1500, [...range(-1500, -1480), ...range(2010, 2030)]),
  scan('xdp_adjust_meta', 64, [...range(-264, 16), ...extremes]),
  scan('xdp_adjust_meta', 64, range(-260, 24), 8),
  scan('xdp_adjust_head', 64, [...range(-220, -190), ...range(30, 60)], 8),
  ...sequences.map(sequence),
];

/** What test_run itself takes: packet sizes and contexts. */
const contexts: readonly (readonly [name: string, size: number, ctx: readonly number[] | undefined])[] = [
  ...[0, 1, 13, 14, 15, 3519, 3520, 3521, 4096].map((size): [string, number, undefined] => [
    `size ${size}`,
    size,
    undefined,
  ]),
  ['data_end short', 64, [0, 60, 0, 0, 0, 0]],
  ['data_end long', 64, [0, 65, 0, 0, 0, 0]],
  ['data_end 0', 64, [0, 0, 0, 0, 0, 0]],
  ['data after data_end', 64, [68, 64, 0, 0, 0, 0]],
  ['data_meta not 0', 64, [8, 64, 4, 0, 0, 0]],
  ['metadata 4', 64, [4, 64, 0, 0, 0, 0]],
  ['metadata 2', 64, [2, 64, 0, 0, 0, 0]],
  ['metadata 32', 64, [32, 64, 0, 0, 0, 0]],
  ['metadata 212', 512, [212, 512, 0, 0, 0, 0]],
  ['metadata 216', 512, [216, 512, 0, 0, 0, 0]],
  ['metadata 220', 512, [220, 512, 0, 0, 0, 0]],
  ['metadata 240', 512, [240, 512, 0, 0, 0, 0]],
  ['metadata 248', 512, [248, 512, 0, 0, 0, 0]],
  ['14 bytes behind metadata', 64, [48, 64, 0, 0, 0, 0]],
  ['12 bytes behind metadata', 64, [52, 64, 0, 0, 0, 0]],
  ['8 bytes before data_end', 64, [0, 8, 0, 0, 0, 0]],
  ['metadata 252', 512, [252, 512, 0, 0, 0, 0]],
  ['metadata 256', 512, [256, 512, 0, 0, 0, 0]],
  ['all metadata', 64, [64, 64, 0, 0, 0, 0]],
  ['all but 14 metadata', 64, [48, 62, 0, 0, 0, 0]],
  ['ifindex 1, queue 0', 64, [0, 64, 0, 1, 0, 0]],
  ['ifindex 0, queue 1', 64, [0, 64, 0, 0, 1, 0]],
  ['ifindex 9999', 64, [0, 64, 0, 9999, 0, 0]],
  ['egress ifindex 1', 64, [0, 64, 0, 0, 0, 1]],
  ['short ctx', 64, [0, 64]],
];

export const contextCases: readonly Case[] = contexts.map(([name, size, ctx]) => ({
  name: `test_run context: ${name}`,
  progs: [{ name: 'pass', type: 'xdp', insns: asm([mov(0, 2), exit()]) }],
  steps: [
    {
      op: 'run',
      data: countingPacket(size),
      ...(ctx === undefined ? {} : { ctx: new Uint8Array(Uint32Array.from(ctx).buffer) }),
    },
  ],
}));
