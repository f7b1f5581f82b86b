/**
 * Verdicts of programs that were accepted before in this process. A verdict depends on the request alone (`request`), so equal requests share what was found out: it is
 * read-only. Programs that are refused are judged anew, for their messages name things that are in no request; so are those whose log is asked for.
 */
import { lazy } from '../util/lazy.ts';
import { Recent, type RecentLimits } from '../util/recent.ts';
import type { Proof } from './proof.ts';
import type { VerifierStats } from './stats.ts';

export interface Accepted {
  readonly proof: Proof;
  /** `durationUs` is what the verification took, when there was one. */
  readonly stats: VerifierStats;
}

/** A verdict takes about 70 bytes for each insn: as many programs of some thousand insns. */
export const VERDICT_LIMITS: RecentLimits = { entries: 64, bytes: 16 << 20 };

/** Of this process. */
export const rememberedVerdicts = lazy(() => new Recent<Accepted>(VERDICT_LIMITS));
