// bpf_map_push_elem, bpf_map_pop_elem and bpf_map_peek_elem, from programs and from JavaScript, on the maps that have no keys.
import { BPF_MAP_TYPE_BLOOM_FILTER, BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK, EINVAL, EOPNOTSUPP } from '../../isa';
import { bloomFilterPeek, bloomFilterPush } from './bloom-filter';
import { BpfMap } from './map';
import { queueStackAt, queueStackPeek, queueStackPop, queueStackPush } from './queue-stack';

export function pushElem(map: u32, value: u32, flags: u64): i32 {
  switch (changetype<BpfMap>(map).type) {
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK:
      return queueStackPush(map, value, flags);
    case BPF_MAP_TYPE_BLOOM_FILTER:
      return bloomFilterPush(map, value, flags);
    default:
      return -EINVAL;
  }
}

/** Takes the next value out, to `out`. */
export function map_pop(map: u32, out: u32): i32 {
  switch (changetype<BpfMap>(map).type) {
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK:
      return queueStackPop(map, out);
    case BPF_MAP_TYPE_BLOOM_FILTER:
      return -EOPNOTSUPP;
    default:
      return -EINVAL;
  }
}

/** Copies the next value to `value`; of a bloom filter it is the question. */
export function map_peek(map: u32, value: u32): i32 {
  switch (changetype<BpfMap>(map).type) {
    case BPF_MAP_TYPE_QUEUE:
    case BPF_MAP_TYPE_STACK:
      return queueStackPeek(map, value);
    case BPF_MAP_TYPE_BLOOM_FILTER:
      return bloomFilterPeek(map, value);
    default:
      return -EINVAL;
  }
}

/** Address of the value that would come out of a queue or stack after `index` others, or 0. */
export function queue_at(map: u32, index: u32): u32 {
  return queueStackAt(map, index);
}

export function map_push_elem(map: u32, value: u32, flags: u64): i64 {
  return pushElem(map, value, flags);
}

export function map_pop_elem(map: u32, value: u32): i64 {
  return map_pop(map, value);
}

export function map_peek_elem(map: u32, value: u32): i64 {
  return map_peek(map, value);
}
