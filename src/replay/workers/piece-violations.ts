/** Violations of a piece's packets, while it is not known how many packets are before them. */
import type { Violation } from '../../runtime/trap.ts';
import { REPORT_VIOLATIONS, type ViolationLog } from '../report.ts';

export class PieceViolations {
  private count = 0;
  private first: { readonly violation: Violation; readonly place: number }[] | undefined;

  /** @param place of the packet in the piece, from 0 */
  add(violation: Violation, place: number): void {
    this.count++;
    this.first ??= [];
    if (this.first.length < REPORT_VIOLATIONS) this.first.push({ violation, place });
  }

  /** @param before packets before the piece */
  addTo(log: ViolationLog, before: number): void {
    const first = this.first ?? [];
    for (const { violation, place } of first) log.add(violation, before + place + 1);
    log.count += this.count - first.length;
  }
}
