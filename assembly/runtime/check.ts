// Explicit bounds checks for programs that no verifier has seen: may this address be touched, is this a map, and how a
// run ends when the answer is no.
import {
  CTX_SIZE,
  CTX_SKB,
  SK_BUFF_SIZE,
  SKB_CB,
  SKB_CB_END,
  TRAP_ADDR,
  TRAP_CODE,
  TRAP_PC,
  TRAP_PROG,
  TRAP_SIZE,
  TRAP_WRITE,
  VM_CTX,
  VM_FRAME_TOP,
  VM_SIZE,
  VM_TRAP,
  XDP_MD_DATA_END,
  XDP_MD_DATA_META,
  XDP_MD_SIZE,
} from '../abi';
import { vm } from './env';
import { ELEMENT_KEY } from './map/hash-table';
import { BpfMap, round8 } from './map/map';
import { fragsOf } from './packet';
import { findRegion, REGION_READ, REGION_WRITE, Region } from './region';

if (XDP_MD_SIZE > CTX_SIZE) ERROR('struct xdp_md must lie at the start of a context record');

function inside(addr: u32, size: u32, low: u32, high: u32): bool {
  return addr >= low && addr <= high && size <= high - addr;
}

/** One element's value of some map; the element is found by its stride, so an access never reaches its neighbour. */
function insideValue(addr: u32, size: u32, write: u32): bool {
  const entry = findRegion(addr);
  if (!entry) return false;
  const region = changetype<Region>(entry);
  if (!(region.access & (write ? REGION_WRITE : REGION_READ)) || addr < region.data) return false;
  let offset = addr - region.data;
  if (offset >= region.stride) offset %= region.stride;
  const low = region.valueOffset;
  if (offset < low) return !write && insideKey(offset, size, region);
  offset -= low;
  const stride = region.copyStride;
  if (stride && offset < stride * region.copies) offset %= stride;
  return inside(offset, size, 0, region.valueSize);
}

/** The element's key, which a callback of bpf_for_each_map_elem is given: it ends where its value begins, behind what the element begins with. */
function insideKey(offset: u32, size: u32, region: Region): bool {
  if (!region.map) return false;
  const keySize = changetype<BpfMap>(region.map).keySize;
  const low = region.valueOffset - round8(keySize);
  return low >= ELEMENT_KEY && inside(offset, size, low, low + keySize);
}

/** The context as the program sees it: `struct xdp_md`, or the `struct __sk_buff` that the record names. */
function insideCtx(addr: u32, size: u32, write: u32, ctx: u32): bool {
  const skb = fragsOf(ctx) ? 0 : load<u32>(ctx, CTX_SKB);
  if (!skb) return !write && inside(addr, size, ctx, ctx + XDP_MD_SIZE);
  return write ? inside(addr, size, skb + SKB_CB, skb + SKB_CB_END) : inside(addr, size, skb, skb + SK_BUFF_SIZE);
}

/** 1 when [addr, addr + size) lies in one thing the running program was given: stack, context, packet or map value. */
export function check_mem(addr: u64, size: u32, write: u32): u32 {
  if (addr >> 32) return 0;
  const a = <u32>addr;
  if (inside(a, size, vm + VM_SIZE, load<u32>(vm, VM_FRAME_TOP))) return 1;
  const ctx = load<u32>(vm, VM_CTX);
  if (ctx) {
    if (inside(a, size, load<u32>(ctx, XDP_MD_DATA_META), load<u32>(ctx, XDP_MD_DATA_END))) return 1;
    if (insideCtx(a, size, write, ctx)) return 1;
  }
  return insideValue(a, size, write) ? 1 : 0;
}

/** 1 when `addr` is exactly the address of a live map. */
export function check_map(addr: u64): u32 {
  if (addr >> 32) return 0;
  const entry = findRegion(<u32>addr);
  return entry && changetype<Region>(entry).start == <u32>addr && changetype<Region>(entry).map == <u32>addr ? 1 : 0;
}

/** Writes down why the run ends, and ends it. */
export function trap(code: u32, prog: u32, pc: u32, addr: u64, size: u32, write: u32): void {
  const record = vm + VM_TRAP;
  store<u32>(record, code, TRAP_CODE);
  store<u32>(record, prog, TRAP_PROG);
  store<u32>(record, pc, TRAP_PC);
  store<u32>(record, size, TRAP_SIZE);
  store<u64>(record, addr, TRAP_ADDR);
  store<u32>(record, write, TRAP_WRITE);
  unreachable();
}
