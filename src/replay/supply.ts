/** What fills the memory of a replay: a capture's bytes, whatever it is, copied or read to where they are wanted. */
import { CaptureError } from '../errors/index.ts';
import { type CaptureFile, type CaptureInput, chunksOf, describeInput, isCaptureFile } from './capture-source.ts';

/** Memory of this engine is not shared. */
export type Target = Uint8Array<ArrayBuffer>;

export interface Supply {
  /** Copies the next bytes to the beginning of `into`, not necessarily all that there are. @returns how many; 0: `wait` says what now */
  read(into: Target): number;
  /** Waits for more; false at the end. Memory may have grown meanwhile. */
  wait(): boolean | Promise<boolean>;
  close(): void | Promise<void>;
}

export function supplyOf(input: CaptureInput): Supply {
  if (input instanceof Uint8Array) return new BytesSupply(input);
  return isCaptureFile(input) ? new FileSupply(input) : new ChunkSupply(chunksOf(input));
}

class BytesSupply implements Supply {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  read(into: Target): number {
    const part = this.bytes.subarray(this.at, this.at + into.length);
    into.set(part);
    this.at += part.length;
    return part.length;
  }

  wait(): boolean {
    return false;
  }

  close(): void {}
}

class FileSupply implements Supply {
  private readonly file: CaptureFile;
  private closed = false;

  constructor(file: CaptureFile) {
    this.file = file;
  }

  read(into: Target): number {
    return this.file.read(into);
  }

  wait(): boolean {
    return false;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.file.close();
  }
}

const EMPTY = new Uint8Array(0);

class ChunkSupply implements Supply {
  private readonly chunks: AsyncIterator<Uint8Array>;
  /** What of the newest chunk was not given out. */
  private rest: Uint8Array = EMPTY;
  private ended = false;

  constructor(chunks: AsyncIterator<Uint8Array>) {
    this.chunks = chunks;
  }

  read(into: Target): number {
    const part = this.rest.subarray(0, into.length);
    into.set(part);
    this.rest = this.rest.subarray(part.length);
    return part.length;
  }

  async wait(): Promise<boolean> {
    while (this.rest.length === 0) {
      if (this.ended) return false;
      const result = await this.chunks.next();
      if (result.done === true) {
        this.ended = true;
        return false;
      }
      if (!(result.value instanceof Uint8Array)) {
        throw new CaptureError('CAPTURE_INPUT', { found: `an iterable of ${describeInput(result.value)}` });
      }
      this.rest = result.value;
    }
    return true;
  }

  /** The iterator's `return` runs, so files and streams are given back. */
  async close(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    await this.chunks.return?.();
  }
}
