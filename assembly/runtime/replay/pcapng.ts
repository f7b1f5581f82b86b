// Walking the blocks of a pcapng file (draft-ietf-opsawg-pcapng) as far as they are what nearly all of them are: enhanced packet blocks of known
// interfaces. What is anything else, damaged or cut ends the walk; the parser in JavaScript says what it is.
//
//   block  0  type u32 (6) | 4  length u32 | 8  interface u32 | 12  time high u32 | 16  time low u32 | 20  captured length u32
//          24 original length u32 | 28  bytes, options | length - 4  length u32
import {
  CTX_SIZE,
  PCAP_MAX_SNAPLEN,
  PCAP_OK,
  PCAP_SWAP,
  WALK_BYTES,
  WALK_CONSUMED,
  WALK_ERROR,
  WALK_LATEST,
  WALK_SHIFT,
} from '../../abi';
import { cutOf, later, Native, Swapped, shifted, word, writeRecord } from './record';

const EPB: u32 = 6;
const HEADER: u32 = 28;
const FRAME: u32 = 32;

/**
 * As pcap_walk, of the blocks in [piece, piece + length). `factors` has a u32 for each of the section's first `interfaces` interfaces: how many ns a unit
 * of its time stamps has, or 0 for one whose packets are not for this walk.
 */
export function pcapng_walk(
  piece: u32,
  length: u32,
  flags: u32,
  ctx: u32,
  max: u32,
  ifindex: u32,
  walk: u32,
  factors: u32,
  interfaces: u32,
): u32 {
  return flags & PCAP_SWAP
    ? walkBlocks<Swapped>(piece, length, ctx, max, ifindex, walk, factors, interfaces)
    : walkBlocks<Native>(piece, length, ctx, max, ifindex, walk, factors, interfaces);
}

/** A loop for each byte order `T`. */
function walkBlocks<T>(
  piece: u32,
  length: u32,
  ctx: u32,
  max: u32,
  ifindex: u32,
  walk: u32,
  factors: u32,
  interfaces: u32,
): u32 {
  const shift = load<u64>(walk, WALK_SHIFT);
  let latest = load<u64>(walk, WALK_LATEST);
  let at: u32 = 0;
  let count: u32 = 0;
  let bytes: u32 = 0;
  for (; count < max && length - at >= FRAME; count++, ctx += CTX_SIZE) {
    const block = piece + at;
    const size = word<T>(block + 4);
    if (word<T>(block) != EPB || size < FRAME || size & 3 || size > length - at) break;
    if (word<T>(block + size - 4) != size) break;
    const from = word<T>(block + 8);
    const captured = word<T>(block + 20);
    if (from >= interfaces || captured > size - FRAME || captured > <u32>PCAP_MAX_SNAPLEN) break;
    const factor: u64 = load<u32>(factors + (from << 2));
    const low = <u64>word<T>(block + 16) * factor;
    const high = <u64>word<T>(block + 12) * factor + (low >> 32);
    if (factor == 0 || high >> 32 != 0) break;
    const time = shifted((high << 32) | (low & <u64>u32.MAX_VALUE), shift);
    writeRecord(ctx, block + HEADER, captured, ifindex, time, cutOf(word<T>(block + 24), captured));
    latest = later(latest, time);
    bytes += captured;
    at += size;
  }
  store<u64>(walk, latest, WALK_LATEST);
  store<u32>(walk, at, WALK_CONSUMED);
  store<u32>(walk, PCAP_OK, WALK_ERROR);
  store<u32>(walk, bytes, WALK_BYTES);
  return count;
}
