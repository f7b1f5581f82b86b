/**
 * The async side of ring buffers: `for await` over what programs write. It sleeps as a process in epoll_wait does, until a program's wake-up; awake, it
 * takes everything there is.
 */
import type { Sleeper } from './wakeups.ts';

/** A ring, or several that are read as one. */
export interface EventSource<T> {
  /** Takes the next record out; undefined when there is none. */
  take(): T | undefined;
  /** Whether a program has asked for a wake-up since this was last called. */
  wasWoken(): boolean;
  /** The reader is gone. */
  done(): void;
}

type Waiting<T> = { resolve(result: IteratorResult<T, void>): void; reject(error: unknown): void };

export class EventReader<T> implements AsyncIterableIterator<T, void, void>, Sleeper {
  private readonly source: EventSource<T>;
  private readonly waiting: Waiting<T>[] = [];
  /** What was there when the source was closed. */
  private rest: T[] = [];
  private awake: boolean;
  private open = true;

  /** @param awake whether there may be something before the first wake-up */
  constructor(source: EventSource<T>, awake: boolean) {
    this.source = source;
    this.awake = awake;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** A record that does not decode rejects, and ends the iteration. */
  async next(): Promise<IteratorResult<T, void>> {
    const record = this.take();
    if (record !== undefined) return { value: record, done: false };
    if (!this.open) return { value: undefined, done: true };
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  private take(): T | undefined {
    if (!this.open) return this.rest.shift();
    if (!this.awake) return undefined;
    try {
      const record = this.source.take();
      if (record === undefined) this.awake = false;
      return record;
    } catch (error) {
      this.finish();
      throw error;
    }
  }

  wake(): boolean {
    if (!this.source.wasWoken()) return false;
    this.awake = true;
    this.serve();
    return true;
  }

  private serve(): void {
    while (this.waiting.length > 0) {
      try {
        const value = this.take();
        if (value === undefined) return;
        this.waiting.shift()?.resolve({ value, done: false });
      } catch (error) {
        this.waiting.shift()?.reject(error);
        this.endWaiting();
        return;
      }
    }
  }

  /** The ring goes: what it holds can still be read, then the iteration ends. */
  close(): void {
    if (!this.open) return;
    const rest: T[] = [];
    try {
      for (let record = this.source.take(); record !== undefined; record = this.source.take()) rest.push(record);
    } catch {
      // What does not decode ends what there is to read.
    }
    this.finish();
    this.rest = rest;
    while (this.waiting.length > 0 && this.rest.length > 0)
      this.waiting.shift()?.resolve({ value: this.rest.shift() as T, done: false });
    this.endWaiting();
  }

  private finish(): void {
    if (!this.open) return;
    this.open = false;
    this.source.done();
  }

  private endWaiting(): void {
    for (const { resolve } of this.waiting.splice(0)) resolve({ value: undefined, done: true });
  }

  /** The loop was left. Records that were not taken stay in the ring, for the next reader. */
  async return(): Promise<IteratorResult<T, void>> {
    this.finish();
    this.rest = [];
    this.endWaiting();
    return { value: undefined, done: true };
  }
}
