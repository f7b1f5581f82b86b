/** An engine's threads: started once, for all its replays. Each has a struct Vm with a stack behind it, and they share the ring that pieces of captures lie in. */
import {
  PCAP_MAX_SNAPLEN,
  PIECE_CPUS,
  PIECE_HEADER,
  PIECE_PACKETS,
  PIECE_PLACES,
  PIECE_RECORD_SIZE,
  PIECE_SORTED,
  PIECE_STARTS,
  RSS_TABLES_SIZE,
  STACK_TOP,
  TRACE_BUFFER_SIZE,
  VM_BASE,
  VM_CPU,
  VM_CTX,
  VM_FRAME_TOP,
  VM_HELD_LOCK,
  VM_MAY_WAIT,
  VM_PRNG,
  VM_SCRATCH,
  VM_TRACE_BASE,
  VM_TRACE_ON,
  VM_TRACE_SIZE,
  VM_TRACE_USED,
} from '../../../assembly/abi.ts';
import { RunError } from '../../errors/index.ts';
import type { CodeUnit } from '../../runtime/code-unit.ts';
import type { Prog } from '../../runtime/prog.ts';
import { ProgArray } from '../../runtime/prog-array.ts';
import { compileSharedRuntime } from '../../runtime/shared.ts';
import type { SharedTable } from '../../runtime/table.ts';
import type { ReplayHost } from '../replay-buffers.ts';
import { COMMAND_FAIL, Control } from './control.ts';
import type { FromThread, Geometry, Sync, ToThread } from './protocol.ts';
import { startThread, type Thread } from './thread.ts';

/** What is known of a packet is in front of it. */
const PLACE_BYTES = 5 * 65536;
if (PLACE_BYTES < PIECE_RECORD_SIZE + PCAP_MAX_SNAPLEN) throw new RangeError('a record may be longer than a piece');
/** Packets of no bytes fill a piece with as many. */
const CAPACITY = PLACE_BYTES / PIECE_RECORD_SIZE + 2;
/** Of the programs' random numbers: what one thread's generator is away from the next one's. */
const GOLDEN = 0x9e3779b97f4a7c15n;
/** Of the numbers of runs: none is still known when it comes again. */
const MAX_RUN = 0x3fffffff;

/** What threads need of their engine. */
export interface PoolHost extends ReplayHost {
  readonly workers: number;
  readonly table: SharedTable;
}

export class ThreadPool {
  readonly geometry: Geometry;
  readonly control: Control;
  readonly size: number;
  /** Gets what threads say while a replay runs. */
  listener: ((index: number, message: FromThread) => void) | undefined;
  private readonly host: PoolHost;
  private readonly vms: number[] = [];
  private threads: Thread[] = [];
  /** Of each thread, the units it has. */
  private readonly known: Set<number>[];
  private runs = 0;
  private readonly started: Promise<void>;
  private failure: RunError<'RUN_WORKER'> | undefined;
  private failed: (error: RunError<'RUN_WORKER'>) => void = () => {};

  constructor(host: PoolHost) {
    this.host = host;
    this.size = host.workers;
    this.known = Array.from({ length: this.size }, () => new Set());
    this.geometry = this.layOut();
    const { memory, vm } = host;
    this.control = new Control(memory.raw.buffer, this.geometry, memory.u32(vm + VM_MAY_WAIT) !== 0);
    this.started = this.start();
    this.started.catch(() => {});
  }

  /** @throws RunError RUN_WORKER when one has failed */
  async ready(): Promise<void> {
    await this.started;
    if (this.failure !== undefined) throw this.failure;
  }

  private layOut(): Geometry {
    const { host, size } = this;
    const places = 2 * size + 2;
    const alloc = (bytes: number) => host.alloc(bytes, 'workers');
    for (let i = 0; i < size; i++) this.vms.push(alloc(STACK_TOP - VM_BASE));
    const rssTables = alloc(RSS_TABLES_SIZE);
    host.runtime.rss_tables(rssTables);
    const ring = alloc(places * PLACE_BYTES);
    const pieces = Array.from({ length: places }, () => this.layPiece(alloc));
    const control = alloc(Control.bytes(size, places));
    return { control, threads: size, ring, placeBytes: PLACE_BYTES, places, pieces, capacity: CAPACITY, rssTables };
  }

  private layPiece(alloc: (bytes: number) => number): number {
    const { memory } = this.host;
    const piece = alloc(PIECE_HEADER);
    memory.setU32(piece + PIECE_PACKETS, alloc(4 * CAPACITY));
    memory.setU32(piece + PIECE_CPUS, alloc(CAPACITY));
    memory.setU32(piece + PIECE_SORTED, alloc(4 * CAPACITY));
    memory.setU32(piece + PIECE_PLACES, alloc(4 * CAPACITY));
    memory.setU32(piece + PIECE_STARTS, alloc(4 * (this.size + 1)));
    return piece;
  }

  private async start(): Promise<void> {
    const [{ THREAD_CODE }, module] = await Promise.all([import('./entry.gen.ts'), compileSharedRuntime()]);
    const { host, geometry } = this;
    let waiting = this.size;
    await new Promise<void>((resolve, reject) => {
      this.failed = reject;
      this.vms.forEach((vm, index) => {
        this.setVm(vm, index);
        const thread = startThread(THREAD_CODE, {
          message: (message) => {
            if (message.kind !== 'ready') this.receive(index, message);
            else if (--waiting === 0) resolve();
          },
          failed: (reason) => this.fail(index, reason),
        });
        this.threads.push(thread);
        thread.post({ kind: 'setup', index, memory: host.memory.raw, module, vm, geometry });
      });
      this.hold(true);
    });
    this.hold(false);
  }

  private receive(index: number, message: FromThread): void {
    if (message.kind === 'failed') this.fail(index, message.reason);
    else this.listener?.(index, message);
  }

  /** The number of a run that begins or goes on. */
  nextRun(): number {
    this.runs = (this.runs % MAX_RUN) + 1;
    return this.runs;
  }

  /** Nothing can be said of the memory any more that the thread worked in: all of them end. */
  fail(worker: number, reason: string): void {
    if (this.failure !== undefined) return;
    this.failure = new RunError('RUN_WORKER', { worker, reason });
    this.end(this.failure);
  }

  /** Calls `failed` when a thread fails. */
  onFailure(failed: (error: RunError<'RUN_WORKER'>) => void): void {
    this.failed = failed;
    if (this.failure !== undefined) failed(this.failure);
  }

  close(): void {
    this.fail(0, 'the engine was closed');
  }

  /** A replay that still runs is told: it would wait for threads that are no more. */
  private end(failure: RunError<'RUN_WORKER'>): void {
    this.control.command = COMMAND_FAIL;
    this.control.signal();
    for (const thread of this.threads.splice(0)) thread.terminate();
    this.failed(failure);
  }

  /** While a replay runs the process waits for its threads. */
  hold(held: boolean): void {
    for (const thread of this.threads) thread.hold(held);
  }

  postTo(index: number, message: ToThread): void {
    this.threads[index]?.post(message);
  }

  /** The state of a thread as the main one's is, but for what is its own. */
  private setVm(vm: number, cpu: number): void {
    const { memory, vm: main } = this.host;
    memory.write(vm, memory.read(main, VM_SCRATCH));
    memory.setU32(vm + VM_CTX, 0);
    memory.setU32(vm + VM_CPU, cpu);
    memory.setU32(vm + VM_FRAME_TOP, vm + STACK_TOP - VM_BASE);
    memory.setU32(vm + VM_MAY_WAIT, 1);
    memory.setU32(vm + VM_HELD_LOCK, 0);
    memory.setU64(vm + VM_PRNG, BigInt.asUintN(64, memory.u64(main + VM_PRNG) ^ (GOLDEN * BigInt(cpu))));
    memory.setU32(vm + VM_TRACE_ON, 0);
    memory.setU32(vm + VM_TRACE_USED, 0);
  }

  /** Trace buffers of all threads, if the engine keeps lines. */
  enableTrace(): void {
    const { memory, vm: main } = this.host;
    if (memory.u32(main + VM_TRACE_ON) === 0) return;
    for (const vm of this.vms) {
      if (memory.u32(vm + VM_TRACE_ON) !== 0) continue;
      memory.setU32(vm + VM_TRACE_BASE, this.host.alloc(TRACE_BUFFER_SIZE, 'the trace buffer'));
      memory.setU32(vm + VM_TRACE_SIZE, TRACE_BUFFER_SIZE);
      memory.setU32(vm + VM_TRACE_ON, 1);
    }
  }

  /** Brings threads' tables to what the main one's is: of those from number `first` on, `end` not included. */
  syncAll(first: number, end: number): void {
    const slots: [number, number][] = [];
    const units = new Map<number, CodeUnit>();
    for (const { unit } of this.host.progs) if (unit !== undefined) units.set(unit.id, unit);
    for (const map of this.host.maps)
      if (map instanceof ProgArray) for (const [slot, prog] of map.tableEntries()) slots.push([slot, prog.id]);
    for (let i = first; i < end; i++) {
      const gone = [...this.known[i]].filter((id) => !units.has(id));
      for (const id of gone) this.known[i].delete(id);
      this.sync(i, { all: true, gone, slots }, [...units.values()]);
    }
  }

  /** Makes those threads put programs into slots of their tables. */
  syncSlots(first: number, end: number, changes: ReadonlyMap<number, Pick<Prog, 'id' | 'unit'> | undefined>): void {
    const units = [...changes.values()].flatMap((prog) => (prog?.unit === undefined ? [] : [prog.unit]));
    const slots = [...changes].map(([slot, prog]) => [slot, prog?.id ?? 0] as const);
    for (let i = first; i < end; i++) this.sync(i, { all: false, gone: [], slots }, units);
  }

  private sync(index: number, how: Pick<Sync, 'all' | 'gone' | 'slots'>, units: readonly CodeUnit[]): void {
    const known = this.known[index];
    const fresh = units.filter(({ id }) => !known.has(id));
    for (const { id } of fresh) known.add(id);
    const tableLength = this.host.table.table.length;
    this.postTo(index, { kind: 'sync', units: [...new Set(fresh)], tableLength, ...how });
  }
}
