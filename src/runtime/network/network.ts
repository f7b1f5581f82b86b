/**
 * What the rest of the kernel would know: routes, neighbours, rules, sockets, tracked connections. Programs ask for them through helpers
 * (bpf_fib_lookup, bpf_sk_lookup_tcp, ...) and kfuncs; the user says what is there, `engine.network`.
 */
import * as abi from '../../../assembly/abi-net.ts';
import { RunError } from '../../errors/index.ts';
import type { Device } from '../device.ts';
import { addressAt, addressBits, macAt, masked, prefixAt } from './address.ts';
import { type Connection, type ConnectionOptions, connectionAt, readConnection } from './conntrack.ts';
import { integerAt, objectAt, refuse } from './input.ts';
import { giveRecord, type NetworkHost, type RecordWriter } from './record.ts';
import { type FindDevice, type Route, type RouteOptions, readRoute, writeRoute } from './route.ts';
import { type RuleOptions, readRule } from './rule.ts';
import { readSocket, type SocketOptions } from './sock.ts';

/** An address of a device, as `ip address add` takes it: it brings the routes that Linux adds of itself. */
export interface AddressOptions {
  readonly dev: string;
  /** With the length of its subnet's prefix: `192.0.2.1/24`. */
  readonly address: string;
}

/** A line of `ip neigh`. */
export interface NeighbourOptions {
  readonly ip: string;
  readonly dev: string;
  readonly mac: string;
}

interface Host extends NetworkHost {
  readonly devices: readonly Device[];
}

const EEXIST = 17;
const METRIC_CONNECTED_IPV6 = 256;

export class Network {
  private readonly host: Host;
  private nextSocket = 1;

  /** @internal engines make theirs */
  constructor(host: Host) {
    this.host = host;
  }

  private readonly device: FindDevice = (value, field) => {
    const found = this.host.devices.find(({ name }) => name === value);
    if (found !== undefined) return found.ifindex;
    return refuse(field, value, `a device; there are ${this.host.devices.map((d) => d.name).join(', ') || 'none'}`);
  };

  /** @internal Makes a device known to routing. */
  setDevice({ ifindex, mtu, mac, forwarding }: Device): void {
    const forward = forwarding ? 1 : 0;
    const { host } = this;
    giveRecord(
      host,
      abi.NET_DEV_SIZE,
      (record) => {
        record.u32(abi.NET_DEV_IFINDEX, ifindex);
        record.u32(abi.NET_DEV_MTU, mtu);
        record.bytes(abi.NET_DEV_MAC, mac);
        record.u32(abi.NET_DEV_FORWARD4, forward);
        record.u32(abi.NET_DEV_FORWARD6, forward);
      },
      (at) => host.runtime.net_device_set(at),
    );
  }

  /** @internal */
  removeDevice({ ifindex }: Device): void {
    this.host.runtime.net_device_remove(ifindex);
  }

  /**
   * Gives a device an address, and adds the routes that come with it: to the address itself, to its subnet, and (IPv4) to the subnet's broadcast.
   * @throws RunError RUN_NETWORK that names the field
   */
  addAddress(options: AddressOptions, field = 'address'): void {
    const input = objectAt(options, field, ['dev', 'address']);
    const ifindex = this.device(input.dev, `${field}.dev`);
    const prefix = prefixAt(input.address, `${field}.address`);
    const { family, bytes, length } = prefix;
    const { host } = this;
    giveRecord(
      host,
      abi.NET_ADDR_SIZE,
      (record) => {
        record.u32(abi.NET_ADDR_IFINDEX, ifindex);
        record.u32(abi.NET_ADDR_FAMILY, family);
        record.bytes(abi.NET_ADDR_ADDRESS, bytes);
        record.u32(abi.NET_ADDR_PLEN, length);
      },
      (at) => host.runtime.net_address_add(at),
    );
    const isV4 = family === abi.AF_INET;
    const bits = addressBits(family);
    const route = { table: abi.RT_TABLE_LOCAL, metric: 0, tos: 0, ifindex, mtu: 0, mtuLock: false, encap: false };
    const src = { family, bytes };
    const own = { ...route, ...(isV4 && { src }) };
    const added = (one: Route): unknown => this.giveRoute(one);
    added({ ...own, to: { family, bytes, length: bits }, type: abi.RTN_LOCAL });
    const network = { family, bytes: masked(prefix), length };
    const connected = isV4 ? 0 : METRIC_CONNECTED_IPV6;
    // The loopback network is the machine's own as a whole.
    if (isV4 && bytes[0] === 127) added({ ...own, to: network, type: abi.RTN_LOCAL });
    else if (length < bits)
      added({ ...own, to: network, type: abi.RTN_UNICAST, table: abi.RT_TABLE_MAIN, metric: connected });
    if (isV4) {
      const last = { family, bytes: masked(prefix, 0xff), length: bits };
      if (length < bits - 1) added({ ...own, to: last, type: abi.RTN_BROADCAST });
      return;
    }
    if (length < bits - 1) added({ ...route, to: { ...network, length: bits }, type: abi.RTN_ANYCAST });
    const groups = { family, bytes: masked({ family, bytes: new Uint8Array(16).fill(255), length: 8 }), length: 8 };
    added({ ...route, to: groups, type: abi.RTN_MULTICAST, metric: METRIC_CONNECTED_IPV6 });
  }

  private giveRoute(route: Route): number {
    const { host } = this;
    return giveRecord(
      host,
      abi.NET_ROUTE_SIZE,
      (record) => writeRoute(record, route),
      (at) => host.runtime.net_route_add(at),
    );
  }

  /**
   * Adds a route: `addRoute({ to: '10.0.0.0/8', via: '192.0.2.1', dev: 'eth1' })`.
   * @throws RunError RUN_NETWORK that names the field; RUN_NETWORK_EXISTS
   */
  addRoute(options: RouteOptions, field = 'route'): void {
    const errno = this.giveRoute(readRoute(options, field, this.device));
    if (errno === EEXIST) throw new RunError('RUN_NETWORK_EXISTS', { field, what: `a route to ${options.to}` });
  }

  /** Takes out a route like the one given. @returns false when there is none */
  deleteRoute(options: RouteOptions, field = 'route'): boolean {
    const route = readRoute(options, field, this.device);
    const { host } = this;
    const errno = giveRecord(
      host,
      abi.NET_ROUTE_SIZE,
      (record) => writeRoute(record, route),
      (at) => host.runtime.net_route_delete(at),
    );
    return errno === 0;
  }

  /** Adds a rule of policy routing, behind those of its priority. @throws RunError RUN_NETWORK that names the field */
  addRule(options: RuleOptions, field = 'rule'): void {
    const write = readRule(options, field, this.device);
    const { host } = this;
    giveRecord(host, abi.NET_RULE_SIZE, write, (at) => host.runtime.net_rule_add(at));
  }

  /**
   * Adds a socket: `addSocket({ protocol: 'tcp', local: '10.0.0.1:80' })` listens. @returns its id, for `deleteSocket`
   * @throws RunError RUN_NETWORK that names the field
   */
  addSocket(options: SocketOptions, field = 'socket'): number {
    const write = readSocket(options, field, this.device);
    const { host } = this;
    const id = this.nextSocket++;
    giveRecord(
      host,
      abi.NET_SOCK_SIZE,
      (record) => {
        write(record);
        record.u32(abi.NET_SOCK_ID, id);
      },
      (at) => host.runtime.net_sock_add(at),
    );
    return id;
  }

  /** @returns false when there is no such socket */
  deleteSocket(id: number): boolean {
    return this.host.runtime.net_sock_delete(id) === 0;
  }

  /**
   * Adds a connection to the tracking table; it stays unless a program gives it a timeout.
   * @throws RunError RUN_NETWORK that names the field; RUN_NETWORK_EXISTS
   */
  addConnection(options: ConnectionOptions, field = 'connection'): void {
    const write = readConnection(options, field);
    const { host } = this;
    const errno = giveRecord(host, abi.NF_CONN_SIZE, write, (at) => host.runtime.net_conn_add(at));
    if (errno === EEXIST) throw new RunError('RUN_NETWORK_EXISTS', { field, what: `a connection from ${options.src}` });
  }

  /** The connection table: what was added, and what programs inserted. */
  get connections(): readonly Connection[] {
    const { memory, runtime } = this.host;
    const found: Connection[] = [];
    for (let at = runtime.net_conn_next(0); at !== 0; at = runtime.net_conn_next(at))
      found.push(connectionAt(memory, at >>> 0));
    return found;
  }

  /** net.ipv4.tcp_syncookies: 0 for never, 1 (from the start) for when a listener's queue is full, 2 for always. */
  setSyncookies(mode: 0 | 1 | 2, field = 'syncookies'): void {
    this.host.runtime.net_syncookies(integerAt(mode, field, 0, 2));
  }

  /** Adds a neighbour, or changes its MAC address. @throws RunError RUN_NETWORK that names the field */
  addNeighbour(options: NeighbourOptions, field = 'neighbour'): void {
    const input = objectAt(options, field, ['ip', 'dev', 'mac']);
    const mac = macAt(input.mac, `${field}.mac`);
    const { host } = this;
    const write = this.neighbour(input, field);
    giveRecord(
      host,
      abi.NET_NEIGH_SIZE,
      (record) => {
        write(record);
        record.bytes(abi.NET_NEIGH_MAC, mac);
      },
      (at) => host.runtime.net_neighbour_set(at),
    );
  }

  /** @returns false when there is no such neighbour */
  deleteNeighbour(options: Omit<NeighbourOptions, 'mac'>, field = 'neighbour'): boolean {
    const write = this.neighbour(objectAt(options, field, ['ip', 'dev']), field);
    const { host } = this;
    return giveRecord(host, abi.NET_NEIGH_SIZE, write, (at) => host.runtime.net_neighbour_delete(at)) === 0;
  }

  private neighbour(input: Readonly<Record<string, unknown>>, field: string) {
    const address = addressAt(input.ip, `${field}.ip`);
    const ifindex = this.device(input.dev, `${field}.dev`);
    return (record: RecordWriter): void => {
      record.u32(abi.NET_NEIGH_IFINDEX, ifindex);
      record.u32(abi.NET_NEIGH_FAMILY, address.family);
      record.bytes(abi.NET_NEIGH_ADDRESS, address.bytes);
    };
  }
}
