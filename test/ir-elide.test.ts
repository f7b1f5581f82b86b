/**
 * Checks that the dataflow drops: programs that try to make it drop one that is needed. Each runs against the interpreter, which knows
 * addresses only (test/fuzz/jit-sides.ts): the same violation at the same pc, and the same stack, maps and packet afterwards.
 */
import { beforeAll, expect, test } from 'vitest';
import { buildBlocks } from '../src/ir/block.ts';
import { findProvenance } from '../src/ir/provenance.ts';
import type { Op } from '../src/isa/op.ts';
import { checkStructure } from '../src/verifier/structural.ts';
import { linkedProg, mapSpec } from './engines.cases.ts';
import { bytesOf } from './fuzz/assemble-text.ts';
import { Fuzzer } from './fuzz/jit-sides.ts';

type Kind = 'exit' | 'violation';
interface Row {
  readonly name: string;
  readonly ends: Kind;
  readonly text: string;
  /** What slot 0 of the prog array holds: the program at index 1. */
  readonly next?: string;
}

/** r6 = context, r7 = data, r8 = data_end; packets have 64 bytes. */
const HEAD = `r6 = r1
r7 = *(u32 *)(r6 +0)
r8 = *(u32 *)(r6 +4)
`;
const TAIL = '\nout: r0 = 2\nexit\n';
/** `sub: ...` in the text begins the subprogram. */
const row = (name: string, ends: Kind, text: string, next?: string): Row => ({
  name,
  ends,
  text: HEAD + text.split('sub:')[0] + TAIL + (text.includes('sub:') ? `sub:${text.split('sub:')[1]}\n` : ''),
  ...(next !== undefined && { next }),
});

/** After the comparison, a load of one byte `off` behind r7; the packet ends `over` bytes behind it at the least. */
const edges: Row[] = [];
for (const width of ['r', 'w']) {
  for (const [relation, ptrFirst, inTaken, extra] of [
    ['>', true, false, 0],
    ['>=', true, false, 1],
    ['<', true, true, 1],
    ['<=', true, true, 0],
    ['>', false, true, 1],
    ['>=', false, true, 0],
    ['<', false, false, 0],
    ['<=', false, false, 1],
  ] as const) {
    const test = ptrFirst ? `${width}2 ${relation} ${width}8` : `${width}8 ${relation} ${width}2`;
    for (const at of [62, 63, 64, 65]) {
      // Everything is inside up to 64: where the comparison lets a longer one through, the access must still be stopped.
      for (const beyond of [-1, 0, 1]) {
        const reach = at + extra;
        const [taken, otherwise] = inTaken ? ['yes', 'no'] : ['no', 'yes'];
        const passes = reach <= 64;
        const access = (block: string) => {
          const off = block === 'yes' ? at + extra - 1 + beyond : at;
          return { off, bad: off > 63 };
        };
        const block = passes ? 'yes' : 'no';
        edges.push(
          row(
            `if ${test}, ${at}, ${beyond}`,
            access(block).bad ? 'violation' : 'exit',
            `r2 = r7; r2 += ${at}; if ${test} goto ${taken}
goto ${otherwise}
yes: r0 = *(u8 *)(r7 +${access('yes').off}); goto out
no: r0 = *(u8 *)(r7 +${access('no').off})`,
          ),
        );
      }
    }
  }
}

const CHECK = (n: number, reg = 'r7') => `r2 = ${reg}; r2 += ${n}; if r2 > r8 goto out; `;
const ADJUST = (helper: number, by: number) => `r1 = r6; r2 = ${by}; call ${helper}; `;
const [HEAD_HELPER, META_HELPER, TAIL_HELPER, LOAD_BYTES] = [44, 54, 65, 189];

const moved: Row[] = [
  row('the tail was cut off', 'violation', `${CHECK(64)}${ADJUST(TAIL_HELPER, -10)}r0 = *(u8 *)(r7 +60)`),
  row('the head was cut off', 'violation', `${CHECK(64)}${ADJUST(HEAD_HELPER, 10)}r0 = *(u8 *)(r7 +5)`),
  row(
    'compared with the end before the cut',
    'violation',
    `${ADJUST(TAIL_HELPER, -10)}${CHECK(64)}r0 = *(u8 *)(r7 +60)`,
  ),
  row(
    'compared with a spilled old end',
    'violation',
    `*(u64 *)(r10 -8) = r8; ${ADJUST(TAIL_HELPER, -10)}r8 = *(u64 *)(r10 -8); ${CHECK(64)}r0 = *(u8 *)(r7 +60)`,
  ),
  row(
    'old data, new end',
    'violation',
    `${ADJUST(HEAD_HELPER, 10)}r8 = *(u32 *)(r6 +4); ${CHECK(20)}r0 = *(u8 *)(r7 +5)`,
  ),
  row(
    'a callee cuts',
    'violation',
    `${CHECK(64)}r1 = r6; call sub; r0 = *(u8 *)(r7 +60); sub: ${ADJUST(TAIL_HELPER, -10)}r0 = 1; exit`,
  ),
  row(
    'a program that a callee tail-calls cuts',
    'violation',
    `${CHECK(64)}r1 = r6; call sub; r0 = *(u8 *)(r7 +60); sub: r2 = map[idx:2]; r3 = 1; call 12; r0 = 1; exit`,
    `${ADJUST(TAIL_HELPER, -10)}r0 = 1; exit`,
  ),
  row('a callee that does not cut', 'exit', `${CHECK(64)}r1 = r6; call sub; r0 = *(u8 *)(r7 +60); sub: r0 = 1; exit`),
  row(
    'data_meta grows',
    'exit',
    `${ADJUST(META_HELPER, -4)}r7 = *(u32 *)(r6 +8); r8 = *(u32 *)(r6 +4); ${CHECK(68)}r0 = *(u8 *)(r7 +67)`,
  ),
  row(
    'data_meta, one too far',
    'violation',
    `${ADJUST(META_HELPER, -4)}r7 = *(u32 *)(r6 +8); r8 = *(u32 *)(r6 +4); ${CHECK(68)}r0 = *(u8 *)(r7 +68)`,
  ),
];

/** R10 - 16 holds r7 with 64 bytes known; then something else is written there, and r2 is read back. */
const spill = (how: string, sub = '') =>
  `r9 = map[idx:5]+0; ${CHECK(64)}*(u64 *)(r10 -16) = r9; ${how}r2 = *(u64 *)(r10 -16); r0 = *(u64 *)(r2 +0)${sub}`;
/** r3 = a packet pointer, for all that is known, at the address that r3 has. */
const asPacket = `r4 = r7; r4 ^= -1; r5 = r3; r5 ^= -1; r5 -= r4; r3 = r7; r3 -= r5; `;
const bytes = `r1 = r6; r2 = 0; r4 = 8; call ${LOAD_BYTES}; `;
const overwritten: Row[] = [
  row('not overwritten', 'exit', spill('')),
  row('by one byte', 'violation', spill('*(u8 *)(r10 -12) = 1; ')),
  row('by the end of 8 bytes before', 'violation', spill('*(u64 *)(r10 -20) = -1; ')),
  row('by the start of 8 bytes behind', 'violation', spill('*(u64 *)(r10 -12) = -1; ')),
  row('through a copy of R10', 'violation', spill('r1 = r10; r1 += -16; *(u32 *)(r1 +4) = 1; ')),
  row(
    'through a computed copy',
    'violation',
    spill('r1 = r10; r3 = *(u8 *)(r7 +0); r3 &= 0; r1 += r3; *(u32 *)(r1 -12) = 1; '),
  ),
  row('through a number', 'violation', spill(`r1 = ${262144 - 12}; *(u32 *)(r1 +0) = 1; `)),
  row('by an atomic', 'violation', spill('r1 = -1; lock *(u64 *)(r10 -16) += r1; ')),
  row('by a callee', 'violation', spill('r1 = r10; r1 += -12; call sub; ', ' sub: *(u32 *)(r1 +0) = 1; r0 = 0; exit')),
  row('by load_bytes', 'violation', spill(`r3 = r10; r3 += -16; ${bytes}`)),
  row('by load_bytes through a number', 'violation', spill(`r3 = ${262144 - 16}; ${bytes}`)),
  row(
    'by load_bytes through what was a packet pointer',
    'violation',
    spill(`r3 = r10; r3 += -16; ${asPacket}${bytes}`),
  ),
  row('beside load_bytes', 'exit', spill(`r3 = r10; r3 += -32; ${bytes}`)),
];

const bases: Row[] = [
  row(
    'two bases meet, one is compared',
    'violation',
    `r4 = *(u8 *)(r7 +0); r4 &= 0; r4 += 60; r3 = r7; if r4 == 0 goto join; r3 += r4
join: ${CHECK(8)}r0 = *(u64 *)(r3 +0)`,
  ),
  row(
    'made again by the same insn',
    'violation',
    `r5 = 0
again: r4 = *(u8 *)(r7 +0); r4 &= 0; r4 += r5; r3 = r7; r3 += r4; if r5 > 0 goto second; r9 = r3
second: r5 += 60; r2 = r9; r2 += 4; if r2 > r8 goto out; if r5 < 100 goto again; r0 = *(u8 *)(r3 +3); r0 = *(u8 *)(r3 +4)`,
  ),
  row(
    'what the last round compared',
    'violation',
    `r9 = r7; r5 = 0
again: r2 = r9; r2 += 8; if r5 > 2 goto use; if r2 > r8 goto out; r9 += 28; r5 += 1; goto again
use: r0 = *(u8 *)(r9 +0)`,
  ),
  row(
    'a copy from the round before',
    'violation',
    `r9 = r7; r5 = r7
again: r2 = r5; r2 += 1; if r2 > r8 goto out; r0 = *(u8 *)(r9 +0); r5 = r9; r9 += 40; goto again`,
  ),
  row(
    'two ways, one compared',
    'violation',
    `r3 = r7; ${CHECK(8)}r0 = *(u8 *)(r7 +0); if r0 & 1 goto odd; r3 += 60
odd: r0 = *(u32 *)(r3 +4); r3 = r7; r3 += 61; r0 = *(u32 *)(r3 +0)`,
  ),
  row(
    'a negative number added',
    'violation',
    `r4 = *(u8 *)(r7 +0); r4 &= 1; r4 += -300; r3 = r7; r3 += r4; r2 = r3; r2 += 8; if r2 > r8 goto out; r0 = *(u8 *)(r3 +0)`,
  ),
  row(
    'a sum that wraps',
    'violation',
    `r4 = -1; w4 = w4; r4 <<= 31; r5 = 0
again: r5 += r4; r9 += 1; if r9 < 2 goto again; r3 = r7; r3 += r5; r3 += r5; r4 = r7; r4 ^= -1; r2 = r3; r2 += r3; r2 += 8; if r2 > r8 goto wild; goto out
wild: r0 = *(u8 *)(r3 +0)`,
  ),
  row(
    'a negative offset',
    'violation',
    `r3 = r7; r3 += -8; r2 = r3; r2 += 8; if r2 > r8 goto out; r0 = *(u8 *)(r3 +0)`,
  ),
  row('equal targets', 'violation', `r2 = r7; r2 += 100; if r2 > r8 goto pc+0; r0 = *(u8 *)(r7 +99)`),
  row(
    'signed, and not equal',
    'violation',
    `r2 = r7; r2 += 100; if r2 s> r8 goto s; r0 = 0; goto out
s: if r2 != r8 goto n; goto out
n: if r2 & r8 goto j; goto out
j: r0 = *(u8 *)(r7 +99)`,
  ),
  row(
    '32 bits of a pointer with high bits',
    'violation',
    `r4 = 1; r4 <<= 32; r7 += r4; r2 = r7; r2 += 8; if w2 > w8 goto out; r0 = *(u8 *)(r7 +0)`,
  ),
  row('a map value moved to its neighbour', 'violation', `r3 = map[idx:5]+0; r3 += 24; r0 = *(u8 *)(r3 +0)`),
];

const sizes: Row[] = [
  row('a constant above 16 bits', 'violation', 'r1 = r10; r1 += -8; r2 = 70000; r3 = 0; r4 = 0; r5 = 0; call 28'),
  row(
    'a size that is known only as it runs',
    'violation',
    'r1 = r10; r1 += -8; r2 = 0x12345; r2 ^= 3; r3 = 0; r4 = 0; r5 = 0; call 28',
  ),
  row('more than any size may be', 'violation', 'r1 = r10; r1 += -8; w2 = -1; r3 = 0; r4 = 0; r5 = 0; call 28'),
  row('a map value', 'violation', 'r1 = map[idx:5]+0; r2 = 100000; r3 = 0; r4 = 0; r5 = 0; call 28'),
];

/** Ids of joins in a caller are not those of its callee, also in slots that are no multiple of 8. */
const joins: Row[] = [
  row(
    'an id of the caller in a slot of the callee',
    'violation',
    `r9 = r7; r0 = *(u8 *)(r7 +0); if r0 & 1 goto odd; r9 += 1
odd: r1 = r9; r2 = r7; r3 = r8; call sub; sub: *(u64 *)(r10 -12) = r1; r9 = r2; r9 += 58; r0 = *(u8 *)(r2 +0); if r0 & 1 goto odd2; r9 += 1
odd2: r4 = r1; r4 += 8; if r4 > r3 goto out2; r4 = r9; r5 = *(u64 *)(r10 -12); r4 = r5; r4 += 8; if r4 > r3 goto out2; r0 = *(u64 *)(r9 +0)
out2: r0 = 1; exit`,
  ),
];

let fuzzer: Fuzzer;
beforeAll(async () => {
  fuzzer = await Fuzzer.create();
});

test.each(Object.entries({ edges, moved, overwritten, bases, sizes, joins }))('%s', async (_name, rows) => {
  for (const one of rows) {
    const group = [bytesOf(one.text), bytesOf(one.next === undefined ? 'r0 = 1\nexit' : `r6 = r1; ${one.next}`)];
    const [result] = await fuzzer.group(group, 1);
    expect.soft(result?.difference, one.name).toBe(undefined);
    // A pointer into a caller's frame: the interpreter leaves it to the engine.
    if (result?.outcome !== 'ambiguous') expect.soft(result?.outcome, one.name).toBe(one.ends);
    expect.soft(result?.stopped, one.name).toBe(one.ends === 'violation');
  }
});

test.each(['hash', 'prog_array', 'percpu_array', 'array'] as const)(
  'the address of a value in a map of type %s',
  (type) => {
    const maps = [mapSpec('m', { type, keySize: 4, valueSize: type === 'prog_array' ? 4 : 64, maxEntries: 4 })];
    const prog = linkedProg(
      { name: 'p', insns: bytesOf('r1 = map[idx:0]+8; *(u64 *)(r1 +0) = -1; r0 = 0; exit') },
      maps,
    );
    if (type === 'array') expect(checkStructure(prog).funcs.length).toBe(1);
    else expect(() => checkStructure(prog)).toThrow('only an array map has one');
  },
);

test('facts of calls do not count where a function is also a callback', () => {
  const insns = bytesOf(
    'r2 = *(u32 *)(r1 +4); r1 = *(u32 *)(r1 +0); r3 = r1; r3 += 4; if r3 > r2 goto out; call sub; out: r0 = 0; exit; sub: r0 = *(u8 *)(r1 +0); exit',
  );
  const checked = checkStructure(linkedProg({ name: 'p', insns }));
  const shapes = checked.funcs.map((f) => ({ ...f, blocks: buildBlocks(checked.ops, f.start, f.end) }));
  const [start, at] = [8, 8];
  expect(shapes[1]?.start).toBe(start);
  expect(findProvenance(checked.ops, shapes).base[at]).toMatchObject({ kind: 'packet', base: { range: 4 } });
  const address: Op = { kind: 'lddw', dst: 0, value: { kind: 'func', target: start } };
  const taken = checked.ops.map((op, pc) => (pc === 6 ? address : op));
  expect(findProvenance(taken, shapes).base[at]).toEqual({ kind: 'unknown' });
});
