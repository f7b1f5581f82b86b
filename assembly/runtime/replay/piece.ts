// Pieces of a capture for several threads (struct Piece): found record by record by one thread at a time, which is little work, and sorted by CPU by each
// thread for itself.
import {
  CTX_SIZE,
  MAX_CPUS,
  PCAP_ERROR_LENGTH,
  PCAP_HEADERS,
  PCAP_MAX_SNAPLEN,
  PCAP_NANO,
  PCAP_SWAP,
  PIECE_BYTES,
  PIECE_COUNT,
  PIECE_CPUS,
  PIECE_ERROR,
  PIECE_HEADER,
  PIECE_LATEST,
  PIECE_NEXT,
  PIECE_PACKETS,
  PIECE_PLACES,
  PIECE_RECORD_LENGTH,
  PIECE_RECORD_SIZE,
  PIECE_RECORD_TIME,
  PIECE_RECORD_WIRE,
  PIECE_SHIFT,
  PIECE_SORTED,
  PIECE_STARTS,
} from '../../abi';
import { cutOf, writeRecord } from './record';
import { cpuOf } from './rss';

@unmanaged
class Piece {
  count: u32;
  error: u32;
  next: u32;
  reserved: u32;
  bytes: u64;
  latest: u64;
  shift: u64;
  packets: u32;
  cpus: u32;
  sorted: u32;
  places: u32;
  starts: u32;
}

if (offsetof<Piece>('count') != PIECE_COUNT) ERROR('Piece.count drifted from abi.ts');
if (offsetof<Piece>('error') != PIECE_ERROR) ERROR('Piece.error drifted from abi.ts');
if (offsetof<Piece>('next') != PIECE_NEXT) ERROR('Piece.next drifted from abi.ts');
if (offsetof<Piece>('bytes') != PIECE_BYTES) ERROR('Piece.bytes drifted from abi.ts');
if (offsetof<Piece>('latest') != PIECE_LATEST) ERROR('Piece.latest drifted from abi.ts');
if (offsetof<Piece>('shift') != PIECE_SHIFT) ERROR('Piece.shift drifted from abi.ts');
if (offsetof<Piece>('packets') != PIECE_PACKETS) ERROR('Piece.packets drifted from abi.ts');
if (offsetof<Piece>('cpus') != PIECE_CPUS) ERROR('Piece.cpus drifted from abi.ts');
if (offsetof<Piece>('sorted') != PIECE_SORTED) ERROR('Piece.sorted drifted from abi.ts');
if (offsetof<Piece>('places') != PIECE_PLACES) ERROR('Piece.places drifted from abi.ts');
if (offsetof<Piece>('starts') != PIECE_STARTS) ERROR('Piece.starts drifted from abi.ts');
if (offsetof<Piece>() > <usize>PIECE_HEADER) ERROR('Piece outgrew its room');
if (MAX_CPUS > 256) ERROR('the number of a CPU is a byte');

const HEADER: u32 = PIECE_RECORD_SIZE;

/**
 * Adds the whole pcap records in [at, end) to the piece, whose lists have room for `max` more: where each packet begins, nothing else.
 */
export function piece_walk(at: u32, piece: Piece, end: u32, flags: u32, max: u32): void {
  const swap = (flags & PCAP_SWAP) != 0;
  let to = piece.packets + (piece.count << 2);
  const last = to + (max << 2);
  while (to != last && end - at >= HEADER) {
    const word = load<u32>(at, 8);
    const captured = swap ? bswap<u32>(word) : word;
    if (captured > <u32>PCAP_MAX_SNAPLEN) {
      piece.error = PCAP_ERROR_LENGTH;
      break;
    }
    if (end - at - HEADER < captured) break;
    store<u32>(to, at + HEADER);
    to += 4;
    at += HEADER + captured;
  }
  piece.count = (to - piece.packets) >> 2;
  piece.next = at;
}

/** Turns a pcap record's header into a struct PieceRecord, where it lies. */
function readHeader(record: u32, flags: u32): void {
  let seconds = load<u32>(record);
  let fraction = load<u32>(record, 4);
  let captured = load<u32>(record, 8);
  let wire = load<u32>(record, 12);
  if (flags & PCAP_SWAP) {
    seconds = bswap<u32>(seconds);
    fraction = bswap<u32>(fraction);
    captured = bswap<u32>(captured);
    wire = bswap<u32>(wire);
  }
  const time = <u64>seconds * 1000000000 + <u64>fraction * (flags & PCAP_NANO ? 1 : 1000);
  store<u64>(record, time, PIECE_RECORD_TIME);
  store<u32>(record, captured, PIECE_RECORD_LENGTH);
  store<u32>(record, wire, PIECE_RECORD_WIRE);
}

/** Finds the CPU of each packet, and counts how many there are for it: in the cell behind the CPU's own. */
function assign(piece: Piece, flags: u32, count: u32, tables: u32): void {
  const starts = piece.starts;
  memory.fill(starts, 0, (count + 1) << 2);
  const shift = piece.shift;
  let bytes: u64 = 0;
  let latest = piece.latest;
  for (let i: u32 = 0, packets = piece.count; i < packets; i++) {
    const data = load<u32>(piece.packets + (i << 2));
    const record = data - HEADER;
    if (flags & PCAP_HEADERS) readHeader(record, flags);
    let time = load<u64>(record, PIECE_RECORD_TIME);
    if (time && shift) {
      time += shift;
      store<u64>(record, time, PIECE_RECORD_TIME);
    }
    if (time > latest) latest = time;
    const length = load<u32>(record, PIECE_RECORD_LENGTH);
    bytes += length;
    const cpu = cpuOf(tables, data, length, count);
    store<u8>(piece.cpus + i, <u8>cpu);
    const cell = starts + (cpu << 2);
    store<u32>(cell, load<u32>(cell, 4) + 1, 4);
  }
  piece.bytes = bytes;
  piece.latest = latest;
}

/** Writes each packet down where its CPU looks for it. The cell behind the CPU's own says where, and ends as the start of the next one's. */
function scatter(piece: Piece): void {
  for (let i: u32 = 0, packets = piece.count; i < packets; i++) {
    const cell = piece.starts + ((<u32>load<u8>(piece.cpus + i)) << 2);
    const to = load<u32>(cell, 4);
    store<u32>(cell, to + 1, 4);
    store<u32>(piece.sorted + (to << 2), load<u32>(piece.packets + (i << 2)));
    store<u32>(piece.places + (to << 2), i);
  }
}

/** Sorts the piece's packets by their CPUs, of which there are `count`. */
export function piece_sort(piece: Piece, flags: u32, count: u32, tables: u32): void {
  assign(piece, flags, count, tables);
  let start: u32 = 0;
  for (let cell = piece.starts + 4, end = piece.starts + (count << 2); cell <= end; cell += 4) {
    const packets = load<u32>(cell);
    store<u32>(cell, start);
    start += packets;
  }
  scatter(piece);
}

/** Context records at `ctx` of the `count` packets whose addresses are in `list`, run where they lie. */
export function piece_records(ctx: u32, list: u32, count: u32, ifindex: u32): void {
  for (const end = list + (count << 2); list != end; list += 4, ctx += CTX_SIZE) {
    const data = load<u32>(list);
    const length = load<u32>(data - HEADER, PIECE_RECORD_LENGTH);
    const cut = cutOf(load<u32>(data - HEADER, PIECE_RECORD_WIRE), length);
    writeRecord(ctx, data, length, ifindex, load<u64>(data - HEADER, PIECE_RECORD_TIME), cut);
  }
}
