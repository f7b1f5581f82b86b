/** The main thread's own part of a run: it takes the place of the first of the other threads, and lets its event loop turn now and then. */
import type { Prog } from '../../runtime/prog.ts';
import type { BufferProg, ReplayHost } from '../replay-buffers.ts';
import type { Control } from './control.ts';
import type { FileInput, RunParams, Violations } from './protocol.ts';
import type { Halt, Runner } from './thread-run.ts';
import type { Undo } from './undo.ts';
import { WholeRun } from './whole-run.ts';

/** The thread whose place it takes. */
export const OWN_INDEX = 0;

export interface OwnParams {
  readonly file: FileInput;
  readonly params: RunParams;
  /** Notes what programs count. */
  readonly undo: Undo;
}

export class OwnPart {
  private readonly undo: Undo;
  private readonly run: WholeRun;
  private halt: Halt = 'time';
  private result: { readonly violations: Violations; readonly verdicts: readonly number[] } | undefined;

  constructor(host: ReplayHost, prog: Prog, control: Control, { file, params, undo }: OwnParams) {
    this.undo = undo;
    this.run = new WholeRun({ instance: new OwnRunner(host, prog), control, post: () => {} }, file, params);
  }

  /** It has something to do, or waits for others; otherwise all is done, or it was told to stop. */
  get isRunning(): boolean {
    return this.halt === 'time';
  }

  get isDone(): boolean {
    return this.halt === 'over';
  }

  /** Does what there is to do until `deadline`, by performance.now(). */
  work(deadline: number): void {
    if (!this.isRunning) return;
    this.undo.around(() => {
      this.halt = this.run.go(deadline);
    });
  }

  /** What came of it so far; verdicts by the runtime's numbers. */
  get results(): { readonly violations: Violations; readonly verdicts: readonly number[] } {
    const { violations, verdicts } = this.run;
    return this.result ?? { violations, verdicts };
  }

  /** It does nothing more, and its memory is given back. */
  close(): void {
    if (this.result !== undefined) return;
    this.result = this.results;
    if (this.isRunning) this.halt = 'told';
    this.run.close();
  }
}

/** The engine as one of its threads. */
class OwnRunner implements Runner {
  readonly index = OWN_INDEX;
  onTrace: () => void = () => {};
  private readonly host: ReplayHost;
  private readonly own: BufferProg;

  constructor(host: ReplayHost, prog: Prog) {
    this.host = host;
    const { loop, stopsEarly } = prog;
    // The report adds up the time of all threads.
    this.own = { loop, stopsEarly, addRuns: (count) => prog.addRuns(count), addTime: () => {} };
  }

  get memory() {
    return this.host.memory;
  }

  get vm() {
    return this.host.vm;
  }

  get runtime() {
    return this.host.runtime;
  }

  get running() {
    return this.host.running;
  }

  set running(running: boolean) {
    this.host.running = running;
  }

  /** The one that packets enter; others are reached through the table. */
  prog(): BufferProg {
    return this.own;
  }

  alloc(bytes: number, what: string): number {
    return this.host.alloc(bytes, what);
  }

  reserve(bytes: number, what: string): number {
    return this.host.reserve(bytes, what);
  }

  progName(id: number): string {
    return this.host.progName(id);
  }

  handle(progId: number, cookie: bigint): number {
    return this.host.handle(progId, cookie);
  }

  afterBatch(): void {
    this.host.afterBatch();
  }
}
