// BPF_MAP_TYPE_ARENA: pages that programs and user space share. Programs have addresses as user space has them, of which the low half counts:
//
//   | struct Map 128 | pages of 4096 bytes ... | a byte for each page: it is there |
//
// A page is there once user space has touched it. As in Linux, a program that goes elsewhere reads 0 and writes nowhere.
import { ARENA_PAGE_SIZE, ARENA_PAGES, ARENA_USER_START, MAP_DATA } from '../../abi';
import { BPF_F_MMAPABLE, BPF_F_NO_USER_CONV, BPF_F_SEGV_ON_FAULT, E2BIG, EINVAL } from '../../isa';
import { THREADS, threadRoom } from '../thread';
import { BpfMap, MapSpec, newMap } from './map';

const PAGE: u32 = ARENA_PAGE_SIZE;
const FLAGS: u32 = BPF_F_SEGV_ON_FAULT | BPF_F_MMAPABLE | BPF_F_NO_USER_CONV;
const MAX_PAGES: u32 = 0x100000;

/** Where stores go that go nowhere, and loads that find nothing: zero before each. */
const nowhere: u32 = THREADS ? threadRoom(16) : <u32>memory.data(16, 8);

export function checkArena(spec: MapSpec): i32 {
  if (spec.keySize || spec.valueSize || !spec.maxEntries) return -EINVAL;
  if (!(spec.flags & BPF_F_MMAPABLE) || spec.flags & ~FLAGS) return -EINVAL;
  return spec.maxEntries > MAX_PAGES ? -E2BIG : 0;
}

export function arenaCreate(spec: MapSpec): u32 {
  const bytes = <u64>spec.maxEntries * PAGE;
  const map = newMap(spec, <u64>MAP_DATA + bytes + spec.maxEntries, MAP_DATA, <u32>bytes);
  if (map >= <u32>-4095) return map;
  store<u32>(map, map + MAP_DATA + <u32>bytes, ARENA_PAGES);
  return map;
}

function pageBytes(map: u32): u32 {
  return load<u32>(map, ARENA_PAGES);
}

/** Where a program's access of `size` bytes at `ptr` goes. */
export function arena_at(map: u32, ptr: u32, size: u32): u32 {
  const m = changetype<BpfMap>(map);
  const offset = ptr - load<u32>(map, ARENA_USER_START);
  const last = offset + size - 1;
  const pages = pageBytes(map);
  const length = m.maxEntries;
  if (last >= offset && last / PAGE < length && load<u8>(pages + offset / PAGE) & load<u8>(pages + last / PAGE))
    return m.data + offset;
  store<u64>(nowhere, 0);
  return nowhere;
}

/** User space touches [offset, offset + length), which is in the arena: these pages are there from now on. */
export function arena_touch(map: u32, offset: u32, length: u32): void {
  if (!length) return;
  const pages = pageBytes(map);
  const first = offset / PAGE;
  const last = (offset + length - 1) / PAGE;
  memory.fill(pages + first, 1, last - first + 1);
}
