/** A network as plain JSON: what a file for `--network` holds. */
import type { Device, DeviceOptions } from '../device.ts';
import { macAt } from './address.ts';
import type { ConnectionOptions } from './conntrack.ts';
import { arrayAt, flagAt, type Input, integerAt, objectAt, textAt } from './input.ts';
import type { AddressOptions, NeighbourOptions, Network } from './network.ts';
import type { RouteOptions } from './route.ts';
import type { RuleOptions } from './rule.ts';
import type { SocketOptions } from './sock.ts';

/** A device and its addresses. One that the engine has already only gets the addresses. */
export interface DeviceJson extends DeviceOptions {
  readonly name: string;
  /** `192.0.2.1/24` */
  readonly addresses?: readonly string[];
}

/** Everything that can be said of a network; `addresses` are those of devices that are there already. */
export interface NetworkJson {
  readonly devices?: readonly DeviceJson[];
  readonly addresses?: readonly AddressOptions[];
  readonly routes?: readonly RouteOptions[];
  readonly rules?: readonly RuleOptions[];
  readonly neighbours?: readonly NeighbourOptions[];
  readonly sockets?: readonly SocketOptions[];
  readonly conntrack?: readonly ConnectionOptions[];
  /** net.ipv4.tcp_syncookies */
  readonly syncookies?: 0 | 1 | 2;
}

interface Host {
  readonly devices: readonly Device[];
  readonly network: Network;
  addDevice(name: string, options: DeviceOptions): Device;
}

const FIELDS = ['devices', 'addresses', 'routes', 'rules', 'neighbours', 'sockets', 'conntrack', 'syncookies'];
const DEVICE_FIELDS = ['name', 'ifindex', 'mtu', 'mac', 'queues', 'up', 'gro', 'forwarding', 'addresses'];

/** The fields of `input` that are there, each read by its reader. */
function read<T>(
  input: Input,
  field: string,
  readers: { [K in keyof T]: (value: unknown, field: string) => T[K] },
): Partial<T> {
  const found: Partial<T> = {};
  for (const key of Object.keys(readers) as (keyof T & string)[])
    if (input[key] !== undefined) found[key] = readers[key](input[key], `${field}.${key}`);
  return found;
}

function addDevice(host: Host, value: unknown, field: string): void {
  const input = objectAt(value, field, DEVICE_FIELDS);
  const name = textAt(input.name, `${field}.name`, 'the name of a device');
  const options = read<
    Required<Pick<DeviceOptions, 'ifindex' | 'mtu' | 'mac' | 'queues' | 'up' | 'gro' | 'forwarding'>>
  >(input, field, {
    ifindex: (one, at) => integerAt(one, at, 1, 0x7fffffff),
    mtu: (one, at) => integerAt(one, at, 68, 65536),
    mac: (one, at) => {
      macAt(one, at);
      return one as string;
    },
    queues: (one, at) => integerAt(one, at, 1, 1024),
    up: (one, at) => flagAt(one, at, true),
    gro: (one, at) => flagAt(one, at, false),
    forwarding: (one, at) => flagAt(one, at, true),
  });
  if (!host.devices.some((device) => device.name === name)) host.addDevice(name, options);
  arrayAt(input.addresses, `${field}.addresses`).forEach((address, i) => {
    const at = `${field}.addresses[${i}]`;
    host.network.addAddress({ dev: name, address: textAt(address, at, 'an address with a prefix length') }, at);
  });
}

/**
 * Adds all that `json` says to an engine's devices and network: `setNetwork(engine, JSON.parse(text))`.
 * @throws RunError RUN_NETWORK that names the field, such as `routes[2].via`
 */
export function setNetwork(host: Host, json: NetworkJson | unknown): void {
  const input = objectAt(json, 'network', FIELDS);
  const { network } = host;
  const each = <T>(name: keyof NetworkJson, add: (one: T, field: string) => void): void =>
    arrayAt(input[name], name).forEach((one, i) => {
      add(one as T, `${name}[${i}]`);
    });
  each('devices', (one, field) => addDevice(host, one, field));
  each<AddressOptions>('addresses', (one, field) => network.addAddress(one, field));
  each<RouteOptions>('routes', (one, field) => network.addRoute(one, field));
  each<RuleOptions>('rules', (one, field) => network.addRule(one, field));
  each<NeighbourOptions>('neighbours', (one, field) => network.addNeighbour(one, field));
  each<SocketOptions>('sockets', (one, field) => network.addSocket(one, field));
  each<ConnectionOptions>('conntrack', (one, field) => network.addConnection(one, field));
  if (input.syncookies !== undefined) network.setSyncookies(input.syncookies as 0 | 1 | 2);
}
