// BPF_MAP_TYPE_LRU_HASH and BPF_MAP_TYPE_LRU_PERCPU_HASH: hashes that make room instead of being full. Lookups by programs count as use; those of user
// space do not, as in Linux. With BPF_F_NO_COMMON_LRU every CPU has a list and a share of the elements of its own.
import { VM_CPU } from '../../abi';
import { BPF_EXIST, BPF_F_NO_COMMON_LRU, EINVAL, ENOENT } from '../../isa';
import { vm } from '../env';
import { flagsError, Put } from './hash';
import { Find, find } from './hash-find';
import {
  enter,
  give,
  hashOf,
  LRU_LIST_SIZE,
  leave,
  link,
  linkTo,
  seek,
  tableCreate,
  tableOf,
  take,
  unlink,
} from './hash-table';
import { Words } from './hash-words';
import { LRU_MARK, lruAdd, lruInit, lruIsFull, lruRemove, lruReplace, lruVictim } from './lru';
import { BpfMap, MapSpec } from './map';
import { freeCopies, ownCopy, placeCopies, writeAll, writeOwn } from './percpu-hash';

export function lruHashCreate(spec: MapSpec, copies: u32): u32 {
  const isOwn = (spec.flags & BPF_F_NO_COMMON_LRU) != 0;
  const lists = isOwn ? spec.cpus : 1;
  // Each CPU has the same share: up to a multiple of the CPUs, or down where that would not fit 32 bits.
  const rest = spec.maxEntries % lists;
  if (rest) spec.maxEntries += spec.maxEntries + (lists - rest) < spec.maxEntries ? -rest : lists - rest;
  const map = tableCreate(spec, copies, lists);
  if (map >= <u32>-4095) return map;
  const first = tableOf(map).lists;
  for (let i: u32 = 0; i < lists; i++) lruInit(first + i * LRU_LIST_SIZE, spec.maxEntries / lists);
  return map;
}

/** The list that the running CPU adds to. */
function ownList(map: u32): u32 {
  const t = tableOf(map);
  const cpu = load<u32>(vm, VM_CPU);
  return t.lists + (cpu < t.listCount ? cpu : 0) * LRU_LIST_SIZE;
}

function mark(element: u32): void {
  store<u8>(element - LRU_MARK, 1);
}

/** Lookup in a map of 4-byte keys: the value's address, or 0. */
export function lru_lookup4(map: u32, key: u32): u32 {
  const element = Find.key4(map, key);
  if (!element) return 0;
  mark(element);
  return element + 16;
}

/** Lookup in a map of 8-byte keys. */
export function lru_lookup8(map: u32, key: u32): u32 {
  const element = Find.key8(map, key);
  if (!element) return 0;
  mark(element);
  return element + 16;
}

/** Lookup in a map of 16-byte keys. */
export function lru_lookup16(map: u32, key: u32): u32 {
  const element = Find.key16(map, key);
  if (!element) return 0;
  mark(element);
  return element + 24;
}

/** Lookup whatever the key's size. */
export function lru_lookup(map: u32, key: u32): u32 {
  const element = find(map, key);
  if (!element) return 0;
  mark(element);
  return element + tableOf(map).valueOffset;
}

/** The running CPU's copy of the value, or 0. */
export function lru_percpu_lookup(map: u32, key: u32): u32 {
  const value = lru_lookup(map, key);
  return value ? value + ownCopy(changetype<BpfMap>(map), map) : 0;
}

/** An element for a new key: one that is free, or the one that was not used for longest. */
function makeRoom(map: u32): u32 {
  const list = ownList(map);
  if (!lruIsFull(list)) {
    const free = take(map);
    changetype<BpfMap>(map).count++;
    lruAdd(list, free);
    return free;
  }
  const victim = lruVictim(list);
  unlink(map, linkTo(map, victim));
  freeCopies(changetype<BpfMap>(map), map, victim);
  lruRemove(victim);
  lruAdd(list, victim);
  return victim;
}

export function lruHashUpdate(map: u32, key: u32, value: u32, flags: u64): i32 {
  if (flags > <u64>BPF_EXIST) return -EINVAL;
  const hash = hashOf(map, key);
  const guard = enter(map, hash);
  const error = update(map, key, hash, value, flags);
  leave(guard);
  return error;
}

function update(map: u32, key: u32, hash: u32, value: u32, flags: u64): i32 {
  const at = seek(map, key, hash);
  const old = load<u32>(at);
  const error = flagsError(old, flags);
  if (error) return error;
  if (!old) {
    const room = makeRoom(map);
    Put.fill(map, room, hash, key, value);
    link(map, room);
    return 0;
  }
  const element = Put.element(map, old, hash);
  lruReplace(old, element);
  Put.fill(map, element, hash, key, value);
  Put.exchange(map, at, element);
  return 0;
}

/** The same by a key in registers: hash-words.ts. */
export function lru_update_words(map: u32, hash: u32, low: u64, high: u64, value: u32, flags: u64): i64 {
  if (flags > <u64>BPF_EXIST) return -EINVAL;
  const at = Words.seek(map, hash, low, high);
  const old = load<u32>(at);
  const error = flagsError(old, flags);
  if (error) return error;
  if (!old) {
    const room = makeRoom(map);
    Words.fill(map, room, hash, low, high, value);
    Words.link(map, room, hash);
    return 0;
  }
  const element = Put.element(map, old, hash);
  lruReplace(old, element);
  Words.fill(map, element, hash, low, high, value);
  Put.exchange(map, at, element);
  return 0;
}

export function lru_delete_words(map: u32, hash: u32, low: u64, high: u64): i64 {
  return removeAt(map, Words.seek(map, hash, low, high));
}

/** `isAll`: from user space, a value for each CPU. */
export function lruPercpuHashUpdate(map: u32, key: u32, value: u32, flags: u64, isAll: bool): i32 {
  if (flags > <u64>BPF_EXIST) return -EINVAL;
  const hash = hashOf(map, key);
  const guard = enter(map, hash);
  const error = updateCopies(map, key, hash, value, flags, isAll);
  leave(guard);
  return error;
}

function updateCopies(map: u32, key: u32, hash: u32, value: u32, flags: u64, isAll: bool): i32 {
  const old = load<u32>(seek(map, key, hash));
  const error = flagsError(old, flags);
  if (error) return error;
  if (!old) {
    placeCopies(map, makeRoom(map), hash, key, value, isAll);
    return 0;
  }
  mark(old);
  const values = old + tableOf(map).valueOffset;
  if (isAll) writeAll(map, values, value);
  else writeOwn(map, values, value);
  return 0;
}

export function lruHashDelete(map: u32, key: u32): i32 {
  const hash = hashOf(map, key);
  const guard = enter(map, hash);
  const error = remove(map, key, hash);
  leave(guard);
  return error;
}

function remove(map: u32, key: u32, hash: u32): i32 {
  return removeAt(map, seek(map, key, hash));
}

/** Takes the element out that this link leads to, if it does. */
function removeAt(map: u32, at: u32): i32 {
  const m = changetype<BpfMap>(map);
  const element = load<u32>(at);
  if (!element) return -ENOENT;
  unlink(map, at);
  freeCopies(m, map, element);
  lruRemove(element);
  give(map, element);
  m.count--;
  return 0;
}
