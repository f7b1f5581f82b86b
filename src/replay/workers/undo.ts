/** What programs count on the main thread in a run that may have to be done anew. Other threads have counters of their own, which are empty when a run begins. */
import type { UnitProg } from '../../runtime/code-unit.ts';
import type { Prog } from '../../runtime/prog.ts';
import type { ReplayHost } from '../replay-buffers.ts';

export class Undo {
  private readonly host: ReplayHost;
  /** Of each program, what its counters have got. */
  private readonly counted = new Map<Prog, readonly bigint[]>();

  constructor(host: ReplayHost) {
    this.host = host;
  }

  /** Does `work` and notes what it adds. */
  around(work: () => void): void {
    const before = this.host.progs.map((prog) => [prog, this.read(prog)] as const);
    try {
      work();
    } finally {
      for (const [prog, was] of before) {
        const so = this.counted.get(prog);
        this.counted.set(
          prog,
          this.read(prog).map((value, i) => value - was[i] + (so?.[i] ?? 0n)),
        );
      }
    }
  }

  /** Takes all of it back, and empties what other threads have. */
  undo(): void {
    const { memory } = this.host;
    for (const prog of this.host.progs) {
      const unit = unitOf(prog);
      if (unit === undefined) continue;
      const [main, ...others] = unit.stats;
      const counted = this.counted.get(prog) ?? [];
      for (const [i, count] of counted.entries()) memory.setU64(main + 8 * i, memory.u64(main + 8 * i) - count);
      for (const other of others) memory.fill(other, unit.statsSize);
    }
    this.counted.clear();
  }

  private read(prog: Prog): bigint[] {
    const unit = unitOf(prog);
    if (unit === undefined) return [];
    return Array.from({ length: unit.statsSize / 8 }, (_, i) => this.host.memory.u64(unit.stats[0] + 8 * i));
  }
}

function unitOf({ id, unit }: Prog): UnitProg | undefined {
  return unit?.progs.find((one) => one.id === id);
}
