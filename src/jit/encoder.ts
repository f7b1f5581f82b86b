/** Writes the Wasm binary format (WebAssembly core specification 2.0, section 5): a growing byte buffer and the LEB128 forms. */

const INITIAL_SIZE = 256;

export class WasmWriter {
  private bytes: Uint8Array;
  private at = 0;

  /** `size`: about how many bytes will come. */
  constructor(size: number = INITIAL_SIZE) {
    this.bytes = new Uint8Array(size);
  }

  get length(): number {
    return this.at;
  }

  /** What was written; a view that later writes may invalidate. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  private reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + count));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
  }

  u8(value: number): void {
    if (this.at === this.bytes.length) this.reserve(1);
    this.bytes[this.at++] = value;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Unsigned LEB128 of a 32-bit value. */
  u32(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  /** Signed LEB128 of a 32-bit value; also right for an i64 that fits 32 signed bits. */
  s32(value: number): void {
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.u8(rest & 0x7f);
  }

  /** Signed LEB128 of the 64-bit value (hi << 32 | lo). */
  s64(lo: number, hi: number): void {
    let low = lo | 0;
    let high = hi | 0;
    while (!((high === 0 && low >= 0 && low <= 63) || (high === -1 && low < 0 && low >= -64))) {
      this.u8((low & 0x7f) | 0x80);
      low = (low >>> 7) | (high << 25);
      high >>= 7;
    }
    this.u8(low & 0x7f);
  }

  /** A vector of bytes holding UTF-8. */
  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.raw(bytes);
  }

  /** `content` with its length in front, as sections and function bodies are written. */
  sized(content: WasmWriter): void {
    this.u32(content.length);
    this.raw(content.finish());
  }
}
