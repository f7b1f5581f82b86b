/**
 * The memory of a replay and how a batch is run in it. The arrays of a capture batch and the bytes it lies in are copied into linear memory in
 * one piece each; the runtime makes context records of them; the program's loop runs over these.
 *
 *     in place  records point into the copied bytes
 *     copied    each packet has a frame of its own, with head and tail room, laid out as in runtime/packet.ts
 *
 * For programs that know of fragments, what of a packet is longer than `linear` is behind its linear part: assembly/runtime/replay/batch-frags.ts.
 */
import {
  CTX_SIZE,
  FRAG_BUFFER,
  FRAG_SIZE,
  FRAGS_LIST,
  PCAP_OK,
  PCAP_WALK_CONSUMED,
  PCAP_WALK_ERROR,
  PCAP_WALK_SIZE,
  VERDICT_OTHER,
  VM_TIME,
  XDP_FRAME_SIZE,
  XDP_PACKET_HEADROOM,
  XDP_TAILROOM,
} from '../../assembly/abi.ts';
import { runBatch } from '../runtime/batch.ts';
import type { RuntimeExports } from '../runtime/exports.ts';
import { fragBuffers, fragsHeader } from '../runtime/frags.ts';
import type { ProgHost } from '../runtime/host.ts';
import type { BpfMap } from '../runtime/map.ts';
import type { Prog } from '../runtime/prog.ts';
import { clearRxMetadata, writePacketTimes } from '../runtime/rx-metadata.ts';
import type { Violation } from '../runtime/trap.ts';
import type { CaptureBatch } from './capture-batch.ts';

/** What a replay needs of its engine. */
export interface ReplayHost extends ProgHost {
  readonly runtime: RuntimeExports;
  /** Programs that may run: a tail call reaches what sits in a slot. */
  readonly progs: readonly Prog[];
  /** Maps that were made, closed ones among them. */
  readonly maps: Iterable<BpfMap>;
  /** Zeroed memory until `runtime.free`. */
  alloc(bytes: number, what: string): number;
}

/** Frames that are filled before they are run: with their context records they stay in the second-level cache. */
const COPIED_PACKETS = 128;
const COUNTERS = VERDICT_OTHER + 1;

/** Context records of packets that have been run, for whoever looks at them: `from` is the number of the first one in the capture batch. */
export type RanPackets = (ctx: number, from: number, count: number) => void;

export interface RunBatchOptions {
  readonly copy: boolean;
  readonly ifindex: number;
  /** Most bytes of a packet in front of its fragments; undefined: packets are in one piece. */
  readonly linear: number | undefined;
  /** bpf_ktime_get_ns is the packet's time stamp; else the engine's clock. */
  readonly captureTime: boolean;
  /** The network card says when packets were received. */
  readonly rxTimestamp: boolean;
  readonly onViolation: (violation: Violation, index: number) => void;
  readonly onRan: RanPackets | undefined;
}

export class ReplayBuffers {
  private readonly host: ReplayHost;
  private readonly prog: Prog;
  private readonly areas: number[] = [];
  private readonly ctx: number;
  private readonly offsets: number;
  private readonly lengths: number;
  private readonly wireLengths: number;
  private readonly times: number;
  private readonly counters: number;
  private readonly walk: number;
  private readonly bytes: number;
  private readonly maxBytes: number;
  private readonly maxPackets: number;
  /** What the latest `walkPcap` found. */
  readonly walked = { bytes: 0, damaged: false };
  private frames = { address: 0, size: 0 };
  /** Of struct Frags, for packets in place; 0 until a program knows of fragments. */
  private lists = 0;
  private count = 0;
  /** Address of what offset 0 of the batch would be. */
  private base = 0;
  /** Time spent in the program, ns. */
  spentNs = 0;

  constructor(host: ReplayHost, prog: Prog, maxPackets: number, maxBytes: number) {
    this.host = host;
    this.prog = prog;
    this.maxPackets = maxPackets;
    this.maxBytes = maxBytes;
    try {
      this.ctx = this.alloc(maxPackets * CTX_SIZE);
      this.offsets = this.alloc(maxPackets * 4);
      this.lengths = this.alloc(maxPackets * 4);
      this.wireLengths = this.alloc(maxPackets * 4);
      this.times = this.alloc(maxPackets * 8);
      this.counters = this.alloc(COUNTERS * 8);
      this.walk = this.alloc(PCAP_WALK_SIZE);
      this.bytes = this.alloc(maxBytes);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private alloc(bytes: number): number {
    const address = this.host.alloc(bytes, 'a batch of packets');
    this.areas.push(address);
    return address;
  }

  close(): void {
    for (const address of this.areas.splice(0)) this.host.runtime.free(address);
    if (this.frames.address !== 0) this.host.runtime.free(this.frames.address);
    this.frames = { address: 0, size: 0 };
  }

  /** Copies a batch in. `shift` is added to every time stamp. */
  load(batch: CaptureBatch, shift: bigint): void {
    const { memory } = this.host;
    const { count } = batch;
    this.count = count;
    this.base = (this.bytes - batch.start) >>> 0;
    memory.u8.set(batch.bytes.subarray(batch.start, batch.end), this.bytes);
    const words = (address: number, length: number) => new Uint32Array(memory.raw.buffer, address, length);
    words(this.offsets, count).set(batch.offset.subarray(0, count));
    words(this.lengths, count).set(batch.capLen.subarray(0, count));
    words(this.wireLengths, count).set(batch.origLen.subarray(0, count));
    words(this.times, 2 * count).set(batch.time.subarray(0, 2 * count));
    if (shift !== 0n) shiftTimes(words(this.times, 2 * count), shift);
  }

  /** Copies a piece of a pcap file into the area of `maxBytes`, at `at` from its start. */
  place(piece: Uint8Array, at: number): void {
    this.host.memory.u8.set(piece, this.bytes + at);
  }

  /** Moves what lies at `from` to the area's start. */
  moveToFront(from: number, length: number): void {
    if (from > 0) this.host.memory.u8.copyWithin(this.bytes, this.bytes + from, this.bytes + from + length);
  }

  /** A word of the area. */
  wordAt(at: number): number {
    return this.host.memory.u32(this.bytes + at);
  }

  /**
   * Loads the whole pcap records in [at, at + length) of the area, as many as a batch takes.
   * @returns how many; `walked` says how many bytes they have and whether the record behind them is damaged
   */
  walkPcap(at: number, length: number, flags: number, shift: bigint): number {
    const { runtime, memory } = this.host;
    const { offsets, lengths, wireLengths, times, walk } = this;
    const chunk = this.bytes + at;
    const max = this.maxPackets;
    this.count = runtime.pcap_walk(chunk, length, flags, offsets, lengths, wireLengths, times, max, walk);
    this.base = chunk;
    this.walked.bytes = memory.u32(walk + PCAP_WALK_CONSUMED);
    this.walked.damaged = memory.u32(walk + PCAP_WALK_ERROR) !== PCAP_OK;
    if (shift !== 0n) shiftTimes(new Uint32Array(memory.raw.buffer, times, 2 * this.count), shift);
    return this.count;
  }

  /** Of packet `index` of the batch. */
  timeOf(index: number): bigint {
    return this.host.memory.u64(this.times + 8 * index);
  }

  /** The batch as flat arrays in linear memory: two words for each time stamp. Dead after the next growth of the memory. */
  arrays(): { readonly times: Uint32Array; readonly lengths: Uint32Array; readonly wireLengths: Uint32Array } {
    const words = (address: number, length: number) => new Uint32Array(this.host.memory.raw.buffer, address, length);
    return {
      times: words(this.times, 2 * this.count),
      lengths: words(this.lengths, this.count),
      wireLengths: words(this.wireLengths, this.count),
    };
  }

  /** Runs the first `count` packets that were loaded. */
  run(count: number, options: RunBatchOptions): void {
    if (!options.copy) {
      this.prepareInPlace(count, options);
      this.runRecords(0, count, options);
      return;
    }
    for (let from = 0; from < count; ) {
      const ready = this.prepareCopies(from, Math.min(COPIED_PACKETS, count - from), options);
      this.runRecords(from, ready, options);
      from += ready;
    }
  }

  private timesOf(from: number, options: RunBatchOptions): number {
    return options.captureTime ? this.times + 8 * from : 0;
  }

  private prepareInPlace(count: number, options: RunBatchOptions): void {
    const { offsets, lengths, wireLengths, host } = this;
    const times = this.timesOf(0, options);
    host.runtime.batch_in_place(this.ctx, count, this.base, offsets, lengths, times, wireLengths, options.ifindex);
    if (options.linear === undefined) return;
    // Every packet may have a list, and no list has more than one fragment that is not full.
    if (this.lists === 0)
      this.lists = this.alloc(
        this.maxPackets * (FRAGS_LIST + FRAG_SIZE) + (this.maxBytes / FRAG_BUFFER + 1) * FRAG_SIZE,
      );
    host.runtime.batch_split(this.ctx, count, options.linear, this.lists);
  }

  /** @returns how many packets are in frames now: fewer than `count` in front of one that is too long for a page */
  private prepareCopies(from: number, count: number, options: RunBatchOptions): number {
    if (options.linear !== undefined) return this.prepareFrags(from, count, options, options.linear);
    const ready = this.copyInto(this.framesOf(COPIED_PACKETS * XDP_FRAME_SIZE), XDP_FRAME_SIZE, from, count, options);
    if (ready > 0) return ready;
    // The first one is long: alone, in a frame that ends with it.
    const length = this.host.memory.u32(this.lengths + 4 * from);
    const size = XDP_PACKET_HEADROOM + length + XDP_TAILROOM;
    return this.copyInto(this.framesOf(size), size, from, 1, options);
  }

  private copyInto(frames: number, stride: number, from: number, count: number, options: RunBatchOptions): number {
    const at = 4 * from;
    return this.host.runtime.batch_copy(
      this.ctx,
      count,
      this.base,
      this.offsets + at,
      this.lengths + at,
      this.timesOf(from, options),
      this.wireLengths + at,
      options.ifindex,
      frames,
      stride,
    );
  }

  private prepareFrags(from: number, count: number, options: RunBatchOptions, linear: number): number {
    const ready = this.copyFrags(COPIED_PACKETS * XDP_FRAME_SIZE, from, count, options, linear);
    if (ready > 0) return ready;
    // The first one alone does not fit.
    const rest = this.host.memory.u32(this.lengths + 4 * from) - linear;
    const size = XDP_FRAME_SIZE + fragsHeader(rest) + fragBuffers(rest);
    return this.copyFrags(size, from, 1, options, linear);
  }

  private copyFrags(size: number, from: number, count: number, options: RunBatchOptions, linear: number): number {
    const area = this.framesOf(size);
    const at = 4 * from;
    return this.host.runtime.batch_copy_frags(
      this.ctx,
      count,
      this.base,
      this.offsets + at,
      this.lengths + at,
      this.timesOf(from, options),
      this.wireLengths + at,
      options.ifindex,
      area,
      area + this.frames.size,
      linear,
    );
  }

  private framesOf(size: number): number {
    if (this.frames.size < size) {
      const address = this.host.alloc(size, 'packets with head and tail room');
      if (this.frames.address !== 0) this.host.runtime.free(this.frames.address);
      this.frames = { address, size };
    }
    return this.frames.address;
  }

  private runRecords(from: number, count: number, options: RunBatchOptions): void {
    const { host, prog, ctx } = this;
    // Packets without a time of their own show this one.
    host.memory.setU64(host.vm + VM_TIME, options.captureTime ? 0n : BigInt.asUintN(64, host.now()));
    const started = performance.now();
    if (options.rxTimestamp) writePacketTimes(host);
    runBatch(host, prog, { ctx, count }, (violation, index) => options.onViolation(violation, from + index));
    if (options.rxTimestamp) clearRxMetadata(host);
    const spent = (performance.now() - started) * 1e6;
    this.spentNs += spent;
    prog.addTime(spent);
    host.runtime.verdict_count(ctx, count, this.counters);
    options.onRan?.(ctx, from, count);
  }

  /** Packets with the verdict of that number so far; VERDICT_OTHER for all that have no name. */
  counter(index: number): number {
    return this.host.memory.u64Number(this.counters + 8 * index);
  }
}

/** Adds to 64-bit numbers of two words without making a bigint of each; 0 means none and stays. */
function shiftTimes(words: Uint32Array, shift: bigint): void {
  const lo = Number(shift & 0xffffffffn);
  const hi = Number((shift >> 32n) & 0xffffffffn);
  for (let i = 0; i < words.length; i += 2) {
    if (words[i] === 0 && words[i + 1] === 0) continue;
    const sum = words[i] + lo;
    words[i] = sum;
    words[i + 1] += hi + (sum > 0xffffffff ? 1 : 0);
  }
}
