// Walking the record headers of a classic pcap file (draft-ietf-opsawg-pcap) in a piece of its bytes: from a header straight to a context record.
//
//   record  0  seconds  u32 | 4  fraction u32 (us or ns) | 8  captured length u32 | 12  original length u32 | 16  bytes
import {
  CTX_SIZE,
  PCAP_ERROR_LENGTH,
  PCAP_MAX_SNAPLEN,
  PCAP_NANO,
  PCAP_OK,
  PCAP_RECORD_HEADER,
  PCAP_SWAP,
  WALK_BYTES,
  WALK_CONSUMED,
  WALK_ERROR,
  WALK_LATEST,
  WALK_SHIFT,
} from '../../abi';
import { cutOf, later, Native, Swapped, shifted, word, writeRecord } from './record';

const HEADER: u32 = PCAP_RECORD_HEADER;

/**
 * Writes context records at `ctx` of the whole pcap records in [piece, piece + length), at most `max`, for packets that run where they lie. Returns
 * how many; `walk` is a struct CaptureWalk.
 */
export function pcap_walk(piece: u32, length: u32, flags: u32, ctx: u32, max: u32, ifindex: u32, walk: u32): u32 {
  const unit: u64 = flags & PCAP_NANO ? 1 : 1000;
  return flags & PCAP_SWAP
    ? walkRecords<Swapped>(piece, length, unit, ctx, max, ifindex, walk)
    : walkRecords<Native>(piece, length, unit, ctx, max, ifindex, walk);
}

/** A loop for each byte order `T`. */
function walkRecords<T>(piece: u32, length: u32, unit: u64, ctx: u32, max: u32, ifindex: u32, walk: u32): u32 {
  const shift = load<u64>(walk, WALK_SHIFT);
  let latest = load<u64>(walk, WALK_LATEST);
  let error: u32 = PCAP_OK;
  let record = piece;
  let left = length;
  let count: u32 = 0;
  for (; count < max && left >= HEADER; count++, ctx += CTX_SIZE) {
    const captured = word<T>(record + 8);
    if (captured > <u32>PCAP_MAX_SNAPLEN) {
      error = PCAP_ERROR_LENGTH;
      break;
    }
    const size = HEADER + captured;
    if (left < size) break;
    const time = shifted(<u64>word<T>(record) * 1000000000 + <u64>word<T>(record + 4) * unit, shift);
    writeRecord(ctx, record + HEADER, captured, ifindex, time, cutOf(word<T>(record + 12), captured));
    latest = later(latest, time);
    record += size;
    left -= size;
  }
  store<u64>(walk, latest, WALK_LATEST);
  store<u32>(walk, length - left, WALK_CONSUMED);
  store<u32>(walk, error, WALK_ERROR);
  store<u32>(walk, length - left - count * HEADER, WALK_BYTES);
  return count;
}
