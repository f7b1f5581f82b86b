/**
 * Third stage of a replay: the records of a slice of packets are laid out, run by the program's own loop and counted. A slice is so small that its
 * records and the headers of its packets stay in the first-level cache from the walk to the count.
 *
 *     in place  records point into the capture's bytes, as the walk wrote them
 *     copied    each packet has a frame of its own, with head and tail room, laid out as in runtime/packet.ts
 *
 * For programs that know of fragments, what of a packet is longer than `linear` is behind its linear part: assembly/runtime/replay/batch-frags.ts.
 */
import {
  CTX_SIZE,
  CTX_TIME,
  FRAG_BUFFER,
  FRAG_SIZE,
  FRAGS_LIST,
  PCAP_MAX_SNAPLEN,
  PCAPNG_WALK_INTERFACES,
  VERDICT_OTHER,
  VM_TIME,
  WALK_LATEST,
  WALK_SHIFT,
  WALK_SIZE,
  XDP_FRAME_SIZE,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
  XDP_PACKET_HEADROOM,
  XDP_TAILROOM,
} from '../../assembly/abi.ts';
import { type BatchHost, type BatchProg, runBatch } from '../runtime/batch.ts';
import type { RuntimeExports } from '../runtime/exports.ts';
import { fragBuffers, fragsHeader } from '../runtime/frags.ts';
import type { ProgHost } from '../runtime/host.ts';
import type { BpfMap } from '../runtime/map.ts';
import type { Prog } from '../runtime/prog.ts';
import { clearRxMetadata, writePacketTimes } from '../runtime/rx-metadata.ts';
import type { Violation } from '../runtime/trap.ts';
import type { CaptureBatch } from './capture-batch.ts';

/** What runs batches: an engine, or one of its threads. */
export interface BufferHost extends BatchHost {
  readonly runtime: RuntimeExports;
  /** Zeroed memory until `runtime.free`. */
  alloc(bytes: number, what: string): number;
  /** The same, of any content. */
  reserve(bytes: number, what: string): number;
}

export interface BufferProg extends BatchProg {
  addTime(ns: number): void;
}

/** What a replay needs of its engine. */
export interface ReplayHost extends ProgHost, BufferHost {
  readonly runtime: RuntimeExports;
  /** Programs that may run: a tail call reaches what sits in a slot. */
  readonly progs: readonly Prog[];
  /** Maps that were made, closed ones among them. */
  readonly maps: Iterable<BpfMap>;
}

/** Most packets of a slice: fewer, and what a call costs shows; more need more memory, and gained nothing that could be told from noise. */
export const SLICE_PACKETS = 256;
/** Of copied packets: their frames stay in the second-level cache. */
const COPIED_PACKETS = 64;
/** Frames are this far apart: were it a page, all packets would lie in the same few sets of the caches. */
const FRAME_PITCH = XDP_FRAME_SIZE + 13 * 64;
/** Packets are copied in whole lines. */
const SLACK = 64;
/** Most packets that a parser in JavaScript finds at once. */
const PARSED_PACKETS = 2048;
/** A list for the longest packet. */
const LIST_BYTES = FRAGS_LIST + Math.ceil(PCAP_MAX_SNAPLEN / FRAG_BUFFER) * FRAG_SIZE;
const COUNTERS = VERDICT_OTHER + 1;

/** Context records of packets that have been run, for whoever looks at them; `times` is 0, or where their times are instead of in the records. */
export type RanPackets = (ctx: number, count: number, times: number) => void;

export interface RunOptions {
  readonly copy: boolean;
  /** Most bytes of a packet in front of its fragments; undefined: packets are in one piece. */
  readonly linear: number | undefined;
  /** What bpf_ktime_get_ns shows of packets without a time of their own; undefined: each has that of the capture. */
  readonly now: bigint | undefined;
  /** The network card says when packets were received. */
  readonly rxTimestamp: boolean;
  /** `index` is of the records. */
  readonly onViolation: (violation: Violation, index: number) => void;
  readonly onRan: RanPackets | undefined;
}

export class ReplayBuffers {
  /** Most packets that the parser may hand over. */
  readonly parsedPackets = PARSED_PACKETS;
  private readonly host: BufferHost;
  private readonly prog: BufferProg;
  private readonly ifindex: number;
  private readonly areas: number[] = [];
  /** Of the first record. */
  readonly ctx: number;
  private readonly counters: number;
  private readonly walk: number;
  private readonly factors: number;
  /** Times of a slice in `engine` time. */
  private readonly times: number;
  /** Flat arrays of what a parser found; 0 until one does. */
  private parsed = 0;
  private parsedBase = 0;
  private frames = { address: 0, size: 0 };
  /** Of struct Frags, for packets in place; 0 until a program knows of fragments. */
  private lists = 0;
  /** Time spent in the program, ns. */
  spentNs = 0;

  /** @param records that there is room for: a slice unless given */
  constructor(host: BufferHost, prog: BufferProg, ifindex: number, records = SLICE_PACKETS) {
    this.host = host;
    this.prog = prog;
    this.ifindex = ifindex;
    try {
      this.ctx = this.host.reserve(records * CTX_SIZE, 'a batch of packets');
      this.areas.push(this.ctx);
      this.times = this.alloc(SLICE_PACKETS * 8);
      this.counters = this.alloc(COUNTERS * 8);
      this.walk = this.alloc(WALK_SIZE);
      this.factors = this.alloc(PCAPNG_WALK_INTERFACES * 4);
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

  /** Is added to every time stamp that is walked from now on. */
  set shift(ns: bigint) {
    this.host.memory.setU64(this.walk + WALK_SHIFT, ns);
  }

  /** The largest time stamp so far, as shifted. */
  get latest(): bigint {
    return this.host.memory.u64(this.walk + WALK_LATEST);
  }

  /** Of the first packet that was walked last. */
  get firstTime(): bigint {
    return this.host.memory.u64(this.ctx + CTX_TIME);
  }

  /** A word of struct CaptureWalk. */
  walkWord(offset: number): number {
    return this.host.memory.u32(this.walk + offset);
  }

  /** Records from number `first` on. */
  walkPcap(piece: number, length: number, flags: number, max: number, first = 0): number {
    const { ctx, ifindex, walk } = this;
    return this.host.runtime.pcap_walk(piece, length, flags, ctx + CTX_SIZE * first, max, ifindex, walk);
  }

  walkPcapng(piece: number, length: number, flags: number, max: number, interfaces: number): number {
    const { ctx, ifindex, walk, factors } = this;
    return this.host.runtime.pcapng_walk(piece, length, flags, ctx, max, ifindex, walk, factors, interfaces);
  }

  setFactors(factors: readonly number[]): void {
    for (const [i, factor] of factors.entries()) this.host.memory.setU32(this.factors + 4 * i, factor);
  }

  /** Takes over what a parser found; offset 0 of the batch is at `base`. */
  loadParsed(batch: CaptureBatch, base: number): void {
    if (this.parsed === 0) this.parsed = this.alloc(PARSED_PACKETS * 20);
    const { count } = batch;
    const { buffer } = this.host.memory.raw;
    const words = (address: number, length: number) => new Uint32Array(buffer, address, length);
    const at = this.parsedArrays(0);
    words(at.offsets, count).set(batch.offset.subarray(0, count));
    words(at.lengths, count).set(batch.capLen.subarray(0, count));
    words(at.wireLengths, count).set(batch.origLen.subarray(0, count));
    words(at.times, 2 * count).set(batch.time.subarray(0, 2 * count));
    this.parsedBase = base;
  }

  private parsedArrays(from: number) {
    const column = PARSED_PACKETS * 4;
    const at = this.parsed + 4 * from;
    return {
      times: this.parsed + 8 * from,
      offsets: at + 2 * column,
      lengths: at + 3 * column,
      wireLengths: at + 4 * column,
    };
  }

  /** Records of `count` of them, from number `from` on: at most a slice. */
  recordParsed(from: number, count: number): void {
    const { offsets, lengths, times, wireLengths } = this.parsedArrays(from);
    const { ctx, parsedBase, ifindex, walk } = this;
    const { runtime } = this.host;
    runtime.batch_in_place(ctx, count, parsedBase, offsets, lengths, times, wireLengths, ifindex, walk);
  }

  /** Records of `count` packets, a slice at most, of a struct Piece's list. @returns the address of the first one */
  recordListed(list: number, count: number): number {
    this.host.runtime.piece_records(this.ctx, list, count, this.ifindex);
    return this.ctx;
  }

  /** Runs `count` packets, a slice at most, of which there are records: from number `first` on. */
  run(count: number, options: RunOptions, first = 0): void {
    const ctx = this.ctx + CTX_SIZE * first;
    if (options.now !== undefined) this.host.runtime.batch_untimed(ctx, count, this.times);
    const timesAt = (from: number) => (options.now === undefined ? 0 : this.times + 8 * (from - first));
    if (!options.copy) {
      if (options.linear !== undefined) this.split(ctx, count, options.linear);
      this.runRecords(first, count, timesAt(first), options);
      return;
    }
    for (let from = first, end = first + count; from < end; ) {
      const ready = this.prepareCopies(from, Math.min(COPIED_PACKETS, end - from), options);
      this.runRecords(from, ready, timesAt(from), options);
      from += ready;
    }
  }

  private split(ctx: number, count: number, linear: number): void {
    if (this.lists === 0) this.lists = this.alloc(SLICE_PACKETS * LIST_BYTES);
    this.host.runtime.batch_split(ctx, count, linear, this.lists);
  }

  /** Of the packet of record `index`, while it is in place. */
  private lengthOf(index: number): number {
    const { memory } = this.host;
    const at = this.ctx + CTX_SIZE * index;
    return memory.u32(at + XDP_MD_DATA_END) - memory.u32(at + XDP_MD_DATA);
  }

  /** @returns how many packets are in frames now: fewer than `count` in front of one that is too long for a page */
  private prepareCopies(from: number, count: number, options: RunOptions): number {
    const { runtime } = this.host;
    const ctx = this.ctx + CTX_SIZE * from;
    const bytes = COPIED_PACKETS * FRAME_PITCH;
    if (options.linear !== undefined) return this.prepareFrags(from, count, options.linear);
    const ready = runtime.batch_copy(ctx, count, this.framesOf(bytes), FRAME_PITCH, XDP_FRAME_SIZE);
    if (ready > 0) return ready;
    // The first one is long: alone, in a frame that ends with it.
    const size = XDP_PACKET_HEADROOM + this.lengthOf(from) + XDP_TAILROOM;
    return runtime.batch_copy(ctx, 1, this.framesOf(size), size, size);
  }

  private prepareFrags(from: number, count: number, linear: number): number {
    const copy = (size: number, most: number) => {
      const area = this.framesOf(size);
      return this.host.runtime.batch_copy_frags(
        this.ctx + CTX_SIZE * from,
        most,
        area,
        area + this.frames.size,
        linear,
      );
    };
    const ready = copy(COPIED_PACKETS * FRAME_PITCH, count);
    if (ready > 0) return ready;
    // The first one alone does not fit.
    const rest = this.lengthOf(from) - linear;
    return copy(XDP_FRAME_SIZE + fragsHeader(rest) + fragBuffers(rest), 1);
  }

  private framesOf(size: number): number {
    if (this.frames.size < size) {
      const address = this.host.alloc(size + SLACK, 'packets with head and tail room');
      if (this.frames.address !== 0) this.host.runtime.free(this.frames.address);
      this.frames = { address, size };
    }
    return this.frames.address;
  }

  private runRecords(from: number, count: number, times: number, options: RunOptions): void {
    const { host, prog } = this;
    const ctx = this.ctx + CTX_SIZE * from;
    // Packets without a time of their own show this one.
    host.memory.setU64(host.vm + VM_TIME, options.now ?? 0n);
    const started = performance.now();
    if (options.rxTimestamp) writePacketTimes(host);
    runBatch(host, prog, { ctx, count }, (violation, index) => options.onViolation(violation, from + index));
    if (options.rxTimestamp) clearRxMetadata(host);
    const spent = (performance.now() - started) * 1e6;
    this.spentNs += spent;
    prog.addTime(spent);
    host.runtime.verdict_count(ctx, count, this.counters);
    options.onRan?.(ctx, count, times);
  }

  /** Packets with the verdict of that number so far; VERDICT_OTHER for all that have no name. */
  counter(index: number): number {
    return this.host.memory.u64Number(this.counters + 8 * index);
  }
}
