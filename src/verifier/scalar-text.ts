/** What is known of a number, as the kernel's verifier log prints it: `scalar(smin=0,smax=umax=255,var_off=(0x0; 0xff))`, `5`. */

/** Unsigned fields are 0 or more, signed ones may be negative. */
export interface ScalarFields {
  readonly value: bigint;
  readonly mask: bigint;
  readonly umin: bigint;
  readonly umax: bigint;
  readonly smin: bigint;
  readonly smax: bigint;
  readonly u32Min: bigint;
  readonly u32Max: bigint;
  readonly s32Min: bigint;
  readonly s32Max: bigint;
}

const U64_MAX = (1n << 64n) - 1n;
const U32_MAX = (1n << 32n) - 1n;
const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;
const S32_MIN = -(1n << 31n);
const S32_MAX = (1n << 31n) - 1n;
const S16_MIN = -(1n << 15n);
const S16_MAX = (1n << 15n) - 1n;
const U16_MAX = (1n << 16n) - 1n;

const isSmall = (value: bigint): boolean => value >= S16_MIN && value <= S16_MAX;

/** Small numbers in decimal, others as the hexadecimal of their 64 bits. */
export function signedText(value: bigint): string {
  return isSmall(value) ? String(value) : `0x${BigInt.asUintN(64, value).toString(16)}`;
}

export function unsignedText(value: bigint): string {
  return value <= U16_MAX ? String(value) : `0x${value.toString(16)}`;
}

interface Bound {
  readonly name: string;
  readonly value: bigint;
  readonly omit: boolean;
}

/** In hexadecimal a negative 32-bit number has 8 digits: it is not the number of a 64-bit bound with 16. */
const signed32 = (value: bigint): bigint => (isSmall(value) ? value : BigInt.asUintN(32, value));

/** In the order of the log: those of one end are two apart. */
function boundsOf(reg: ScalarFields): Bound[] {
  return [
    { name: 'smin', value: reg.smin, omit: reg.smin === S64_MIN },
    { name: 'smax', value: reg.smax, omit: reg.smax === S64_MAX },
    { name: 'umin', value: reg.umin, omit: reg.umin === 0n },
    { name: 'umax', value: reg.umax, omit: reg.umax === U64_MAX },
    { name: 'smin32', value: signed32(reg.s32Min), omit: reg.s32Min === S32_MIN },
    { name: 'smax32', value: signed32(reg.s32Max), omit: reg.s32Max === S32_MAX },
    { name: 'umin32', value: reg.u32Min, omit: reg.u32Min === 0n },
    { name: 'umax32', value: reg.u32Max, omit: reg.u32Max === U32_MAX },
  ];
}

/** What a register's parentheses say of its number; bounds of the same end and value share an entry. Also of a pointer's variable offset. */
export function boundsText(reg: ScalarFields): string[] {
  const bounds = boundsOf(reg);
  const printed = new Set<Bound>(bounds.filter((bound) => bound.omit));
  const parts: string[] = [];
  for (const [i, bound] of bounds.entries()) {
    if (printed.has(bound)) continue;
    const same = bounds.filter(
      (other, j) => j >= i && (j - i) % 2 === 0 && !printed.has(other) && other.value === bound.value,
    );
    for (const other of same) printed.add(other);
    const value = bound.name.startsWith('s') ? signedText(bound.value) : unsignedText(bound.value);
    parts.push(`${same.map((other) => `${other.name}=`).join('')}${value}`);
  }
  if (reg.mask !== U64_MAX) parts.push(`var_off=(0x${reg.value.toString(16)}; 0x${reg.mask.toString(16)})`);
  return parts;
}

/** A constant's number, or all that is known behind what the caller has to say, as `id=1`. */
export function scalarText(reg: ScalarFields, first: readonly string[] = []): string {
  if (reg.mask === 0n) return signedText(BigInt.asIntN(64, reg.value));
  return `scalar(${[...first, ...boundsText(reg)].join(',')})`;
}
