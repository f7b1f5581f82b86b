/**
 * The threads of one replay as the main thread sees them: told to go, to park between two pieces, and to stop. Slots of prog arrays change while all are parked, so
 * that every packet of the capture before a certain one sees the old program, and all behind it the new one.
 */
import { RunError } from '../../errors/index.ts';
import type { CodeUnit, SlotGate } from '../../runtime/code-unit.ts';
import { COMMAND_FAIL, COMMAND_PARK, COMMAND_RUN, type Control, NO_LIMIT } from './control.ts';
import { OWN_INDEX, type OwnPart } from './own-part.ts';
import type { ThreadPool } from './pool.ts';
import type { FromThread, PieceResult, RunParams, Stopped, Violations } from './protocol.ts';

type SlotProg = { readonly id: number; readonly unit: CodeUnit | undefined };

/** How long the main thread finishes what it has begun, before its event loop turns. */
const PARK_MS = 50;

export class Team implements SlotGate {
  readonly control: Control;
  readonly size: number;
  /** Gets the results of pieces. */
  onPiece: (result: PieceResult) => void = () => {};
  private readonly pool: ThreadPool;
  private readonly setRunning: (threads: number) => void;
  /** Of each thread what it last said when it stopped. */
  private readonly stopped = new Map<number, Stopped>();
  /** Of each thread the number of the run it is in. */
  private readonly runs: number[];
  /** The first thread that takes part. */
  private first = 0;
  /** The first thread that knows of all programs. */
  private synced: number;
  /** What the main thread does of the run. */
  private own: OwnPart | undefined;
  /** Threads say more with messages than in `control`. */
  private ordered = false;
  private running = false;
  private failure: Error | undefined;
  private wake: () => void = () => {};
  private changes = new Map<number, SlotProg | undefined>();
  private applies: (() => void)[] = [];

  constructor(pool: ThreadPool, size: number, setRunning: (threads: number) => void) {
    this.pool = pool;
    this.size = size;
    this.control = pool.control;
    this.setRunning = setRunning;
    this.runs = new Array(size).fill(0);
    // The first thread is told when it is known to take part.
    this.synced = OWN_INDEX + 1;
    pool.syncAll(this.synced, size);
    pool.listener = (index, message) => this.receive(index, message);
    pool.onFailure((error) => {
      this.failure = error;
      this.notify();
    });
    pool.hold(true);
  }

  /** Lets go of the threads, which must have stopped. */
  close(): void {
    this.pool.listener = undefined;
    this.pool.onFailure(() => {});
    this.pool.hold(false);
    this.own?.close();
    this.applyChanges(false);
  }

  private receive(index: number, message: FromThread): void {
    try {
      if (message.kind === 'stopped') this.stopped.set(index, message);
      else if (message.kind === 'piece') this.onPiece(message);
    } catch (error) {
      this.failure ??= error as Error;
    }
    this.notify();
  }

  /** Whoever waits in `news` looks again. */
  notify(): void {
    this.wake();
  }

  /** Waits until something has happened, or for `ms`. @throws what a thread failed with */
  async news(ms?: number): Promise<void> {
    this.rethrow();
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (ms !== undefined) timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.wake = () => {};
    this.rethrow();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.news();
  }

  /** Nobody runs anything, and all that threads had to say is here. */
  get isStopped(): boolean {
    return this.own?.isRunning !== true && this.threads.every((i) => this.hasStopped(i));
  }

  /** The run is over. */
  get isDone(): boolean {
    return this.isStopped && this.own?.isDone !== false && this.threads.every((i) => this.stopOf(i)?.done === true);
  }

  /** Those that take part. */
  private get threads(): number[] {
    return Array.from({ length: this.size - this.first }, (_, i) => this.first + i);
  }

  private stopOf(thread: number) {
    return this.control.stoppedIn(thread, this.runs[thread]);
  }

  private hasStopped(thread: number): boolean {
    const stop = this.stopOf(thread);
    if (stop === undefined || (stop.violations === 0 && !this.ordered)) return stop !== undefined;
    return this.stopped.get(thread)?.run === this.runs[thread];
  }

  /** @param own makes what the main thread does of it, in the place of the first thread */
  begin(params: RunParams, own?: () => OwnPart): void {
    this.control.command = COMMAND_RUN;
    this.ordered = params.ordered;
    this.first = own === undefined ? 0 : OWN_INDEX + 1;
    if (this.first < this.synced) this.pool.syncAll(this.first, this.synced);
    this.synced = Math.min(this.synced, this.first);
    this.go(true, params);
    this.own?.close();
    this.own = undefined;
    if (own !== undefined) this.mine(() => (this.own = own()));
  }

  private go(begins: boolean, params: RunParams): void {
    this.setRunning(this.size);
    this.running = true;
    for (const i of this.threads) {
      if (!begins && this.stopOf(i)?.done === true) continue;
      const run = this.pool.nextRun();
      this.runs[i] = run;
      this.pool.postTo(i, { kind: 'go', run, begins, params });
    }
  }

  /** The main thread's work fails as any other's does. */
  private mine(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.pool.fail(OWN_INDEX, error instanceof Error ? error.message : String(error));
      this.rethrow();
    }
  }

  /**
   * Does the main thread's part until `deadline`, by performance.now(), and when that is done waits as long for the others.
   * @returns whether there may be more
   */
  work(deadline: number): boolean {
    const { own, control } = this;
    if (own === undefined) return false;
    this.mine(() => own.work(deadline));
    while (!own.isRunning) {
      const { event } = control;
      const left = deadline - performance.now();
      if (left <= 0 || this.threads.every((i) => this.stopOf(i) !== undefined)) break;
      control.wait(event, left);
    }
    return own.isRunning;
  }

  /** @throws what a thread failed with */
  rethrow(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** Waits until all pieces that somebody has begun are done, and all threads are in their event loops. */
  async park(): Promise<void> {
    const { control } = this;
    // Nobody walks beyond the gate, which is closed while it is decided where it is.
    control.gate = 0;
    control.gate = control.claimed;
    control.command = COMMAND_PARK;
    control.signal();
    while (this.work(performance.now() + PARK_MS)) await this.news(1);
    await this.until(() => this.isStopped);
    this.setRunning(0);
    this.running = false;
  }

  /** Makes the changes that were asked for meanwhile; all are parked. */
  apply(): void {
    this.applyChanges(true);
  }

  /** Goes on after `park`. */
  resume(params: RunParams): void {
    this.control.gate = NO_LIMIT;
    this.control.command = COMMAND_RUN;
    this.go(false, params);
  }

  /** All pieces are done, or will not be. */
  async stop(): Promise<void> {
    if (this.running && !this.isDone) {
      // Results that still come go nowhere: who takes them may have failed, and threads that wait for that would wait forever.
      this.onPiece = () => {};
      this.control.command = COMMAND_FAIL;
      this.control.signal();
    }
    this.own?.close();
    if (this.failure === undefined || !(this.failure instanceof RunError)) {
      const { failure } = this;
      this.failure = undefined;
      await this.until(() => this.isStopped || !this.running);
      this.failure = failure;
      for (const i of this.threads) if (this.stopOf(i)?.done === false) this.pool.postTo(i, { kind: 'end' });
    }
    this.setRunning(0);
    this.running = false;
  }

  get violations(): Violations[] {
    const own = this.own === undefined ? [] : [this.own.results.violations];
    const stops = this.threads
      .map((i) => this.stopped.get(i))
      .filter((stop, i) => stop?.run === this.runs[this.first + i]);
    return [...own, ...stops.map((stop) => (stop as Stopped).violations)];
  }

  /** Packets so far with the verdict of that number. */
  counter(index: number): number {
    const own = this.own?.results.verdicts[index] ?? 0;
    return this.threads.reduce((sum, i) => sum + this.control.verdictsOf(i, index), own);
  }

  // Slots.

  get hasChanges(): boolean {
    return this.applies.length > 0;
  }

  check(_map: string, { name, alone }: { readonly name: string; readonly alone: string | undefined }): void {
    if (alone !== undefined) throw new RunError('RUN_ALONE', { prog: name, reason: alone });
  }

  change(slot: number, prog: SlotProg | undefined, apply: () => void): void {
    this.changes.set(slot, prog);
    this.applies.push(apply);
    this.notify();
  }

  private applyChanges(tell: boolean): void {
    const { applies, changes } = this;
    this.applies = [];
    this.changes = new Map();
    if (tell && changes.size > 0) this.pool.syncSlots(this.synced, this.size, changes);
    for (const apply of applies) apply();
  }
}
