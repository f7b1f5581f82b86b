/** What a walk over a piece makes of the pcap records it finds: context records for whoever runs them at once, or a list for whoever sorts them first. */
import {
  PCAP_OK,
  PIECE_COUNT,
  PIECE_ERROR,
  PIECE_LATEST,
  PIECE_NEXT,
  WALK_BYTES,
  WALK_CONSUMED,
  WALK_ERROR,
} from '../../../assembly/abi.ts';
import type { RuntimeExports } from '../../runtime/exports.ts';
import type { Memory } from '../../runtime/memory.ts';
import type { ReplayBuffers } from '../replay-buffers.ts';

export interface Records {
  /** Packets of the piece so far. */
  readonly count: number;
  /** Bytes that the last `take` went through. */
  readonly consumed: number;
  /** It stopped in front of a packet that is longer than any may be. */
  readonly isTooLong: boolean;
  /** Begins a piece. */
  clear(): void;
  /** Takes the whole records of the `length` bytes at `address`. */
  take(address: number, length: number): void;
}

export class ContextRecords implements Records {
  count = 0;
  /** Of the packets. */
  bytes = 0;
  isTooLong = false;
  private readonly buffers: ReplayBuffers;
  private readonly flags: number;
  private readonly first: number;
  private readonly capacity: number;

  /**
   * @param flags PCAP_SWAP, PCAP_NANO
   * @param first of the `capacity` records of `buffers` that it fills
   */
  constructor(buffers: ReplayBuffers, flags: number, first: number, capacity: number) {
    this.buffers = buffers;
    this.flags = flags;
    this.first = first;
    this.capacity = capacity;
  }

  get consumed(): number {
    return this.buffers.walkWord(WALK_CONSUMED);
  }

  clear(): void {
    this.count = 0;
    this.bytes = 0;
    this.isTooLong = false;
  }

  take(address: number, length: number): void {
    const { buffers, count, first } = this;
    this.count += buffers.walkPcap(address, length, this.flags, this.capacity - count, first + count);
    this.bytes += buffers.walkWord(WALK_BYTES);
    this.isTooLong = buffers.walkWord(WALK_ERROR) !== PCAP_OK;
  }
}

export interface ListHost {
  readonly memory: Memory;
  readonly runtime: RuntimeExports;
}

/** The packets of a struct Piece. */
export class ListedRecords implements Records {
  consumed = 0;
  private readonly host: ListHost;
  private readonly piece: number;
  private readonly flags: number;
  private readonly capacity: number;

  /** @param flags PCAP_SWAP */
  constructor(host: ListHost, piece: number, flags: number, capacity: number) {
    this.host = host;
    this.piece = piece;
    this.flags = flags;
    this.capacity = capacity;
  }

  get count(): number {
    return this.host.memory.u32(this.piece + PIECE_COUNT);
  }

  get isTooLong(): boolean {
    return this.host.memory.u32(this.piece + PIECE_ERROR) !== PCAP_OK;
  }

  clear(): void {
    const { memory } = this.host;
    memory.setU32(this.piece + PIECE_COUNT, 0);
    memory.setU32(this.piece + PIECE_ERROR, PCAP_OK);
    memory.setU64(this.piece + PIECE_LATEST, 0n);
  }

  take(address: number, length: number): void {
    const { host, piece, flags, capacity, count } = this;
    host.runtime.piece_walk(address, piece, address + length, flags, capacity - count);
    this.consumed = host.memory.u32(piece + PIECE_NEXT) - address;
  }
}
