// xdp_load_bytes, xdp_store_bytes, xdp_get_buff_len, redirect: return values and what was copied.

import { countingPacket } from './adjust.ts';
import type { Item } from './asm.ts';
import { asm, call, exit, lddw, lddwMapValue, ldx, mov, movr } from './asm.ts';
import { u32, u64 } from './bytes.ts';
import type { Case, Step } from './types.ts';

const PACKET = 64;
const BIG = 70_000;

const offsets = [
  0, 1, 13, 48, 59, 60, 61, 63, 64, 65, 0xfffe, 0xffff, 0x1_0000, 0x7fff_ffff, 0xffff_ffff, 0x1_0000_0000,
];

/** The buffer is map 0, filled with 0xee before each run (0xdd for a store); the offset is word 0 of map 1. */
function copyCase(kind: 'xdp_load_bytes' | 'xdp_store_bytes', length: number, at: readonly number[]): Case {
  const body: Item[] = [lddwMapValue(2, 1), ldx('dw', 2, 2), lddwMapValue(3, 0), mov(4, length), call(kind), exit()];
  const bufferSize = length > 512 ? BIG : 64;
  const fill = new Uint8Array(bufferSize).fill(kind === 'xdp_load_bytes' ? 0xee : 0xdd);
  const step = (offset: number): Step[] => [
    { op: 'update', map: 0, key: u32(0), value: fill },
    { op: 'update', map: 1, key: u32(0), value: u64(BigInt(offset)) },
    { op: 'run', data: countingPacket(PACKET) },
    ...(bufferSize === BIG ? [] : [{ op: 'lookup', map: 0, key: u32(0) } as const]),
  ];
  return {
    name: `${kind}: ${length} bytes`,
    maps: [
      { type: 'array', keySize: 4, valueSize: bufferSize, maxEntries: 1 },
      { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 },
    ],
    progs: [{ name: 'copy', type: 'xdp', insns: asm(body) }],
    steps: at.flatMap(step),
  };
}

export const packetBytesCases: readonly Case[] = [
  ...(['xdp_load_bytes', 'xdp_store_bytes'] as const).flatMap((kind) => [
    ...[1, 4, 5, 16, 63, 64].map((length) => copyCase(kind, length, offsets)),
    ...[65, 0xffff, 0x1_0000].map((length) => copyCase(kind, length, [0, 1, 0xffff])),
  ]),
  ...[14, 15, 64, 1500, 3520].map(
    (size): Case => ({
      name: `xdp_get_buff_len: ${size}`,
      progs: [{ name: 'len', type: 'xdp', insns: asm([call('xdp_get_buff_len'), exit()]) }],
      steps: [{ op: 'run', data: countingPacket(size) }],
    }),
  ),
];

const redirectFlags = [0n, 1n, 2n, 3n, 4n, 8n, 0xffff_ffffn, 0x1_0000_0000n, 1n << 63n];
const redirectIfindex = [0, 1, 9999, -1];

/** The verdict `bpf_redirect` returns; nothing is sent, since a test run does not follow it. */
export const redirectCases: readonly Case[] = redirectIfindex.map((ifindex) => ({
  name: `redirect: ifindex ${ifindex}`,
  maps: [{ type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 }],
  progs: [
    {
      name: 'redirect',
      type: 'xdp',
      insns: asm([lddwMapValue(2, 0), ldx('dw', 2, 2), mov(1, ifindex), call('redirect'), exit()]),
    },
  ],
  steps: redirectFlags.flatMap((flags): Step[] => [
    { op: 'update', map: 0, key: u32(0), value: u64(flags) },
    { op: 'run', data: countingPacket(PACKET) },
  ]),
}));

const CSUM_SIZES: readonly (readonly [from: number, to: number])[] = [
  [0, 0],
  [4, 0],
  [0, 4],
  [4, 4],
  [8, 4],
  [4, 8],
  [20, 0],
  [0, 20],
  [20, 20],
  [64, 0],
  [0, 64],
  [64, 64],
  [12, 40],
  [512, 0],
  [0, 512],
  [512, 512],
  [1024, 1024],
  [0, 1024],
  [1, 0],
  [0, 1],
  [2, 4],
  [4, 2],
  [3, 3],
  [6, 0],
  [0, 5],
  [1022, 1024],
];
const CSUM_BUFFER = 1024;

const random = (seed: number): Uint8Array => {
  let state = seed;
  return Uint8Array.from({ length: 2 * CSUM_BUFFER }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
};

/** `from` at 0 and `to` at 1024 of one buffer. */
const csumBuffers: readonly (readonly [string, Uint8Array])[] = [
  ['zeros', new Uint8Array(2 * CSUM_BUFFER)],
  ['ones', new Uint8Array(2 * CSUM_BUFFER).fill(0xff)],
  ['random', random(1)],
  ['random 2', random(77)],
  ['from zeros, to ones', new Uint8Array(2 * CSUM_BUFFER).fill(0xff, CSUM_BUFFER)],
  ['from ones, to zeros', new Uint8Array(2 * CSUM_BUFFER).fill(0xff, 0, CSUM_BUFFER)],
];
const csumSeeds = [0, 1, 0xff, 0xffff, 0x1_0000, 0x1_fffe, 0xffff_0000, 0x1234_5678, 0xffff_fffe, 0xffff_ffff];

export interface CsumInput {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly seed: number;
}

/** Word 0 of map 1 is the seed, word 1 the result. */
function csumCase([from, to]: readonly [number, number], nullPointers: boolean): Case {
  const pointer = (reg: number, size: number, offset: number): Item =>
    size === 0 && nullPointers ? mov(reg, 0) : lddwMapValue(reg, 0, offset);
  const body: Item[] = [
    lddwMapValue(6, 1),
    pointer(1, from, 0),
    mov(2, from),
    pointer(3, to, CSUM_BUFFER),
    mov(4, to),
    ldx('w', 5, 6),
    call('csum_diff'),
    { op: 0x7b, dst: 6, src: 0, off: 8, imm: 0 },
    mov(0, 2),
    exit(),
  ];
  return {
    name: `csum_diff: from ${from}, to ${to}${nullPointers ? ', empty is NULL' : ''}`,
    maps: [
      { type: 'array', keySize: 4, valueSize: 2 * CSUM_BUFFER, maxEntries: 1 },
      { type: 'array', keySize: 4, valueSize: 16, maxEntries: 1 },
    ],
    progs: [{ name: 'csum', type: 'xdp', insns: asm(body) }],
    steps: csumBuffers.flatMap(([, buffer]) => [
      { op: 'update', map: 0, key: u32(0), value: buffer } as const,
      ...csumSeeds.flatMap((seed): Step[] => [
        { op: 'update', map: 1, key: u32(0), value: u64(BigInt(seed), 0n) },
        { op: 'run', data: countingPacket(PACKET) },
        { op: 'lookup', map: 1, key: u32(0) },
      ]),
    ]),
  };
}

export const csumCases: readonly Case[] = [
  ...CSUM_SIZES.map((sizes) => csumCase(sizes, true)),
  ...CSUM_SIZES.filter(([from, to]) => from === 0 || to === 0).map((sizes) => csumCase(sizes, false)),
];

/** The inputs of a csum case's lookups, in order: for a model to follow. */
export function csumInputs(sizes: readonly [number, number]): CsumInput[] {
  return csumBuffers.flatMap(([, buffer]) =>
    csumSeeds.map((seed) => ({
      from: buffer.subarray(0, sizes[0]),
      to: buffer.subarray(CSUM_BUFFER, CSUM_BUFFER + sizes[1]),
      seed,
    })),
  );
}

export const csumSizes = CSUM_SIZES;

/** Refused by the kernel's verifier: no pointer, but a size. */
export const csumNull: Case = {
  name: 'csum_diff: NULL with a size',
  progs: [
    {
      name: 'csum',
      type: 'xdp',
      insns: asm([mov(1, 0), mov(2, 4), mov(3, 0), mov(4, 0), lddw(5, 0n), call('csum_diff'), movr(6, 0), exit()]),
    },
  ],
  steps: [],
};
