/** A virtual network device: XDP programs attach to it and run on what it receives. */

import { RunError } from '../errors/index.ts';
import { copyBytes } from '../util/bytes.ts';
import type { Prog, RunResult } from './prog.ts';

export interface DeviceOptions {
  /** The next free number unless given. */
  readonly ifindex?: number;
  /** Largest packet without its Ethernet header; 1500 unless given. */
  readonly mtu?: number;
}

export interface DeviceStats {
  readonly received: number;
  readonly bytes: number;
  /** By verdict; packets received without a program count as XDP_PASS. */
  readonly verdicts: Readonly<Record<string, number>>;
}

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

export class Device {
  readonly name: string;
  readonly ifindex: number;
  readonly mtu: number;
  private link: Link | undefined;
  private received = 0;
  private bytes = 0;
  private readonly verdicts: Record<string, number> = {};

  constructor(name: string, ifindex: number, mtu: number) {
    this.name = name;
    this.ifindex = ifindex;
    this.mtu = mtu;
  }

  /** The program attached now. */
  get prog(): Prog | undefined {
    return this.link?.prog;
  }

  /** @internal Prog.attach checks and calls this */
  attachProg(prog: Prog): Link {
    if (prog.type !== 'xdp') throw new RunError('RUN_ATTACH_TYPE', { prog: prog.name, type: prog.type });
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

  /** Runs the attached program on one packet; without one the packet passes. */
  receive(packet: Uint8Array): RunResult {
    this.received++;
    this.bytes += packet.length;
    const result = this.link?.prog.runAttached(packet, { ctx: { ingressIfindex: this.ifindex } }) ?? passed(packet);
    this.verdicts[result.verdict] = (this.verdicts[result.verdict] ?? 0) + 1;
    return result;
  }

  get stats(): DeviceStats {
    return { received: this.received, bytes: this.bytes, verdicts: { ...this.verdicts } };
  }

  /** @internal the engine closes its devices */
  close(): void {
    this.link?.close();
  }
}

function passed(packet: Uint8Array): RunResult {
  return { verdict: 'XDP_PASS', returnValue: 2, packet: copyBytes(packet), metadata: new Uint8Array(0), durationNs: 0 };
}
