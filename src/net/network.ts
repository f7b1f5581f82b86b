/**
 * A virtual network: packets arrive at devices, programs run, and what they say happens.
 *
 *     arrival -> device's program -> PASS      up the stack
 *                                    TX        out by the same device
 *                                    REDIRECT  out by another device (by number or devmap, whose program runs on the way), to every device of a devmap, to
 *                                              another CPU (cpumap, whose program runs there; then up the stack), to an AF_XDP socket
 *     out by a device -> the other end of a veth pair, where it arrives
 *
 * Packets that arrive at one queue together are run as one batch, as NAPI polls them; what they are redirected to is handed over when the poll is done.
 * Links take no time: a packet keeps its time stamp.
 */
import { CTX_STATUS_BROADCAST, CTX_STATUS_EXCLUDE_INGRESS, CTX_STATUS_REDIRECT_MAP } from '../../assembly/abi.ts';
import {
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_XSKMAP,
  XDP_DROP,
  XDP_PASS,
  XDP_REDIRECT,
  XDP_TX,
} from '../../assembly/isa.ts';
import { type CaptureError, RunError } from '../errors/index.ts';
import type { CaptureInput } from '../replay/capture.ts';
import { ViolationLog } from '../replay/report.ts';
import type { Device, DeviceOptions, DropReason, Link } from '../runtime/device.ts';
import type { ProgHost } from '../runtime/host.ts';
import { verdictName } from '../runtime/packet.ts';
import type { NetPacket } from '../runtime/packet-queue.ts';
import { MAX_PACKET, type Prog } from '../runtime/prog.ts';
import { RedirectMap } from '../runtime/redirect-map.ts';
import { copyBytes } from '../util/bytes.ts';
import { Bulk } from './bulk.ts';
import { type Flight, flight, runFlights, shown } from './flight.ts';
import { mergeCaptures } from './merge.ts';
import { type NetworkReport, networkReport } from './report.ts';
import { queueOf } from './rss.ts';

/** What a network needs of its engine. */
export interface NetHost extends ProgHost {
  readonly devices: readonly Device[];
  device(name: string | number): Device | undefined;
  deviceByIndex(ifindex: number): Device | undefined;
  addDevice(name: string, options?: DeviceOptions): Device;
  addVeth(a: string, b: string, options?: { readonly [end: string]: DeviceOptions }): [Device, Device];
}

export interface NetworkOptions {
  /** Devices a packet may go through before it is dropped: loops end. 64 unless given. */
  readonly hopLimit?: number;
  /** Packets of one poll at most; 64 unless given, as NAPI's. */
  readonly budget?: number;
  /** Packets of a capture that come no later than this behind the first one are polled with it; 50,000 ns unless given. */
  readonly pollNs?: number;
}

export interface InjectOptions {
  /** The engine's clock unless given. */
  readonly timeNs?: bigint;
  /** The receive queue; by the packet's flow unless given. */
  readonly queue?: number;
  readonly wireLength?: number;
}

/** A capture whose packets arrive at a device. */
export interface NetworkInput {
  readonly device: Device | string;
  readonly capture: CaptureInput;
}

/** Ethernet's header, and the VLAN tag that a device lets pass besides. */
const LINK_OVERHEAD = 18;

export class VirtualNetwork {
  private readonly host: NetHost;
  private readonly hopLimit: number;
  private readonly budget: number;
  private readonly pollNs: bigint;
  private readonly arrivals: Flight[] = [];
  private readonly violations = new ViolationLog();
  private readonly errors: { readonly input: number; readonly error: CaptureError }[] = [];
  private packets = 0;

  constructor(host: NetHost, options: NetworkOptions = {}) {
    this.host = host;
    this.hopLimit = inRange('hopLimit', options.hopLimit ?? 64, 1, 1024);
    this.budget = inRange('budget', options.budget ?? 64, 1, 1024);
    this.pollNs = BigInt(inRange('pollNs', options.pollNs ?? 50_000, 0, 1e12));
  }

  /** Adds a device whose link leads nowhere: what leaves it is seen by its taps. */
  device(name: string, options: DeviceOptions = {}): Device {
    return this.host.addDevice(name, options);
  }

  /** Adds a veth pair: what leaves one end arrives at the other. */
  veth(a: string, b: string, options: { readonly [end: string]: DeviceOptions } = {}): [Device, Device] {
    return this.host.addVeth(a, b, options);
  }

  /** Makes a device run a program on what it receives. */
  attach(device: Device | string, prog: Prog): Link {
    return prog.attach(this.named(device));
  }

  private named(device: Device | string): Device {
    const found = this.host.device(typeof device === 'string' ? device : device.name);
    if (found !== undefined && (typeof device === 'string' || found === device)) return found;
    const have = this.host.devices.map((one) => one.name);
    throw new RunError('RUN_NO_DEVICE', { name: typeof device === 'string' ? device : device.name, have });
  }

  /** Packets arrive at a device, together; everything that follows has happened when this returns. */
  inject(device: Device | string, packets: Uint8Array | readonly Uint8Array[], options: InjectOptions = {}): void {
    const to = this.named(device);
    const timeNs = options.timeNs ?? this.host.now();
    if (options.queue !== undefined) inRange('queue', options.queue, 0, to.queues - 1);
    for (const data of packets instanceof Uint8Array ? [packets] : packets)
      this.arrive(
        to,
        { data: copyBytes(checked(data)), timeNs, wireLength: options.wireLength ?? data.length },
        options.queue,
      );
    this.settle();
  }

  /** The network stack of a device sends a packet: it leaves the device, past its program. */
  send(device: Device | string, packet: Uint8Array, options: InjectOptions = {}): void {
    const from = this.named(device);
    const { timeNs = this.host.now(), queue = 0, wireLength = packet.length } = options;
    const sent = flight({ data: copyBytes(checked(packet)), timeNs, queue, cpu: 0, wireLength }, from, 0);
    this.transmit(from, sent, false);
    this.settle();
  }

  /**
   * The packets of captures arrive at their devices, in the order of their time stamps. A capture that is cut or damaged ends there, and the
   * report says so.
   */
  async run(
    inputs: readonly NetworkInput[],
    onProgress?: (packets: number) => void | Promise<void>,
  ): Promise<NetworkReport> {
    const devices = inputs.map(({ device }) => this.named(device));
    const captures = inputs.map(({ capture }) => capture);
    let since = 0n;
    let last = 0;
    for await (const packet of mergeCaptures(captures, (error, input) => this.errors.push({ error, input }))) {
      if (this.arrivals.length > 0 && (packet.input !== last || packet.timeNs - since > this.pollNs)) this.settle();
      if (this.arrivals.length === 0) since = packet.timeNs;
      last = packet.input;
      this.arrive(devices[packet.input], packet, undefined);
      if (this.arrivals.length >= this.budget) this.settle();
      if (++this.packets % 4096 === 0) await onProgress?.(this.packets);
    }
    this.settle();
    return this.report();
  }

  /** What has happened so far. */
  report(): NetworkReport {
    return networkReport(this.host.devices, this.violations, this.errors);
  }

  private arrive(
    device: Device,
    packet: { readonly data: Uint8Array; readonly timeNs: bigint; readonly wireLength: number },
    queue: number | undefined,
    from?: Flight,
  ): void {
    const at = queue ?? queueOf(packet.data, device.queues);
    const { data, timeNs, wireLength } = packet;
    const came: NetPacket = { data, timeNs, wireLength, queue: at, cpu: at % this.host.cpus };
    const arrived = flight(came, device, (from?.hops ?? 0) + 1, from?.metadata);
    if (!device.up) {
      device.counters.drop('device down');
      return;
    }
    device.counters.receive(data.length);
    if (device.isWatched('rx')) device.show('rx', came);
    if (arrived.hops > this.hopLimit) this.drop(arrived, 'hop limit');
    else this.arrivals.push(arrived);
  }

  private drop(packet: Flight, reason: DropReason): void {
    packet.device.counters.drop(reason);
  }

  /** Polls until nothing is under way any more. */
  private settle(): void {
    while (this.arrivals.length > 0) {
      const [first] = this.arrivals;
      let count = 1;
      for (; count < this.budget && count < this.arrivals.length; count++) {
        const next = this.arrivals[count];
        if (next.device !== first.device || next.queue !== first.queue) break;
      }
      this.poll(first.device, this.arrivals.splice(0, count));
    }
  }

  private poll(device: Device, flights: readonly Flight[]): void {
    const { prog } = device;
    if (prog === undefined) {
      for (const one of flights) {
        device.counters.verdict('XDP_PASS');
        this.pass(one);
      }
      return;
    }
    const meta = (one: Flight) => ({ ingressIfindex: device.ifindex, rxQueueIndex: one.queue });
    this.runOver(prog, flights, flights[0].cpu, meta);
    const out = new Bulk();
    for (const one of flights) {
      device.counters.verdict(verdictName(one.verdict));
      this.judge(one, out);
    }
    this.flush(out);
  }

  private runOver(
    prog: Prog,
    flights: readonly Flight[],
    cpu: number,
    meta: (one: Flight) => { ingressIfindex: number; rxQueueIndex?: number; egressIfindex?: number },
  ): void {
    const onViolation: Parameters<typeof runFlights>[3]['onViolation'] = (violation) =>
      this.violations.add(violation, this.packets);
    runFlights(this.host, prog, flights, { cpu, meta, onViolation });
  }

  private judge(one: Flight, out: Bulk): void {
    switch (one.verdict) {
      case XDP_PASS:
        this.pass(one);
        return;
      case XDP_TX:
        out.add(one.device, undefined, one);
        return;
      case XDP_REDIRECT:
        this.redirect(one, out);
        return;
      default:
        this.drop(one, one.verdict === XDP_DROP ? 'XDP_DROP' : 'XDP_ABORTED');
    }
  }

  private pass(one: Flight): void {
    one.device.counters.pass();
    if (one.device.isWatched('stack')) one.device.show('stack', shown(one));
  }

  private redirect(one: Flight, out: Bulk): void {
    const map = (one.status & CTX_STATUS_REDIRECT_MAP) === 0 ? undefined : this.host.mapAt(one.target);
    if (!(map instanceof RedirectMap)) {
      if (one.target === 0) this.drop(one, 'no target');
      else this.toDevice(one, this.host.deviceByIndex(one.target), undefined, out);
    } else if ((one.status & CTX_STATUS_BROADCAST) !== 0) this.broadcast(one, map, out);
    else if (map.spec.type === BPF_MAP_TYPE_CPUMAP) this.toCpu(one, map, out);
    else if (map.spec.type === BPF_MAP_TYPE_XSKMAP) this.toSocket(one, map);
    else this.toDevice(one, this.host.deviceByIndex(map.targetAt(one.key)), map.progAt(one.key), out);
  }

  /** Why a packet cannot leave by a device. */
  private refusal(one: Flight, device: Device | undefined): DropReason | undefined {
    if (device === undefined) return 'no such device';
    if (!device.up) return 'device down';
    return one.data.length > device.mtu + LINK_OVERHEAD ? 'mtu exceeded' : undefined;
  }

  private toDevice(one: Flight, device: Device | undefined, prog: Prog | undefined, out: Bulk): void {
    const refusal = this.refusal(one, device);
    if (refusal !== undefined) this.drop(one, refusal);
    else out.add(device as Device, prog, one);
  }

  /** A copy for every device of the map that can take it. */
  private broadcast(one: Flight, map: RedirectMap, out: Bulk): void {
    const exclude = (one.status & CTX_STATUS_EXCLUDE_INGRESS) !== 0;
    let copies = 0;
    for (const [key, entry] of map.entries()) {
      const device = this.host.deviceByIndex((entry as { ifindex?: number }).ifindex ?? 0);
      if (this.refusal(one, device) !== undefined || (exclude && device === one.device)) continue;
      // Programs copy before they change: the bytes can be shared.
      out.add(device as Device, map.progAt(key as number), { ...one });
      copies++;
    }
    if (copies === 0) this.drop(one, 'no target');
  }

  private toCpu(one: Flight, map: RedirectMap, out: Bulk): void {
    const size = map.targetAt(one.key);
    if (size === 0) this.drop(one, 'no target');
    else if (!out.addCpu(map, one.key, size, one)) this.drop(one, 'queue full');
  }

  private toSocket(one: Flight, map: RedirectMap): void {
    const socket = map.socketAt(one.key);
    if (socket === undefined) this.drop(one, 'no target');
    else if (socket.device !== one.device || socket.queue !== one.queue) this.drop(one, 'wrong queue');
    else if (!socket.rx.push({ ...shown(one), data: copyBytes(one.data) })) this.drop(one, 'queue full');
  }

  /** Hands over what a poll has redirected; programs of cpumaps may redirect again. */
  private flush(out: Bulk): void {
    for (const { device, prog, flights } of out.devices.values()) {
      if (prog !== undefined) {
        const meta = (one: Flight) => ({ ingressIfindex: one.device.ifindex, egressIfindex: device.ifindex });
        this.runOver(prog, flights, flights[0].cpu, meta);
      }
      for (const one of flights) {
        if (prog !== undefined && one.verdict !== XDP_PASS) this.drop(one, 'devmap program');
        else this.transmit(device, one, true);
      }
    }
    for (const { map, cpu, flights } of out.cpus.values()) this.runCpu(map, cpu, flights);
  }

  private runCpu(map: RedirectMap, cpu: number, flights: readonly Flight[]): void {
    const prog = map.progAt(cpu);
    for (const one of flights) one.cpu = cpu;
    if (prog === undefined) {
      for (const one of flights) this.pass(one);
      return;
    }
    this.runOver(prog, flights, cpu, (one) => ({ ingressIfindex: one.device.ifindex }));
    const out = new Bulk();
    for (const one of flights) {
      if (one.verdict === XDP_PASS) this.pass(one);
      else if (one.verdict !== XDP_REDIRECT) this.drop(one, 'cpumap program');
      // From CPU to CPU it could go round and round, as it can from device to device.
      else if (one.hops >= this.hopLimit) this.drop(one, 'hop limit');
      else this.redirect({ ...one, hops: one.hops + 1 }, out);
    }
    this.flush(out);
  }

  /** @param isXdp redirected or reflected: the other end of a veth pair must be ready for it */
  private transmit(device: Device, one: Flight, isXdp: boolean): void {
    const { peer } = device;
    if (!device.up) {
      this.drop(one, 'device down');
      return;
    }
    if (isXdp && peer !== undefined && peer.prog === undefined && !peer.gro) {
      this.drop(one, 'peer without program');
      return;
    }
    device.counters.send(one.data.length);
    if (device.isWatched('tx')) device.show('tx', shown(one));
    const wireLength = Math.max(one.wireLength, one.data.length);
    if (peer !== undefined)
      this.arrive(peer, { data: one.data, timeNs: one.timeNs, wireLength }, one.queue % peer.queues, one);
  }
}

function checked(data: Uint8Array): Uint8Array {
  if (!(data instanceof Uint8Array))
    throw new RunError('RUN_OPTION', { option: 'packet', found: typeof data, expected: 'a Uint8Array' });
  if (data.length > MAX_PACKET) throw new RunError('RUN_PACKET_SIZE', { bytes: data.length, limit: MAX_PACKET });
  return data;
}

function inRange(option: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RunError('RUN_OPTION', { option, found: String(value), expected: `an integer from ${min} to ${max}` });
}
