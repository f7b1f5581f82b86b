// The whole ISA table. An IsaCase is one program and its inputs; `isaPacket(input)` is a run's packet.

import type { CaseMap, IsaCase } from '../types.ts';
import { aluCases } from './alu.ts';
import { callCases } from './call.ts';
import { jmpCases } from './jmp.ts';
import { memCases, memMaps } from './mem.ts';

export { immediates, isaPacket, operands, PACKET_SIZE, RESULT_DST, RESULT_R0, RESULT_SRC } from './operands.ts';

export const isaCases: readonly IsaCase[] = [...aluCases, ...jmpCases, ...memCases, ...callCases];

/** The maps that a case's program may refer to, by index. All cases can be loaded with all of them. */
export const isaMaps: readonly CaseMap[] = memMaps;
