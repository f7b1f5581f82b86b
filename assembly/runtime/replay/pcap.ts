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
import { cutOf, shifted, writeRecord } from './record';

const HEADER: u32 = PCAP_RECORD_HEADER;

function word(ptr: u32, swap: bool): u32 {
  const value = load<u32>(ptr);
  return swap ? bswap<u32>(value) : value;
}

/**
 * Writes context records at `ctx` of the whole pcap records in [piece, piece + length), at most `max`, for packets that run where they lie. Returns
 * how many; `walk` is a struct CaptureWalk.
 */
export function pcap_walk(piece: u32, length: u32, flags: u32, ctx: u32, max: u32, ifindex: u32, walk: u32): u32 {
  const swap = (flags & PCAP_SWAP) != 0;
  const unit: u64 = flags & PCAP_NANO ? 1 : 1000;
  const shift = load<u64>(walk, WALK_SHIFT);
  let latest = load<u64>(walk, WALK_LATEST);
  let at: u32 = 0;
  let count: u32 = 0;
  let error: u32 = PCAP_OK;
  for (; count < max && length - at >= HEADER; count++, ctx += CTX_SIZE) {
    const record = piece + at;
    const captured = word(record + 8, swap);
    if (captured > <u32>PCAP_MAX_SNAPLEN) {
      error = PCAP_ERROR_LENGTH;
      break;
    }
    if (length - at - HEADER < captured) break;
    const time = shifted(<u64>word(record, swap) * 1000000000 + <u64>word(record + 4, swap) * unit, shift);
    writeRecord(ctx, record + HEADER, captured, ifindex, time, cutOf(word(record + 12, swap), captured));
    latest = max64(latest, time);
    at += HEADER + captured;
  }
  store<u64>(walk, latest, WALK_LATEST);
  store<u32>(walk, at, WALK_CONSUMED);
  store<u32>(walk, error, WALK_ERROR);
  store<u32>(walk, at - count * HEADER, WALK_BYTES);
  return count;
}

function max64(a: u64, b: u64): u64 {
  return a > b ? a : b;
}
