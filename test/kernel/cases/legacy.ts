// LD_ABS and LD_IND: legacy packet loads, which end the program with 0 when out of range. RFC 9669 section 5.5.

import type { Item } from './asm.ts';
import { alu64, asm, exit, lddw, movr, raw } from './asm.ts';
import type { Case } from './types.ts';

const sizeCodes = { w: 0x00, h: 0x08, b: 0x10 } as const;
type LegacySize = keyof typeof sizeCodes;
const sizes = Object.keys(sizeCodes) as LegacySize[];

const LD_ABS = 0x20;
const LD_IND = 0x40;
/** SKF_NET_OFF and SKF_LL_OFF of linux/filter.h. */
const NET = -0x10_0000;
const LL = -0x20_0000;

export const FRAME_SIZE = 64;
const MARK = 0x100;

/** An IPv4 ethertype, the rest counts up: a socket filter's data begins behind the 14 bytes of link header. */
export const frame: Uint8Array = Uint8Array.from({ length: FRAME_SIZE }, (_, i) =>
  i === 12 ? 8 : i === 13 ? 0 : 0x80 + i,
);

const offsets = [
  0,
  1,
  2,
  3,
  4,
  46,
  47,
  48,
  49,
  50,
  51,
  63,
  64,
  0x7fff,
  0x7fff_ffff,
  -1,
  -14,
  NET,
  NET + 1,
  NET + 49,
  NET + 50,
  NET - 1,
  LL,
  LL + 12,
  LL + 14,
  LL + 60,
  LL + 63,
  LL + 64,
];

/** The program returns what was loaded, with a mark when a byte or half word, so that 0 says that it was ended. */
function program(title: string, type: 'socket_filter' | 'sched_cls', load: Item[], size: LegacySize): Case {
  const mark = size === 'w' ? [] : [alu64('or', 0, size === 'b' ? MARK : 0x1_0000)];
  return {
    name: `${type} ${title}`,
    progs: [{ name: 'legacy', type, insns: asm([movr(6, 1), ...load, ...mark, exit()]) }],
    steps: [{ op: 'run', data: frame }],
  };
}

const indirect: readonly (readonly [bigint, number])[] = [
  [0n, 0],
  [4n, 0],
  [0n, 4],
  [4n, 4],
  [49n, 0],
  [50n, 0],
  [49n, 1],
  [-1n, 1],
  [-1n, 2],
  [5n, -5],
  [4n, -5],
  [0x1_0000_0002n, 0],
  [0x1_0000_0000n, 2],
  [0xffff_ffffn, 3],
  [0n, NET],
  [3n, NET],
  [0n, LL],
  [12n, LL],
  [0x7fff_ffffn, 1],
];

export const legacyCases: readonly Case[] = (['socket_filter', 'sched_cls'] as const).flatMap((type) => [
  ...sizes.flatMap((size) => [
    ...offsets.map((off) =>
      program(`ld_abs ${size} ${off}`, type, [raw(LD_ABS | sizeCodes[size], 0, 0, 0, off)], size),
    ),
    ...indirect.map(([reg, imm]) =>
      program(
        `ld_ind ${size} r7=${reg} ${imm}`,
        type,
        [lddw(7, reg), raw(LD_IND | sizeCodes[size], 0, 7, 0, imm)],
        size,
      ),
    ),
  ]),
]);
