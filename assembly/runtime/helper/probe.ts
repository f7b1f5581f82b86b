// bpf_probe_read_*: memory at an address that nobody has checked. Kernel memory is what programs were given here, stack, packet and map values;
// there is no user's memory at all.
import { EFAULT, ERANGE } from '../../isa';
import { check_mem } from '../check';
import { findRegion, REGION_READ, Region } from '../region';

/** Behind this is no user's address, whatever its size (TASK_SIZE_MAX of x86-64). */
const USER_END: u64 = 0x7ffffffff000;
/** Below this is no kernel's address. */
const KERNEL_START: u64 = 0xffff800000000000;

/** Why an address cannot be read: it is no kernel's at all, or nothing is there. */
export function faultOf(addr: u64): i32 {
  return addr < KERNEL_START ? -ERANGE : -EFAULT;
}

/** Whether [addr, addr + size) may be read: what a program may, and across the elements of a map. */
export function isReadable(addr: u64, size: u32): bool {
  if (check_mem(addr, size, 0)) return true;
  const found = addr >> 32 ? 0 : findRegion(<u32>addr);
  if (!found) return false;
  const region = changetype<Region>(found);
  if (!(region.access & REGION_READ) || <u32>addr < region.data) return false;
  return size <= region.end - <u32>addr;
}

/** 0, or why not and zeros. */
export function probe_read_kernel(out: u32, size: u32, addr: u64): i64 {
  if (isReadable(addr, size)) {
    memory.copy(out, <u32>addr, size);
    return 0;
  }
  memory.fill(out, 0, size);
  const fault = faultOf(addr);
  return size || fault == -ERANGE ? fault : 0;
}

/** The bytes of the string with its NUL, which stands in the last of `size` bytes at the latest, or why not and zeros. */
export function probe_read_kernel_str(out: u32, size: u32, addr: u64): i64 {
  for (let i: u32 = 0; i < size; i++) {
    if (!isReadable(addr + i, 1)) {
      memory.fill(out, 0, size);
      return i ? -EFAULT : faultOf(addr);
    }
    const c = load<u8>(<u32>addr + i);
    store<u8>(out + i, c);
    if (!c) return i + 1;
  }
  if (size) store<u8>(out + size - 1, 0);
  return size;
}

export function probe_read_user(out: u32, size: u32, addr: u64): i64 {
  if (!size && addr < USER_END) return 0;
  memory.fill(out, 0, size);
  return -EFAULT;
}

export function probe_read_user_str(out: u32, size: u32, addr: u64): i64 {
  if (!size) return 0;
  memory.fill(out, 0, size);
  return -EFAULT;
}
