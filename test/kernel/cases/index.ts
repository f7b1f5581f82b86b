// Every table of multi-step cases by the name of the file in `observed/` that keeps what the kernel did.

import { adjustCases, contextCases } from './adjust.ts';
import { legacyCases } from './legacy.ts';
import { mapCases, mapCreateCases, progArrayCases } from './map.ts';
import { oldValueCases } from './old-values.ts';
import { csumCases, csumNull, packetBytesCases, redirectCases } from './packet-bytes.ts';
import { tailCallCases } from './tail-call.ts';
import { hierarchyCases } from './tail-hierarchy.ts';
import type { Case } from './types.ts';

export const caseTables: Readonly<Record<string, readonly Case[]>> = {
  'tail-call': tailCallCases,
  'tail-hierarchy': hierarchyCases,
  adjust: adjustCases,
  'test-run': contextCases,
  'packet-bytes': [...packetBytesCases, ...redirectCases],
  'csum-diff': [...csumCases, csumNull],
  map: mapCases,
  'old-values': oldValueCases,
  'map-create': mapCreateCases,
  'prog-array': progArrayCases,
  legacy: legacyCases,
};
