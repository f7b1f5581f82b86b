/**
 * What the verifier is given: struct Input and its tables behind it, as bytes (layouts: assembly/verifier/abi/). Its verdict depends on nothing else, so equal requests
 * have equal verdicts (`remembered`). Addresses are those that the bytes have in the verifier's memory.
 */
import { ARENA_START, INPUT_SIZE } from './abi.ts';

const ALIGN = 16;
const FIRST_CAPACITY = 1 << 15;

const aligned = (size: number): number => (size + ALIGN - 1) & -ALIGN;

export class RequestWriter {
  private buffer = new Uint8Array(FIRST_CAPACITY);
  private view = new DataView(this.buffer.buffer);
  private size = aligned(INPUT_SIZE);

  /** All of it: a view that is valid until something is added. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.size);
  }

  /** Sets a word of struct Input (INPUT_*). */
  set(offset: number, value: number): void {
    this.view.setInt32(offset, value, true);
  }

  /** Room for `size` bytes, which are zero: its address, and where to write them until something else is added. */
  room(size: number): { readonly address: number; readonly bytes: Uint8Array } {
    const at = this.size;
    this.size += aligned(size);
    if (this.size > this.buffer.length) this.grow();
    return { address: ARENA_START + at, bytes: this.buffer.subarray(at, at + size) };
  }

  /** A copy of `bytes`; its address, 0 for no bytes. */
  add(bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    const { address, bytes: room } = this.room(bytes.length);
    room.set(bytes);
    return address;
  }

  private grow(): void {
    const larger = new Uint8Array(Math.max(this.size, 2 * this.buffer.length));
    larger.set(this.buffer);
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }

  /** A table and its number of rows. */
  table(offset: number, bytes: Uint8Array, countOffset: number, count: number): void {
    this.set(offset, this.add(bytes));
    this.set(countOffset, count);
  }
}
