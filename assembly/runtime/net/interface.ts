// Devices as routing sees them (struct NetDevice of abi-net.ts), and their addresses.
import {
  AF_INET,
  NET_ADDR_ADDRESS,
  NET_ADDR_FAMILY,
  NET_ADDR_IFINDEX,
  NET_ADDR_PLEN,
  NET_ADDR_SIZE,
  NET_DEV_FORWARD4,
  NET_DEV_FORWARD6,
  NET_DEV_IFINDEX,
  NET_DEV_MAC,
  NET_DEV_MTU,
  NET_DEV_SIZE,
} from '../../abi-net';
import { ENOMEM } from '../../isa';
import { alloc, free } from '../mem';

@unmanaged
export class Interface {
  ifindex: u32;
  mtu: u32;
  mac: u64;
  forward4: u32;
  forward6: u32;
  next: u32;
}

if (offsetof<Interface>('ifindex') != NET_DEV_IFINDEX) ERROR('Interface.ifindex drifted from abi-net.ts');
if (offsetof<Interface>('mtu') != NET_DEV_MTU) ERROR('Interface.mtu drifted from abi-net.ts');
if (offsetof<Interface>('mac') != NET_DEV_MAC) ERROR('Interface.mac drifted from abi-net.ts');
if (offsetof<Interface>('forward4') != NET_DEV_FORWARD4) ERROR('Interface.forward4 drifted from abi-net.ts');
if (offsetof<Interface>('forward6') != NET_DEV_FORWARD6) ERROR('Interface.forward6 drifted from abi-net.ts');
if (offsetof<Interface>('next') != NET_DEV_SIZE) ERROR('Interface: its size drifted from abi-net.ts');

@unmanaged
export class NetAddress {
  ifindex: u32;
  family: u32;
  hi: u64;
  lo: u64;
  plen: u32;
  next: u32;
}

if (offsetof<NetAddress>('hi') != NET_ADDR_ADDRESS) ERROR('NetAddress.hi drifted from abi-net.ts');
if (offsetof<NetAddress>('ifindex') != NET_ADDR_IFINDEX) ERROR('NetAddress.ifindex drifted from abi-net.ts');
if (offsetof<NetAddress>('family') != NET_ADDR_FAMILY) ERROR('NetAddress.family drifted from abi-net.ts');
if (offsetof<NetAddress>('plen') != NET_ADDR_PLEN) ERROR('NetAddress.plen drifted from abi-net.ts');
if (offsetof<NetAddress>('next') != NET_ADDR_SIZE) ERROR('NetAddress: its size drifted from abi-net.ts');

const BUCKETS: u32 = 256;
const buckets: u32 = <u32>memory.data(BUCKETS * 4);
/** Every device's addresses, in the order they came: a link. */
const addresses: u32 = <u32>memory.data(4);

function bucket(ifindex: u32): u32 {
  return buckets + ((ifindex & (BUCKETS - 1)) << 2);
}

/** The device of a number, or 0. */
export function findInterface(ifindex: u32): u32 {
  let at = load<u32>(bucket(ifindex));
  while (at && changetype<Interface>(at).ifindex != ifindex) at = changetype<Interface>(at).next;
  return at;
}

/** Makes a device known, or changes what is known of it: 0 or -ENOMEM. */
export function net_device_set(record: u32): i32 {
  const ifindex = changetype<Interface>(record).ifindex;
  let at = findInterface(ifindex);
  if (!at) {
    at = alloc(offsetof<Interface>());
    if (!at) return -ENOMEM;
    changetype<Interface>(at).next = load<u32>(bucket(ifindex));
    store<u32>(bucket(ifindex), at);
  }
  memory.copy(at, record, NET_DEV_SIZE);
  return 0;
}

/** Gives a device an address: 0 or -ENOMEM. */
export function net_address_add(record: u32): i32 {
  const at = alloc(offsetof<NetAddress>());
  if (!at) return -ENOMEM;
  memory.copy(at, record, NET_ADDR_SIZE);
  let link: u32 = addresses;
  while (load<u32>(link)) link = load<u32>(link) + offsetof<NetAddress>('next');
  store<u32>(link, at);
  return 0;
}

export function firstAddress(): u32 {
  return load<u32>(addresses);
}

/** Forgets a device. Routes through it lead nowhere then. */
export function net_device_remove(ifindex: u32): void {
  let link = bucket(ifindex);
  for (let at = load<u32>(link); at; at = load<u32>(link)) {
    if (changetype<Interface>(at).ifindex == ifindex) {
      store<u32>(link, changetype<Interface>(at).next);
      free(at);
      break;
    }
    link = at + offsetof<Interface>('next');
  }
  link = addresses;
  for (let at = load<u32>(link); at; at = load<u32>(link)) {
    if (changetype<NetAddress>(at).ifindex == ifindex) {
      store<u32>(link, changetype<NetAddress>(at).next);
      free(at);
    } else link = at + offsetof<NetAddress>('next');
  }
}
