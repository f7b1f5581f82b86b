// The special fields of a map's values (struct MapFields in abi.ts): locks, timers, kptrs, lists and trees. A copy into an element leaves them alone,
// a copy out of one has zeros there, and what they hold goes when their element does.
import {
  MAP_FIELD_KIND,
  MAP_FIELD_OFFSET,
  MAP_FIELD_SIZE,
  MAP_FIELDS_COUNT,
  MAP_FIELDS_HEADER,
  MAP_FIELDS_KINDS,
  MAP_FIELDS_STRIDE,
} from '../../abi';
import {
  FIELD_KPTR_PERCPU,
  FIELD_KPTR_REF,
  FIELD_LIST_HEAD,
  FIELD_LIST_NODE,
  FIELD_RB_NODE,
  FIELD_RB_ROOT,
  FIELD_REFCOUNT,
  FIELD_SPIN_LOCK,
  FIELD_TASK_WORK,
  FIELD_TIMER,
  FIELD_WORKQUEUE,
} from '../../verifier/abi/input';
import { copy } from '../copy';
import { lock, unlock } from '../lock';
import { alloc, free } from '../mem';
import { freeKptr } from '../object/kfunc';
import { freeList } from '../object/list';
import { freeTree } from '../object/rbtree';
import { THREADS } from '../thread';
import { freeTimer } from '../timer';
import { BpfMap } from './map';

export const ALL_FIELDS: u32 = 0xffffffff;
/** What ends with the last user of a map, whether or not programs still refer to it. */
export const ASYNC_FIELDS: u32 = FIELD_TIMER | FIELD_WORKQUEUE | FIELD_TASK_WORK;

/** Room for `count` fields, which the caller writes behind the header, ordered by offset; 0 when there is no memory. */
export function newFields(count: u32, kinds: u32): u32 {
  const fields = alloc(MAP_FIELDS_HEADER + count * MAP_FIELDS_STRIDE);
  if (!fields) return 0;
  store<u32>(fields, count, MAP_FIELDS_COUNT);
  store<u32>(fields, kinds, MAP_FIELDS_KINDS);
  return fields;
}

/** The fields of a map's values, as `newFields` gives them. */
export function map_set_fields(map: u32, count: u32, kinds: u32): u32 {
  const fields = newFields(count, kinds);
  changetype<BpfMap>(map).fields = fields;
  return fields;
}

export function dropFields(map: u32): void {
  free(changetype<BpfMap>(map).fields);
}

/** Whether values have a field of one of these kinds (FIELD_*). */
export function hasField(m: BpfMap, kinds: u32): bool {
  return m.fields ? (load<u32>(m.fields, MAP_FIELDS_KINDS) & kinds) != 0 : false;
}

/** Copies a value into an element or out of one, all but its special fields. */
export function copyValue(m: BpfMap, to: u32, from: u32): void {
  const fields = m.fields;
  if (!fields) {
    copy(to, from, m.valueSize);
    return;
  }
  let done: u32 = 0;
  const end = endOf(fields);
  for (let field = fields + MAP_FIELDS_HEADER; field != end; field += MAP_FIELDS_STRIDE) {
    const offset = load<u32>(field, MAP_FIELD_OFFSET);
    copy(to + done, from + done, offset - done);
    done = offset + load<u32>(field, MAP_FIELD_SIZE);
  }
  copy(to + done, from + done, m.valueSize - done);
}

/** The same under the lock that the element has: BPF_F_LOCK. */
export function copyLocked(m: BpfMap, to: u32, from: u32): void {
  if (!THREADS || !hasField(m, FIELD_SPIN_LOCK)) {
    copyValue(m, to, from);
    return;
  }
  const word = to + fieldOffset(m, FIELD_SPIN_LOCK);
  lock(word);
  copyValue(m, to, from);
  unlock(word);
}

/** Clears a value, all but its special fields. */
export function zeroValue(m: BpfMap, value: u32): void {
  const fields = m.fields;
  let done: u32 = 0;
  const end = fields ? endOf(fields) : 0;
  for (let field = fields ? fields + MAP_FIELDS_HEADER : 0; field != end; field += MAP_FIELDS_STRIDE) {
    const offset = load<u32>(field, MAP_FIELD_OFFSET);
    memory.fill(value + done, 0, offset - done);
    done = offset + load<u32>(field, MAP_FIELD_SIZE);
  }
  memory.fill(value + done, 0, m.valueSize - done);
}

/** Special fields as they begin: zero. Of a value that holds nothing: a new element, or a copy for user space. */
export function initValue(m: BpfMap, value: u32): void {
  const fields = m.fields;
  if (!fields) return;
  const end = endOf(fields);
  for (let field = fields + MAP_FIELDS_HEADER; field != end; field += MAP_FIELDS_STRIDE) {
    memory.fill(value + load<u32>(field, MAP_FIELD_OFFSET), 0, load<u32>(field, MAP_FIELD_SIZE));
  }
}

/** Lets go of all that a value's fields hold: its element is deleted, replaced, or an array's value overwritten. */
export function freeFields(m: BpfMap, value: u32): void {
  if (m.fields) freeKinds(m, value, ALL_FIELDS);
}

/** The same for the fields of some kinds. */
export function freeKinds(m: BpfMap, value: u32, kinds: u32): void {
  freeAll(m.fields, m, value, kinds);
}

/** The same for an object that a program made: `fields` is its type's. */
export function freeObjectFields(fields: u32, object: u32): void {
  freeAll(fields, changetype<BpfMap>(0), object, ALL_FIELDS);
}

/** `m` is null for what is in no map: there are no timers in it. */
function freeAll(fields: u32, m: BpfMap, value: u32, kinds: u32): void {
  const end = endOf(fields);
  for (let field = fields + MAP_FIELDS_HEADER; field != end; field += MAP_FIELDS_STRIDE) {
    if (load<u32>(field, MAP_FIELD_KIND) & kinds) freeField(m, value + load<u32>(field, MAP_FIELD_OFFSET), field);
  }
}

/** One field at `at`; `field` is its struct MapField. Locks are nobody's while an element is freed: there is nothing to give back. */
function freeField(m: BpfMap, at: u32, field: u32): void {
  switch (load<u32>(field, MAP_FIELD_KIND)) {
    case FIELD_KPTR_REF:
    case FIELD_KPTR_PERCPU:
      return freeKptr(at);
    case FIELD_LIST_HEAD:
      return freeList(at);
    case FIELD_RB_ROOT:
      return freeTree(at);
    // What dies with its object, and may be looked at until then.
    case FIELD_LIST_NODE:
    case FIELD_RB_NODE:
    case FIELD_REFCOUNT:
      return;
    case FIELD_SPIN_LOCK:
      // Another thread may hold it: it is that one's to free.
      if (!THREADS) store<u32>(at, 0);
      return;
    case FIELD_TIMER:
    case FIELD_WORKQUEUE:
      freeTimer(at);
    // falls through
    default:
      memory.fill(at, 0, load<u32>(field, MAP_FIELD_SIZE));
  }
}

/** Where in a value its only field of a kind is. */
export function fieldOffset(m: BpfMap, kind: u32): u32 {
  let field = m.fields + MAP_FIELDS_HEADER;
  while (load<u32>(field, MAP_FIELD_KIND) != kind) field += MAP_FIELDS_STRIDE;
  return load<u32>(field, MAP_FIELD_OFFSET);
}

function endOf(fields: u32): u32 {
  return fields + MAP_FIELDS_HEADER + load<u32>(fields, MAP_FIELDS_COUNT) * MAP_FIELDS_STRIDE;
}
