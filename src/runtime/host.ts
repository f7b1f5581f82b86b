/** What programs need of their engine. */
import type { BatchHost } from './batch.ts';
import type { BpfMap, MapHost } from './map.ts';

export interface ProgHost extends BatchHost, MapHost {
  /** Memory of at least `bytes` for context records and frames; valid until the next call. */
  frames(bytes: number): number;
  /** The map at an address, as context records have it. */
  mapAt(address: number): BpfMap | undefined;
  /** The engine's clock, ns. */
  now(): bigint;
}
