// The engine's devices as helpers see them: a table sorted by ifindex of what they ask about (struct NetDevice of abi.ts).
import { DEVICE_IFINDEX, DEVICE_MTU, DEVICE_SIZE } from '../../abi';
import { ENOMEM } from '../../isa';
import { alloc, free } from '../mem';

const FIRST_CAPACITY: u32 = 16;

@unmanaged
class Devices {
  table: u32;
  count: u32;
  capacity: u32;
}

const devices = changetype<Devices>(memory.data(offsetof<Devices>(), 4));

/** Index of the first device whose number is not below `ifindex`. */
function lower(ifindex: u32): u32 {
  let low: u32 = 0;
  let high = devices.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(devices.table + middle * <u32>DEVICE_SIZE, DEVICE_IFINDEX) < ifindex) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Address of the device's struct NetDevice, or 0. */
export function findDevice(ifindex: u32): u32 {
  const index = lower(ifindex);
  const device = devices.table + index * <u32>DEVICE_SIZE;
  return index < devices.count && load<u32>(device, DEVICE_IFINDEX) == ifindex ? device : 0;
}

function grow(): bool {
  const wanted = devices.capacity ? devices.capacity * 2 : FIRST_CAPACITY;
  const larger = alloc(wanted * <u32>DEVICE_SIZE);
  if (!larger) return false;
  memory.copy(larger, devices.table, devices.count * <u32>DEVICE_SIZE);
  if (devices.table) free(devices.table);
  devices.table = larger;
  devices.capacity = wanted;
  return true;
}

/** Adds a device, or changes the one of that number: 0, or -ENOMEM. */
export function device_set(ifindex: u32, mtu: u32): i32 {
  let device = findDevice(ifindex);
  if (!device) {
    if (devices.count == devices.capacity && !grow()) return -ENOMEM;
    device = devices.table + lower(ifindex) * <u32>DEVICE_SIZE;
    memory.copy(device + DEVICE_SIZE, device, devices.table + devices.count * <u32>DEVICE_SIZE - device);
    devices.count++;
    store<u32>(device, ifindex, DEVICE_IFINDEX);
  }
  store<u32>(device, mtu, DEVICE_MTU);
  return 0;
}

export function device_remove(ifindex: u32): void {
  const device = findDevice(ifindex);
  if (!device) return;
  devices.count--;
  memory.copy(device, device + DEVICE_SIZE, devices.table + devices.count * <u32>DEVICE_SIZE - device);
  if (devices.count) return;
  free(devices.table);
  devices.table = 0;
  devices.capacity = 0;
}
