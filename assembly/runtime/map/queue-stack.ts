// BPF_MAP_TYPE_QUEUE and BPF_MAP_TYPE_STACK: a ring of values without keys. Both push at `head`; a queue pops at `tail`, a stack below `head`.
import { MAP_DATA, MAP_PRIVATE } from '../../abi';
import { BPF_EXIST, BPF_MAP_TYPE_QUEUE, BPF_NOEXIST, E2BIG, EINVAL, ENOENT } from '../../isa';
import { copy } from '../copy';
import { lockMap, unlockMap } from './guard';
import { BpfMap, MapSpec, newMap } from './map';

/** What lies at MAP_PRIVATE: the slots of the next push and of the oldest value. `count` of the map tells full from empty. */
@unmanaged
class Ends {
  head: u32;
  tail: u32;
}

function ends(map: u32): Ends {
  return changetype<Ends>(map + MAP_PRIVATE);
}

export function queueStackCreate(spec: MapSpec): u32 {
  return newMap(spec, <u64>MAP_DATA + <u64>spec.valueSize * spec.maxEntries, MAP_DATA, spec.valueSize);
}

function after(m: BpfMap, slot: u32): u32 {
  return slot + 1 == m.maxEntries ? 0 : slot + 1;
}

function slotAt(m: BpfMap, slot: u32): u32 {
  return m.data + slot * m.stride;
}

/** With BPF_EXIST a full one loses its oldest value: also a stack. */
export function queueStackPush(map: u32, value: u32, flags: u64): i32 {
  if (flags & BPF_NOEXIST || flags > <u64>BPF_EXIST) return -EINVAL;
  lockMap(map);
  const error = push(map, value, flags);
  unlockMap(map);
  return error;
}

function push(map: u32, value: u32, flags: u64): i32 {
  const m = changetype<BpfMap>(map);
  const e = ends(map);
  if (m.count == m.maxEntries) {
    if (flags != <u64>BPF_EXIST) return -E2BIG;
    e.tail = after(m, e.tail);
    m.count--;
  }
  copy(slotAt(m, e.head), value, m.valueSize);
  e.head = after(m, e.head);
  m.count++;
  return 0;
}

/** Address of the `index`-th value in the order of pops, or 0. */
export function queueStackAt(map: u32, index: u32): u32 {
  const m = changetype<BpfMap>(map);
  if (index >= m.count) return 0;
  const isQueue = m.type == BPF_MAP_TYPE_QUEUE;
  const fromTail = <u64>ends(map).tail + (isQueue ? index : m.count - 1 - index);
  return slotAt(m, <u32>(fromTail >= m.maxEntries ? fromTail - m.maxEntries : fromTail));
}

/** Copies the next value out. Of an empty one the caller's memory is cleared, as Linux does it. */
export function queueStackPeek(map: u32, out: u32): i32 {
  lockMap(map);
  const error = peek(map, out);
  unlockMap(map);
  return error;
}

function peek(map: u32, out: u32): i32 {
  const m = changetype<BpfMap>(map);
  const value = queueStackAt(map, 0);
  if (!value) {
    memory.fill(out, 0, m.valueSize);
    return -ENOENT;
  }
  copy(out, value, m.valueSize);
  return 0;
}

export function queueStackPop(map: u32, out: u32): i32 {
  lockMap(map);
  const error = pop(map, out);
  unlockMap(map);
  return error;
}

function pop(map: u32, out: u32): i32 {
  const error = peek(map, out);
  if (error) return error;
  const m = changetype<BpfMap>(map);
  const e = ends(map);
  if (m.type == BPF_MAP_TYPE_QUEUE) e.tail = after(m, e.tail);
  else e.head = (e.head ? e.head : m.maxEntries) - 1;
  m.count--;
  return 0;
}
