// The helpers of BPF_MAP_TYPE_RINGBUF.
import { DYNPTR_SIZE_MASK, DYNPTR_TYPE_RINGBUF, TRAP_ARGUMENT } from '../../abi';
import {
  BPF_RB_AVAIL_DATA,
  BPF_RB_CONS_POS,
  BPF_RB_FORCE_WAKEUP,
  BPF_RB_NO_WAKEUP,
  BPF_RB_PROD_POS,
  BPF_RB_RING_SIZE,
  BPF_RINGBUF_DISCARD_BIT,
  E2BIG,
  EAGAIN,
  EINVAL,
} from '../../isa';
import { trap } from '../check';
import { copy } from '../copy';
import { ringbufCommit, ringbufOfRecord, ringbufReserve, ringOf } from '../map/ringbuf';
import { Dynptr, dynptrClear, dynptrInit } from './dynptr';

const WAKEUP_FLAGS: u64 = BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP;

export function ringbuf_output(map: u32, data: u32, size: u32, flags: u64): i64 {
  if (flags & ~WAKEUP_FLAGS) return -EINVAL;
  const record = ringbufReserve(map, size);
  if (!record) return -EAGAIN;
  copy(record, data, size);
  ringbufCommit(map, record, flags, 0);
  return 0;
}

export function ringbuf_reserve(map: u32, size: u64, flags: u64): u32 {
  return flags ? 0 : ringbufReserve(map, size);
}

/** Ends a reservation. What is none never reaches this from a program that the verifier took. */
function commit(record: u32, flags: u64, bit: u32): void {
  const map = ringbufOfRecord(record);
  if (!map) trap(TRAP_ARGUMENT, 0, 0, record, 0, 1);
  ringbufCommit(map, record, flags, bit);
}

export function ringbuf_submit(record: u32, flags: u64): void {
  commit(record, flags, 0);
}

export function ringbuf_discard(record: u32, flags: u64): void {
  commit(record, flags, BPF_RINGBUF_DISCARD_BIT);
}

/** The same for programs whose records were proved to be some: their headers say of which ring buffer. */
export function ringbuf_submit_proved(record: u32, flags: u64): void {
  ringbufCommit(load<u32>(record - 4), record, flags, 0);
}

export function ringbuf_discard_proved(record: u32, flags: u64): void {
  ringbufCommit(load<u32>(record - 4), record, flags, BPF_RINGBUF_DISCARD_BIT);
}

export function ringbuf_query(map: u32, what: u64): i64 {
  const r = ringOf(map);
  if (what == BPF_RB_AVAIL_DATA) return r.producer - r.consumer;
  if (what == BPF_RB_RING_SIZE) return <i64>r.mask + 1;
  if (what == BPF_RB_CONS_POS) return r.consumer;
  return what == BPF_RB_PROD_POS ? r.producer : 0;
}

/** A record of a size that only the run knows, as a dynptr; of what cannot be had, one that stands for nothing, which has to be given back as well. */
export function ringbuf_reserve_dynptr(map: u32, size: u64, flags: u64, ptr: u32): i64 {
  dynptrClear(ptr);
  if (flags) return -EINVAL;
  if (<u32>size > <u32>DYNPTR_SIZE_MASK) return -E2BIG;
  const record = ringbufReserve(map, <u32>size);
  if (!record) return -EINVAL;
  dynptrInit(ptr, record, DYNPTR_TYPE_RINGBUF, <u32>size);
  return 0;
}

function commitDynptr(ptr: u32, flags: u64, bit: u32): void {
  const record = <u32>changetype<Dynptr>(ptr).data;
  if (!record) return;
  commit(record, flags, bit);
  dynptrClear(ptr);
}

export function ringbuf_submit_dynptr(ptr: u32, flags: u64): void {
  commitDynptr(ptr, flags, 0);
}

export function ringbuf_discard_dynptr(ptr: u32, flags: u64): void {
  commitDynptr(ptr, flags, BPF_RINGBUF_DISCARD_BIT);
}
