// Tracked connections (struct nf_conn of abi-net.ts), in a hash over both directions.
import {
  NF_CONN_PERMANENT,
  NF_CONN_SIZE,
  NF_CONN_TIMEOUT,
  NF_CONN_TUPLE,
  NF_CONN_TUPLE_STRIDE,
  NF_CONN_USE,
  NF_CONN_ZONE,
} from '../../abi-net';
import { EEXIST, ENOMEM } from '../../isa';
import { alloc, free } from '../mem';
import { addMemory, REGION_READ, REGION_WRITE, removeRegion, reserveRegion } from '../region';

/** Where a chain goes on, for each direction. A link is an address and, in its lowest bit, a direction. */
const NEXT: u32 = NF_CONN_SIZE;
const SIZE: u32 = NF_CONN_SIZE + 8;
const BUCKETS: u32 = 4096;
const buckets: u32 = <u32>memory.data(BUCKETS * 4);

export function tupleAt(ct: u32, dir: u32): u32 {
  return ct + NF_CONN_TUPLE + dir * NF_CONN_TUPLE_STRIDE;
}

function bucketOf(tuple: u32, zone: u32): u32 {
  let h: u64 = zone;
  for (let i: u32 = 0; i < 32; i += 8) h = (h ^ load<u64>(tuple + i)) * 0x9e3779b97f4a7c15 + (h >> 29);
  h = (h ^ load<u32>(tuple, 32) ^ ((<u64>load<u16>(tuple, 36)) << 32)) * 0xd6e8feb86659fd93;
  return buckets + ((<u32>(h >> 40) & (BUCKETS - 1)) << 2);
}

function sameTuple(a: u32, b: u32): bool {
  for (let i: u32 = 0; i < 32; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  return (
    load<u32>(a, 32) == load<u32>(b, 32) && load<u16>(a, 36) == load<u16>(b, 36) && load<u8>(a, 38) == load<u8>(b, 38)
  );
}

/** A new, empty entry that is in no table; 0 without memory. */
export function newConn(): u32 {
  if (!reserveRegion()) return 0;
  const ct = alloc(SIZE);
  if (!ct) return 0;
  addMemory(ct, ct + NF_CONN_SIZE, REGION_READ | REGION_WRITE);
  store<u32>(ct, 1, NF_CONN_USE);
  return ct;
}

/** Lets go of an entry; the last one frees it. */
export function putConn(ct: u32): void {
  const use = load<u32>(ct, NF_CONN_USE) - 1;
  store<u32>(ct, use, NF_CONN_USE);
  if (use) return;
  removeRegion(ct);
  free(ct);
}

function unlink(ct: u32, dir: u32): void {
  let link = bucketOf(tupleAt(ct, dir), load<u16>(ct, NF_CONN_ZONE));
  const wanted = ct | dir;
  for (let at = load<u32>(link); at; at = load<u32>(link)) {
    const next: u32 = (at & ~1) + NEXT + ((at & 1) << 2);
    if (at == wanted) {
      store<u32>(link, load<u32>(next));
      return;
    }
    link = next;
  }
}

function isExpired(ct: u32, ticks: u32): bool {
  if (load<u32>(ct, NF_CONN_PERMANENT)) return false;
  return <i32>(load<u32>(ct, NF_CONN_TIMEOUT) - ticks) <= 0;
}

/** Address and direction of the entry that has this tuple; 0 for none. What is over is taken out on the way. */
export function findConn(tuple: u32, zone: u32, ticks: u32): u32 {
  const bucket = bucketOf(tuple, zone);
  for (let at = load<u32>(bucket); at; ) {
    const ct = at & ~1;
    const next = load<u32>(ct + NEXT + ((at & 1) << 2));
    if (load<u16>(ct, NF_CONN_ZONE) == zone && sameTuple(tupleAt(ct, at & 1), tuple)) {
      if (!isExpired(ct, ticks)) return at;
      removeConn(ct);
    }
    at = next;
  }
  return 0;
}

export function removeConn(ct: u32): void {
  unlink(ct, 0);
  unlink(ct, 1);
  putConn(ct);
}

/** Whether an entry has this tuple, also one that is over but was not looked for since. */
function isTaken(tuple: u32, zone: u32): bool {
  for (let at = load<u32>(bucketOf(tuple, zone)); at; at = load<u32>((at & ~1) + NEXT + ((at & 1) << 2)))
    if (load<u16>(at & ~1, NF_CONN_ZONE) == zone && sameTuple(tupleAt(at & ~1, at & 1), tuple)) return true;
  return false;
}

/** Puts an entry into the table: false when one direction is there already. */
export function insertConn(ct: u32): bool {
  const zone = load<u16>(ct, NF_CONN_ZONE);
  if (isTaken(tupleAt(ct, 0), zone) || isTaken(tupleAt(ct, 1), zone)) return false;
  for (let dir: u32 = 0; dir < 2; dir++) {
    const bucket = bucketOf(tupleAt(ct, dir), zone);
    store<u32>(ct + NEXT + (dir << 2), load<u32>(bucket));
    store<u32>(bucket, ct | dir);
  }
  return true;
}

/** The entry after `ct` in the table's order, the first one after 0; 0 at the end. */
export function net_conn_next(ct: u32): u32 {
  let at = ct ? load<u32>(ct, NEXT) : 0;
  let bucket = ct ? bucketOf(tupleAt(ct, 0), load<u16>(ct, NF_CONN_ZONE)) + 4 : buckets;
  for (;;) {
    for (; at; at = load<u32>((at & ~1) + NEXT + ((at & 1) << 2))) if (!(at & 1)) return at;
    if (bucket == buckets + BUCKETS * 4) break;
    at = load<u32>(bucket);
    bucket += 4;
  }
  return 0;
}

/** Adds an entry that does not end: 0, -EEXIST or -ENOMEM. */
export function net_conn_add(record: u32): i32 {
  const ct = newConn();
  if (!ct) return -ENOMEM;
  memory.copy(ct, record, NF_CONN_SIZE);
  store<u32>(ct, 1, NF_CONN_USE);
  if (insertConn(ct)) return 0;
  putConn(ct);
  return -EEXIST;
}
