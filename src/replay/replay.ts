/**
 * Replays a capture through a program. JavaScript does something for every piece and slice of packets, nothing for a packet:
 *
 *     intake.ts          bytes of the capture, read or copied into linear memory                        pieces of 256 KiB
 *     replay-feed.ts     record headers walked, context records written                                 slices of up to 256 packets
 *     replay-buffers.ts  packets laid out if they must be, run by the program's own loop, counted       the same slices
 *     replay-output.ts   what passed gathered as records, and written                                   pieces of 512 KiB
 *
 * A batch is as many slices as end with the piece or have `batchPackets`: between two batches the rest of the process has its turn.
 */
import { MAX_CPUS, XDP_LINEAR_MAX } from '../../assembly/abi.ts';
import { CaptureError, RunError } from '../errors/index.ts';
import type { Prog } from '../runtime/prog.ts';
import type { Violation } from '../runtime/trap.ts';
import { Intake } from './intake.ts';
import type { PcapWriter } from './pcap-writer.ts';
import { ReplayBuffers, type ReplayHost, type RunOptions } from './replay-buffers.ts';
import { type Feed, openFeed } from './replay-feed.ts';
import { type ReplayInput, Rounds } from './replay-input.ts';
import { ReplayOutput } from './replay-output.ts';
import { Pause } from './replay-pause.ts';
import { LostBase, type Report, StatsBase, ViolationLog, verdictCounts } from './report.ts';
import type { ParallelHost } from './workers/run.ts';

export type { ReplayHost } from './replay-buffers.ts';
export type { ReplayInput } from './replay-input.ts';
export type { LostReport, ProgReport, Report, TailCallReport, VerdictCounts, ViolationReport } from './report.ts';

export interface ReplayProgress {
  /** From 0. */
  readonly round: number;
  readonly packets: number;
  readonly bytes: number;
  /** Bytes of the capture that were read in this round. */
  readonly offset: number;
}

export interface ReplayOptions {
  /** Times the capture is replayed; the clock goes on from one round to the next. 1 unless given. */
  readonly loop?: number;
  /** What bpf_ktime_get_ns follows: the capture's time stamps unless given, or the engine's clock, read once for each batch. */
  readonly clock?: 'capture' | 'engine';
  /**
   * The network card says when it received each packet: bpf_xdp_metadata_rx_timestamp is the capture's time stamp, where `clock` is that too. False
   * unless given: the card says nothing (-EOPNOTSUPP).
   */
  readonly rxTimestamp?: boolean;
  /** `ctx->ingress_ifindex`; 0 unless given. */
  readonly ingressIfindex?: number;
  /** Gets the packets with verdict TX, PASS or REDIRECT as the program left them, with their time stamps, and is flushed at the end. */
  readonly output?: PcapWriter;
  /** Called after each batch; what it returns is awaited, so that a slow reader of trace lines slows the replay down. */
  readonly onProgress?: (progress: ReplayProgress) => void | Promise<void>;
  /** `copied` gives every packet head and tail room though no program asks for it; by default that is so where a program moves packet ends. */
  readonly layout?: 'auto' | 'copied';
  /**
   * Most bytes of a packet that the program reaches by itself; the rest is in fragments of 4096 bytes. For programs that know of fragments (section
   * xdp.frags) 3520 unless given; for others every packet is in one piece, however long.
   */
  readonly linear?: number;
  /** Most packets in a batch: between two of them slots may change. 2048 unless given. */
  readonly batchPackets?: number;
  /**
   * Threads that run packets side by side, of an engine that has as many: each is one CPU, and all packets of a flow go to the same, in their order. 1 unless given: the
   * calling thread runs all of them. With more, `onProgress` is called about every 10 ms for files, and slots change between two pieces of the capture. Where packets of a
   * file need no order and there is no output the calling thread is one of them, and lets its event loop turn every 10 ms.
   */
  readonly workers?: number;
  /** Ends the replay after the batch it is in; the report says so. */
  readonly signal?: AbortSignal;
}

const BATCH_PACKETS = 2048;
/** Between the last packet of a round and the first one of the next. */
const ROUND_GAP_NS = 1000n;

/**
 * Replays `input` through `prog`. Slots of prog arrays and maps may be changed while it runs: every few milliseconds it lets the event loop turn.
 * @param host the engine that `prog` is loaded in
 * @returns the report; where the capture ends early, with `error` and all that came before
 * @throws CaptureError when not one packet could be read because of it; RunError for options and programs that cannot run
 */
export async function replay(
  host: ParallelHost,
  prog: Prog,
  input: ReplayInput,
  options: ReplayOptions = {},
): Promise<Report> {
  checkReplay(host, prog, options);
  if ((options.workers ?? 1) > 1) {
    const { replayParallel } = await import('./workers/run.ts');
    return replayParallel(host, prog, input, options);
  }
  prog.hold();
  let run: ReplayRun | undefined;
  try {
    run = new ReplayRun(host, prog, options);
    return await run.all(input);
  } finally {
    run?.close();
    prog.release();
  }
}

function checkReplay(host: ReplayHost, prog: Prog, options: ReplayOptions): void {
  prog.alive();
  if (prog.host !== host) throw new RunError('RUN_FOREIGN', { what: 'program', name: prog.name });
  if (prog.type !== 'xdp') throw new RunError('RUN_REPLAY_TYPE', { prog: prog.name, type: prog.type });
  const check = (
    option: 'loop' | 'ingressIfindex' | 'batchPackets' | 'linear' | 'workers',
    min: number,
    max: number,
  ) => {
    const value = options[option];
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
    throw new RunError('RUN_OPTION', { option, found: String(value), expected: `an integer from ${min} to ${max}` });
  };
  check('loop', 1, 0x7fffffff);
  check('ingressIfindex', 0, 0x7fffffff);
  check('batchPackets', 1, 1 << 20);
  check('linear', 0, XDP_LINEAR_MAX);
  check('workers', 1, MAX_CPUS);
}

/** The state of one replay. */
class ReplayRun {
  private readonly host: ReplayHost;
  private readonly prog: Prog;
  private readonly options: ReplayOptions;
  private readonly intake: Intake;
  private readonly buffers: ReplayBuffers;
  private readonly output?: ReplayOutput;
  private readonly pause = new Pause();
  private readonly stats: StatsBase;
  private readonly lost: LostBase;
  private readonly violations = new ViolationLog();
  private readonly writtenBefore: number;
  private readonly layouts = new Set<'in place' | 'copied'>();
  private packets = 0;
  /** Of the rounds before this one. */
  private bytesBefore = 0;
  private bytes = 0;
  private round = 0;
  /** Time stamp of the first packet. */
  private first: bigint | undefined;
  private stopped = false;

  constructor(host: ReplayHost, prog: Prog, options: ReplayOptions) {
    this.host = host;
    this.prog = prog;
    this.options = options;
    this.stats = new StatsBase(host.progs);
    this.lost = new LostBase(host.maps);
    this.writtenBefore = options.output?.packets ?? 0;
    const made: { close(): void }[] = [this.pause];
    const keep = <T extends { close(): void }>(one: T): T => {
      made.push(one);
      return one;
    };
    try {
      this.intake = keep(new Intake(host));
      this.buffers = keep(new ReplayBuffers(host, prog, options.ingressIfindex ?? 0));
      if (options.output !== undefined) this.output = keep(new ReplayOutput(host, options.output));
    } catch (error) {
      for (const one of made) one.close();
      throw error;
    }
  }

  close(): void {
    this.pause.close();
    this.output?.close();
    this.buffers.close();
    this.intake.close();
  }

  async all(input: ReplayInput): Promise<Report> {
    const started = performance.now();
    const loop = this.options.loop ?? 1;
    const rounds = new Rounds(input, loop);
    let error: CaptureError | undefined;
    try {
      for (; this.round < loop && !this.stopped; this.round++) await this.oneRound(rounds);
    } catch (caught) {
      if (!(caught instanceof CaptureError) || this.packets === 0) throw caught;
      error = caught;
    }
    this.output?.flush();
    this.options.output?.flush();
    return this.report((performance.now() - started) / 1000, error);
  }

  private async oneRound(rounds: Rounds): Promise<void> {
    const { buffers } = this;
    // The clock goes on from one round to the next.
    if (this.first !== undefined) buffers.shift = buffers.latest - this.first + ROUND_GAP_NS;
    const feed = await openFeed(rounds.open(this.round), this.intake, buffers);
    try {
      for (;;) {
        if (this.oneBatch(feed)) await this.afterBatch(feed);
        else if (!(await feed.more())) break;
        if (this.stopped) return;
      }
    } finally {
      await feed.close();
    }
    this.bytesBefore += feed.bytes;
  }

  /** Runs what is in memory, at most a batch. @returns whether there was anything */
  private oneBatch(feed: Feed): boolean {
    const most = this.options.batchPackets ?? BATCH_PACKETS;
    let run: RunOptions | undefined;
    let done = 0;
    while (done < most) {
      const count = this.nextSlice(feed, most - done, done > 0);
      if (count === 0) break;
      run ??= this.runOptions();
      this.buffers.run(count, run);
      this.packets += count;
      done += count;
    }
    this.bytes = this.bytesBefore + feed.bytes;
    return done > 0;
  }

  /** Packets in front of what is wrong with a capture are a batch of their own: the feed throws again when it is asked for the next one. */
  private nextSlice(feed: Feed, most: number, some: boolean): number {
    try {
      const count = feed.walk(most);
      if (count > 0) this.first ??= this.buffers.firstTime;
      return count;
    } catch (error) {
      if (some) return 0;
      throw error;
    }
  }

  /** Of a batch: slots, and with them what may run, change only between batches. */
  private runOptions(): RunOptions {
    const { options, prog, host } = this;
    const copy = options.layout === 'copied' || this.movesPackets();
    this.layouts.add(copy ? 'copied' : 'in place');
    return {
      copy,
      linear: options.linear ?? (prog.frags ? XDP_LINEAR_MAX : undefined),
      now: options.clock === 'engine' ? BigInt.asUintN(64, host.now()) : undefined,
      rxTimestamp: options.rxTimestamp === true,
      onViolation: this.onViolation,
      onRan: this.output === undefined ? undefined : this.onRan,
    };
  }

  private readonly onViolation = (violation: Violation, index: number): void =>
    this.violations.add(violation, this.packets + index + 1);

  private readonly onRan = (ctx: number, count: number, times: number): void => this.output?.write(ctx, count, times);

  /** Whether a packet's ends may move: asked before each batch, because slots change. */
  private movesPackets(): boolean {
    return this.prog.movesPacket || (this.prog.tailCalls && this.host.progs.some((prog) => prog.movesPacket));
  }

  private async afterBatch(feed: Feed): Promise<void> {
    const { onProgress, signal } = this.options;
    const { round, packets, bytes } = this;
    const waiting = onProgress?.({ round, packets, bytes, offset: feed.offset });
    if (waiting !== undefined) await waiting;
    // Who reads a ring is let have its turn, so that the ring is empty for the next batch.
    if (this.pause.due || this.host.wakeups.take()) await this.pause.turn();
    if (signal?.aborted === true) this.stopped = true;
  }

  private report(wallSeconds: number, error: CaptureError | undefined): Report {
    const { packets, bytes, buffers, options, violations } = this;
    const seconds = buffers.spentNs / 1e9;
    const perSecond = (amount: number) => (seconds > 0 ? amount / seconds : 0);
    return {
      packets,
      bytes,
      verdicts: verdictCounts((index) => buffers.counter(index)),
      seconds,
      wallSeconds,
      packetsPerSecond: perSecond(packets),
      bitsPerSecond: perSecond(bytes * 8),
      programs: this.stats.since(this.host.progs),
      violations: { count: violations.count, first: violations.first },
      lost: this.lost.since(this.host.maps),
      written: (options.output?.packets ?? 0) - this.writtenBefore,
      layout: this.layouts.size === 2 ? 'mixed' : ([...this.layouts][0] ?? 'in place'),
      ...(this.stopped && { stopped: true as const }),
      ...(error !== undefined && { error: error.toJSON() }),
    };
  }
}
