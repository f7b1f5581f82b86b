// Maps: update flags and error codes from a program and from the syscall, for every map type of the runtime.

import type { Item } from './asm.ts';
import { alu64, asm, call, exit, jmp, label, lddwMap, lddwMapValue, ldx, mov, movr, stx } from './asm.ts';
import { u32, u64 } from './bytes.ts';
import type { Case, CaseMap, CaseProg, Step } from './types.ts';

/** Map 1 holds a program's arguments: key, flags, value, and what came out: return value, value found. */
const KEY = 0;
const FLAGS = 8;
const VALUE = 16;
const FOUND = 24;
const PARAMS_SIZE = 32;

const params: CaseMap = { type: 'array', keySize: 4, valueSize: PARAMS_SIZE, maxEntries: 1 };

/** r6 = params; the key at fp-8, the value at fp-16. */
const setup: Item[] = [
  lddwMapValue(6, 1),
  ldx('dw', 1, 6, KEY),
  stx('dw', 10, 1, -8),
  ldx('dw', 1, 6, VALUE),
  stx('dw', 10, 1, -16),
  lddwMap(1, 0),
  movr(2, 10),
  alu64('add', 2, -8),
];

const prog = (name: string, ...body: Item[]): CaseProg => ({ name, type: 'xdp', insns: asm([...setup, ...body]) });

/** Programs 0, 1, 2: their return value is the helper's (lookup: 1 found, 0 not, the value in FOUND). */
const mapProgs = (valueSize: 4 | 8): readonly CaseProg[] => [
  prog('update', movr(3, 10), alu64('add', 3, -16), ldx('dw', 4, 6, FLAGS), call('map_update_elem'), exit()),
  prog('delete', call('map_delete_elem'), exit()),
  prog(
    'lookup',
    call('map_lookup_elem'),
    jmp('jeq', 0, 0, 'out'),
    ldx(valueSize === 8 ? 'dw' : 'w', 1, 0),
    stx('dw', 6, 1, FOUND),
    mov(0, 1),
    label('out'),
    exit(),
  ),
];

const UPDATE = 0;
const DELETE = 1;
const LOOKUP = 2;
const data = new Uint8Array(64);

const runWith = (which: number, key: number | bigint, flags: number | bigint = 0n, value = 0n): Step[] => [
  { op: 'update', map: 1, key: u32(0), value: u64(BigInt(key), BigInt(flags), value, 0n) },
  { op: 'run', prog: which, data },
];

interface Script {
  readonly name: string;
  readonly map: CaseMap;
  readonly ops: readonly Step[][];
}

/** The operations of a script, from the program (`p`) and from the syscall (`s`). */
const p = {
  update: (key: number | bigint, value: bigint, flags: number | bigint = 0): Step[] =>
    runWith(UPDATE, key, flags, value),
  delete: (key: number | bigint): Step[] => runWith(DELETE, key),
  lookup: (key: number | bigint): Step[] => [...runWith(LOOKUP, key), { op: 'lookup', map: 1, key: u32(0) }],
};
/** The syscall's half for a map of `keySize`-byte keys and `valueSize`-byte values. */
function sys(keySize: number, valueSize: number) {
  const keyBytes = (key: number | bigint): Uint8Array => {
    const bytes = new Uint8Array(keySize);
    bytes.set(u64(BigInt(key)).subarray(0, keySize));
    return bytes;
  };
  const valueBytes = (value: bigint): Uint8Array => {
    const bytes = new Uint8Array(valueSize);
    bytes.set(u64(value).subarray(0, valueSize));
    return bytes;
  };
  return {
    update: (key: number | bigint, value: bigint, flags: number | bigint = 0): Step[] => [
      { op: 'update', map: 0, key: keyBytes(key), value: valueBytes(value), flags },
    ],
    delete: (key: number | bigint): Step[] => [{ op: 'delete', map: 0, key: keyBytes(key) }],
    lookup: (key: number | bigint, flags = 0): Step[] => [{ op: 'lookup', map: 0, key: keyBytes(key), flags }],
    next: (key?: number | bigint): Step[] => [
      key === undefined ? { op: 'next', map: 0 } : { op: 'next', map: 0, key: keyBytes(key) },
    ],
  };
}

const flagValues = [0, 1, 2, 3, 4, 5, 8, 0x1_0000_0000n, 1n << 63n];

function arrayScript(type: 'array' | 'percpu_array', valueSize: 4 | 8): Script {
  const s = sys(4, valueSize);
  return {
    name: `${type}, value ${valueSize}`,
    map: { type, keySize: 4, valueSize, maxEntries: 3 },
    ops: [
      ...flagValues.map((flags) => p.update(0, 0x1111_2222_3333_4444n, flags)),
      ...flagValues.map((flags) => p.update(3, 7n, flags)),
      p.update(0xffff_ffff, 7n),
      p.delete(0),
      p.delete(3),
      p.lookup(0),
      p.lookup(2),
      p.lookup(3),
      p.lookup(0xffff_ffff),
      ...flagValues.map((flags) => s.update(1, 0x5555_6666_7777_8888n, flags)),
      ...flagValues.map((flags) => s.update(3, 7n, flags)),
      s.delete(0),
      s.delete(3),
      s.lookup(1),
      s.lookup(1, 4),
      s.lookup(1, 1),
      s.lookup(3),
      s.next(),
      s.next(0),
      s.next(1),
      s.next(2),
      s.next(3),
      s.next(0xffff_ffff),
    ],
  };
}

function hashScript(type: 'hash' | 'percpu_hash', keySize: number, valueSize: 4 | 8, flags = 0): Script {
  const s = sys(keySize, valueSize);
  return {
    name: `${type}, key ${keySize}, value ${valueSize}${flags === 0 ? '' : `, flags ${flags}`}`,
    map: { type, keySize, valueSize, maxEntries: 3, flags },
    ops: [
      s.next(),
      p.lookup(1),
      p.delete(1),
      ...flagValues.map((bits) => p.update(1, 0x1111n, bits)),
      ...flagValues.map((bits) => p.update(1, 0x2222n, bits)),
      p.lookup(1),
      p.delete(1),
      p.delete(1),
      ...flagValues.map((bits) => s.update(2, 0x3333n, bits)),
      ...flagValues.map((bits) => s.update(2, 0x4444n, bits)),
      s.lookup(2),
      s.lookup(2, 1),
      s.lookup(2, 4),
      s.lookup(9),
      s.delete(9),
      s.delete(2),
      s.next(),
      // Full: 3 of 3; what is there can still be replaced.
      s.update(10, 1n),
      s.next(),
      s.next(10),
      s.next(99),
      p.update(11, 2n),
      s.update(12, 3n),
      p.update(13, 4n),
      s.update(13, 4n),
      p.update(13, 4n, 1),
      p.update(13, 4n, 2),
      p.update(11, 5n),
      s.update(12, 6n, 2),
      p.update(12, 6n, 1),
      p.delete(10),
      p.update(13, 7n),
      s.update(14, 8n),
    ],
  };
}

/** Only the syscall: key sizes a program's 8-byte key does not fit. */
function wideScript(keySize: number, valueSize: number): Script {
  const s = sys(keySize, valueSize);
  return {
    name: `hash, key ${keySize}, value ${valueSize}, from the syscall`,
    map: { type: 'hash', keySize, valueSize, maxEntries: 2 },
    ops: [
      s.update(1, 1n),
      s.update(2, 2n, 1),
      s.update(3, 3n),
      s.lookup(2),
      s.delete(1),
      s.update(3, 3n, 1),
      s.lookup(3),
    ],
  };
}

const scripts: readonly Script[] = [
  arrayScript('array', 8),
  arrayScript('array', 4),
  arrayScript('percpu_array', 8),
  arrayScript('percpu_array', 4),
  hashScript('hash', 4, 8),
  hashScript('hash', 8, 4),
  hashScript('hash', 3, 4),
  hashScript('hash', 4, 8, 1),
  hashScript('percpu_hash', 4, 8),
  wideScript(1, 1),
  wideScript(5, 3),
  wideScript(16, 16),
  wideScript(64, 100),
];

export const mapCases: readonly Case[] = scripts.map(({ name, map, ops }) => ({
  name,
  maps: [map, params],
  progs: name.endsWith('syscall') ? [] : mapProgs(map.valueSize === 4 ? 4 : 8),
  steps: ops.flat(),
}));

const createTable: readonly CaseMap[] = [
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 },
  { type: 'array', keySize: 8, valueSize: 8, maxEntries: 1 },
  { type: 'array', keySize: 3, valueSize: 8, maxEntries: 1 },
  { type: 'array', keySize: 0, valueSize: 8, maxEntries: 1 },
  { type: 'array', keySize: 4, valueSize: 0, maxEntries: 1 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 0 },
  { type: 'array', keySize: 4, valueSize: 0x8000_0000, maxEntries: 1 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, flags: 1 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, flags: 8 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, flags: 24 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, flags: 128 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, flags: 384 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, flags: 1024 },
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1, flags: 0x4000_0000 },
  { type: 'percpu_array', keySize: 4, valueSize: 8, maxEntries: 1 },
  { type: 'percpu_array', keySize: 4, valueSize: 0, maxEntries: 1 },
  { type: 'percpu_array', keySize: 4, valueSize: 32768, maxEntries: 1 },
  { type: 'percpu_array', keySize: 4, valueSize: 32769, maxEntries: 1 },
  { type: 'percpu_array', keySize: 4, valueSize: 8, maxEntries: 1, flags: 1024 },
  { type: 'hash', keySize: 0, valueSize: 8, maxEntries: 1 },
  { type: 'hash', keySize: 4, valueSize: 0, maxEntries: 1 },
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 0 },
  { type: 'hash', keySize: 512, valueSize: 8, maxEntries: 1 },
  { type: 'hash', keySize: 513, valueSize: 8, maxEntries: 1 },
  { type: 'hash', keySize: 4096, valueSize: 8, maxEntries: 1 },
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 1, flags: 1 },
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 1, flags: 2 },
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 1, flags: 1024 },
  { type: 'hash', keySize: 4, valueSize: 0x4000_0000, maxEntries: 1 },
  { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 1 },
  { type: 'prog_array', keySize: 4, valueSize: 8, maxEntries: 1 },
  { type: 'prog_array', keySize: 8, valueSize: 4, maxEntries: 1 },
  { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 0 },
  { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 1, flags: 1 },
];

/** What BPF_MAP_CREATE refuses. */
export const mapCreateCases: readonly Case[] = createTable.map((map) => ({
  name: `create ${map.type}: key ${map.keySize}, value ${map.valueSize}, entries ${map.maxEntries}, flags ${map.flags ?? 0}`,
  maps: [map],
  progs: [],
  steps: [],
}));

const progArray: CaseMap = { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 2 };
const pass: CaseProg = { name: 'pass', type: 'xdp', insns: asm([mov(0, 2), exit()]) };
const classifier: CaseProg = { name: 'ok', type: 'sched_cls', insns: asm([mov(0, 0), exit()]) };
const set = (key: number, program: number, flags = 0): Step => ({
  op: 'setProg',
  map: 0,
  key: u32(key),
  prog: program,
  flags,
});

/** The syscall on a prog array: the first program put in gives it its type. */
export const progArrayCases: readonly Case[] = [
  {
    name: 'prog array: index, flags, delete, a bad fd',
    maps: [progArray],
    progs: [pass],
    steps: [
      set(0, 0),
      set(2, 0),
      set(2, 0, 1),
      set(0, 0, 1),
      set(0, 0, 2),
      { op: 'update', map: 0, key: u32(0), value: u32(0x7fff_ffff) },
      { op: 'delete', map: 0, key: u32(0) },
      { op: 'delete', map: 0, key: u32(0) },
      { op: 'delete', map: 0, key: u32(2) },
      { op: 'lookup', map: 0, key: u32(0) },
      { op: 'lookup', map: 0, key: u32(2) },
      { op: 'next', map: 0 },
      { op: 'next', map: 0, key: u32(0) },
      { op: 'next', map: 0, key: u32(1) },
    ],
  },
  {
    name: 'prog array: another program type',
    maps: [progArray],
    progs: [pass, classifier],
    steps: [set(0, 0), set(1, 1), set(1, 0)],
  },
  {
    name: 'prog array: another program type first',
    maps: [progArray],
    progs: [pass, classifier],
    steps: [set(0, 1), set(1, 0)],
  },
];
