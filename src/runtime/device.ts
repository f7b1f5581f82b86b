/** A virtual network device: XDP programs attach to it and run on what it receives. What leaves it goes to its peer, where it has one. */
import { RunError } from '../errors/index.ts';
import { copyBytes } from '../util/bytes.ts';
import { DeviceCounters, type DeviceStats } from './device-stats.ts';
import { formatMac, parseMac } from './mac.ts';
import { type NetPacket, PacketQueue } from './packet-queue.ts';
import type { Prog, RunResult } from './prog.ts';
import { slotKindText } from './slot-kind.ts';

export type { DeviceStats, DropReason } from './device-stats.ts';

export interface DeviceOptions {
  /** The next free number unless given. */
  readonly ifindex?: number;
  /** Largest packet without its Ethernet header; 1500 unless given. */
  readonly mtu?: number;
  /** `02:00:00:00:00:01`, or 6 bytes; made of the ifindex unless given. */
  readonly mac?: string | Uint8Array;
  /** Receive queues, over which flows are spread; 1 unless given. */
  readonly queues?: number;
  /** True unless given: what is down neither receives nor sends. */
  readonly up?: boolean;
  /**
   * Of one end of a veth pair: it takes packets that are redirected or reflected to it without a program of its own, as Linux does with GRO switched
   * on. False unless given: such packets are dropped.
   */
  readonly gro?: boolean;
  /** Does it forward (net.ipv4.conf.DEV.forwarding)? Unless said otherwise it does: bpf_fib_lookup asks. */
  readonly forwarding?: boolean;
}

/** Points of a device where packets can be watched. */
export type TapPoint = 'rx' | 'tx' | 'stack';

/** An attachment, as bpf_link: closing it detaches the program. */
export class Link {
  readonly device: Device;
  readonly prog: Prog;
  private open = true;

  constructor(device: Device, prog: Prog) {
    this.device = device;
    this.prog = prog;
  }

  /** Detaches. Closing twice is fine. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.device.detach(this);
    this.prog.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What a device tells its engine. */
export interface DeviceHost {
  /** Its MTU is another: helpers ask for it. */
  deviceChanged(device: Device): void;
}

const BPF_XDP_DEVMAP = 33;
const BPF_XDP_CPUMAP = 35;
/** The least an IPv4 link may carry. */
const MIN_MTU = 68;
const MAX_MTU = 65535 + 1;
const MAX_QUEUES = 1024;

export class Device {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: Uint8Array;
  readonly queues: number;
  readonly gro: boolean;
  readonly forwarding: boolean;
  up: boolean;
  /** @internal */
  readonly counters = new DeviceCounters();
  private readonly host: DeviceHost;
  private readonly taps: Partial<Record<TapPoint, PacketQueue>> = {};
  private readonly listeners: Partial<Record<TapPoint, ((packet: NetPacket) => void)[]>> = {};
  private size: number;
  private other: Device | undefined;
  private link: Link | undefined;

  constructor(host: DeviceHost, name: string, ifindex: number, options: DeviceOptions = {}) {
    this.host = host;
    this.name = name;
    this.ifindex = ifindex;
    this.mac = parseMac(options.mac, ifindex);
    this.queues = inRange('queues', options.queues ?? 1, 1, MAX_QUEUES);
    this.size = inRange('mtu', options.mtu ?? 1500, MIN_MTU, MAX_MTU);
    this.up = options.up ?? true;
    this.gro = options.gro ?? false;
    this.forwarding = options.forwarding ?? true;
    host.deviceChanged(this);
  }

  get mtu(): number {
    return this.size;
  }

  set mtu(bytes: number) {
    this.size = inRange('mtu', bytes, MIN_MTU, MAX_MTU);
    this.host.deviceChanged(this);
  }

  /** The other end of a veth pair. */
  get peer(): Device | undefined {
    return this.other;
  }

  /** @internal `Engine.addVeth` makes pairs */
  setPeer(peer: Device): void {
    this.other = peer;
  }

  /** The program attached now. */
  get prog(): Prog | undefined {
    return this.link?.prog;
  }

  /** @internal Prog.attach checks and calls this */
  attachProg(prog: Prog): Link {
    const { attachType } = prog.slotKind;
    if (prog.type !== 'xdp' || attachType === BPF_XDP_DEVMAP || attachType === BPF_XDP_CPUMAP)
      throw new RunError('RUN_ATTACH_TYPE', { prog: prog.name, type: slotKindText(prog.slotKind) });
    if (this.link !== undefined) {
      throw new RunError('RUN_DEVICE_BUSY', { device: this.name, prog: this.link.prog.name });
    }
    prog.hold();
    this.link = new Link(this, prog);
    return this.link;
  }

  /** @internal Link.close calls this */
  detach(link: Link): void {
    if (this.link === link) this.link = undefined;
  }

  /** Runs the attached program on one packet, which goes nowhere afterwards; without one the packet passes. */
  receive(packet: Uint8Array): RunResult {
    this.counters.receive(packet.length);
    const result = this.link?.prog.runAttached(packet, { ctx: { ingressIfindex: this.ifindex } }) ?? passed(packet);
    this.counters.verdict(result.verdict);
    return result;
  }

  get stats(): DeviceStats {
    return this.counters.stats();
  }

  /** What arrives, before the program sees it. Packets are kept from the first use of this property on. */
  get rx(): PacketQueue {
    return this.tap('rx');
  }

  /** What leaves. Packets are kept from the first use of this property on. */
  get tx(): PacketQueue {
    return this.tap('tx');
  }

  /** What goes up the network stack: what programs passed. Packets are kept from the first use of this property on. */
  get stack(): PacketQueue {
    return this.tap('stack');
  }

  private tap(point: TapPoint): PacketQueue {
    this.taps[point] ??= new PacketQueue();
    return this.taps[point];
  }

  /** Calls `listener` for every packet at a point, as it passes. @returns a function that ends it */
  watch(point: TapPoint, listener: (packet: NetPacket) => void): () => void {
    this.listeners[point] ??= [];
    const list = this.listeners[point];
    list.push(listener);
    return () => {
      const at = list.indexOf(listener);
      if (at >= 0) list.splice(at, 1);
    };
  }

  /** @internal whether somebody looks there */
  isWatched(point: TapPoint): boolean {
    return this.taps[point] !== undefined || (this.listeners[point]?.length ?? 0) > 0;
  }

  /** @internal a packet passes a point; each watcher has bytes of its own */
  show(point: TapPoint, packet: NetPacket): void {
    this.taps[point]?.push({ ...packet, data: copyBytes(packet.data) });
    for (const listener of this.listeners[point] ?? []) listener(packet);
  }

  /** @internal the engine closes its devices */
  close(): void {
    this.link?.close();
    if (this.other !== undefined) this.other.other = undefined;
    this.other = undefined;
    for (const queue of Object.values(this.taps)) queue.close();
  }

  toString(): string {
    return `${this.name} (ifindex ${this.ifindex}, ${formatMac(this.mac)})`;
  }
}

function inRange(option: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RunError('RUN_OPTION', { option, found: String(value), expected: `an integer from ${min} to ${max}` });
}

function passed(packet: Uint8Array): RunResult {
  return { verdict: 'XDP_PASS', returnValue: 2, packet: copyBytes(packet), metadata: new Uint8Array(0), durationNs: 0 };
}
