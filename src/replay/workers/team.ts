/**
 * The threads of one replay as the main thread sees them: told to go, to park between two pieces, and to stop. Slots of prog arrays change while all are parked, so
 * that every packet of the capture before a certain one sees the old program, and all behind it the new one.
 */
import { RunError } from '../../errors/index.ts';
import type { CodeUnit, SlotGate } from '../../runtime/code-unit.ts';
import type { ViolationReport } from '../report.ts';
import { COMMAND_FAIL, COMMAND_PARK, COMMAND_RUN, type Control, NO_LIMIT } from './control.ts';
import type { ThreadPool } from './pool.ts';
import type { FromThread, PieceResult, RunParams, Stopped } from './protocol.ts';

type SlotProg = { readonly id: number; readonly unit: CodeUnit | undefined };

export class Team implements SlotGate {
  readonly control: Control;
  readonly size: number;
  /** Gets the results of pieces. */
  onPiece: (result: PieceResult) => void = () => {};
  private readonly pool: ThreadPool;
  private readonly setRunning: (threads: number) => void;
  /** Of each thread what it last said when it stopped. */
  private readonly stopped = new Map<number, Stopped>();
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
    if (this.failure !== undefined) throw this.failure;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (ms !== undefined) timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.wake = () => {};
    if (this.failure !== undefined) throw this.failure;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.news();
  }

  /** Everybody is in the event loop. */
  get isStopped(): boolean {
    return this.stopped.size === this.size;
  }

  /** The run is over. */
  get isDone(): boolean {
    return this.isStopped && [...this.stopped.values()].every(({ done }) => done);
  }

  begin(params: RunParams): void {
    this.control.command = COMMAND_RUN;
    this.go(true, params);
  }

  private go(begins: boolean, params: RunParams): void {
    this.setRunning(this.size);
    this.running = true;
    for (let i = 0; i < this.size; i++) {
      if (!begins && this.stopped.get(i)?.done === true) continue;
      this.stopped.delete(i);
      this.pool.postTo(i, { kind: 'go', begins, params });
    }
  }

  /** Waits until all pieces that somebody has begun are done, and all threads are in their event loops. */
  async park(): Promise<void> {
    const { control } = this;
    // Nobody walks beyond the gate, which is closed while it is decided where it is.
    control.gate = 0;
    control.gate = control.claimed;
    control.command = COMMAND_PARK;
    control.signal();
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
    if (this.failure === undefined || !(this.failure instanceof RunError)) {
      const { failure } = this;
      this.failure = undefined;
      await this.until(() => this.isStopped || !this.running);
      this.failure = failure;
      this.pool.post({ kind: 'end' });
    }
    this.setRunning(0);
    this.running = false;
  }

  get violations(): { readonly count: number; readonly first: readonly ViolationReport[] }[] {
    return [...this.stopped.values()].map(({ violations }) => violations);
  }

  /** Packets so far with the verdict of that number. */
  counter(index: number): number {
    return [...this.stopped.values()].reduce((sum, { verdicts }) => sum + verdicts[index], 0);
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
    if (tell && changes.size > 0) this.pool.syncSlots(changes);
    for (const apply of applies) apply();
  }
}
