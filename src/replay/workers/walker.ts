/**
 * Finds the records of a classic pcap in the pieces of its file, which threads read side by side. A record that goes on in the next piece is found with that one;
 * where that one is in the first place of the ring, what it has of the record is copied behind the last place.
 */
import { PCAP_OK, PCAP_SWAP, PIECE_COUNT, PIECE_ERROR, PIECE_LATEST, PIECE_NEXT } from '../../../assembly/abi.ts';
import type { RuntimeExports } from '../../runtime/exports.ts';
import type { Memory } from '../../runtime/memory.ts';
import { PCAP_RECORD_BYTES } from '../pcap.ts';
import { type Control, ERROR_TOO_LONG, ERROR_TRUNCATED } from './control.ts';
import type { FileInput, Geometry } from './protocol.ts';

export interface WalkHost {
  readonly memory: Memory;
  readonly runtime: RuntimeExports;
}

export class Walker {
  private readonly host: WalkHost;
  private readonly control: Control;
  private readonly geometry: Geometry;
  private readonly input: FileInput;

  constructor(host: WalkHost, control: Control, geometry: Geometry, input: FileInput) {
    this.host = host;
    this.control = control;
    this.geometry = geometry;
    this.input = input;
  }

  /** Walks piece `index`, of which `length` bytes were read: fewer than a whole piece are the file's last. */
  walk(index: number, length: number): void {
    const { control, geometry } = this;
    const { memory } = this.host;
    const piece = geometry.pieces[index % geometry.places];
    const start = this.startOf(index);
    memory.setU32(piece + PIECE_COUNT, 0);
    memory.setU32(piece + PIECE_ERROR, PCAP_OK);
    memory.setU64(piece + PIECE_LATEST, 0n);
    const from = this.joinTail(index, piece, length);
    if (from !== undefined)
      this.host.runtime.piece_walk(from, piece, start + length, this.input.flags, this.room(piece));
    const last = length < geometry.placeBytes;
    this.findDamage(index, piece, from, length, last);
    const before = control.packets;
    control.setPacketsBefore(index, before);
    control.packets = before + memory.u32(piece + PIECE_COUNT);
    control.next = memory.u32(piece + PIECE_NEXT);
    if (last || control.damage !== undefined) control.end = index + 1;
  }

  private startOf(index: number): number {
    return this.geometry.ring + (index % this.geometry.places) * this.geometry.placeBytes;
  }

  private room(piece: number): number {
    return this.geometry.capacity - this.host.memory.u32(piece + PIECE_COUNT);
  }

  /** Finishes the record that the ring's end cut. @returns where to go on; undefined when that record is damaged, or the file ends in it */
  private joinTail(index: number, piece: number, length: number): number | undefined {
    const { geometry, control, host } = this;
    if (index === 0) return geometry.ring;
    if (index % geometry.places !== 0) return control.next;
    const ringEnd = geometry.ring + geometry.places * geometry.placeBytes;
    const tail = ringEnd - control.next;
    if (tail === 0) return geometry.ring;
    const { u8 } = host.memory;
    const copy = (size: number) => {
      const bytes = Math.min(Math.max(0, size - tail), length);
      u8.copyWithin(ringEnd, geometry.ring, geometry.ring + bytes);
      return bytes;
    };
    let copied = copy(PCAP_RECORD_BYTES);
    // A length that cannot be is for the walk to refuse.
    if (tail + copied >= PCAP_RECORD_BYTES)
      copied = copy(PCAP_RECORD_BYTES + Math.min(this.lengthAt(control.next), geometry.placeBytes - PCAP_RECORD_BYTES));
    host.runtime.piece_walk(control.next, piece, ringEnd + copied, this.input.flags, 1);
    return host.memory.u32(piece + PIECE_COUNT) === 1 ? geometry.ring + copied : undefined;
  }

  private lengthAt(record: number): number {
    return this.host.memory.view.getUint32(record + 8, (this.input.flags & PCAP_SWAP) === 0);
  }

  /** What is wrong with the record behind the last one that was taken. */
  private findDamage(index: number, piece: number, from: number | undefined, length: number, last: boolean): void {
    const { control, geometry, host } = this;
    const next = host.memory.u32(piece + PIECE_NEXT);
    const start = this.startOf(index);
    const ringEnd = geometry.ring + geometry.places * geometry.placeBytes;
    // The cut record's address is in the last place, before this piece's.
    const had = from === undefined ? ringEnd - next + length : start + length - next;
    const offset = this.input.offset + index * geometry.placeBytes + length - had;
    if (host.memory.u32(piece + PIECE_ERROR) !== PCAP_OK) {
      control.setDamage({ kind: ERROR_TOO_LONG, offset, found: this.lengthAt(next), had });
    } else if (last && had > 0) {
      const needed = PCAP_RECORD_BYTES + (had < PCAP_RECORD_BYTES ? 0 : this.lengthAt(next));
      control.setDamage({ kind: ERROR_TRUNCATED, offset, found: needed, had });
    }
  }
}
