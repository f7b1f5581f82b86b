/** An AF_XDP socket: the packets that an xskmap's program gives it, out of one queue of one device. */

import type { Device } from './device.ts';
import { type NetPacket, PacketQueue } from './packet-queue.ts';

export interface XskOptions {
  /** The receive queue it is bound to: only what came in there can be redirected to it. 0 unless given. */
  readonly queue?: number;
  /** Packets that its ring holds until they are taken; 2048 unless given. */
  readonly size?: number;
}

/** What a socket tells the maps that hold it. */
type OnClose = (socket: XskSocket) => void;

export class XskSocket implements AsyncIterable<NetPacket> {
  /** Unique in its engine, from 1. */
  readonly id: number;
  readonly device: Device;
  readonly queue: number;
  /** What it received and nobody has taken yet. */
  readonly rx: PacketQueue;
  private readonly owner: object;
  private readonly holders = new Set<OnClose>();
  private closed = false;

  /** @internal `Engine.openXsk` makes them */
  constructor(owner: object, id: number, device: Device, { queue = 0, size = 2048 }: XskOptions) {
    this.owner = owner;
    this.id = id;
    this.device = device;
    this.queue = queue;
    this.rx = new PacketQueue(size);
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** @internal whether it is a socket of this engine */
  isOf(owner: object): boolean {
    return this.owner === owner;
  }

  /** @internal a map puts it into a slot, or takes it out */
  addHolder(holder: OnClose): void {
    this.holders.add(holder);
  }

  [Symbol.asyncIterator](): AsyncIterator<NetPacket, void, void> {
    return this.rx[Symbol.asyncIterator]();
  }

  /** Leaves every map. Closing twice is fine. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const holder of this.holders) holder(this);
    this.rx.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
