// What every example consists of, and what their models share. A model computes, without BPF, what the program must do with the capture.
import { Random } from '../scripts/random.ts';
import { type Bytes, type Host, join, u16 } from '../scripts/traffic-frames.ts';
import type { Verdict } from '../src/runtime/packet.ts';

export interface TimedPacket {
  readonly timestampNs: bigint;
  readonly data: Bytes;
}

/** What becomes of one packet. */
export interface Outcome {
  readonly verdict: Verdict;
  /** The packet as the program leaves it. */
  readonly data: Bytes;
}

/** Maps by name: keys and values as `--maps --json` prints them; elements of arrays that are zero are left out. */
export type MapContents = Readonly<Record<string, readonly (readonly [key: unknown, value: unknown])[]>>;

export interface Expected {
  readonly outcomes: readonly Outcome[];
  readonly maps: MapContents;
  /** What comes out of the ring buffer. */
  readonly records?: readonly unknown[];
}

/** The example in a network, for `bpf2wasm net`: the capture arrives at one device, and what becomes of it is seen at others. */
export interface ExampleNetwork {
  /** What net.json says. */
  readonly config: object;
  readonly input: string;
  /** Where packets are seen, as `--out` names it. */
  readonly outputs: readonly string[];
  /** The one of these where a packet is seen that was not dropped. */
  readonly where: (outcome: Outcome) => string;
}

export interface Example {
  /** Of the folder, the object and its first program's, unless `prog` says otherwise. */
  readonly name: string;
  readonly prog: string;
  /** What the kernel does not have alike; then it cannot be compared packet by packet. */
  readonly dependsOn?: 'time' | 'cookies';
  /** Lines for `--set`. */
  readonly settings: readonly string[];
  readonly capture: () => TimedPacket[] | Promise<TimedPacket[]>;
  readonly expect: (packets: readonly TimedPacket[]) => Expected | Promise<Expected>;
  readonly network?: ExampleNetwork;
}

const START_NS = 1700000000_000000000n;

/** Packets with the microsecond at which each was seen; sorted when they are taken. */
export class Timeline {
  readonly random: Random;
  private readonly packets: { at: number; data: Bytes }[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  add(at: number, data: Bytes): void {
    this.packets.push({ at, data });
  }

  /** The microsecond of a packet that was sorted. */
  static atOf({ timestampNs }: TimedPacket): number {
    return Number((timestampNs - START_NS) / 1000n);
  }

  sorted(): TimedPacket[] {
    const packets = this.packets.sort((a, b) => a.at - b.at);
    return packets.map(({ at, data }) => ({ timestampNs: START_NS + BigInt(at) * 1000n, data }));
  }
}

/** A host by its IPv4 address; its MAC address is made of that. */
export function hostAt(address: string): Host {
  const ip4 = Uint8Array.from(address.split('.').map(Number));
  return {
    ip4,
    mac: join(Uint8Array.of(2, 0), ip4),
    ip6: join(Uint8Array.of(0x20, 1, 0xd, 0xb8), u16(0, 0, 0, 0), ip4),
  };
}

export const u16At = (bytes: Bytes, at: number): number => (bytes[at] << 8) | bytes[at + 1];
export const u32At = (bytes: Bytes, at: number): number => ((u16At(bytes, at) << 16) | u16At(bytes, at + 2)) >>> 0;

/** Where things are in an Ethernet frame with IPv4. */
export interface Ipv4View {
  readonly headerBytes: number;
  readonly totalBytes: number;
  readonly protocol: number;
  readonly moreFragments: boolean;
  readonly fragmentOffset: number;
  readonly src: readonly number[];
  readonly dst: readonly number[];
  /** Offset in the frame of what follows the IPv4 header. */
  readonly l4: number;
  /** Of TCP and UDP; 0 where the frame ends before them. */
  readonly sport: number;
  readonly dport: number;
}

/** Undefined for other frames and those that end inside the fixed header. */
export function viewIpv4(data: Bytes): Ipv4View | undefined {
  if (data.length < 34 || u16At(data, 12) !== 0x0800) return undefined;
  const headerBytes = (data[14] & 15) * 4;
  const fragment = u16At(data, 20);
  const l4 = 14 + headerBytes;
  const hasPorts = l4 + 4 <= data.length;
  return {
    headerBytes,
    totalBytes: u16At(data, 16),
    protocol: data[23],
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: fragment & 0x1fff,
    src: [...data.subarray(26, 30)],
    dst: [...data.subarray(30, 34)],
    l4,
    sport: hasPorts ? u16At(data, l4) : 0,
    dport: hasPorts ? u16At(data, l4 + 2) : 0,
  };
}

/** Counts by name, as elements of a per-CPU array: key is the name's place, value a list with the one CPU's. */
export class Counters<Name extends string> {
  private readonly counts: number[];
  private readonly names: readonly Name[];

  constructor(names: readonly Name[]) {
    this.names = names;
    this.counts = names.map(() => 0);
  }

  add(name: Name): void {
    this.counts[this.names.indexOf(name)]++;
  }

  contents(): [number, number[]][] {
    return this.counts.flatMap((count, i) => (count === 0 ? [] : [[i, [count]] as [number, number[]]]));
  }
}

/** Elements of a map by a key that is a value: what a hash map holds. */
export class Table<Key, Value> {
  private readonly elems = new Map<string, [Key, Value]>();

  get(key: Key): Value | undefined {
    return this.elems.get(JSON.stringify(key))?.[1];
  }

  set(key: Key, value: Value): Value {
    this.elems.set(JSON.stringify(key), [key, value]);
    return value;
  }

  delete(key: Key): void {
    this.elems.delete(JSON.stringify(key));
  }

  contents(): [Key, Value][] {
    return [...this.elems.values()];
  }
}
