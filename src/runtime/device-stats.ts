/** What a device counts. */

/** Why a packet went no further. */
export type DropReason =
  /** The program said XDP_DROP. */
  | 'XDP_DROP'
  /** The program said XDP_ABORTED or something that is no verdict, or was ended by a violation. */
  | 'XDP_ABORTED'
  /** The program of a devmap's or cpumap's entry did not pass it. */
  | 'devmap program'
  | 'cpumap program'
  /** XDP_REDIRECT without a helper having said where to, or a broadcast to nobody. */
  | 'no target'
  /** No device has that ifindex, or the socket is closed. */
  | 'no such device'
  | 'device down'
  /** Longer than the MTU of the device it is redirected to. */
  | 'mtu exceeded'
  /** The queue of a CPU or of a socket holds no more. */
  | 'queue full'
  /** The socket is bound to another device or queue. */
  | 'wrong queue'
  /** The other end of the veth pair has no program, so Linux has no ring there; see `DeviceOptions.gro`. */
  | 'peer without program'
  /** It went through more devices than a packet may. */
  | 'hop limit';

export interface DeviceStats {
  readonly received: number;
  readonly bytes: number;
  /** By verdict; packets received without a program count as XDP_PASS. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly sent: number;
  readonly sentBytes: number;
  /** Packets that went up the network stack. */
  readonly passed: number;
  /** Packets that came in here and went no further, by reason. */
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
}

export class DeviceCounters {
  private received = 0;
  private bytes = 0;
  private sent = 0;
  private sentBytes = 0;
  private passed = 0;
  private readonly verdicts: Record<string, number> = {};
  private readonly drops: Partial<Record<DropReason, number>> = {};

  receive(bytes: number): void {
    this.received++;
    this.bytes += bytes;
  }

  send(bytes: number): void {
    this.sent++;
    this.sentBytes += bytes;
  }

  pass(): void {
    this.passed++;
  }

  verdict(name: string): void {
    this.verdicts[name] = (this.verdicts[name] ?? 0) + 1;
  }

  drop(reason: DropReason): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + 1;
  }

  stats(): DeviceStats {
    const { received, bytes, sent, sentBytes, passed } = this;
    return { received, bytes, verdicts: { ...this.verdicts }, sent, sentBytes, passed, drops: { ...this.drops } };
  }
}
