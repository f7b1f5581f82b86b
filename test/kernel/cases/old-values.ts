// What the address of a value gives behind updates of its key, and behind its deletion: the bytes of an element that was replaced stay until its memory is
// used again.

import type { Item } from './asm.ts';
import { alu64, alu64r, asm, call, exit, jmp, label, lddwMap, ldx, mov, movr, st } from './asm.ts';
import type { Case, CaseMap } from './types.ts';

const update = (value: number): Item[] => [
  ...[st('dw', 10, -16, value), lddwMap(1, 0), movr(2, 10), alu64('add', 2, -4), movr(3, 10), alu64('add', 3, -16)],
  ...[mov(4, 0), call('map_update_elem')],
];
const withKey = (helper: 'map_lookup_elem' | 'map_delete_elem'): Item[] => [
  ...[lddwMap(1, 0), movr(2, 10), alu64('add', 2, -4), call(helper)],
];
/** r9 = r9 * 16 + what r6 points to. */
const note: Item[] = [ldx('dw', 1, 6), alu64('lsh', 9, 4), alu64r('or', 9, 1)];

/** Returns a digit for each look at the first value's address, and one for what a lookup finds in the end. */
const insns = asm([
  ...[st('w', 10, -4, 5), mov(9, 0), ...update(1), ...withKey('map_lookup_elem'), jmp('jeq', 0, 0, 'out'), movr(6, 0)],
  ...[...note, ...update(2), ...note, ...update(3), ...note, ...withKey('map_delete_elem'), ...note, ...update(4)],
  ...[...note, ...withKey('map_lookup_elem'), jmp('jeq', 0, 0, 'out'), movr(6, 0), ...note],
  ...[label('out'), movr(0, 9), exit()],
]);

const MAPS: readonly (readonly [name: string, map: CaseMap])[] = [
  ['hash', { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 4 }],
  ['hash without pre-allocation', { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 4, flags: 1 }],
  ['percpu_hash', { type: 'percpu_hash', keySize: 4, valueSize: 8, maxEntries: 4 }],
  ['array', { type: 'array', keySize: 4, valueSize: 8, maxEntries: 8 }],
];

export const oldValueCases: readonly Case[] = MAPS.map(([name, map]) => ({
  name: `${name}: the address of a value behind updates`,
  maps: [map],
  progs: [{ name: 'old', type: 'xdp', insns }],
  steps: [{ op: 'run', data: new Uint8Array(64) }],
}));
