// Tail calls: the limit, misses and what they cost, replaced slots, subprograms. Every program leaves a trace in map 0.

import type { Item } from './asm.ts';
import {
  alu64,
  asm,
  call,
  callSubprog,
  exit,
  jmp,
  label,
  lddw,
  lddwMap,
  lddwMapValue,
  ldx,
  mov,
  movr,
  stx,
} from './asm.ts';
import { u32, u64 } from './bytes.ts';
import type { Case, CaseMap, CaseProg, Step } from './types.ts';

/** Map 0: u64 words; word `id` counts the runs of program `id`, word 15 folds the order in which they ran. */
const TRACE = 0;
/** Map 1: the prog array. */
const PROGS = 1;
/** Map 2: u64 words that a program reads its index from, so that the kernel's verifier cannot know it. */
const INDEX = 2;
const ORDER_OFFSET = 120;
const ARRAY_SIZE = 4;

/** What word 15 holds after programs ran in this order. */
export function orderHash(ids: readonly number[]): bigint {
  return ids.reduce((hash, id) => BigInt.asUintN(64, hash * 31n + BigInt(id) + 1n), 0n);
}

const maps = (slots: readonly number[], index: readonly bigint[] = [], size = ARRAY_SIZE): CaseMap[] => [
  { type: 'array', keySize: 4, valueSize: 128, maxEntries: 1 },
  {
    type: 'prog_array',
    keySize: 4,
    valueSize: 4,
    maxEntries: size,
    init: slots.flatMap((prog, slot): [Uint8Array, Uint8Array][] =>
      prog < 0 ? [] : [[u32(slot), Uint8Array.of(prog)]],
    ),
  },
  {
    type: 'array',
    keySize: 4,
    valueSize: 64,
    maxEntries: 1,
    init: [[u32(0), u64(...Array.from({ length: 8 }, (_, i) => index[i] ?? 0n))]],
  },
];

/** Note that program `id` runs. Uses r2, r3. */
const trace = (id: number): Item[] => [
  lddwMapValue(2, TRACE),
  ldx('dw', 3, 2, id * 8),
  alu64('add', 3, 1),
  stx('dw', 2, 3, id * 8),
  ldx('dw', 3, 2, ORDER_OFFSET),
  alu64('mul', 3, 31),
  alu64('add', 3, id + 1),
  stx('dw', 2, 3, ORDER_OFFSET),
];

/** How the index reaches r3: known to the kernel's verifier (the JIT's direct form) or read from map 2 (indirect). */
export const indexForms = ['constant', 'computed'] as const;
type IndexForm = (typeof indexForms)[number];

const indexInsns = (form: IndexForm, value: number | bigint, word: number): Item[] => {
  if (form === 'computed') return [lddwMapValue(3, INDEX), ldx('dw', 3, 3, word * 8)];
  return typeof value === 'bigint' ? [lddw(3, value)] : [mov(3, value)];
};

/** `bpf_tail_call(r6, &progs, index)`; a computed index comes from word `word` of map 2. */
const tailCall = (form: IndexForm, value: number | bigint, word = 0): Item[] => [
  movr(1, 6),
  lddwMap(2, PROGS),
  ...indexInsns(form, value, word),
  call('tail_call'),
];

const start = (id: number): Item[] => [movr(6, 1), ...trace(id)];
const finish = (retval: number): Item[] => [mov(0, retval), exit()];

const prog = (name: string, ...parts: Item[][]): CaseProg => ({ name, type: 'xdp', insns: asm(parts.flat()) });
const leaf = (id: number, retval: number): CaseProg => prog(`leaf${id}`, start(id), finish(retval));

const data = new Uint8Array(64);
const run: Step = { op: 'run', data };
const repeat = (times: number, items: Item[]): Item[] => Array.from({ length: times }, () => items).flat();

function simpleCases(form: IndexForm): Case[] {
  const caller = (index: number | bigint): CaseProg => prog('main', start(0), tailCall(form, index), finish(100));
  const one = (name: string, slots: number[], index: number | bigint, steps: Step[] = [run]): Case => ({
    name: `${form} index: ${name}`,
    maps: maps(slots, [BigInt(index)]),
    progs: [caller(index), leaf(1, 41), leaf(2, 42), leaf(3, 43)],
    steps,
  });
  const set = (program: number, flags = 0): Step => ({ op: 'setProg', map: PROGS, key: u32(1), prog: program, flags });
  const remove: Step = { op: 'delete', map: PROGS, key: u32(1) };
  return [
    one('slot 0', [1], 0),
    one('last slot', [-1, -1, -1, 3], 3),
    one('empty slot', [1], 1),
    one('index == max_entries', [1], ARRAY_SIZE),
    one('index u32 max', [1], 0xffff_ffffn),
    one('index -1 as s64', [1], -1),
    one('index with high bits over slot 0', [1], 0x1_0000_0000n),
    one('index with high bits over slot 2', [-1, -1, 2], 0xdead_beef_0000_0002n),
    one('index with high bits over empty slot', [1], 0x1_0000_0001n),
    one('set, replaced, deleted between runs', [], 1, [run, set(1), run, set(2), run, run, remove, run, set(3), run]),
    one('delete twice', [-1, 1], 1, [run, remove, remove, run]),
    one('update flags', [], 1, [set(1, 1), run, set(1, 2), run, set(1, 0), run, set(2, 2), set(2, 3), set(2, 4), run]),
  ];
}

function limitCases(form: IndexForm): Case[] {
  const self = (name: string, before: Item[], slots = [0], index = [0n, 1n, 9n]): Case => ({
    name: `${form} index: ${name}`,
    maps: maps(slots, index),
    progs: [prog('self', start(0), before, tailCall(form, 0), finish(7)), leaf(1, 41)],
    steps: [run, run],
  });
  const empty = tailCall(form, 1, 1);
  const outOfRange = tailCall(form, 9, 2);
  return [
    self('self call', []),
    self('self call, an empty slot first each time', empty),
    self('self call, 5 empty slots first each time', repeat(5, empty)),
    self('self call, an out-of-range index first each time', outOfRange),
    self('self call, 5 out-of-range indices first each time', repeat(5, outOfRange)),
    {
      name: `${form} index: 40 empty slots, then a full one`,
      maps: maps([1], [0n, 1n]),
      progs: [prog('main', start(0), repeat(40, empty), tailCall(form, 0), finish(7)), leaf(1, 41)],
      steps: [run],
    },
    {
      name: `${form} index: 40 indices out of range, then a full slot`,
      maps: maps([1], [0n, 1n, 9n]),
      progs: [prog('main', start(0), repeat(40, outOfRange), tailCall(form, 0), finish(7)), leaf(1, 41)],
      steps: [run],
    },
    {
      name: `${form} index: at the limit every further call falls through`,
      maps: maps([0, 1], [0n, 1n]),
      progs: [
        prog('self', start(0), tailCall(form, 0), tailCall(form, 1, 1), tailCall(form, 1, 1), finish(7)),
        leaf(1, 41),
      ],
      steps: [run],
    },
  ];
}

/** A chain of `length` distinct programs; the last returns 1000 + its id's place in the chain. */
function chainCase(form: IndexForm, length: number): Case {
  const last = length - 1;
  const link = (id: number): CaseProg => {
    const traced = [...start(Math.min(id, 14))];
    const index: Item[] =
      form === 'constant' ? [mov(3, id + 1)] : [lddwMapValue(3, INDEX), ldx('dw', 3, 3), alu64('add', 3, id + 1)];
    const hop = id === last ? [] : [movr(1, 6), lddwMap(2, PROGS), ...index, call('tail_call')];
    return prog(`link${id}`, traced, hop, finish(1000 + id));
  };
  return {
    name: `${form} index: chain of ${length} programs`,
    maps: maps(
      Array.from({ length }, (_, i) => i),
      [],
      length,
    ),
    progs: Array.from({ length }, (_, i) => link(i)),
    steps: [run],
  };
}

/** main: r0 = sub(ctx); returns r0 + 1, so that who returned to whom shows. */
function subprogCases(form: IndexForm): Case[] {
  const mainCalls = (times: number): Item[] => [
    ...start(0),
    mov(7, 0),
    ...repeat(times, [movr(1, 6), callSubprog('sub'), { ...movr(0, 0) }, ...addTo7]),
    movr(0, 7),
    alu64('add', 0, 1),
    exit(),
    label('sub'),
    movr(6, 1),
  ];
  const sub = (index: number, word = 0): Item[] => [...tailCall(form, index, word), mov(0, 50), exit()];
  return [
    {
      name: `${form} index: from a subprogram, the target returns to the subprogram's caller`,
      maps: maps([1], [0n]),
      progs: [prog('main', mainCalls(1), sub(0)), leaf(1, 41)],
      steps: [run],
    },
    {
      name: `${form} index: from a subprogram, empty slot falls through in the subprogram`,
      maps: maps([], [0n]),
      progs: [prog('main', mainCalls(1), sub(0)), leaf(1, 41)],
      steps: [run],
    },
    {
      name: `${form} index: twice from a subprogram`,
      maps: maps([1], [0n]),
      progs: [prog('main', mainCalls(2), sub(0)), leaf(1, 41)],
      steps: [run],
    },
    {
      name: `${form} index: subprogram calls main itself (shared count)`,
      maps: maps([0], [0n]),
      progs: [prog('main', mainCalls(1), sub(0))],
      steps: [run, run],
    },
    {
      name: `${form} index: hierarchy, the subprogram called twice re-enters main (shared count)`,
      maps: maps([0], [0n]),
      progs: [prog('main', mainCalls(2), sub(0))],
      steps: [run],
    },
    {
      name: `${form} index: 40 calls from subprograms in one run`,
      maps: maps([1], [0n]),
      progs: [prog('main', mainCalls(40), sub(0)), leaf(1, 41)],
      steps: [run],
    },
    diamond(form),
    {
      name: `${form} index: main uses up the count in the subprogram, then its own tail call`,
      maps: maps([1, 2], [0n, 1n]),
      progs: [
        prog(
          'main',
          start(0),
          [movr(1, 6), callSubprog('sub')],
          tailCall(form, 1, 1),
          finish(9),
          [label('sub'), movr(6, 1)],
          sub(0),
        ),
        prog('self', start(1), tailCall(form, 0), finish(41)),
        leaf(2, 42),
      ],
      steps: [run],
    },
    {
      name: `${form} index: caller's registers and frame live through the subprogram's tail call`,
      maps: maps([1], [0n]),
      progs: [prog('main', frameMain, sub(0)), prog('clobber', start(1), clobber, finish(41))],
      steps: [run],
    },
  ];
}

const addTo7: Item[] = [{ op: 0x0f, dst: 7, src: 0, off: 0, imm: 0 }];

/** main calls two subprograms; each tail-calls a program which itself re-enters main by a subprogram. */
function diamond(form: IndexForm): Case {
  const left = [label('left'), movr(6, 1), ...tailCall(form, 1, 1), mov(0, 1), exit()];
  const right = [label('right'), movr(6, 1), ...tailCall(form, 2, 2), mov(0, 1), exit()];
  return {
    name: `${form} index: diamond of two subprograms through two programs back to main`,
    maps: maps([0, 1, 2], [0n, 1n, 2n]),
    progs: [
      prog(
        'main',
        start(0),
        [mov(7, 0), movr(1, 6), callSubprog('left'), ...addTo7, movr(1, 6), callSubprog('right'), ...addTo7],
        [movr(0, 7), alu64('add', 0, 1), exit()],
        left,
        right,
      ),
      prog('via1', start(1), tailCall(form, 0), finish(5)),
      prog('via2', start(2), tailCall(form, 0), finish(6)),
    ],
    steps: [run],
  };
}

const frameMain: Item[] = [
  ...start(0),
  mov(7, 700),
  mov(8, 800),
  mov(9, 900),
  stx('dw', 10, 9, -8),
  stx('dw', 10, 8, -64),
  movr(1, 6),
  callSubprog('sub'),
  { op: 0x0f, dst: 0, src: 7, off: 0, imm: 0 },
  { op: 0x0f, dst: 0, src: 8, off: 0, imm: 0 },
  { op: 0x0f, dst: 0, src: 9, off: 0, imm: 0 },
  ldx('dw', 1, 10, -8),
  { op: 0x0f, dst: 0, src: 1, off: 0, imm: 0 },
  ldx('dw', 1, 10, -64),
  { op: 0x0f, dst: 0, src: 1, off: 0, imm: 0 },
  exit(),
  label('sub'),
  movr(6, 1),
];

const clobber: Item[] = [
  mov(7, 1),
  mov(8, 2),
  mov(9, 3),
  stx('dw', 10, 7, -8),
  stx('dw', 10, 8, -64),
  stx('dw', 10, 9, -512),
];

/** main uses `bytes` of stack and calls a subprogram that tail-calls: the kernel wants less than 256 bytes, rounded up to 16, before such a call. */
const stackCase = (bytes: number): Case => ({
  name: `constant index: ${bytes} bytes of stack in the caller of a subprogram that tail-calls`,
  maps: maps([1], [0n]),
  progs: [
    prog(
      'main',
      start(0),
      [mov(2, 0), stx('dw', 10, 2, -bytes), movr(1, 6), callSubprog('sub'), exit(), label('sub'), movr(6, 1)],
      [...tailCall('constant', 0), mov(0, 50), exit()],
    ),
    leaf(1, 41),
  ],
  steps: [run],
});

/** Two indices that the kernel's verifier knows reach one call: neither is constant there. */
function branchCase(): Case {
  return {
    name: 'one call site, index by branch: two constants on two paths',
    maps: maps([1, 2], [0n]),
    progs: [
      prog(
        'main',
        start(0),
        [
          ldx('w', 1, 6, 0),
          ldx('w', 2, 6, 4),
          movr(4, 1),
          alu64('add', 4, 14),
          { op: 0x2d, dst: 4, src: 2, off: 'out', imm: 0 },
        ],
        [ldx('b', 5, 1, 0), mov(3, 0), jmp('jeq', 5, 0, 'go'), mov(3, 1), label('go'), movr(1, 6), lddwMap(2, PROGS)],
        [call('tail_call'), label('out')],
        finish(9),
      ),
      leaf(1, 41),
      leaf(2, 42),
    ],
    steps: [run, { op: 'run', data: new Uint8Array(64).fill(1) }],
  };
}

export const tailCallCases: readonly Case[] = [
  ...indexForms.flatMap((form) => [
    ...simpleCases(form),
    ...limitCases(form),
    ...[2, 10, 33, 34, 35, 40].map((length) => chainCase(form, length)),
    ...subprogCases(form),
  ]),
  branchCase(),
  stackCase(240),
  stackCase(248),
];
