/** Packets on their way to a user: what a tap of a device saw, what an AF_XDP socket received. */

/** A packet as it was at a point of its way. The bytes are the receiver's own. */
export interface NetPacket {
  readonly data: Uint8Array;
  /** The time stamp it came with, ns. */
  readonly timeNs: bigint;
  /** Receive queue of the device it came in by. */
  readonly queue: number;
  /** The CPU that had it. */
  readonly cpu: number;
  /** Length on the wire, where less of it was captured. */
  readonly wireLength: number;
}

/** `for await (const packet of queue)` takes packets as they come, until the queue is closed; `drain()` takes those that are there. */
export class PacketQueue implements AsyncIterable<NetPacket> {
  /** Packets that it holds at most; what comes then is refused. */
  readonly limit: number;
  private packets: NetPacket[] = [];
  private taken = 0;
  private closed = false;
  private waiting: (() => void)[] = [];

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.limit = limit;
  }

  /** Packets that wait to be taken. */
  get length(): number {
    return this.packets.length - this.taken;
  }

  get isFull(): boolean {
    return this.length >= this.limit;
  }

  /** @internal @returns false when it is full or closed */
  push(packet: NetPacket): boolean {
    if (this.closed || this.isFull) return false;
    this.packets.push(packet);
    this.wake();
    return true;
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private take(): NetPacket | undefined {
    if (this.taken === this.packets.length) return undefined;
    const packet = this.packets[this.taken++];
    if (this.taken === this.packets.length) {
      this.packets = [];
      this.taken = 0;
    }
    return packet;
  }

  /** Every packet that is there, which it then is no longer. */
  drain(): NetPacket[] {
    const packets = this.taken === 0 ? this.packets : this.packets.slice(this.taken);
    this.packets = [];
    this.taken = 0;
    return packets;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<NetPacket, void, void> {
    for (;;) {
      for (let packet = this.take(); packet !== undefined; packet = this.take()) yield packet;
      if (this.closed) return;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** Nothing comes any more: iterations end behind what is there. */
  close(): void {
    this.closed = true;
    this.wake();
  }
}
