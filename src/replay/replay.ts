/**
 * Replays a capture through a program: batches of packets into linear memory, the program's own loop over them, verdicts counted by the runtime.
 * JavaScript does something for every batch, nothing for a packet.
 */
import { CTX_SIZE, CTX_VERDICT, XDP_LINEAR_MAX, XDP_MD_DATA, XDP_MD_DATA_END } from '../../assembly/abi.ts';
import { XDP_PASS, XDP_REDIRECT, XDP_TX } from '../../assembly/isa.ts';
import { CaptureError, RunError } from '../errors/index.ts';
import { inFragments, readPacket } from '../runtime/frags.ts';
import type { Prog } from '../runtime/prog.ts';
import type { PcapWriter } from './pcap-writer.ts';
import { ReplayBuffers, type ReplayHost } from './replay-buffers.ts';
import { FEED_BYTES, type Feed, openFeed } from './replay-feed.ts';
import { type ReplayInput, Rounds } from './replay-input.ts';
import { Pause } from './replay-pause.ts';
import { LostBase, type Report, StatsBase, ViolationLog, verdictCounts } from './report.ts';

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
  host: ReplayHost,
  prog: Prog,
  input: ReplayInput,
  options: ReplayOptions = {},
): Promise<Report> {
  checkReplay(host, prog, options);
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
  const check = (option: 'loop' | 'ingressIfindex' | 'batchPackets' | 'linear', min: number, max: number) => {
    const value = options[option];
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
    throw new RunError('RUN_OPTION', { option, found: String(value), expected: `an integer from ${min} to ${max}` });
  };
  check('loop', 1, 0x7fffffff);
  check('ingressIfindex', 0, 0x7fffffff);
  check('batchPackets', 1, 1 << 20);
  check('linear', 0, XDP_LINEAR_MAX);
}

/** The state of one replay. */
class ReplayRun {
  private readonly host: ReplayHost;
  private readonly prog: Prog;
  private readonly options: ReplayOptions;
  private readonly buffers: ReplayBuffers;
  private readonly pause = new Pause();
  private readonly stats: StatsBase;
  private readonly lost: LostBase;
  private readonly violations = new ViolationLog();
  private readonly writtenBefore: number;
  private readonly layouts = new Set<'in place' | 'copied'>();
  private packets = 0;
  private bytes = 0;
  private round = 0;
  /** Time stamps of the first packet and of the latest one, as they were shifted. */
  private first: bigint | undefined;
  private latest = 0n;
  /** What is added to the time stamps of this round. */
  private shift = 0n;
  private stopped = false;

  constructor(host: ReplayHost, prog: Prog, options: ReplayOptions) {
    this.host = host;
    this.prog = prog;
    this.options = options;
    this.buffers = new ReplayBuffers(host, prog, options.batchPackets ?? BATCH_PACKETS, FEED_BYTES);
    this.stats = new StatsBase(host.progs);
    this.lost = new LostBase(host.maps);
    this.writtenBefore = options.output?.packets ?? 0;
  }

  close(): void {
    this.pause.close();
    this.buffers.close();
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
    this.options.output?.flush();
    return this.report((performance.now() - started) / 1000, error);
  }

  private async oneRound(rounds: Rounds): Promise<void> {
    const feed = await openFeed(rounds.open(this.round), this.buffers, this.options.batchPackets ?? BATCH_PACKETS);
    try {
      for (let count = await feed.next(this.shift); count > 0; count = await feed.next(this.shift)) {
        this.oneBatch(count);
        this.bytes += feed.bytes;
        await this.afterBatch(feed);
        if (this.stopped) return;
      }
    } finally {
      await feed.close();
    }
    const span = this.latest - (this.first ?? 0n);
    this.shift = (span > this.shift ? span : this.shift) + ROUND_GAP_NS;
  }

  private oneBatch(count: number): void {
    const { buffers, options } = this;
    this.first ??= buffers.timeOf(0);
    const latest = buffers.timeOf(count - 1);
    if (latest > this.latest) this.latest = latest;
    const copy = options.layout === 'copied' || this.movesPackets();
    this.layouts.add(copy ? 'copied' : 'in place');
    const before = this.packets;
    buffers.run(count, {
      copy,
      ifindex: options.ingressIfindex ?? 0,
      linear: options.linear ?? (this.prog.frags ? XDP_LINEAR_MAX : undefined),
      captureTime: options.clock !== 'engine',
      rxTimestamp: options.rxTimestamp === true,
      onViolation: (violation, index) => this.violations.add(violation, before + index + 1),
      onRan: options.output === undefined ? undefined : (ctx, from, n) => this.write(ctx, from, n),
    });
    this.packets += count;
  }

  /** Whether a packet's ends may move: asked before each batch, because slots change. */
  private movesPackets(): boolean {
    return this.prog.movesPacket || (this.prog.tailCalls && this.host.progs.some((prog) => prog.movesPacket));
  }

  private write(ctx: number, from: number, count: number): void {
    const { memory } = this.host;
    const { view, u8 } = memory;
    const writer = this.options.output as PcapWriter;
    const { times, lengths, wireLengths } = this.buffers.arrays();
    const meta = { timeLo: 0, timeHi: 0, originalLength: 0 };
    for (let i = 0; i < count; i++) {
      const at = ctx + i * CTX_SIZE;
      const verdict = view.getUint32(at + CTX_VERDICT, true);
      if (verdict !== XDP_PASS && verdict !== XDP_TX && verdict !== XDP_REDIRECT) continue;
      const packet = from + i;
      meta.timeLo = times[2 * packet];
      meta.timeHi = times[2 * packet + 1];
      const data = view.getUint32(at + XDP_MD_DATA, true);
      const joined = inFragments(view, at) ? readPacket(memory, at) : undefined;
      const length = joined?.length ?? view.getUint32(at + XDP_MD_DATA_END, true) - data;
      // What the program added or took away, the packet on the wire has more or less of.
      meta.originalLength = Math.max(length, wireLengths[packet] + length - lengths[packet]);
      writer.addRange(joined ?? u8, joined === undefined ? data : 0, length, meta);
    }
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
