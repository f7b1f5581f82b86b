// What was understood from the kernel's answers, as functions: csum_diff and the limits of xdp_adjust_*.

const MASK32 = 0xffff_ffffn;

/** Fold to `bits` with end-around carry: 0 only for 0. */
function fold(value: bigint, bits: bigint): bigint {
  let folded = value;
  while (folded >> bits !== 0n) folded = (folded & ((1n << bits) - 1n)) + (folded >> bits);
  return folded;
}

/** One's complement sum of the little-endian u32 words; the last is padded with zeros. */
function sum(bytes: Uint8Array, seed: bigint): bigint {
  let total = seed;
  for (let i = 0; i < bytes.length; i++) total += BigInt(bytes[i]!) << BigInt((i & 3) * 8);
  return fold(total, 32n);
}

const not = (value: bigint): bigint => ~value & MASK32;

/** `bpf_csum_diff(from, to, seed)`. */
export function csumDiff(from: Uint8Array, to: Uint8Array, seed: number): bigint {
  const start = BigInt(seed);
  if (from.length > 0 && to.length > 0) return fold(fold(sum(to, start) + not(sum(from, 0n)), 32n), 16n);
  if (to.length > 0) return fold(sum(to, start), 16n);
  if (from.length > 0) return fold(not(sum(from, not(start))), 16n);
  return fold(start, 16n);
}

const HEAD_ROOM = 216;
const LINEAR = 3520;
const ETH_HLEN = 14;
const META_MAX = 252;

/** A linear packet of test_run that nobody moved yet. */
export interface Fresh {
  readonly size: number;
  readonly meta: number;
}

/** `0`, `EINVAL` or `EACCES` for one call on a fresh packet; `delta` is any integer, of which the low 32 bits count. */
export const adjustModel = {
  xdp_adjust_head: ({ size, meta }: Fresh, delta: number): string => {
    const d = Number(BigInt.asIntN(32, BigInt(delta)));
    return -d <= HEAD_ROOM - meta && size - meta - d >= ETH_HLEN ? '0' : '-EINVAL';
  },
  xdp_adjust_tail: ({ size, meta }: Fresh, delta: number): string => {
    const d = Number(BigInt.asIntN(32, BigInt(delta)));
    return size + d <= LINEAR && size - meta + d >= ETH_HLEN ? '0' : '-EINVAL';
  },
  xdp_adjust_meta: ({ meta }: Fresh, delta: number): string => {
    const length = meta - Number(BigInt.asIntN(32, BigInt(delta)));
    if (length < 0 || length > HEAD_ROOM) return '-EINVAL';
    return length % 4 === 0 && length <= META_MAX ? '0' : '-EACCES';
  },
} as const;
