// Walking the record headers of a classic pcap file (draft-ietf-opsawg-pcap) in a chunk of its bytes.
//
//   record  0  seconds  u32 | 4  fraction u32 (us or ns) | 8  captured length u32 | 12  original length u32 | 16  bytes
import {
  PCAP_ERROR_LENGTH,
  PCAP_MAX_SNAPLEN,
  PCAP_NANO,
  PCAP_OK,
  PCAP_SWAP,
  PCAP_WALK_CONSUMED,
  PCAP_WALK_ERROR,
} from '../../abi';

const HEADER: u32 = 16;

function word(ptr: u32, swap: bool): u32 {
  const value = load<u32>(ptr);
  return swap ? bswap<u32>(value) : value;
}

/**
 * Fills `offsets` (from `chunk`), `lengths`, `wireLengths` (u32 each) and `times` (u64, ns) with the whole records in
 * [chunk, chunk + length), at most `max`, and returns how many. `out` gets the bytes they take and PCAP_OK or the error
 * of the record behind them.
 */
export function pcap_walk(
  chunk: u32,
  length: u32,
  flags: u32,
  offsets: u32,
  lengths: u32,
  wireLengths: u32,
  times: u32,
  max: u32,
  out: u32,
): u32 {
  const swap = (flags & PCAP_SWAP) != 0;
  const unit: u64 = flags & PCAP_NANO ? 1 : 1000;
  let at: u32 = 0;
  let count: u32 = 0;
  let error: u32 = PCAP_OK;
  while (count < max && length - at >= HEADER) {
    const record = chunk + at;
    const captured = word(record + 8, swap);
    if (captured > <u32>PCAP_MAX_SNAPLEN) {
      error = PCAP_ERROR_LENGTH;
      break;
    }
    if (length - at - HEADER < captured) break;
    store<u32>(offsets + (count << 2), at + HEADER);
    store<u32>(lengths + (count << 2), captured);
    store<u32>(wireLengths + (count << 2), word(record + 12, swap));
    const time = <u64>word(record, swap) * 1000000000 + <u64>word(record + 4, swap) * unit;
    store<u64>(times + (count << 3), time);
    at += HEADER + captured;
    count++;
  }
  store<u32>(out, at, PCAP_WALK_CONSUMED);
  store<u32>(out, error, PCAP_WALK_ERROR);
  return count;
}
