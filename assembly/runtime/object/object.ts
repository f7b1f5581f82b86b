// Objects that programs make: bpf_obj_new and its like. Slots of one type lie in slabs, each of which checked accesses know as one region, with a
// header in front of the object that names its type: so whoever holds an object needs to be told nothing of it.
//
//   | next slab 64 | header 16 | object | header 16 | object | ...
//
//   header  0  type   u32  its ObjectType
//           4  state  u32  OBJECT_*
//           8  next   u32  in the list of free, dropped or dying objects
//
// What is dropped may still be read by the invocation that drops it, as under RCU: its slot is used again by a later one.
import {
  MAP_FIELD_KIND,
  MAP_FIELD_OFFSET,
  MAP_FIELDS_COUNT,
  MAP_FIELDS_HEADER,
  MAP_FIELDS_STRIDE,
  VM_CTX,
  VM_DROPPED,
} from '../../abi';
import { FIELD_LIST_NODE, FIELD_RB_NODE, FIELD_REFCOUNT } from '../../verifier/abi/input';
import { vm } from '../env';
import { freeObjectFields, newFields } from '../map/fields';
import { alloc, free } from '../mem';
import {
  addRegion,
  findRegion,
  REGION_OBJECTS,
  REGION_READ,
  REGION_WRITE,
  Region,
  removeRegion,
  reserveRegion,
  stageMemory,
} from '../region';

@unmanaged
export class ObjectType {
  /** Bytes of an object; of one CPU's copy. */
  size: u32;
  /** From one CPU's copy to the next; 0 unless it is a per-CPU object. */
  cpuStride: u32;
  cpus: u32;
  /** From one slot to the next. */
  stride: u32;
  /** struct MapFields of an object; 0 for none. */
  fields: u32;
  /** Where in an object its reference count is, plus 1; 0 for none. */
  refcount: u32;
  /** Slots in use, and programs that may use more. */
  live: u32;
  users: u32;
  /** Free slots: a list of objects. */
  free: u32;
  slabs: u32;
  /** Slots that were never used lie in [cursor, limit). */
  cursor: u32;
  limit: u32;
  /** Slots of the next slab. */
  slabSlots: u32;
}

@unmanaged
class Header {
  type: u32;
  state: u32;
  next: u32;
  pad: u32;
}

const HEADER: u32 = 16;
const SLAB_HEADER: u32 = 64;
const FIRST_SLAB: u32 = 16;
const MAX_SLAB_BYTES: u32 = 1 << 20;

const OBJECT_LIVE: u32 = 0x6f626a21;
const OBJECT_GONE: u32 = 0;

if (offsetof<Header>() != HEADER) ERROR('Header is not as large as the room for it');

/** Where in a list's or tree's node its object is kept; see list.ts and rbtree.ts. */
export const LIST_NODE_OBJECT: u32 = 12;
export const RB_NODE_OBJECT: u32 = 20;

/** Dropped, but perhaps still read: all by the invocation whose record is `droppedBy`. */
let dropped: u32 = 0;
let droppedBy: u32 = 0;
/** Objects of which nothing is left but to let go of what they hold. */
let dying: u32 = 0;
let isBurying: bool = false;

function header(object: u32): Header {
  return changetype<Header>(object - HEADER);
}

export function typeOf(object: u32): ObjectType {
  return changetype<ObjectType>(header(object).type);
}

/** A type of objects of `size` bytes; `cpus` above 0: with a copy for each CPU. 0 when there is no memory. One program uses it. */
export function object_type(size: u32, cpus: u32): u32 {
  const address = alloc(offsetof<ObjectType>());
  if (!address) return 0;
  const type = changetype<ObjectType>(address);
  type.size = size;
  type.cpus = cpus;
  type.cpuStride = cpus ? (size + 7) & ~7 : 0;
  type.stride = (HEADER + (cpus ? type.cpuStride * cpus : size) + 15) & ~15;
  type.users = 1;
  type.slabSlots = FIRST_SLAB;
  return address;
}

/** Room for `count` struct MapField of the type, as map_set_fields gives it. `refcount`: where the reference count is, or -1. */
export function object_type_fields(address: u32, count: u32, kinds: u32, refcount: i32): u32 {
  const type = changetype<ObjectType>(address);
  type.fields = newFields(count, kinds);
  type.refcount = refcount + 1;
  return type.fields;
}

/** A program lets go of a type; with the last object and the last program it is gone. */
export function object_type_release(address: u32): void {
  object_reclaim();
  const type = changetype<ObjectType>(address);
  type.users--;
  dropType(type);
}

function dropType(type: ObjectType): void {
  if (type.users || type.live) return;
  for (let slab = type.slabs; slab; ) {
    const next = load<u32>(slab);
    removeRegion(slab);
    free(slab);
    slab = next;
  }
  free(type.fields);
  free(changetype<u32>(type));
}

function addSlab(type: ObjectType): bool {
  const slots = min(type.slabSlots, max(MAX_SLAB_BYTES / type.stride, 1));
  const size = <u64>SLAB_HEADER + <u64>slots * type.stride;
  if (size >> 32 || !reserveRegion()) return false;
  const slab = alloc(<u32>size);
  if (!slab) return false;
  store<u32>(slab, type.slabs);
  type.slabs = slab;
  type.cursor = slab + SLAB_HEADER;
  type.limit = slab + <u32>size;
  type.slabSlots = slots * 2;
  const region = stageMemory(slab, slab + <u32>size, REGION_READ | REGION_WRITE | REGION_OBJECTS);
  region.data = slab + SLAB_HEADER;
  region.stride = type.stride;
  region.valueOffset = HEADER;
  region.valueSize = type.cpus ? type.cpuStride * type.cpus : type.size;
  addRegion();
  return true;
}

/** A slot that nobody uses, or 0. */
function take(type: ObjectType): u32 {
  if (!type.free && dropped && droppedBy != load<u32>(vm, VM_CTX)) object_reclaim();
  const object = type.free;
  if (object) {
    type.free = header(object).next;
    return object;
  }
  if (type.cursor == type.limit && !addSlab(type)) return 0;
  const unused = type.cursor;
  type.cursor = unused + type.stride;
  return unused + HEADER;
}

/** Makes the special fields of a new object, which is all zeros, what they begin as. */
function initFields(type: ObjectType, object: u32): void {
  const first = type.fields + MAP_FIELDS_HEADER;
  const end = first + load<u32>(type.fields, MAP_FIELDS_COUNT) * MAP_FIELDS_STRIDE;
  for (let field = first; field != end; field += MAP_FIELDS_STRIDE) {
    const at = object + load<u32>(field, MAP_FIELD_OFFSET);
    const kind = load<u32>(field, MAP_FIELD_KIND);
    if (kind == FIELD_LIST_NODE) store<u32>(at, object, LIST_NODE_OBJECT);
    else if (kind == FIELD_RB_NODE) store<u32>(at, object, RB_NODE_OBJECT);
    else if (kind == FIELD_REFCOUNT) store<u32>(at, 1);
  }
}

/** A new object, all zeros; 0 when there is no memory. */
export function newObject(address: u32): u32 {
  if (!address) return 0;
  const type = changetype<ObjectType>(address);
  const object = take(type);
  if (!object) return 0;
  const head = header(object);
  head.type = address;
  head.state = OBJECT_LIVE;
  head.next = 0;
  type.live++;
  memory.fill(object, 0, type.stride - HEADER);
  if (type.fields) initFields(type, object);
  return object;
}

/** One more reference: the object, or 0 when it is dying already. */
export function acquireObject(object: u32): u32 {
  const at = object + typeOf(object).refcount - 1;
  const count = load<u32>(at);
  if (!count) return 0;
  store<u32>(at, count + 1);
  return object;
}

/** One reference less; the last one takes the object with it. */
export function dropObject(object: u32): void {
  const type = typeOf(object);
  if (type.refcount) {
    const at = object + type.refcount - 1;
    const count = load<u32>(at) - 1;
    store<u32>(at, count);
    if (count) return;
  }
  const head = header(object);
  head.state = OBJECT_GONE;
  head.next = dying;
  dying = object;
  if (!isBurying) bury();
}

/** Lets go of what dying objects hold, which may be the last to hold others: a list, so that a chain of them needs no stack. */
function bury(): void {
  isBurying = true;
  while (dying) {
    const object = dying;
    dying = header(object).next;
    const type = typeOf(object);
    if (type.fields) freeObjectFields(type.fields, object);
    defer(object);
  }
  isBurying = false;
}

function defer(object: u32): void {
  const ctx = load<u32>(vm, VM_CTX);
  if (dropped && droppedBy != ctx) object_reclaim();
  header(object).next = dropped;
  dropped = object;
  droppedBy = ctx;
  store<u32>(vm, 1, VM_DROPPED);
}

/** Makes the slots of dropped objects free: no program is running that could have seen them. */
export function object_reclaim(): void {
  for (let object = dropped; object; ) {
    const head = header(object);
    const next = head.next;
    const type = changetype<ObjectType>(head.type);
    head.next = type.free;
    type.free = object;
    type.live--;
    dropType(type);
    object = next;
  }
  dropped = 0;
  store<u32>(vm, 0, VM_DROPPED);
}

/** Is this the address of an object that was made and not dropped? */
export function isObject(address: u64): bool {
  if (address >> 32) return false;
  const entry = findRegion(<u32>address);
  if (!entry) return false;
  const region = changetype<Region>(entry);
  if (!(region.access & REGION_OBJECTS) || <u32>address < region.data) return false;
  return (<u32>address - region.data) % region.stride == HEADER && header(<u32>address).state == OBJECT_LIVE;
}
