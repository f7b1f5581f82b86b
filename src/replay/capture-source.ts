// The input of a capture reader as a window over bytes: chunks are used where they lie; only a record that straddles two
// chunks is gathered in a carry buffer of its own.
import { CaptureError } from '../errors/index.ts';

/**
 * A capture that is read when its bytes are wanted, into the reader's own memory and at once: a file. A `FileSystemSyncAccessHandle` is one;
 * `openCaptureFile` of bpf2wasm/node makes one of a file's name.
 */
export interface CaptureFile {
  /** Where threads can open it themselves. */
  readonly path?: string;
  /** Reads the next bytes to the beginning of `into`. @returns how many; 0 at the end */
  read(into: Uint8Array<ArrayBuffer>): number;
  close(): void;
}

export type CaptureInput = Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | CaptureFile;

/** What a parser may look at: `bytes[pos, end)` of `view`; `fileOffset` + pos is where that is in the file. */
export interface CaptureWindow {
  readonly view: DataView;
  pos: number;
  readonly left: number;
  /** The file offset of the window's next byte. */
  readonly offset: number;
  readonly fileOffset: number;
  /** Makes the window begin at the next byte and hold at least `need` bytes; false when the input ends before that. */
  fill(need: number): boolean | Promise<boolean>;
}

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

const FILE_CHUNK_BYTES = 1 << 20;

/** Node's streams have `read` and `close` as well, but are iterables first. */
export function isCaptureFile(input: CaptureInput): input is CaptureFile {
  if (typeof input !== 'object' || input === null || Symbol.asyncIterator in input) return false;
  const { read, close } = input as Partial<CaptureFile>;
  return typeof read === 'function' && typeof close === 'function';
}

async function* fileChunks(file: CaptureFile): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const buffer = new Uint8Array(FILE_CHUNK_BYTES);
      const length = file.read(buffer);
      if (length === 0) return;
      yield buffer.subarray(0, length);
    }
  } finally {
    file.close();
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
  if (isCaptureFile(input)) return fileChunks(input);
  const iterate = (input as AsyncIterable<Uint8Array> | null)?.[Symbol.asyncIterator];
  if (typeof iterate !== 'function') throw new CaptureError('CAPTURE_INPUT', { found: describeInput(input) });
  return iterate.call(input);
}

export function describeInput(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? 'null'}`;
}

const EMPTY = new Uint8Array(0);

/** `bytes[pos, end)` is what a parser may look at. */
export class CaptureSource implements CaptureWindow {
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
        throw new CaptureError('CAPTURE_INPUT', { found: `an iterable of ${describeInput(result.value)}` });
      }
      this.#rest = result.value;
    }
    return true;
  }
}
