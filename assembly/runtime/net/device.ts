// The engine's devices as helpers see them: a table sorted by ifindex of what they ask about (struct NetDevice of abi.ts).
import { DEVICE_IFINDEX, DEVICE_MTU, DEVICE_SIZE } from '../../abi';
import { ENOMEM } from '../../isa';
import { alloc, free } from '../mem';

const FIRST_CAPACITY: u32 = 16;

let table: u32 = 0;
let count: u32 = 0;
let capacity: u32 = 0;

/** Index of the first device whose number is not below `ifindex`. */
function lower(ifindex: u32): u32 {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(table + middle * <u32>DEVICE_SIZE, DEVICE_IFINDEX) < ifindex) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Address of the device's struct NetDevice, or 0. */
export function findDevice(ifindex: u32): u32 {
  const index = lower(ifindex);
  const device = table + index * <u32>DEVICE_SIZE;
  return index < count && load<u32>(device, DEVICE_IFINDEX) == ifindex ? device : 0;
}

function grow(): bool {
  const wanted = capacity ? capacity * 2 : FIRST_CAPACITY;
  const larger = alloc(wanted * <u32>DEVICE_SIZE);
  if (!larger) return false;
  memory.copy(larger, table, count * <u32>DEVICE_SIZE);
  if (table) free(table);
  table = larger;
  capacity = wanted;
  return true;
}

/** Adds a device, or changes the one of that number: 0, or -ENOMEM. */
export function device_set(ifindex: u32, mtu: u32): i32 {
  let device = findDevice(ifindex);
  if (!device) {
    if (count == capacity && !grow()) return -ENOMEM;
    device = table + lower(ifindex) * <u32>DEVICE_SIZE;
    memory.copy(device + DEVICE_SIZE, device, table + count * <u32>DEVICE_SIZE - device);
    count++;
    store<u32>(device, ifindex, DEVICE_IFINDEX);
  }
  store<u32>(device, mtu, DEVICE_MTU);
  return 0;
}

export function device_remove(ifindex: u32): void {
  const device = findDevice(ifindex);
  if (!device) return;
  count--;
  memory.copy(device, device + DEVICE_SIZE, table + count * <u32>DEVICE_SIZE - device);
  if (count) return;
  free(table);
  table = 0;
  capacity = 0;
}
