/** A loaded program: runs packets, counts what it did, and lives until its handle and every slot that holds it have let go. */
import {
  CTX_SIZE,
  SKB_SIZE,
  STATS_RUNS,
  STATS_SITE_MISSED,
  STATS_SITE_SIZE,
  STATS_SITE_TAKEN,
  STATS_SITES,
  XDP_LINEAR_MAX,
} from '../../assembly/abi.ts';
import { RunError } from '../errors/index.ts';
import type { ProgType } from '../object/types.ts';
import { runBatch } from './batch.ts';
import type { CodeUnit } from './code-unit.ts';
import type { Device, Link } from './device.ts';
import { fragBuffers, fragsHeader, readPacket, writeFrags } from './frags.ts';
import type { ProgHost } from './host.ts';
import { frameSize, layFrame, readContext, type Verdict, verdictName, writeContext, type XdpMeta } from './packet.ts';
import { type Redirect, redirectOf } from './redirect.ts';
import { checkRxMetadata, clearRxMetadata, type RxMetadata, writeRxMetadata } from './rx-metadata.ts';
import { type SkbMeta, writeSkb } from './skb.ts';
import type { SlotKind } from './slot-kind.ts';
import type { Violation } from './trap.ts';

/** The largest packet a run takes; XDP frames are far smaller, but captures hold reassembled ones. */
export const MAX_PACKET = 262144;

export interface RunOptions {
  readonly ctx?: XdpMeta;
  /** The context of programs that see a `struct __sk_buff`: socket filters. */
  readonly skb?: SkbMeta;
  /** Bytes in front of the packet that start as its metadata. */
  readonly metadata?: Uint8Array;
  /**
   * Most bytes of an XDP packet that the program reaches by itself, between data and data_end; the rest is in fragments of 4096 bytes. For programs that know
   * of fragments (section xdp.frags) 3520, what a page has room for, unless given; for others the whole packet.
   */
  readonly linear?: number;
  /** What bpf_ktime_get_ns returns; the engine's clock unless given. */
  readonly timeNs?: bigint;
  /** What the network card says of the packet; `{}` where it could, but says nothing of this one. Without it the card cannot: -EOPNOTSUPP. */
  readonly rxMetadata?: RxMetadata;
  /** Runs it so many times on the same packet, as BPF_PROG_TEST_RUN does; the last run's result counts. */
  readonly repeat?: number;
}

export interface RunResult {
  readonly verdict: Verdict | `UNKNOWN(${number})`;
  /** Low 32 bits of R0. */
  readonly returnValue: number;
  /** The packet as the program left it. */
  readonly packet: Uint8Array;
  /** How many bytes of it are in front of its fragments, where it has some. */
  readonly linear?: number;
  readonly metadata: Uint8Array;
  /** Where to, with verdict XDP_REDIRECT. */
  readonly redirect?: Redirect;
  /** Why the run was ended, if it was. */
  readonly violation?: Violation;
  /** Average of one run. */
  readonly durationNs: number;
}

/** One bpf_tail_call of the program's code. */
export interface TailCallStats {
  readonly pc: number;
  readonly taken: number;
  readonly missed: number;
}

export interface ProgStats {
  /** Times it was entered, by a packet or by a tail call. */
  readonly runs: number;
  /** Time spent in runs that began with this program. */
  readonly timeNs: number;
  readonly tailCalls: readonly TailCallStats[];
}

export interface ProgParts {
  readonly name: string;
  readonly section: string;
  readonly type: ProgType;
  readonly attachType: number;
  readonly frags: boolean;
  readonly deviceBound: boolean;
  readonly id: number;
  /** Wasm function for the shared table. */
  readonly func: () => unknown;
  /** The batch loop. */
  readonly loop: (ctx: number, end: number) => void;
  /** Gets what it throws: (cookie, 0, 0, 0, 0, frame) -> R0. Without one the cookie is R0. */
  readonly handler: ((...args: readonly [bigint, bigint, bigint, bigint, bigint, number]) => bigint) | undefined;
  /** Address of its statistics. */
  readonly stats: number;
  readonly sites: readonly number[];
  /** Of each site, the name of the prog array it jumps through, where that is known. */
  readonly siteMaps?: readonly (string | undefined)[];
  /** The batch loop may stop before its end. */
  readonly stopsEarly: boolean;
  /** The batch loop holds a copy of the program. */
  readonly inlined: boolean;
  /** It calls a helper that moves the packet's ends. */
  readonly movesPacket: boolean;
  /** Its context is a `struct __sk_buff`. */
  readonly seesSkb: boolean;
  /** It may tail-call. */
  readonly tailCalls: boolean;
  /** Of an engine with workers: the module it is of. */
  readonly unit?: CodeUnit | undefined;
  /** It writes records that JavaScript reads as they come. */
  readonly writesEvents?: boolean;
  /** Why several threads may not run it. */
  readonly alone?: string | undefined;
  /** It keeps nothing between packets, so that any thread may run any packet; known where there are threads. */
  readonly stateless?: boolean;
  /** Gives back what the program holds: called once, with the last reference. */
  readonly dispose: () => void;
}

export class Prog {
  readonly name: string;
  readonly section: string;
  readonly type: ProgType;
  /** Unique in its engine, from 1. */
  readonly id: number;
  readonly host: ProgHost;
  /** @internal what prog arrays put into the shared table */
  readonly func: () => unknown;
  /** @internal the batch loop over context records */
  readonly loop: (ctx: number, end: number) => void;
  /** It knows that a packet may be in several buffers: section `xdp.frags`. */
  readonly frags: boolean;
  /** @internal the batch loop may stop before its end */
  readonly stopsEarly: boolean;
  readonly movesPacket: boolean;
  readonly tailCalls: boolean;
  /** Of each of `stats.tailCalls`, the name of the prog array it jumps through, where the code says so. */
  readonly tailCallMaps: readonly (string | undefined)[];
  private readonly parts: ProgParts;
  private references = 1;
  private closed = false;
  private timeNs = 0;

  constructor(host: ProgHost, parts: ProgParts) {
    this.host = host;
    this.parts = parts;
    this.name = parts.name;
    this.section = parts.section;
    this.type = parts.type;
    this.id = parts.id;
    this.func = parts.func;
    this.loop = parts.loop;
    this.stopsEarly = parts.stopsEarly;
    this.frags = parts.frags;
    this.movesPacket = parts.movesPacket;
    this.tailCalls = parts.tailCalls;
    this.tailCallMaps = parts.siteMaps ?? [];
  }

  /** @internal what prog arrays compare */
  get slotKind(): SlotKind {
    const { type, attachType, frags, deviceBound } = this.parts;
    return { type, attachType, frags, deviceBound };
  }

  /** @internal the module it is of, for other threads */
  get unit(): CodeUnit | undefined {
    return this.parts.unit;
  }

  /** @internal it writes to a ring buffer or a perf event array */
  get writesEvents(): boolean {
    return this.parts.writesEvents === true;
  }

  /** Why several workers cannot run it at once; undefined when they can. */
  get alone(): string | undefined {
    return this.parts.alone;
  }

  /** @internal it keeps nothing between packets */
  get stateless(): boolean {
    return this.parts.stateless === true;
  }

  /** @internal throws when the handle is closed */
  alive(): void {
    if (this.closed) throw new RunError('RUN_CLOSED', { what: 'program', name: this.name });
  }

  /** @internal what it makes of what it threw: low half of R0 */
  handle(cookie: bigint, frame: number): number {
    const { handler } = this.parts;
    const result = handler === undefined ? cookie : handler(cookie, 0n, 0n, 0n, 0n, frame);
    return Number(result & 0xffffffffn);
  }

  /** @internal a slot or a link refers to it */
  hold(): void {
    this.references++;
  }

  /** @internal a slot or a link lets go; the last one frees the program */
  release(): void {
    this.references--;
    if (this.references === 0) this.parts.dispose();
  }

  /**
   * Runs the program once on a copy of `packet`.
   * @throws RunError when the packet is too large, the handle closed, or an option out of range
   */
  run(packet: Uint8Array, options: RunOptions = {}): RunResult {
    this.alive();
    return this.runAttached(packet, options);
  }

  /** @internal runs although the handle may be closed: a link holds the program */
  runAttached(packet: Uint8Array, options: RunOptions): RunResult {
    const metadata = options.metadata ?? new Uint8Array(0);
    const repeat = options.repeat ?? 1;
    checkRun(packet, metadata, repeat);
    checkRxMetadata(options.rxMetadata);
    const { memory } = this.host;
    const place = this.place(packet, metadata, options.linear);
    const { ctx, skb, frame } = place;
    let violation: Violation | undefined;
    let spent = 0;
    for (let i = 0; i < repeat; i++) {
      // Every run starts from the same packet, and from head room that shows nothing of an earlier one.
      memory.u8.fill(0, frame.hardStart, frame.dataMeta);
      memory.u8.set(packet.subarray(0, place.linear), frame.data);
      memory.u8.set(metadata, frame.dataMeta);
      const timeNs = options.timeNs ?? this.host.now();
      writeContext(memory.view, ctx, { ...options.ctx, ...frame, timeNs, wireLength: packet.length, skb });
      if (skb !== 0) writeSkb(memory, skb, frame, options.skb ?? {});
      if (place.linear < packet.length) writeFrags(memory, place, packet.subarray(place.linear));
      if (options.rxMetadata !== undefined) writeRxMetadata(this.host, options.rxMetadata);
      const started = performance.now();
      runBatch(this.host, this, { ctx, count: 1 }, (v) => {
        violation = v;
      });
      spent += performance.now() - started;
      if (options.rxMetadata !== undefined) clearRxMetadata(this.host);
    }
    this.timeNs += spent * 1e6;
    return this.result(ctx, violation, (spent * 1e6) / repeat);
  }

  /** Where the packet of one run lies: its record, what belongs to that, the frame, the fragments. */
  private place(packet: Uint8Array, metadata: Uint8Array, wanted: number | undefined) {
    const { seesSkb, frags } = this.parts;
    checkLinear(wanted, this.name, seesSkb);
    const linear = Math.min(packet.length, wanted ?? (frags ? XDP_LINEAR_MAX : packet.length));
    const rest = packet.length - linear;
    const records = CTX_SIZE + (seesSkb ? SKB_SIZE : 0) + fragsHeader(rest);
    const size = frameSize(linear);
    const ctx = this.host.frames(records + size + fragBuffers(rest));
    const base = ctx + records;
    return {
      ctx,
      skb: seesSkb ? ctx + CTX_SIZE : 0,
      header: ctx + CTX_SIZE,
      frame: layFrame(base, linear, metadata.length),
      linear,
      buffers: base + size,
    };
  }

  private result(ctx: number, violation: Violation | undefined, durationNs: number): RunResult {
    const { u8, view } = this.host.memory;
    const out = readContext(view, ctx);
    const verdict = verdictName(out.returnValue);
    const packet = readPacket(this.host.memory, ctx);
    const linear = out.dataEnd - out.data;
    return {
      verdict,
      returnValue: out.returnValue,
      packet,
      ...(linear < packet.length && { linear }),
      metadata: u8.slice(out.dataMeta, out.data),
      ...(verdict === 'XDP_REDIRECT' && { redirect: redirectOf(out, (address) => this.host.mapAt(address)) }),
      ...(violation !== undefined && { violation }),
      durationNs,
    };
  }

  /** @internal runs of the batch loop, where it holds a copy of the program that does not count them */
  addRuns(count: number): void {
    if (!this.parts.inlined) return;
    const at = this.parts.stats + STATS_RUNS;
    const { view } = this.host.memory;
    view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(count), true);
  }

  /** Adds to the time of runs made elsewhere (replay, devices). */
  addTime(ns: number): void {
    this.timeNs += ns;
  }

  /** What the program did since it was loaded or since `resetStats`. */
  get stats(): ProgStats {
    const { view } = this.host.memory;
    const read = (offset: number) => Number(view.getBigUint64(this.parts.stats + offset, true));
    return {
      runs: read(STATS_RUNS),
      timeNs: this.timeNs,
      tailCalls: this.parts.sites.map((pc, i) => ({
        pc,
        taken: read(STATS_SITES + i * STATS_SITE_SIZE + STATS_SITE_TAKEN),
        missed: read(STATS_SITES + i * STATS_SITE_SIZE + STATS_SITE_MISSED),
      })),
    };
  }

  resetStats(): void {
    this.timeNs = 0;
    const bytes = STATS_SITES + this.parts.sites.length * STATS_SITE_SIZE;
    this.host.memory.u8.fill(0, this.parts.stats, this.parts.stats + bytes);
  }

  /**
   * Makes `device` run this program on what it receives.
   * @throws RunError when the device has a program already, or this one is not XDP
   */
  attach(device: Device): Link {
    this.alive();
    return device.attachProg(this);
  }

  /** Lets go of the handle. Slots and links that hold the program keep it alive. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function checkLinear(linear: number | undefined, prog: string, seesSkb: boolean): void {
  if (linear === undefined) return;
  if (seesSkb) {
    throw new RunError('RUN_OPTION', {
      option: 'linear',
      found: String(linear),
      expected: `for ${prog}, which is no XDP program`,
    });
  }
  if (!Number.isInteger(linear) || linear < 0 || linear > XDP_LINEAR_MAX) {
    const expected = `an integer from 0 to ${XDP_LINEAR_MAX}`;
    throw new RunError('RUN_OPTION', { option: 'linear', found: String(linear), expected });
  }
}

function checkRun(packet: Uint8Array, metadata: Uint8Array, repeat: number): void {
  if (!(packet instanceof Uint8Array))
    throw new RunError('RUN_OPTION', { option: 'packet', found: typeof packet, expected: 'a Uint8Array' });
  if (packet.length > MAX_PACKET) throw new RunError('RUN_PACKET_SIZE', { bytes: packet.length, limit: MAX_PACKET });
  if (metadata.length % 4 !== 0 || metadata.length > 252) {
    const detail = `${metadata.length} bytes of metadata; it has a multiple of 4, 252 at most`;
    throw new RunError('RUN_CTX', { field: 'data_meta', detail });
  }
  if (!Number.isInteger(repeat) || repeat < 1 || repeat > 0x7fffffff) {
    throw new RunError('RUN_OPTION', { option: 'repeat', found: String(repeat), expected: 'a count from 1 on' });
  }
}
