// BPF_MAP_TYPE_USER_RINGBUF: JavaScript writes the records, programs drain them. The same ring as BPF_MAP_TYPE_RINGBUF, the other way round; in front
// of its data lies the dynptr that callbacks are given.
import { DYNPTR_BYTES, DYNPTR_TYPE_LOCAL } from '../../abi';
import {
  BPF_RB_FORCE_WAKEUP,
  BPF_RB_NO_WAKEUP,
  BPF_RINGBUF_BUSY_BIT,
  BPF_RINGBUF_DISCARD_BIT,
  BPF_RINGBUF_HDR_SZ,
  EBUSY,
  EINVAL,
} from '../../isa';
import { callback } from '../callback';
import { dynptrInit } from '../helper/dynptr';
import { BpfMap, MapSpec } from './map';
import { headerAt, LENGTH_BITS, recordSpan, ringbufCreate, ringbufDestroy, ringbufReserve, ringOf } from './ringbuf';

/** BPF_MAX_USER_RINGBUF_SAMPLES: what one drain takes at most. */
const MAX_SAMPLES: u32 = 131072;
const WAKEUP_FLAGS: u64 = BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP;

export function userRingbufCreate(spec: MapSpec): u32 {
  return ringbufCreate(spec, DYNPTR_BYTES);
}

export function userRingbufDestroy(map: u32): void {
  ringbufDestroy(map, DYNPTR_BYTES);
}

/** What is left of a drain that a violation ended: the next run begins anew. */
function isBusy(map: u32): bool {
  return changetype<BpfMap>(map).impl != 0;
}

/** Calls `fn(dynptr, ctx)` for each record until it returns 1: how many there were, without the discarded ones. */
export function user_ringbuf_drain(map: u32, fn: u32, ctx: u64, flags: u64, fp: u32): i64 {
  if (flags & ~WAKEUP_FLAGS) return -EINVAL;
  if (isBusy(map)) return -EBUSY;
  const m = changetype<BpfMap>(map);
  m.impl = 1;
  const r = ringOf(map);
  let samples: i64 = 0;
  for (let i: u32 = 0; i < MAX_SAMPLES && r.consumer < r.producer; i++) {
    const header = headerAt(map, r.consumer);
    const length = load<u32>(header);
    if (length & BPF_RINGBUF_BUSY_BIT) break;
    const size = length & LENGTH_BITS;
    let stop: u64 = 0;
    if (!(length & BPF_RINGBUF_DISCARD_BIT)) {
      const dynptr = m.data - DYNPTR_BYTES;
      dynptrInit(dynptr, header + BPF_RINGBUF_HDR_SZ, DYNPTR_TYPE_LOCAL, size);
      stop = callback(fn, fp, dynptr, ctx, 0);
      samples++;
    }
    r.consumer += recordSpan(size);
    if (stop) break;
  }
  m.impl = 0;
  if (flags & BPF_RB_FORCE_WAKEUP || (samples && !(flags & BPF_RB_NO_WAKEUP))) r.wakeups++;
  return samples;
}

/** From JavaScript: a record of `size` bytes to fill and submit, or 0 when there is no room. */
export function user_ringbuf_reserve(map: u32, size: u32): u32 {
  changetype<BpfMap>(map).impl = 0;
  return ringbufReserve(map, size);
}

/** Ends a reservation. */
export function user_ringbuf_commit(record: u32, discard: u32): void {
  const header = record - <u32>BPF_RINGBUF_HDR_SZ;
  store<u32>(header, (load<u32>(header) & LENGTH_BITS) | (discard ? <u32>BPF_RINGBUF_DISCARD_BIT : 0));
}
