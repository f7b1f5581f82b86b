/**
 * Programs of a size that real ones have, each made of one thing that costs a verifier time. Their text is src/isa/asm.ts's; the numbers in
 * them come from a seeded generator, so that every run judges the same insns.
 */
import type { VerifierCase } from '../../test/verifier/case.ts';

type Text = Pick<VerifierCase, 'name' | 'insns' | 'maps' | 'type'>;

/** xorshift32. */
class Numbers {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

const END = 'r0 = 2\nexit';

/** No branch at all: ten registers, half of them unknown. */
function alu(count: number): Text {
  const numbers = new Numbers(1);
  const reg = (): string => `r${numbers.below(10)}`;
  const binary = ['+=', '-=', '*=', '&=', '|=', '^='];
  const step = (): string => {
    const half = numbers.below(3) === 0 ? 'w' : 'r';
    const dst = reg().replace('r', half);
    const kind = numbers.below(10);
    if (kind < 1) return `${dst} = ${reg().replace('r', half)}`;
    if (kind < 2) return `${dst} ${numbers.of(['<<=', '>>='])} ${1 + numbers.below(31)}`;
    if (kind < 6) return `${dst} ${numbers.of(binary)} ${numbers.below(1 << 20)}`;
    return `${dst} ${numbers.of(binary)} ${reg().replace('r', half)}`;
  };
  const start = lines(9, (i) =>
    i % 2 === 0 ? `r${i + 2 > 9 ? 0 : i + 2} = *(u32 *)(r1 + 12)` : `r${i + 2} = ${i * 77}`,
  );
  return { name: `alu/${count}`, insns: `${start}\nr1 = 5\n${lines(count, step)}\n${END}` };
}

/** One line of stores at a bounded offset: each relies on the offset, which comes from the one before. */
function offsets(count: number): Text {
  const step = 'r7 &= 7\nr1 = r10\nr1 += -16\nr1 += r7\n*(u8 *)(r1 + 0) = 1\nr7 += 1';
  return { name: `offsets/${count}`, insns: `r7 = *(u32 *)(r1 + 12)\n${lines(count, () => step)}\n${END}` };
}

/** Branches that meet again, on something unknown that nobody relies on: each is walked once more, and found known. */
function diamonds(count: number): Text {
  const step = (i: number): string =>
    `r2 = r6\nr2 &= ${1 << (i % 30)}\nif r2 == 0 goto d${i}\nr7 += ${i}\nr8 ^= r7\nd${i}: r9 += 1`;
  const insns = `r6 = *(u32 *)(r1 + 12)\nr7 = r6\nr8 = 1\nr9 = 0\n${lines(count, step)}\n${END}`;
  return { name: `diamonds/${count}`, insns };
}

/** Branches whose outcome is relied on, so that few states cover each other: what comparing states costs. */
function sums(count: number): Text {
  const step = (i: number): string =>
    `r2 = r6\nr2 &= ${1 << i}\nif r2 == 0 goto d${i}\nr7 += ${1 << i}\nd${i}: r8 += 1`;
  const stack = lines(16, (i) => `*(u64 *)(r10 - ${8 * (i + 1)}) = r6`);
  const read = lines(16, (i) => `r3 = *(u64 *)(r10 - ${8 * (i + 1)})\nr0 += r3`);
  const use = `r1 = r10\nr7 &= ${(1 << count) - 1}\nif r7 > ${1 << count} goto out\nr3 = r7\nr3 >>= ${count}\nr1 += r3\nr4 = *(u8 *)(r1 - 8)`;
  const insns = `r6 = *(u32 *)(r1 + 12)\nr7 = 0\nr8 = 0\nr0 = 0\n${stack}\n${lines(count, step)}\n${use}\n${read}\nout: ${END}`;
  return { name: `sums/${count}`, insns };
}

/** Two loops in one another, a few insns in the inner one. */
function loops(outer: number, inner: number, name: string): Text {
  const body = 'r7 += r6\nr7 ^= r9\nr7 *= 31\nr9 += 1';
  const insns = `r6 = *(u32 *)(r1 + 12)
    r7 = 0
    r8 = 0
    a: r9 = 0
    b: ${body}
    if r9 < ${inner} goto b
    r8 += 1
    if r8 < ${outer} goto a
    ${END}`;
  return { name: `loops/${name}`, insns };
}

/** Static functions called from everywhere, each with a branch, each walked at every call. */
function subprogs(calls: number): Text {
  const functions = 12;
  const numbers = new Numbers(3);
  const call = (i: number): string => `r1 = r6\nr2 = ${i}\ncall f${numbers.below(functions)}\nr6 += r0`;
  const body = (i: number): string => `f${i}: *(u64 *)(r10 - 8) = r1
    r3 = r1
    r3 &= 255
    if r3 > ${i * 9 + 3} goto g${i}
    r3 += r2
    *(u64 *)(r10 - 16) = r3
    r3 = *(u64 *)(r10 - 16)
    g${i}: r0 = *(u64 *)(r10 - 8)
    r0 += r3
    r0 ^= ${i}
    exit`;
  const insns = `r6 = *(u32 *)(r1 + 12)\n${lines(calls, call)}\n${END}\n${lines(functions, body)}`;
  return { name: `subprogs/${calls}`, insns };
}

/** Lookups with their check for NULL, then reads and writes in the value at known and at bounded offsets. */
function lookups(count: number): Text {
  const numbers = new Numbers(4);
  const step = (i: number): string => `*(u32 *)(r10 - 4) = ${i}
    r2 = r10
    r2 += -4
    r1 = map[${numbers.of(['hash', 'array'])}]
    call bpf_map_lookup_elem
    if r0 == 0 goto n${i}
    r3 = *(u32 *)(r0 + ${4 * numbers.below(8)})
    r3 &= 31
    r4 = r0
    r4 += r3
    r5 = *(u8 *)(r4 + 0)
    r7 += r5
    *(u64 *)(r0 + ${8 * numbers.below(8)}) = r7
    n${i}: r6 += 1`;
  return {
    name: `lookups/${count}`,
    maps: {
      hash: { type: 'hash', key: 4, value: 64, entries: 1024 },
      array: { type: 'array', key: 4, value: 64, entries: 1024 },
    },
    insns: `r6 = 0\nr7 = 0\n${lines(count, step)}\n${END}`,
  };
}

/** All of the stack, spilled and filled at random, between branches: states are as large as one frame's can be. */
function spills(count: number): Text {
  const numbers = new Numbers(5);
  const at = (): number => 8 * (1 + numbers.below(64));
  const step = (i: number): string => {
    const kind = numbers.below(12);
    if (kind === 0) return `r2 = r6\nr2 &= ${1 << numbers.below(30)}\nif r2 == 0 goto s${i}\nr7 += 1\ns${i}: r8 ^= r7`;
    if (kind < 4) return `*(u64 *)(r10 - ${at()}) = r${numbers.of([6, 7, 8])}`;
    if (kind < 5) return `*(u32 *)(r10 - ${at()}) = w${numbers.of([7, 8])}`;
    if (kind < 6) return `r3 = r10\nr3 += -8\n*(u64 *)(r10 - ${8 * (2 + numbers.below(8))}) = r7`;
    if (kind < 9) return `r${numbers.of([7, 8])} = *(u64 *)(r10 - ${at()})`;
    return `r8 = *(u32 *)(r10 - ${at()})\nr7 += r8`;
  };
  const fill = lines(64, (i) => `*(u64 *)(r10 - ${8 * (i + 1)}) = r7`);
  const insns = `r6 = *(u32 *)(r1 + 12)\nr7 = r6\nr8 = 1\n${fill}\n${lines(count, step)}\n${END}`;
  return { name: `spills/${count}`, insns };
}

/** bpf_loop with a callback, many times: each call walks it until it converges. */
function callbacks(count: number): Text {
  const step = (i: number): string =>
    `r1 = ${100 + i}\nr2 = subprog[c${i % 4}]\nr3 = r10\nr3 += -16\nr4 = 0\ncall bpf_loop`;
  const body = (i: number): string => `c${i}: r3 = *(u64 *)(r2 + 0)
    r3 += r1
    if r3 > ${i + 7} goto e${i}
    r3 ^= ${i}
    e${i}: *(u64 *)(r2 + 0) = r3
    r4 = *(u64 *)(r2 + 8)
    r4 += 1
    *(u64 *)(r2 + 8) = r4
    r0 = 0
    exit`;
  const start = 'r6 = *(u32 *)(r1 + 12)\n*(u64 *)(r10 - 16) = r6\n*(u64 *)(r10 - 8) = r6';
  return { name: `callbacks/${count}`, insns: `${start}\n${lines(count, step)}\n${END}\n${lines(4, body)}` };
}

/** Loops of may_goto, one behind the other. */
function mayGoto(count: number): Text {
  const step = (i: number): string => `r7 = 0
    m${i}: may_goto o${i}
    r7 += 1
    r8 = r6
    r8 &= ${1 << (i % 30)}
    if r8 == 0 goto m${i}
    r9 ^= r7
    goto m${i}
    o${i}: r9 += 1`;
  return { name: `may-goto/${count}`, insns: `r6 = *(u32 *)(r1 + 12)\nr9 = 0\n${lines(count, step)}\n${END}` };
}

export const TEXTS: readonly Text[] = [
  alu(8000),
  offsets(2000),
  diamonds(1500),
  sums(14),
  loops(100, 160, '100k'),
  loops(300, 590, '900k'),
  subprogs(600),
  lookups(500),
  spills(6000),
  callbacks(200),
  mayGoto(150),
];
