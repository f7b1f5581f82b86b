// Tail calls in trees of subprograms, over several prog arrays and over the lives of what their slots hold.

import { u32 } from './bytes.ts';
import {
  ARRAYS,
  type GraphFunc,
  type GraphProg,
  graphProgs,
  type Index,
  type Op,
  tracePlaces,
  WORD_COUNT,
} from './tail-graph.ts';
import type { Case, CaseMap, Step } from './types.ts';

type Shape = Partial<Pick<GraphFunc, 'ctxInReg' | 'regs' | 'stack'>>;

const func = (ops: readonly Op[], shape: Shape = {}): GraphFunc => ({
  ctxInReg: true,
  regs: [7, 8, 9],
  stack: [],
  ...shape,
  ops,
});
const tail = (array: number, index: number | Index): Op => ({
  op: 'tail',
  array,
  index: typeof index === 'number' ? { const: index } : index,
});
const call = (to: number, reg = 7): Op => ({ op: 'call', func: to, reg });
const times = (count: number, ...ops: Op[]): Op[] => Array.from({ length: count }, () => ops).flat();
/** A program that returns at once. */
const leaf: GraphProg = [func([])];
/** The entry calls function 1, that calls 2, and so on; the last one does `ops`. */
const chain = (depth: number, ops: readonly Op[], shape: Shape = {}): GraphProg =>
  Array.from({ length: depth }, (_, i) => func(i < depth - 1 ? [call(i + 1)] : ops, shape));

const run = (prog = 0): Step => ({ op: 'run', prog, data: new Uint8Array(64) });
const set = (array: number, slot: number, prog: number): Step => ({
  op: 'setProg',
  map: ARRAYS + array,
  key: u32(slot),
  prog,
});
const clear = (array: number, slot: number): Step => ({ op: 'delete', map: ARRAYS + array, key: u32(slot) });
const close = (prog: number): Step => ({ op: 'closeProg', prog });

/** A hierarchy, and what its trace must say when the steps are done. */
export interface Hierarchy {
  readonly name: string;
  readonly progs: readonly GraphProg[];
  /** Programs in the slots of each array, -1 for none. */
  readonly slots: readonly (readonly number[])[];
  readonly steps: readonly Step[];
  /** Of each program: runs of its functions. */
  readonly runs: readonly (readonly number[])[];
  /** Of each program: tail calls taken, by place: the entry's first, then function 1's. */
  readonly taken: readonly (readonly number[])[];
}

const LIMIT = 33;
const EVERYTHING: Shape = { ctxInReg: false, regs: [6, 7, 8, 9], stack: [504, 256, 16] };

/** Trees of subprograms: who returns to whom, and what they keep. */
const trees: readonly Hierarchy[] = [
  {
    name: 'three frames down, the target returns to the frame above',
    progs: [chain(4, [tail(0, 0), tail(0, 0)]), leaf],
    slots: [[1]],
    steps: [run()],
    runs: [[1, 1, 1, 1], [1]],
    taken: [[1, 0], []],
  },
  {
    name: 'seven frames down, the target goes seven frames down too',
    progs: [chain(8, [tail(0, 0)]), chain(8, [])],
    slots: [[1]],
    steps: [run(), run()],
    runs: [Array(8).fill(2), Array(8).fill(2)],
    taken: [[2], []],
  },
  {
    name: 'what the callers hold is intact, whatever registers each of them uses',
    progs: [
      [
        func([call(1), call(1, 9)], { regs: [7, 9], stack: [16] }),
        func([call(2, 6)], { ctxInReg: false, regs: [6], stack: [104, 16] }),
        func([{ op: 'call', func: 3 }], { regs: [], stack: [40] }),
        func([tail(0, 0)], { regs: [8] }),
      ],
      [func([call(1)], { regs: [7, 8, 9] }), func([tail(0, 1)])],
      [func([], EVERYTHING)],
    ],
    slots: [[1, 2]],
    steps: [run(), run(1), run(2)],
    runs: [[1, 2, 2, 2], [3, 3], [4]],
    taken: [[2], [3], []],
  },
  {
    name: 'a subprogram that two others call twice each',
    progs: [
      [func(times(2, call(1), call(2))), func(times(2, call(3))), func(times(2, call(3))), func([tail(0, 0)])],
      leaf,
    ],
    slots: [[1]],
    steps: [run()],
    runs: [[1, 2, 2, 8], [8]],
    taken: [[8], []],
  },
];

/** One count for the whole invocation. */
const limits: readonly Hierarchy[] = [
  {
    name: 'a diamond back to its own entry',
    progs: [[func([call(1), call(2)]), func([call(3)]), func([call(3)]), func([tail(0, 0)])]],
    slots: [[0]],
    steps: [run(), run()],
    runs: [[68, 68, 68, 2 * (LIMIT + 35)]],
    taken: [[2 * LIMIT]],
  },
  {
    name: 'two programs that re-enter each other from three frames down',
    progs: [chain(3, [tail(0, 1), tail(0, 0)]), chain(3, [tail(0, 0), tail(0, 1)])],
    slots: [[0, 1]],
    steps: [run(), run(1)],
    runs: [Array(3).fill(34), Array(3).fill(34)],
    taken: [
      [LIMIT, 0],
      [LIMIT, 0],
    ],
  },
  {
    name: 'reached below: the callers go on with their next insns, nothing of theirs is taken',
    progs: [[func([call(1), tail(0, 1)]), func([call(2), tail(0, 1)]), func([tail(0, 0), tail(0, 1)])], leaf],
    slots: [[0, 1]],
    steps: [run()],
    runs: [[34, 34, 34], [0]],
    taken: [[0, 0, LIMIT, 0], []],
  },
  {
    name: '24 empty slots and 24 indices out of range in a subprogram, then 34 calls of another',
    progs: [
      [func([call(1), ...times(34, call(2))]), func(times(24, tail(0, 1), tail(0, 9))), func([tail(0, 0)])],
      leaf,
    ],
    slots: [[1, -1]],
    steps: [run()],
    runs: [[1, 1, 34], [LIMIT]],
    taken: [[...Array(48).fill(0), LIMIT], []],
  },
  {
    name: 'a chain of tail calls takes 31, its subprograms take the last 2',
    progs: [
      ...Array.from({ length: 31 }, (_, i): GraphProg => [func([tail(0, i)])]),
      [func(times(4, call(1))), func([tail(0, 31)])],
      leaf,
    ],
    slots: [Array.from({ length: 32 }, (_, i) => i + 1)],
    steps: [run(), run(31)],
    runs: [...Array(31).fill([1]), [2, 8], [6]],
    taken: [...Array(31).fill([1]), [6], []],
  },
  {
    name: 'several prog arrays share it',
    progs: [
      [func([call(1), call(2)]), func([tail(0, 0)]), func([tail(1, 0)])],
      [func([tail(0, 1)])],
      [func([tail(1, 1)])],
    ],
    slots: [
      [1, 1],
      [2, 2],
    ],
    steps: [run()],
    runs: [[1, 1, 1], [LIMIT], [0]],
    taken: [[1, 0], [LIMIT - 1], [0]],
  },
];

const hops: Op[] = [call(1), tail(0, { word: 0 })];

/** What is in the slots, and for how long. */
const slots: readonly Hierarchy[] = [
  {
    name: 'replaced and deleted between packets',
    progs: [[func(hops), func([tail(0, 0), tail(0, { word: 1 })])], leaf, [func([call(1)]), func([tail(0, 1)])]],
    slots: [[1, -1]],
    steps: [run(), set(0, 0, 2), run(), set(0, 1, 1), run(), clear(0, 0), run(), clear(0, 1), set(0, 0, 0), run()],
    runs: [[38, 38], [4], [4, 4]],
    taken: [[3, LIMIT + 3, 0], [], [2]],
  },
  {
    name: 'the same slot of two arrays',
    progs: [[func([call(1), tail(1, 2)]), func([tail(0, 2)])], leaf, leaf],
    slots: [
      [-1, -1, 1],
      [-1, -1, 2],
    ],
    steps: [run(), clear(0, 2), run(), set(0, 2, 2), clear(1, 2), run()],
    runs: [[3, 3], [1], [3]],
    taken: [[2, 2], [], []],
  },
  {
    name: 'a program lives while a slot holds it, though its handle is closed',
    progs: [[func([call(1), tail(1, 0)]), func([tail(0, 0)])], [func([call(1)]), func([tail(0, 1)])], leaf],
    slots: [[1, 2], [1]],
    steps: [close(1), close(2), run(), clear(0, 0), run(), clear(1, 0), run(), clear(0, 1), run()],
    runs: [[4, 4], [3, 3], [3]],
    taken: [[2, 1], [3], []],
  },
  {
    name: 'the program that was run is closed; another one jumps to it',
    progs: [[func([call(1)]), func([tail(0, 1)])], leaf, [func([tail(0, 0)])]],
    slots: [[0, 1]],
    steps: [run(), close(0), run(2), clear(0, 0), run(2)],
    runs: [[2, 2], [2], [2]],
    taken: [[2], [], [1]],
  },
];

export const hierarchies: readonly Hierarchy[] = [...trees, ...limits, ...slots];

function caseOf({ name, progs, slots, steps }: Hierarchy): Case {
  const arrays = slots.map((held): CaseMap => {
    const init = held.flatMap((prog, slot): [Uint8Array, Uint8Array][] =>
      prog < 0 ? [] : [[u32(slot), Uint8Array.of(prog)]],
    );
    return { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: held.length, init };
  });
  const words = (count: number): CaseMap => ({ type: 'array', keySize: 4, valueSize: 8 * count, maxEntries: 1 });
  return {
    name,
    maps: [words(tracePlaces(progs).words), words(WORD_COUNT), ...arrays],
    progs: graphProgs(progs),
    steps,
  };
}

export const hierarchyCases: readonly Case[] = hierarchies.map(caseOf);
