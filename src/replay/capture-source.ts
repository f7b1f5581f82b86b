// The input of a capture reader as a window over bytes: chunks are used where they lie; only a record that straddles two
// chunks is gathered in a carry buffer of its own.
import { CaptureError } from '../errors/index.ts';

export type CaptureInput = Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** Batches hold 32-bit offsets, so a larger chunk (one huge Uint8Array) is served in pieces. */
const MAX_WINDOW = 1 << 30;
const FIRST_CARRY = 4096;

async function* streamChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let done = false;
  try {
    for (;;) {
      const result = await reader.read();
      if (result.done) break;
      yield result.value;
    }
    done = true;
  } finally {
    if (!done) await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Whatever the input is, its chunks. */
export function chunksOf(input: CaptureInput): AsyncIterator<Uint8Array> {
  if (input instanceof Uint8Array) return oneChunk(input);
  // Not every browser's ReadableStream is an async iterable; every one has getReader.
  if (typeof (input as ReadableStream<Uint8Array> | null)?.getReader === 'function') {
    return streamChunks(input as ReadableStream<Uint8Array>);
  }
  const iterate = (input as AsyncIterable<Uint8Array> | null)?.[Symbol.asyncIterator];
  if (typeof iterate !== 'function') throw new CaptureError('CAPTURE_INPUT', { found: describe(input) });
  return iterate.call(input);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? 'null'}`;
}

const EMPTY = new Uint8Array(0);

/** `bytes[pos, end)` is what a parser may look at; `fileOffset` + pos is where that is in the file. */
export class CaptureSource {
  bytes: Uint8Array = EMPTY;
  view: DataView = new DataView(EMPTY.buffer);
  pos = 0;
  end = 0;
  /** The file offset of `bytes[0]`. */
  fileOffset = 0;

  readonly #chunks: AsyncIterator<Uint8Array>;
  /** What of the newest chunk comes after the window. */
  #rest: Uint8Array = EMPTY;
  #carry: Uint8Array = EMPTY;
  #ended = false;

  constructor(input: CaptureInput) {
    this.#chunks = chunksOf(input);
  }

  get left(): number {
    return this.end - this.pos;
  }

  /** The file offset of the window's next byte. */
  get offset(): number {
    return this.fileOffset + this.pos;
  }

  /** Makes the window begin at the next byte and hold at least `need` bytes; false when the input ends before that. */
  async fill(need: number): Promise<boolean> {
    if (this.left >= need) return true;
    if (this.left === 0) {
      if (!(await this.#pull())) return false;
      this.#use(this.#rest.subarray(0, MAX_WINDOW));
      this.#rest = this.#rest.subarray(this.end);
      if (this.end >= need) return true;
    }
    return this.#gather(need);
  }

  /** Ends the input: its iterator's `return` runs, so files and streams are given back. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#chunks.return?.();
  }

  #use(bytes: Uint8Array): void {
    this.fileOffset += this.pos;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = 0;
    this.end = bytes.length;
  }

  /** Copies the window's remainder and as much of the next chunks as is needed, never more, into the carry buffer. */
  async #gather(need: number): Promise<boolean> {
    let length = this.left;
    this.#reserve(length, this.bytes.subarray(this.pos, this.end));
    while (length < need && (await this.#pull())) {
      const part = this.#rest.subarray(0, need - length);
      this.#reserve(length + part.length, this.#carry.subarray(0, length));
      this.#carry.set(part, length);
      length += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    this.#use(this.#carry.subarray(0, length));
    return length >= need;
  }

  /** Grows by what has arrived, not by what a header claims, so a lying length costs no memory. */
  #reserve(length: number, kept: Uint8Array): void {
    if (this.#carry.length >= length) {
      if (kept.buffer !== this.#carry.buffer || kept.byteOffset !== 0) this.#carry.set(kept);
      return;
    }
    const grown = new Uint8Array(Math.max(FIRST_CARRY, 2 * length));
    grown.set(kept);
    this.#carry = grown;
  }

  /** Makes `rest` hold at least a byte; false at the end of the input. */
  async #pull(): Promise<boolean> {
    while (this.#rest.length === 0) {
      if (this.#ended) return false;
      const result = await this.#chunks.next();
      if (result.done) {
        this.#ended = true;
        return false;
      }
      if (!(result.value instanceof Uint8Array)) {
        throw new CaptureError('CAPTURE_INPUT', { found: `an iterable of ${describe(result.value)}` });
      }
      this.#rest = result.value;
    }
    return true;
  }
}
