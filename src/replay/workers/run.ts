/**
 * A replay by several threads (whole-run.ts and sorted-run.ts say what each of them does). This side opens the capture, brings pieces where threads cannot read them themselves,
 * and puts results in order. Where it has nothing of that to do it is one of the threads (own-part.ts); elsewhere its event loop is free.
 *
 *     by file   a classic pcap file: threads read it
 *     by batch  everything else, and all captures for programs that write to rings: this thread brings batches. Where there are rings a batch is run to its end before the
 *               next one comes, so that readers may empty them, as in a replay by one thread
 */
import { PCAP_NANO, PCAP_SWAP, VERDICT_OTHER, XDP_LINEAR_MAX } from '../../../assembly/abi.ts';
import { CaptureError, RunError } from '../../errors/index.ts';
import type { Prog } from '../../runtime/prog.ts';
import { ProgArray } from '../../runtime/prog-array.ts';
import type { TraceQueue } from '../../runtime/trace.ts';
import { CaptureReader, MAX_SNAPLEN } from '../capture.ts';
import { LINKTYPE_ETHERNET } from '../capture-format.ts';
import { type CaptureFile, type CaptureInput, chunksOf, isCaptureFile } from '../capture-source.ts';
import { PCAP_HEADER_BYTES, PCAP_RECORD_BYTES, pcapMagic } from '../pcap.ts';
import type { ReplayOptions } from '../replay.ts';
import type { ReplayHost } from '../replay-buffers.ts';
import { type ReplayInput, Rounds } from '../replay-input.ts';
import { Pause } from '../replay-pause.ts';
import { LostBase, REPORT_VIOLATIONS, type Report, StatsBase, verdictCounts } from '../report.ts';
import { type CaptureDamage, ERROR_TOO_LONG } from './control.ts';
import { Order } from './order.ts';
import { OwnPart } from './own-part.ts';
import type { ThreadPool } from './pool.ts';
import type { FileInput, RunParams, Spread, Violations } from './protocol.ts';
import { BatchSupply } from './supply.ts';
import { Team } from './team.ts';
import { Undo } from './undo.ts';

/** What a replay by threads needs of its engine. */
export interface ParallelHost extends ReplayHost {
  readonly workers: number;
  readonly trace: TraceQueue;
  readonly isTracing: boolean;
  /** The clock is the host's own, which every thread can read. */
  readonly hasOwnClock: boolean;
  readonly pendingTimers: number;
  slotGate: Team | undefined;
  threads(): Promise<ThreadPool>;
}

/** Between two looks at what the threads did. */
const TICK_MS = 10;
/** Between two turns of the event loop while this thread takes part. */
const TURN_MS = 10;
const ROUND_GAP_NS = 1000n;

/** @throws RunError when the engine has too few workers, or something cannot run on several */
export async function replayParallel(
  host: ParallelHost,
  prog: Prog,
  input: ReplayInput,
  options: ReplayOptions,
): Promise<Report> {
  const size = options.workers ?? 1;
  checkParallel(host, prog, size, options);
  const pool = await host.threads();
  // Another one may have begun while threads started.
  if (host.slotGate !== undefined) throw new RunError('RUN_BUSY', { what: 'replay' });
  const run = new ParallelRun(host, prog, pool, options);
  try {
    return await run.all(input);
  } finally {
    await run.close();
  }
}

function checkParallel(host: ParallelHost, prog: Prog, wanted: number, options: ReplayOptions): void {
  if (wanted > host.workers) throw new RunError('RUN_NOT_SHARED', { wanted, have: host.workers });
  if (host.slotGate !== undefined) throw new RunError('RUN_BUSY', { what: 'replay' });
  for (const { name, alone } of reachable(host, prog))
    if (alone !== undefined) throw new RunError('RUN_ALONE', { prog: name, reason: alone });
  if (host.pendingTimers > 0) throw new RunError('RUN_WORKERS', { reason: 'timers are armed' });
  if (options.clock === 'engine' && !host.hasOwnClock)
    throw new RunError('RUN_WORKERS', { reason: 'the engine has a clock of its own, which other threads cannot ask' });
}

/** Programs that packets may get to: by tail calls those of all slots. */
function reachable(host: ParallelHost, prog: Prog): Set<Prog> {
  const found = new Set([prog]);
  if (!prog.tailCalls) return found;
  for (const map of host.maps)
    if (map instanceof ProgArray) for (const [, inSlot] of map.tableEntries()) found.add(inSlot);
  return found;
}

/** How threads go through a part of the capture. */
interface Way {
  /** Undefined: the main thread brings the pieces. */
  readonly file: FileInput | undefined;
  readonly spread: Spread;
  /** Results are put into the capture's order. */
  readonly ordered: boolean;
}

/** The state of one replay. */
class ParallelRun {
  private readonly host: ParallelHost;
  private readonly prog: Prog;
  private readonly pool: ThreadPool;
  private readonly options: ReplayOptions;
  private readonly team: Team;
  private readonly pause = new Pause();
  private readonly stats: StatsBase;
  private readonly lost: LostBase;
  private readonly writtenBefore: number;
  private readonly layouts = new Set<'in place' | 'copied'>();
  private readonly found: Violations[] = [];
  private readonly verdicts = new Array<number>(VERDICT_OTHER + 1).fill(0);
  private undo: Undo;
  /** Where threads guess: where the run began in the file. */
  private settled: number | undefined;
  /** Nobody has guessed wrong so far. */
  private guesses = true;
  /** What was said last. */
  private told = { packets: 0, bytes: 0 };
  private readonly abort = () => this.team.notify();
  private order: Order | undefined;
  private round = 0;
  private offset = 0;
  /** Of the rounds before this one. */
  private packets = 0;
  private bytes = 0;
  private readonly spentNs: number[];
  private first: bigint | undefined;
  private latest = 0n;
  private shift = 0n;
  private stopped = false;
  /** The threads' counts are not taken over yet. */
  private begun = false;

  constructor(host: ParallelHost, prog: Prog, pool: ThreadPool, options: ReplayOptions) {
    this.host = host;
    this.prog = prog;
    this.pool = pool;
    this.options = options;
    this.stats = new StatsBase(host.progs);
    this.lost = new LostBase(host.maps);
    this.writtenBefore = options.output?.packets ?? 0;
    this.team = new Team(pool, options.workers ?? 1, (threads) => host.runtime.threads_running(threads));
    this.spentNs = new Array(this.team.size).fill(0);
    this.undo = new Undo(host);
    host.slotGate = this.team;
    options.signal?.addEventListener('abort', this.abort);
    prog.hold();
  }

  async close(): Promise<void> {
    const { host, options, prog, pause, team } = this;
    options.signal?.removeEventListener('abort', this.abort);
    await team.stop().catch(() => {});
    host.slotGate = undefined;
    team.close();
    pause.close();
    this.mergeStats();
    host.afterBatch();
    prog.release();
  }

  async all(input: ReplayInput): Promise<Report> {
    const started = performance.now();
    const loop = this.options.loop ?? 1;
    const rounds = new Rounds(input, loop);
    let error: CaptureError | undefined;
    this.pool.enableTrace();
    try {
      for (; this.round < loop && !this.stopped; this.round++) await this.oneRound(rounds.open(this.round));
    } catch (caught) {
      if (!(caught instanceof CaptureError) || this.packets === 0) throw caught;
      error = caught;
    }
    this.options.output?.flush();
    this.mergeStats();
    return this.report((performance.now() - started) / 1000, error);
  }

  /** Whether readers of rings have to keep up. */
  private get writesEvents(): boolean {
    return [...reachable(this.host, this.prog)].some((prog) => prog.writesEvents);
  }

  /** Whether it does not matter which thread runs a packet, nor when. */
  private get isStateless(): boolean {
    return [...reachable(this.host, this.prog)].every((prog) => prog.stateless);
  }

  private async oneRound(input: CaptureInput): Promise<void> {
    this.offset = 0;
    if (this.first !== undefined) this.shift = this.latest - this.first + ROUND_GAP_NS;
    const { file, rest } = await openFile(input, !this.writesEvents);
    // What was asked for since the round before ended; nobody runs.
    this.team.apply();
    try {
      if (file === undefined) await this.byBatch(rest);
      else await this.byFile(file);
    } finally {
      await this.team.stop();
      this.endRound();
    }
    const { damage } = this.pool.control;
    if (damage !== undefined) throw damageError(damage);
  }

  /** Takes over what the round's threads counted, if they began. */
  private endRound(): void {
    if (!this.begun) return;
    this.begun = false;
    const { control } = this.pool;
    const { team } = this;
    for (let i = 0; i < team.size; i++) {
      const { packets, bytes, spentNs, latest } = control.runOf(i);
      this.packets += packets;
      this.bytes += bytes;
      this.spentNs[i] += spentNs;
      if (latest > this.latest) this.latest = latest;
    }
    if (this.packets > 0) this.first ??= control.first;
    this.found.push(...team.violations);
    for (let i = 0; i < this.verdicts.length; i++) this.verdicts[i] += team.counter(i);
  }

  private begin({ file, spread, ordered }: Way): void {
    const { options, host, team, pool } = this;
    pool.control.reset(team.size, ordered);
    pool.control.position = file?.offset ?? 0;
    const trace = host.isTracing ? host.trace : undefined;
    const threads = spread === 'flow' ? team.size : 1;
    this.order = ordered ? new Order(threads, { trace, output: options.output }) : undefined;
    team.onPiece = (result) => {
      if (this.order?.add(result) !== true) return;
      pool.control.setDone(pool.size, this.order.done);
      pool.control.signal();
    };
    // What threads count from here on may be undone.
    this.mergeStats();
    this.undo = new Undo(host);
    const params = this.params({ file, spread, ordered });
    this.settled = params.guess ? file?.offset : undefined;
    this.begun = true;
    // Who puts results in order has enough to do.
    const takesPart = file !== undefined && spread === 'piece' && !ordered;
    const { undo } = this;
    team.begin(
      params,
      takesPart ? () => new OwnPart(host, this.prog, pool.control, { file, params, undo }) : undefined,
    );
  }

  /** Asked for anew whenever slots have changed. */
  private params({ file, spread, ordered }: Way): RunParams {
    const { options, prog, host } = this;
    const moves = prog.movesPacket || (prog.tailCalls && host.progs.some(({ movesPacket }) => movesPacket));
    const copy = options.layout === 'copied' || moves;
    this.layouts.add(copy ? 'copied' : 'in place');
    return {
      prog: prog.id,
      active: this.team.size,
      file,
      spread,
      shift: this.shift,
      packetsBefore: this.packets,
      ifindex: options.ingressIfindex ?? 0,
      linear: options.linear ?? (prog.frags ? XDP_LINEAR_MAX : undefined),
      copy,
      clockOrigin: options.clock === 'engine' ? performance.timeOrigin : undefined,
      rxTimestamp: options.rxTimestamp === true,
      ordered,
      guess: this.guesses && spread === 'piece' && !ordered,
      output: options.output !== undefined,
    };
  }

  private async byFile(file: FileInput): Promise<void> {
    const { options, host, team } = this;
    const ordered = options.output !== undefined || host.isTracing;
    let way: Way = { file, spread: this.isStateless && !host.isTracing ? 'piece' : 'flow', ordered };
    this.begin(way);
    let told = 0;
    while (!team.isDone) {
      await this.turn();
      if (team.hasChanges && !this.isBehind) {
        await team.park();
        way = this.goOn(way);
      }
      if (options.signal?.aborted === true) {
        await team.park();
        // Or nothing is told of the run; its packets have changed nothing.
        if (this.pool.control.misguessed) this.takeBack();
        this.stopped = true;
        return;
      }
      if (team.isStopped && !team.isDone) way = this.goOn(way);
      if (performance.now() - told < TICK_MS) continue;
      told = performance.now();
      way = await this.tell(way);
    }
    this.offset = this.offsetIn(way);
    if (this.ran('packets') > 0) await this.progress();
    if (options.signal?.aborted === true) this.stopped = true;
  }

  /** Takes part in the work for a while, or waits until something has happened. */
  private async turn(): Promise<void> {
    const { team, pause } = this;
    // A short round may be done at once, and so may the next thousand.
    if (team.work(performance.now() + TURN_MS) || pause.due) await pause.turn();
    else if (!team.isStopped) await team.news(this.options.onProgress === undefined ? undefined : TICK_MS);
    team.rethrow();
  }

  /** Goes on after all were parked. @returns in which way */
  private goOn(way: Way): Way {
    const { team } = this;
    const { file, spread } = way;
    if (this.pool.control.misguessed) {
      this.takeBack();
      this.guesses = false;
      // With the programs it began with: slots change behind the packets that were told of.
      this.begin(way);
      return way;
    }
    if (!this.isBehind) team.apply();
    if (team.isDone) return way;
    if (file === undefined || spread === 'flow') {
      team.resume(this.params(way));
      return way;
    }
    // A run of its own, because another program may take part; where one keeps something, packets keep to their flows' threads from here on.
    this.endRound();
    const offset = this.pool.control.position;
    const rest: Way = { ...way, file: { ...file, offset }, spread: this.isStateless ? 'piece' : 'flow' };
    this.begin(rest);
    return rest;
  }

  /** Packets that were told of are done anew. */
  private get isBehind(): boolean {
    return this.packets + this.ran('packets') < this.told.packets;
  }

  /** Nothing of the run that was misguessed counts. */
  private takeBack(): void {
    this.undo.undo();
    this.pool.control.forgetDamage();
    this.begun = false;
  }

  /** Of the capture, behind what was run. */
  private offsetIn({ file }: Way): number {
    return (file?.offset ?? 0) + this.ran('bytes') + this.ran('packets') * PCAP_RECORD_BYTES;
  }

  /** Of this round so far. */
  private ran(what: 'packets' | 'bytes'): number {
    const { control } = this.pool;
    if (this.settled !== undefined) {
      // What ran by a guess is told of when that was right.
      const { packets, position } = control;
      return what === 'packets' ? packets : Math.max(0, position - this.settled - packets * PCAP_RECORD_BYTES);
    }
    let sum = 0;
    for (let i = 0; i < this.team.size; i++) sum += control.runOf(i)[what];
    return sum;
  }

  /** Says how far it is; threads wait while whoever is told takes time. @returns in which way they go on */
  private async tell(way: Way): Promise<Way> {
    const { team } = this;
    this.offset = Math.max(this.offset, this.offsetIn(way));
    const waiting = this.progress();
    if (waiting === undefined) return way;
    let done = false;
    const finished = waiting.finally(() => {
      done = true;
    });
    finished.catch(() => {});
    await this.pause.turn();
    if (done) {
      await finished;
      return way;
    }
    await team.park();
    await finished;
    return this.goOn(way);
  }

  private progress(): Promise<void> | undefined {
    const { round, offset } = this;
    const { told } = this;
    // What is done anew was told already.
    const packets = Math.max(told.packets, this.packets + this.ran('packets'));
    const bytes = Math.max(told.bytes, this.bytes + this.ran('bytes'));
    this.told = { packets, bytes };
    const waiting = this.options.onProgress?.({ round, packets, bytes, offset });
    return waiting instanceof Promise ? waiting : undefined;
  }

  private async byBatch(input: CaptureInput): Promise<void> {
    const { pool, team, options, host } = this;
    const { control, geometry } = pool;
    const size = options.batchPackets ?? BATCH_PACKETS;
    const supply = await BatchSupply.open(host.memory, control, geometry, input, size);
    const rings = this.writesEvents;
    const way: Way = { file: undefined, spread: 'flow', ordered: true };
    this.begin(way);
    try {
      for (let batch = await supply.next(); batch !== undefined; batch = await supply.next()) {
        await team.until(() => supply.pieces < control.finished + geometry.places);
        supply.load(batch);
        this.offset = supply.offset;
        if (rings || team.hasChanges) await team.until(() => control.finished >= supply.pieces);
        await this.afterBatch(way, rings);
        if (this.stopped) break;
      }
    } finally {
      control.end = supply.pieces;
      control.signal();
      try {
        await team.until(() => team.isDone);
      } finally {
        await supply.close();
      }
    }
  }

  private async afterBatch(way: Way, rings: boolean): Promise<void> {
    const { team, host, options, pause } = this;
    if (rings) {
      // Nobody runs: readers find whole records only.
      host.runtime.threads_running(0);
      host.afterBatch();
    }
    const waiting = this.progress();
    if (waiting !== undefined) await waiting;
    if (pause.due || host.wakeups.take()) await pause.turn();
    if (rings) host.runtime.threads_running(team.size);
    if (team.hasChanges) {
      await team.park();
      this.goOn(way);
    }
    if (options.signal?.aborted === true) this.stopped = true;
  }

  /** Adds what threads counted of each program to what the main one did. */
  private mergeStats(): void {
    const { memory } = this.host;
    for (const { id, unit } of this.host.progs) {
      const prog = unit?.progs.find((one) => one.id === id);
      if (prog === undefined) continue;
      const [main, ...others] = prog.stats;
      for (const other of others) {
        for (let at = 0; at < prog.statsSize; at += 8) {
          memory.setU64(main + at, memory.u64(main + at) + memory.u64(other + at));
          memory.setU64(other + at, 0n);
        }
      }
    }
  }

  private report(wallSeconds: number, error: CaptureError | undefined): Report {
    const { packets, bytes, options, host } = this;
    this.prog.addTime(this.spentNs.reduce((sum, spent) => sum + spent, 0));
    // The threads work side by side: the one that took longest says how long the programs took.
    const seconds = Math.max(...this.spentNs) / 1e9;
    const perSecond = (amount: number) => (seconds > 0 ? amount / seconds : 0);
    const first = this.found.flatMap((found) => found.first).sort((a, b) => a.packet - b.packet);
    return {
      packets,
      bytes,
      verdicts: verdictCounts((index) => this.verdicts[index]),
      seconds,
      wallSeconds,
      packetsPerSecond: perSecond(packets),
      bitsPerSecond: perSecond(bytes * 8),
      programs: this.stats.since(host.progs),
      violations: {
        count: this.found.reduce((sum, { count }) => sum + count, 0),
        first: first.slice(0, REPORT_VIOLATIONS),
      },
      lost: this.lost.since(host.maps),
      written: (options.output?.packets ?? 0) - this.writtenBefore,
      layout: this.layouts.size === 2 ? 'mixed' : packets === 0 ? 'in place' : [...this.layouts][0],
      ...(this.stopped && { stopped: true as const }),
      ...(error !== undefined && { error: error.toJSON() }),
    };
  }
}

const BATCH_PACKETS = 2048;

interface Opened {
  /** A classic pcap of Ethernet frames that threads can open. */
  readonly file: FileInput | undefined;
  /** The input from its beginning, where `file` is not there. */
  readonly rest: CaptureInput;
}

async function openFile(input: CaptureInput, wanted: boolean): Promise<Opened> {
  if (!wanted || !isCaptureFile(input) || input.path === undefined) return { file: undefined, rest: input };
  try {
    const { path } = input;
    const head = new Uint8Array(PCAP_HEADER_BYTES);
    const length = input.read(head);
    const kind = length === head.length ? pcapMagic(new DataView(head.buffer).getUint32(0, false)) : undefined;
    if (kind !== undefined && (await isEthernet(head))) {
      const flags = (kind.little ? 0 : PCAP_SWAP) | (kind.nanoseconds ? PCAP_NANO : 0);
      input.close();
      return { file: { path, offset: PCAP_HEADER_BYTES, flags }, rest: input };
    }
    return { file: undefined, rest: behind(head.subarray(0, length), input) };
  } catch (error) {
    input.close();
    throw error;
  }
}

async function isEthernet(head: Uint8Array): Promise<boolean> {
  const { interfaces } = await CaptureReader.open(head);
  return interfaces[0].linkType === LINKTYPE_ETHERNET;
}

/** What was read already, and what follows. */
async function* behind(head: Uint8Array, input: CaptureFile): AsyncGenerator<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  try {
    yield head;
    chunks = chunksOf(input);
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  } finally {
    // Chunks that nobody asked for close nothing.
    if (chunks === undefined) input.close();
    else await chunks.return?.();
  }
}

function damageError({ kind, offset, found, had }: CaptureDamage): CaptureError {
  if (kind === ERROR_TOO_LONG)
    return new CaptureError('CAPTURE_TOO_LONG', { offset, what: 'packet record', found, limit: MAX_SNAPLEN });
  const what = had < PCAP_RECORD_BYTES ? 'record header' : 'packet record';
  return new CaptureError('CAPTURE_TRUNCATED', { offset, what, needed: found, had });
}
