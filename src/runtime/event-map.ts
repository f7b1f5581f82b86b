/** What ring buffers and perf event arrays have in common: one reader at a time, records as bytes or decoded. */
import { RunError } from '../errors/index.ts';
import { EventReader } from './event-reader.ts';
import { BpfMap, type Codec } from './map.ts';

export interface RecordOptions {
  /** A type of the object's BTF that each record is decoded as, such as `struct event`; bytes behind it are ignored. Bytes unless given. */
  readonly type?: string;
}

export interface DrainOptions extends RecordOptions {
  /** Most records to take. */
  readonly max?: number;
}

export abstract class EventMap<T> extends BpfMap implements AsyncIterable<T, void, void> {
  private reader: EventReader<T> | undefined;

  /** Events that programs had no room for, since the map was made. */
  abstract get lost(): number;

  /** Takes the next record out. */
  protected abstract takeRecord(codec: Codec | undefined): T | undefined;
  protected abstract wasWoken(): boolean;
  /** Whether a new reader may find something before it is woken. */
  protected abstract readsAtOnce(): boolean;

  /**
   * Takes records and hands each to `each`, until there are none, `max` were taken, or `each` returns false: how many were taken.
   * @throws RunError RUN_READER while a `for await` reads the map; RUN_OPTION for an unknown type
   */
  consume(each: (record: T) => unknown, options: DrainOptions = {}): number {
    this.alive();
    this.free();
    this.beforeReading();
    const codec = this.recordCodec(options.type);
    const max = options.max ?? Number.POSITIVE_INFINITY;
    let count = 0;
    while (count < max) {
      // Whoever is handed a record may close the map.
      this.alive();
      const record = this.takeRecord(codec);
      if (record === undefined) break;
      count++;
      if (each(record) === false) break;
    }
    return count;
  }

  /** Takes every record there is, or `max` of them. @throws as `consume` */
  drain(options: DrainOptions = {}): T[] {
    const records: T[] = [];
    this.consume((record) => records.push(record), options);
    return records;
  }

  /**
   * Records as they come, for `for await`. It sleeps until a program wakes it: what is written with BPF_RB_NO_WAKEUP waits for the next wake-up. There is one
   * reader at a time, as with libbpf. Closing the map ends it, after what was still there.
   * @throws RunError RUN_READER when there is a reader already; RUN_OPTION for an unknown type
   */
  records(options: RecordOptions = {}): AsyncIterableIterator<T, void, void> {
    this.alive();
    this.free();
    this.beforeReading();
    const codec = this.recordCodec(options.type);
    const source = {
      take: () => this.takeRecord(codec),
      wasWoken: () => this.wasWoken(),
      done: () => {
        this.host.wakeups.delete(reader);
        this.reader = undefined;
      },
    };
    // What woke a reader before this one is no news.
    const news = this.wasWoken();
    const reader = new EventReader<T>(source, news || this.readsAtOnce());
    this.reader = reader;
    this.host.wakeups.add(reader);
    return reader;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, void, void> {
    return this.records();
  }

  /** What has to be there before anything can be read. */
  protected beforeReading(): void {}

  private free(): void {
    if (this.reader !== undefined) throw new RunError('RUN_READER', { map: this.name });
  }

  private recordCodec(type: string | undefined): Codec | undefined {
    return type === undefined ? undefined : this.codecs.named?.(type);
  }

  protected decodeRecord(bytes: Uint8Array, codec: Codec | undefined): unknown {
    return codec === undefined ? bytes : codec.decode(bytes);
  }

  protected override lastUserGone(): void {
    this.reader?.close();
    super.lastUserGone();
  }
}
