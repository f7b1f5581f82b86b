// Time stamps of pcapng: 64-bit counts in an interface's own unit (`if_tsresol`), shifted by whole seconds (`if_tsoffset`).
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-04.html section 4.2

const TWO_32 = 4294967296;
const NS_PER_SECOND = 1_000_000_000n;
const MAX_NS = 0xffffffffffffffffn;

/** Microseconds, what an interface without `if_tsresol` uses. */
export const DEFAULT_TSRESOL = 6;

/** The option's byte: 10^-n, or 2^-n when the top bit is set. */
export function unitsPerSecond(tsresol: number): bigint {
  const exponent = BigInt(tsresol & 0x7f);
  return tsresol & 0x80 ? 2n ** exponent : 10n ** exponent;
}

/** One interface's conversion to nanoseconds since 1970. */
export class TimeScale {
  readonly #units: bigint;
  readonly #offsetNs: bigint;
  /** Nanoseconds in a unit when that is a small whole number (10^-9 to 10^-6 s), or 0: then the slow way. */
  readonly factor: number;

  constructor(units: bigint, offsetSeconds: bigint) {
    this.#units = units;
    this.#offsetNs = offsetSeconds * NS_PER_SECOND;
    const exact = units >= 1_000_000n && units <= NS_PER_SECOND && NS_PER_SECOND % units === 0n;
    this.factor = exact && offsetSeconds === 0n ? Number(NS_PER_SECOND / units) : 0;
  }

  /** Writes the low and high word at `out[at]`; false when the time is before 1970 or past 64 bits of nanoseconds. */
  write(high: number, low: number, out: Uint32Array, at: number): boolean {
    const factor = this.factor;
    if (factor === 0) return this.#writeSlow(high, low, out, at);
    const lowNs = low * factor;
    const highNs = high * factor + Math.floor(lowNs / TWO_32);
    if (highNs >= TWO_32) return false;
    out[at] = lowNs >>> 0;
    out[at + 1] = highNs;
    return true;
  }

  #writeSlow(high: number, low: number, out: Uint32Array, at: number): boolean {
    const count = (BigInt(high) << 32n) | BigInt(low);
    const ns = (count * NS_PER_SECOND) / this.#units + this.#offsetNs;
    if (ns < 0n || ns > MAX_NS) return false;
    out[at] = Number(ns & 0xffffffffn);
    out[at + 1] = Number(ns >> 32n);
    return true;
  }
}
