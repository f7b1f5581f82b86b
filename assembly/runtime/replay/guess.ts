// Where records begin in the middle of a classic pcap file, which nothing in it says: a place where one header after the other looks like one.
import { PCAP_GUESS_NONE, PCAP_MAX_SNAPLEN, PCAP_NANO, PCAP_RECORD_HEADER, PCAP_SWAP } from '../../abi';
import { Native, Swapped, word } from './record';

const HEADER: u32 = PCAP_RECORD_HEADER;
/** Headers in a row that make a guess; where memory ends before, so many. */
const CHAIN: u32 = 8;
const SHORT_CHAIN: u32 = 4;
/** Packets that follow one another are no further apart, in seconds. */
const APART: u32 = 3600;
/** Most bytes on the wire: a packet before it was segmented has more than a frame. */
const WIRE: u32 = 1 << 20;

/**
 * The first of `most` bytes from `at` on where a record may begin, of `length` that are in memory; PCAP_GUESS_NONE if there is none. A wrong guess costs
 * time only, so what is unusual counts as wrong: packets of no bytes, which zeros look like, or with more bytes than they had on the wire.
 */
export function pcap_guess(at: u32, most: u32, length: u32, flags: u32): u32 {
  const fractions: u32 = flags & PCAP_NANO ? 1000000000 : 1000000;
  // No chain begins in the last bytes.
  const end = at + length;
  const last = length < HEADER ? at : at + min(most, length - HEADER + 1);
  return flags & PCAP_SWAP ? first<Swapped>(at, last, end, fractions) : first<Native>(at, last, end, fractions);
}

/** A loop for each byte order `T`. */
function first<T>(at: u32, last: u32, end: u32, fractions: u32): u32 {
  for (let record = at; record < last; record++) {
    // Most places are no header by this alone.
    if (word<T>(record + 8) - 1 >= <u32>PCAP_MAX_SNAPLEN) continue;
    if (chains<T>(record, end, fractions)) return record - at;
  }
  return PCAP_GUESS_NONE;
}

/** Whether records may follow one another from `record` on. */
function chains<T>(record: u32, end: u32, fractions: u32): bool {
  let before: u32 = 0;
  for (let seen: u32 = 0; seen < CHAIN; seen++) {
    if (record > end || end - record < HEADER) return seen >= SHORT_CHAIN;
    const captured = word<T>(record + 8);
    if (captured == 0 || captured > <u32>PCAP_MAX_SNAPLEN) return false;
    const wire = word<T>(record + 12);
    if (wire < captured || wire > WIRE || word<T>(record + 4) >= fractions) return false;
    const seconds = word<T>(record);
    // Either way: network cards and merged captures do not keep time in order.
    if (seen != 0 && seconds - before + APART > 2 * APART) return false;
    before = seconds;
    record += HEADER + captured;
  }
  return true;
}
