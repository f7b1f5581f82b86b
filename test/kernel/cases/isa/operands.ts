// Corner operands, and the shape that every insn under test is wrapped in.

import type { Item } from '../asm.ts';
import { alu64, asm, exit, jmpr, label, ldx, mov, movr, stx } from '../asm.ts';
import type { IsaInput } from '../types.ts';

/** u64 operands. */
export const operands: readonly bigint[] = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  7n,
  8n,
  15n,
  16n,
  31n,
  32n,
  33n,
  63n,
  64n,
  65n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  -0x8000_0000_0000_0000n,
  -0x8000_0000n,
  0x1234_5678_9abc_def0n,
  0x8d3f_61b2_c047_e5a9n,
].map((value) => BigInt.asUintN(64, value));

/** s32 immediates. */
export const immediates: readonly number[] = [
  0, 1, -1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff,
  -0x8000_0000, 0x1234_5678, -0x1234_5678,
];

/** Every operand with every operand. */
export const pairs: readonly IsaInput[] = operands.flatMap((dst) => operands.map((src) => ({ dst, src })));
/** Every operand once: for insns of one operand. */
export const singles: readonly IsaInput[] = operands.map((dst, i) => ({
  dst,
  src: operands[(i * 7 + 3) % operands.length]!,
}));

/** The registers of the insn under test. */
export const DST = 7;
export const SRC = 8;

export const PACKET_SIZE = 64;
/** Where the wrapper writes r7, r8 and r0 after the insn. */
export const RESULT_DST = 16;
export const RESULT_SRC = 24;
export const RESULT_R0 = 32;

/**
 * r6 = packet, r7 and r8 = its first two u64, r0 = 0; then `body`; then r7, r8, r0 into the packet and XDP_PASS.
 * `tail` follows the exit: subprograms.
 */
export function wrap(body: readonly Item[], tail: readonly Item[] = []): Uint8Array {
  return asm([
    ldx('w', 6, 1, 0),
    ldx('w', 3, 1, 4),
    movr(4, 6),
    alu64('add', 4, PACKET_SIZE),
    jmpr('jgt', 4, 3, 'short'),
    ldx('dw', DST, 6, 0),
    ldx('dw', SRC, 6, 8),
    mov(0, 0),
    ...body,
    stx('dw', 6, DST, RESULT_DST),
    stx('dw', 6, SRC, RESULT_SRC),
    stx('dw', 6, 0, RESULT_R0),
    mov(0, 2),
    exit(),
    label('short'),
    mov(0, 0),
    exit(),
    ...tail,
  ]);
}

/** The packet that carries an input. */
export function isaPacket({ dst, src }: IsaInput): Uint8Array {
  const words = new BigUint64Array(PACKET_SIZE / 8);
  words[0] = dst;
  words[1] = src;
  return new Uint8Array(words.buffer);
}
