/** What a thread does in a run, whichever way packets are spread: it takes a step that can be taken, again and again; where there is none it sleeps. */
import { VERDICT_OTHER } from '../../../assembly/abi.ts';
import { type BufferHost, type BufferProg, ReplayBuffers, type RunOptions } from '../replay-buffers.ts';
import { ViolationLog } from '../report.ts';
import { COMMAND_FAIL, COMMAND_PARK, type Control } from './control.ts';
import type { Port } from './port.ts';
import type { RunParams, Violations } from './protocol.ts';
import { Results } from './results.ts';

/** What a thread has of its own to run programs with. */
export interface Runner extends BufferHost {
  /** Of its words in `Control`. */
  readonly index: number;
  prog(id: number): BufferProg;
  /** Takes trace records out of this thread's buffer. */
  onTrace: () => void;
}

export interface ThreadHost {
  readonly instance: Runner;
  readonly control: Control;
  readonly post: Port['post'];
}

/** Why a thread does nothing more: the run is over for it; it was told to stop; it has had its time. */
export type Halt = 'over' | 'told' | 'time';

export abstract class ThreadRun {
  protected readonly instance: Runner;
  protected readonly control: Control;
  protected readonly buffers: ReplayBuffers;
  protected readonly results: Results;
  protected params: RunParams;
  private readonly post: Port['post'];
  protected readonly log = new ViolationLog();

  /** @param records that there is room for: a slice unless given */
  constructor({ instance, control, post }: ThreadHost, params: RunParams, records?: number) {
    this.instance = instance;
    this.control = control;
    this.post = post;
    this.params = params;
    this.buffers = new ReplayBuffers(instance, instance.prog(params.prog), params.ifindex, records);
    this.results = new Results(instance.memory, instance.vm);
    instance.onTrace = () => this.results.takeTrace();
  }

  close(): void {
    this.buffers.close();
  }

  get violations(): Violations {
    const { count, first } = this.log;
    return { count, first };
  }

  /** So far, by the runtime's numbers. */
  get verdicts(): number[] {
    return Array.from({ length: VERDICT_OTHER + 1 }, (_, i) => this.buffers.counter(i));
  }

  /** @returns whether the run is over for this thread; otherwise it was told to stop */
  run(params: RunParams): boolean {
    this.params = params;
    return this.go() === 'over';
  }

  /** Goes on until `deadline`, by performance.now(). */
  go(deadline = Number.POSITIVE_INFINITY): Halt {
    const { control } = this;
    for (;;) {
      const { event, command } = control;
      if (command === COMMAND_FAIL || control.misguessed) return 'told';
      if (!this.step()) {
        if (this.isOver) return 'over';
        if (command === COMMAND_PARK && this.isAtGate) return 'told';
        control.wait(event, Math.min(1000, Math.max(1, deadline - performance.now())));
      }
      if (deadline !== Number.POSITIVE_INFINITY && performance.now() >= deadline) return 'time';
    }
  }

  /** @returns false when another thread has to do something first, or there is nothing left */
  protected abstract step(): boolean;
  /** Nothing of this run is left for this thread. */
  protected abstract get isOver(): boolean;
  /** Nothing in front of the gate is. */
  protected abstract get isAtGate(): boolean;

  /** @param before how many packets of the replay are in front of the piece that runs */
  protected runOptions(before: number): RunOptions {
    const { params, results } = this;
    const { clockOrigin } = params;
    return {
      copy: params.copy,
      linear: params.linear,
      now: clockOrigin === undefined ? undefined : nanoseconds(clockOrigin),
      rxTimestamp: params.rxTimestamp,
      onViolation: (violation, i) => this.log.add(violation, before + results.placeAt(i) + 1),
      onRan: params.output ? (ctx, count, times) => results.takePackets(ctx, count, times) : undefined,
    };
  }

  /** Tells the main thread what came of `piece`. */
  protected postResults(piece: number): void {
    if (!this.params.ordered) return;
    const { lines, output } = this.results.take();
    this.post({ kind: 'piece', piece, lines, output }, [output.buffer]);
  }
}

/** Of the engine's clock. */
function nanoseconds(origin: number): bigint {
  return BigInt(Math.round((performance.timeOrigin - origin + performance.now()) * 1e6));
}
