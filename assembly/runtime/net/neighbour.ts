// Neighbours: which link-layer address an address on a device has. A hash that doubles with what it holds.
import { NET_NEIGH_ADDRESS, NET_NEIGH_FAMILY, NET_NEIGH_MAC, NET_NEIGH_SIZE } from '../../abi-net';
import { ENOMEM, ESRCH } from '../../isa';
import { alloc, free } from '../mem';

@unmanaged
class Neighbour {
  ifindex: u32;
  family: u32;
  lo: u64;
  hi: u64;
  mac: u64;
  next: u32;
}

if (offsetof<Neighbour>('family') != NET_NEIGH_FAMILY) ERROR('Neighbour.family drifted from abi-net.ts');
if (offsetof<Neighbour>('lo') != NET_NEIGH_ADDRESS) ERROR('Neighbour.lo drifted from abi-net.ts');
if (offsetof<Neighbour>('mac') != NET_NEIGH_MAC) ERROR('Neighbour.mac drifted from abi-net.ts');
if (offsetof<Neighbour>('next') != NET_NEIGH_SIZE) ERROR('Neighbour: its size drifted from abi-net.ts');

const FIRST: u32 = 64;

@unmanaged
class Neighbours {
  buckets: u32;
  size: u32;
  count: u32;
}

const neighbours = changetype<Neighbours>(memory.data(offsetof<Neighbours>(), 4));

function hash(ifindex: u32, lo: u64, hi: u64): u32 {
  let h = (lo ^ ifindex) * 0x9e3779b97f4a7c15;
  h = (h ^ (h >> 32) ^ hi) * 0xd6e8feb86659fd93;
  return <u32>(h >> 32);
}

function bucketOf(ifindex: u32, lo: u64, hi: u64): u32 {
  return neighbours.buckets + ((hash(ifindex, lo, hi) & (neighbours.size - 1)) << 2);
}

/** The link that names the neighbour, or the empty one at its chain's end. */
function linkOf(ifindex: u32, family: u32, lo: u64, hi: u64): u32 {
  let link = bucketOf(ifindex, lo, hi);
  for (let at = load<u32>(link); at; at = load<u32>(link)) {
    const one = changetype<Neighbour>(at);
    if (one.lo == lo && one.hi == hi && one.ifindex == ifindex && one.family == family) break;
    link = at + offsetof<Neighbour>('next');
  }
  return link;
}

function grow(): bool {
  const old = neighbours.buckets;
  const oldSize = neighbours.size;
  const larger = alloc(oldSize ? oldSize * 8 : FIRST * 4);
  if (!larger) return false;
  neighbours.buckets = larger;
  neighbours.size = oldSize ? oldSize * 2 : FIRST;
  for (let i: u32 = 0; i < oldSize; i++) {
    let at = load<u32>(old + (i << 2));
    while (at) {
      const one = changetype<Neighbour>(at);
      const next = one.next;
      const bucket = bucketOf(one.ifindex, one.lo, one.hi);
      one.next = load<u32>(bucket);
      store<u32>(bucket, at);
      at = next;
    }
  }
  free(old);
  return true;
}

/** Adds a neighbour, or changes its address: 0 or -ENOMEM. */
export function net_neighbour_set(record: u32): i32 {
  if (neighbours.count >= neighbours.size && !grow()) return -ENOMEM;
  const given = changetype<Neighbour>(record);
  const link = linkOf(given.ifindex, given.family, given.lo, given.hi);
  let at = load<u32>(link);
  if (!at) {
    at = alloc(offsetof<Neighbour>());
    if (!at) return -ENOMEM;
    store<u32>(link, at);
    neighbours.count++;
  }
  memory.copy(at, record, NET_NEIGH_SIZE);
  return 0;
}

/** 0 or -ESRCH. */
export function net_neighbour_delete(record: u32): i32 {
  if (!neighbours.size) return -ESRCH;
  const given = changetype<Neighbour>(record);
  const link = linkOf(given.ifindex, given.family, given.lo, given.hi);
  const at = load<u32>(link);
  if (!at) return -ESRCH;
  store<u32>(link, changetype<Neighbour>(at).next);
  free(at);
  neighbours.count--;
  return 0;
}

/** Where the neighbour's link-layer address is, or 0. `address` has `family`'s bytes; those behind them are not looked at. */
export function findNeighbour(ifindex: u32, family: u32, address: u32): u32 {
  if (!neighbours.size) return 0;
  const isV4 = family == 2;
  const lo = isV4 ? <u64>load<u32>(address) : load<u64>(address);
  const at = load<u32>(linkOf(ifindex, family, lo, isV4 ? 0 : load<u64>(address, 8)));
  return at ? at + NET_NEIGH_MAC : 0;
}
