/** The capture of a replay that may be read several times. */
import { copyBytes } from '../util/bytes.ts';
import { type CaptureInput, chunksOf } from './capture-source.ts';

/** A capture, or what opens it anew for each round. */
export type ReplayInput = CaptureInput | (() => CaptureInput);

/** Gives the capture's bytes once for each round: bytes as they are, a function's anew; a stream is kept while it is read the first time. */
export class Rounds {
  private readonly input: ReplayInput;
  private readonly loop: number;
  private readonly kept: Uint8Array[] = [];

  constructor(input: ReplayInput, loop: number) {
    this.input = input;
    this.loop = loop;
  }

  /** The bytes of round `round`, from 0; the round before must have been read to its end. */
  open(round: number): CaptureInput {
    const { input } = this;
    if (typeof input === 'function') return input();
    if (this.loop === 1 || input instanceof Uint8Array) return input;
    return round === 0 ? keeping(input, this.kept) : again(this.kept);
  }
}

/** Passes chunks on and keeps copies: a reader's buffer may be used again. */
async function* keeping(input: CaptureInput, kept: Uint8Array[]): AsyncGenerator<Uint8Array> {
  const chunks = chunksOf(input);
  try {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      // What is no Uint8Array is the reader's to refuse.
      if (next.value instanceof Uint8Array) kept.push(copyBytes(next.value));
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}

async function* again(kept: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* kept;
}
