// Typed access to a linear memory that may grow: growing detaches the old ArrayBuffer, so views are made again when the
// memory's buffer is another one. A shared memory's old buffer stays, and is too short; the memory gives a new one as well.

/** 16 MiB less than Wasm has: an address and a small offset stay below 2^32, which compiled code relies on (ADDRESS_END in ir/range). */
export const MAX_PAGES = 65280;

/** Reads and writes little-endian values at addresses; never keeps a view across a call that may allocate. */
export class Memory {
  readonly raw: WebAssembly.Memory;
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;

  constructor(memory: WebAssembly.Memory) {
    this.raw = memory;
    this.#bytes = new Uint8Array(memory.buffer as ArrayBuffer);
    this.#view = new DataView(memory.buffer as ArrayBuffer);
  }

  #renew(): void {
    this.#bytes = new Uint8Array(this.raw.buffer as ArrayBuffer);
    this.#view = new DataView(this.raw.buffer as ArrayBuffer);
  }

  /** The whole memory as bytes. Use it at once: it is dead after the next growth. */
  get u8(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.buffer !== this.raw.buffer) this.#renew();
    return this.#bytes;
  }

  /** The whole memory as a DataView, with the same caution. */
  get view(): DataView<ArrayBuffer> {
    if (this.#view.buffer !== this.raw.buffer) this.#renew();
    return this.#view;
  }

  u32(address: number): number {
    return this.view.getUint32(address, true);
  }

  i32(address: number): number {
    return this.view.getInt32(address, true);
  }

  u64(address: number): bigint {
    return this.view.getBigUint64(address, true);
  }

  /** A u64 as a number: exact up to 2^53. */
  u64Number(address: number): number {
    return this.u32(address) + this.u32(address + 4) * 4294967296;
  }

  setU32(address: number, value: number): void {
    this.view.setUint32(address, value, true);
  }

  setU64(address: number, value: bigint): void {
    this.view.setBigUint64(address, value, true);
  }

  /** A copy of [address, address + size). */
  read(address: number, size: number): Uint8Array<ArrayBuffer> {
    return this.u8.slice(address, address + size);
  }

  /** A window on [address, address + size), dead after the next growth. */
  window(address: number, size: number): Uint8Array<ArrayBuffer> {
    return this.u8.subarray(address, address + size);
  }

  write(address: number, data: Uint8Array): void {
    this.u8.set(data, address);
  }

  fill(address: number, size: number, value = 0): void {
    this.u8.fill(value, address, address + size);
  }
}
