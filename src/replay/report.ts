/** What a replay did, as plain data: `JSON.stringify` takes it as it is. */
import type { BpfError } from '../errors/index.ts';
import { EventMap } from '../runtime/event-map.ts';
import type { BpfMap } from '../runtime/map.ts';
import type { Prog, ProgStats } from '../runtime/prog.ts';
import { describeViolation, type Violation, type ViolationCode } from '../runtime/trap.ts';

/** Violations a report holds in full; all are counted. */
export const REPORT_VIOLATIONS = 100;

/** Names in the order of the runtime's counters: XDP_ABORTED = 0 to XDP_REDIRECT = 4, then everything else. */
export const VERDICT_NAMES = ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT', 'other'] as const;
export type VerdictCounts = Record<(typeof VERDICT_NAMES)[number], number>;

export interface TailCallReport {
  /** Slot of the call in the linked program. */
  readonly pc: number;
  /** The prog array, where the code says which one it is. */
  readonly map?: string;
  readonly taken: number;
  readonly missed: number;
}

export interface ProgReport {
  readonly name: string;
  readonly id: number;
  /** Times it was entered, by a packet or by a tail call. */
  readonly runs: number;
  /** Time of the runs that began with it. */
  readonly timeNs: number;
  readonly tailCalls: readonly TailCallReport[];
}

/** What a ring buffer, or a perf event array's buffers, had no room for. */
export interface LostReport {
  readonly map: string;
  readonly id: number;
  /** Records: reservations and outputs that failed. */
  readonly lost: number;
}

export interface ViolationReport {
  /** Number of the packet in the replay, from 1 as tcpdump and Wireshark count. */
  readonly packet: number;
  readonly code: ViolationCode;
  readonly prog: string;
  readonly progId: number;
  readonly pc: number;
  /** `0x...` */
  readonly address: string;
  readonly size: number;
  readonly write: boolean;
  readonly message: string;
}

export interface Report {
  readonly packets: number;
  /** Captured bytes, without the capture's own headers. */
  readonly bytes: number;
  readonly verdicts: VerdictCounts;
  /** Time spent in programs. */
  readonly seconds: number;
  /** Time from the first byte read to the last packet done. */
  readonly wallSeconds: number;
  /** By `seconds`. */
  readonly packetsPerSecond: number;
  readonly bitsPerSecond: number;
  /** Every program that was loaded, in the order of their ids. */
  readonly programs: readonly ProgReport[];
  readonly violations: { readonly count: number; readonly first: readonly ViolationReport[] };
  /** Every ring buffer and perf event array there is, in the order of their ids. */
  readonly lost: readonly LostReport[];
  /** Packets given to the output. */
  readonly written: number;
  /** How packets were laid out: all in place, all copied into frames, or both in turn. */
  readonly layout: 'in place' | 'copied' | 'mixed';
  /** The option `signal` ended it. */
  readonly stopped?: true;
  /** What ended the capture early. Everything before it is in this report. */
  readonly error?: ReturnType<BpfError['toJSON']>;
}

/** Violations as they come: all counted, the first ones kept. */
export class ViolationLog {
  count = 0;
  readonly first: ViolationReport[] = [];

  add(violation: Violation, packet: number): void {
    this.count++;
    if (this.first.length >= REPORT_VIOLATIONS) return;
    const { code, prog, progId, pc, size, write } = violation;
    const address = `0x${BigInt.asUintN(64, violation.address).toString(16)}`;
    this.first.push({ packet, code, prog, progId, pc, address, size, write, message: describeViolation(violation) });
  }
}

/** What the programs had done before a replay, to tell what it added. */
export class StatsBase {
  private readonly before = new Map<number, ProgStats>();

  constructor(progs: readonly Prog[]) {
    for (const prog of progs) this.before.set(prog.id, prog.stats);
  }

  since(progs: readonly Prog[]): ProgReport[] {
    return [...progs].sort((a, b) => a.id - b.id).map((prog) => this.one(prog));
  }

  private one(prog: Prog): ProgReport {
    const { stats } = prog;
    const before = this.before.get(prog.id);
    const tailCalls = stats.tailCalls.map(({ pc, taken, missed }, i) => {
      const map = prog.tailCallMaps[i];
      const was = before?.tailCalls[i];
      const counts = { taken: taken - (was?.taken ?? 0), missed: missed - (was?.missed ?? 0) };
      return { pc, ...(map !== undefined && { map }), ...counts };
    });
    return {
      name: prog.name,
      id: prog.id,
      runs: stats.runs - (before?.runs ?? 0),
      timeNs: Math.round(stats.timeNs - (before?.timeNs ?? 0)),
      tailCalls,
    };
  }
}

/** What rings had lost before a replay. A map that was made meanwhile had lost nothing. */
export class LostBase {
  private readonly before: ReadonlyMap<EventMap<unknown>, number>;

  constructor(maps: Iterable<BpfMap>) {
    this.before = new Map(rings(maps).map((map) => [map, map.lost]));
  }

  since(maps: Iterable<BpfMap>): LostReport[] {
    return rings(maps)
      .sort((a, b) => a.id - b.id)
      .map((map) => ({ map: map.name, id: map.id, lost: map.lost - (this.before.get(map) ?? 0) }));
  }
}

function rings(maps: Iterable<BpfMap>): EventMap<unknown>[] {
  return [...maps].filter((map) => map instanceof EventMap && !map.isClosed) as EventMap<unknown>[];
}

/** Verdict counts from the runtime's six counters. */
export function verdictCounts(counter: (index: number) => number): VerdictCounts {
  const counts = {} as VerdictCounts;
  for (const [i, name] of VERDICT_NAMES.entries()) counts[name] = counter(i);
  return counts;
}
