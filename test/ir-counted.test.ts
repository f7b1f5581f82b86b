/** Loops that pay for all rounds at once: the number of rounds is never below what the loop really runs, in every form of counter and test. */
import { expect, test } from 'vitest';
import { buildBlocks } from '../src/ir/block.ts';
import { makeReducible } from '../src/ir/irreducible.ts';
import { structure } from '../src/ir/structure.ts';
import { assemble } from '../src/isa/asm.ts';
import { decodeOp } from '../src/isa/decode.ts';
import type { JumpName, Op } from '../src/isa/op.ts';
import { alu, condition } from './conformance/semantics.ts';
import { bytesOf } from './fuzz/assemble-text.ts';
import { Fuzzer } from './fuzz/jit-sides.ts';

const CODES: Record<JumpName, number> = {
  eq: 0x10,
  gt: 0x20,
  ge: 0x30,
  set: 0x40,
  ne: 0x50,
  sgt: 0x60,
  sge: 0x70,
  lt: 0xa0,
  le: 0xb0,
  slt: 0xc0,
  sle: 0xd0,
};

/** `top`: the test leaves, at the head; otherwise it goes back, at the end. `before`: the counter grows before it is tested. */
interface Form {
  readonly top: boolean;
  readonly before: boolean;
  readonly add: 32 | 64;
  readonly test: 32 | 64;
  readonly op: JumpName;
  readonly start: number;
  readonly step: number;
  readonly bound: number;
}

function opsOf(f: Form): Op[] {
  const imm = (value: number) => ({ kind: 'imm', value }) as const;
  const add: Op = { kind: 'alu', op: 'add', width: f.add, dst: 3, src: imm(f.step) };
  const other: Op = { kind: 'alu', op: 'add', width: 64, dst: 4, src: imm(1) };
  const jcond = (target: number): Op => ({ kind: 'jcond', op: f.op, width: f.test, dst: 3, src: imm(f.bound), target });
  const start: Op = { kind: 'alu', op: 'mov', width: 64, dst: 3, src: imm(f.start) };
  const [first, second] = f.before ? [add, other] : [other, add];
  if (f.top) return [start, first, jcond(5), second, { kind: 'ja', target: 1 }, { kind: 'exit' }];
  return f.before
    ? [start, other, add, jcond(1), { kind: 'exit' }]
    : [start, other, jcond(5), { kind: 'exit' }, other, add, { kind: 'ja', target: 1 }];
}

/** Rounds the loop runs, as far as `limit`. */
function simulate(ops: readonly Op[], limit: number): number {
  let value = 0n;
  let rounds = 0;
  for (let pc = 0; rounds <= limit; ) {
    const op = ops[pc] as Op;
    if (pc === 1) rounds++;
    if (op.kind === 'exit') break;
    if (op.kind === 'ja') pc = op.target;
    else if (op.kind === 'jcond' && op.src.kind === 'imm') {
      pc = condition(CODES[op.op], op.width, value, BigInt(op.src.value)) ? op.target : pc + 1;
    } else {
      if (op.kind === 'alu' && op.dst === 3 && op.src?.kind === 'imm') {
        value = alu(op.op === 'mov' ? 0xb0 : 0, op.width, 0, value, BigInt(op.src.value));
      }
      pc++;
    }
  }
  return rounds;
}

const roundsOf = (ops: readonly (Op | undefined)[]): (number | undefined)[] =>
  structure(makeReducible(buildBlocks(ops, 0, ops.length)), ops).flatMap((step) =>
    step.kind === 'loop' ? [step.rounds] : [],
  );

function* forms(): Generator<Form> {
  const ends = [0, 2, 0x7ffffff0, 0x7fffffff, -1];
  for (const top of [true, false])
    for (const before of [true, false])
      for (const add of [32, 64] as const)
        for (const width of [32, 64] as const)
          for (const op of Object.keys(CODES) as JumpName[])
            for (const start of ends)
              for (const step of [1, 3, 0xffff, -1])
                for (const bound of [...ends, start + 7, start + 12].filter((b) => b === (b | 0)))
                  yield { top, before, add, test: width, op, start, step, bound };
}

test('rounds are an upper bound in every form of loop', { timeout: 60_000 }, () => {
  let counted = 0;
  for (const form of forms()) {
    const ops = opsOf(form);
    const [rounds] = roundsOf(ops);
    if (rounds === undefined) continue;
    counted++;
    const real = simulate(ops, rounds);
    if (real > rounds) expect.fail(`${JSON.stringify(form)}: more than ${rounds} rounds`);
  }
  expect(counted).toBeGreaterThan(1000);
});

const decode = (text: string): (Op | undefined)[] => {
  const insns = assemble(text);
  return insns.map((insn, pc) => (insns[pc - 1]?.opcode === 0x18 ? undefined : decodeOp(insn, insns[pc + 1], pc)));
};

test.each([
  ['a plain loop', [11], 'r3 = 0\nl: r3 += 1\nr4 += 1\nif r3 > 10 goto out\ngoto l\nout: exit'],
  [
    'the function begins with the outer loop',
    [undefined, undefined],
    'o: r5 += 1\nl: r3 += 1\nif r3 != 100 goto l\nr3 = 99\nr4 += 1\nif r4 < 10 goto o\nexit',
  ],
  ['a call writes it', [undefined], 'r3 = 0\nl: r3 += 1\ncall 7\nif r3 != 10 goto l\nexit'],
  [
    'an atomic writes it',
    [undefined],
    'r3 = 0\nl: r3 += 1\nr3 = atomic64_fetch_add((u64 *)(r10 -8), r3)\nif r3 != 10 goto l\nexit',
  ],
  ['it grows on one way only', [undefined], 'r3 = 0\nl: if r4 == 0 goto t\nr3 += 1\nt: if r3 != 10 goto l\nexit'],
  [
    'it is tested on one way only',
    [undefined],
    'r3 = 0\nl: r3 += 1\nif r4 == 0 goto l2\nif r3 == 10 goto out\nl2: goto l\nout: exit',
  ],
  ['an exit in the middle', [4], 'r3 = 0\nl: r3 += 1\nif r3 == 4 goto out\nr4 += 1\nif r3 != 100 goto l\nout: exit'],
  [
    'a body that costs more than is paid at once',
    [undefined],
    'r3 = 0\nl: r3 += 1\nr4 += 1\nif r3 != 1000000 goto l\nexit',
  ],
])('%s', (_, rounds, text) => {
  expect(roundsOf(decode(text))).toEqual(rounds);
});

/** Half of what a program executes in loops is not a budget it can end with: `jit-sides.ts` runs each with that one, too. */
test.each([
  ['two entries', 'r3 = 0\nif r1 == 0 goto b\na: r4 += 1\nb: r3 += 1\nif r3 < 3000 goto a\nr0 = 1\nexit'],
  [
    'a loop into which everything jumps',
    'r3 = 0\nr4 = *(u32 *)(r1 +0)\na: r3 += 1\nif r3 & 1 goto c\nb: r3 += 1\nif r3 > 4000 goto out\nif r3 & 2 goto a\nc: r3 += 1\nif r3 & 4 goto b\nr4 += 1\nif r4 & 1 goto a\ngoto b\nout: r0 = 1\nexit',
  ],
  [
    'a body behind its latch',
    'r3 = 0\nl: r3 += 1\ngoto body\nlatch: if r3 < 900 goto l\nr0 = 1\nexit\nbody: r4 += 1\nr4 += 2\nr4 += 3\nr4 += 4\nr4 += 5\nr4 += 6\nr4 += 7\ngoto latch',
  ],
  [
    'counted in uncounted',
    'r3 = 0\nr5 = 0\no: r4 = 0\nl: r4 += 1\nif r4 != 20 goto l\nr3 += 1\nr5 += r3\nif r3 < 200 goto o\nr0 = 1\nexit',
  ],
  [
    'calls in a loop',
    'r6 = 0\nl: call sub\nr6 += 1\nif r6 < 300 goto l\nr0 = 1\nexit\nsub: r1 = 1\nr1 = 2\nr1 = 3\nr1 = 4\nr1 = 5\nr1 = 6\nr0 = 7\nexit',
  ],
  [
    'a loop in a callee',
    'r6 = 0\nl: call sub\nr6 += 1\nif r6 < 30 goto l\nr0 = 1\nexit\nsub: r1 = 0\nm: r1 += 1\nif r1 < 100 goto m\nr0 = 7\nexit',
  ],
  ['may_goto', 'r6 = 0\nl: r6 += 1\nif r6 > 3000 goto out\nmay_goto out\ngoto l\nout: r0 = 1\nexit'],
])('the budget holds: %s', async (_, text) => {
  const fuzzer = await Fuzzer.create();
  const [result] = await fuzzer.group([bytesOf(text)], 1);
  expect(result).toEqual({ difference: undefined, outcome: 'exit', stopped: false, halved: true });
});
