/** Brings what is no classic pcap file to the threads: batches that a `CaptureReader` finds, a place each. */
import {
  PCAP_MAX_SNAPLEN,
  PIECE_COUNT,
  PIECE_LATEST,
  PIECE_PACKETS,
  PIECE_RECORD_LENGTH,
  PIECE_RECORD_SIZE,
  PIECE_RECORD_TIME,
  PIECE_RECORD_WIRE,
} from '../../../assembly/abi.ts';
import { CaptureError } from '../../errors/index.ts';
import type { Memory } from '../../runtime/memory.ts';
import { CaptureReader } from '../capture.ts';
import type { CaptureBatch } from '../capture-batch.ts';
import { type CaptureInterface, LINKTYPE_ETHERNET, linkTypeName } from '../capture-format.ts';
import type { CaptureInput } from '../capture-source.ts';
import type { Control } from './control.ts';
import type { Geometry } from './protocol.ts';

export class BatchSupply {
  private readonly memory: Memory;
  private readonly control: Control;
  private readonly geometry: Geometry;
  private readonly reader: CaptureReader;
  /** The interface of the packet behind the latest batch. */
  private refused: CaptureInterface | undefined;
  /** Pieces so far. */
  pieces = 0;

  private constructor(memory: Memory, control: Control, geometry: Geometry, reader: CaptureReader) {
    this.memory = memory;
    this.control = control;
    this.geometry = geometry;
    this.reader = reader;
  }

  static async open(memory: Memory, control: Control, geometry: Geometry, input: CaptureInput, batchPackets: number) {
    const options = { batchPackets: Math.min(batchPackets, geometry.capacity), batchBytes: PCAP_MAX_SNAPLEN };
    return new BatchSupply(memory, control, geometry, await CaptureReader.open(input, options));
  }

  /** Bytes of the capture that were read. */
  get offset(): number {
    return this.reader.offset;
  }

  /** Reads the next packets; the place of the next piece must be free once `load` is called. @returns undefined at the end */
  async next(): Promise<CaptureBatch | undefined> {
    if (this.refused !== undefined) throw refusal(this.refused);
    return this.reader.next();
  }

  /** Puts them into the next piece's place, for the threads to see. @returns how many; there may be fewer in front of one of another link type */
  load(batch: CaptureBatch): number {
    const { control, pieces, memory, geometry } = this;
    const count = this.ethernet(batch);
    const place = pieces % geometry.places;
    const piece = geometry.pieces[place];
    const base = geometry.ring + place * geometry.placeBytes + PIECE_RECORD_SIZE;
    memory.write(base, batch.bytes.subarray(batch.start, batch.end));
    memory.setU32(piece + PIECE_COUNT, count);
    memory.setU64(piece + PIECE_LATEST, 0n);
    const { view } = memory;
    const list = memory.u32(piece + PIECE_PACKETS);
    for (let i = 0; i < count; i++) {
      const packet = base + batch.offset[i] - batch.start;
      const record = packet - PIECE_RECORD_SIZE;
      view.setUint32(list + 4 * i, packet, true);
      view.setUint32(record + PIECE_RECORD_TIME, batch.time[2 * i], true);
      view.setUint32(record + PIECE_RECORD_TIME + 4, batch.time[2 * i + 1], true);
      view.setUint32(record + PIECE_RECORD_LENGTH, batch.capLen[i], true);
      view.setUint32(record + PIECE_RECORD_WIRE, batch.origLen[i], true);
    }
    control.setPacketsBefore(pieces, control.packets);
    control.packets += count;
    this.pieces++;
    control.walked = this.pieces;
    control.signal();
    return count;
  }

  /** Packets in front of the first one that is no Ethernet frame. */
  private ethernet(batch: CaptureBatch): number {
    const { interfaces } = this.reader;
    if (interfaces.every(({ linkType }) => linkType === LINKTYPE_ETHERNET)) return batch.count;
    const ids = batch.interfaceId.subarray(0, batch.count);
    const stop = ids.findIndex((id) => interfaces[id].linkType !== LINKTYPE_ETHERNET);
    if (stop < 0) return batch.count;
    this.refused = interfaces[ids[stop]];
    if (stop === 0) throw refusal(this.refused);
    return stop;
  }

  close(): Promise<void> {
    return this.reader.close();
  }
}

function refusal({ index, linkType }: CaptureInterface): CaptureError {
  return new CaptureError('CAPTURE_LINK_TYPE', { interfaceId: index, linkType, found: linkTypeName(linkType) });
}
