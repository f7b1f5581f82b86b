// bpf_perf_event_output and what reads counters. The only events here are those that output goes to (PERF_COUNT_SW_BPF_OUTPUT): they count nothing.
import { CTX_SKB, SKB_DATA, SKB_LEN, VM_CTX, XDP_MD_DATA_END } from '../../abi';
import { EFAULT, EINVAL, ENOSPC, EOPNOTSUPP } from '../../isa';
import { copy } from '../copy';
import { vm } from '../env';
import { PerfRing, perfCommit, perfReserve, ringAt } from '../map/perf-event-array';
import { copyPacket, packetLength } from '../packet';
import { ktime_get_ns } from './state';

const INDEX_MASK: u64 = 0xffffffff;
/** Bytes of the packet that follow the data. */
const CTXLEN_MASK: u64 = 0xfffff00000000;
const CTXLEN_SHIFT: u64 = 32;
/** struct bpf_perf_event_value: counter, enabled, running. */
const VALUE_BYTES: u32 = 24;

/** Bytes that may be appended: of an skb from where its program's data begins. */
function ctxLength(record: u32): u32 {
  const skb = load<u32>(record, CTX_SKB);
  if (!skb) return packetLength(record);
  return min(load<u32>(skb, SKB_LEN), load<u32>(record, XDP_MD_DATA_END) - load<u32>(skb, SKB_DATA));
}

export function perf_event_output(_ctx: u32, map: u32, flags: u64, data: u32, size: u32): i64 {
  if (flags & ~(CTXLEN_MASK | INDEX_MASK)) return -EINVAL;
  const record = load<u32>(vm, VM_CTX);
  const appended = <u32>(flags >> CTXLEN_SHIFT);
  if (appended > ctxLength(record)) return -EFAULT;
  const ring = ringAt(map, <u32>flags, -EOPNOTSUPP);
  if (ring >= <u32>-4095) return <i32>ring;
  const to = perfReserve(ring, <u64>size + appended);
  if (!to) return -ENOSPC;
  copy(to, data, size);
  const skb = load<u32>(record, CTX_SKB);
  if (skb) copy(to + size, load<u32>(skb, SKB_DATA), appended);
  else copyPacket(record, 0, to + size, appended);
  perfCommit(ring);
  return 0;
}

export function perf_event_read(map: u32, flags: u64): i64 {
  if (flags & ~INDEX_MASK) return -EINVAL;
  const ring = ringAt(map, <u32>flags, -EINVAL);
  return ring >= <u32>-4095 ? <i32>ring : 0;
}

export function perf_event_read_value(map: u32, flags: u64, buffer: u32, size: u32): i64 {
  memory.fill(buffer, 0, size);
  if (size != VALUE_BYTES || flags & ~INDEX_MASK) return -EINVAL;
  const ring = ringAt(map, <u32>flags, -EINVAL);
  if (ring >= <u32>-4095) return <i32>ring;
  const time = ktime_get_ns() - changetype<PerfRing>(ring).opened;
  store<u64>(buffer, time, 8);
  store<u64>(buffer, time, 16);
  return 0;
}
