// A random chain on the domains and in the kernel: the first step behind which they differ.

import { disassemble } from '../../src/isa/disasm.ts';
import { scalarText } from '../../src/verifier/scalar-text.ts';
import { insnsOf, REGS, randomStep, type Step } from './chain.ts';
import { askKernel, type Placed } from './kernel.ts';
import { type Domain, readScalar } from './module.ts';
import { apply, applyUnlink, isSplit, otherAt, regAt, start } from './simulate.ts';

type Texts = ReadonlyMap<number, string>;

interface Expected extends Placed {
  readonly before: Texts;
  readonly after: Texts;
  /** Behind the insn that takes a move's link away. */
  readonly unlinked?: Texts;
  readonly taken?: Texts;
  readonly outcome: number;
}

function texts(domain: Domain, at: (reg: number) => number): Texts {
  return new Map(REGS.map((reg) => [reg, scalarText(readScalar(domain, at(reg)))]));
}

function expectation(domain: Domain, step: Step): Expected {
  const before = texts(domain, regAt);
  const outcome = apply(domain, step);
  const both = step.kind === 'jump' && outcome < 0;
  const after = texts(domain, regAt);
  if (step.kind !== 'move') {
    const inside = step.kind === 'jump' && !both;
    return { step, inside, before, after, outcome, ...(both && { taken: texts(domain, otherAt) }) };
  }
  applyUnlink(domain, step.dst);
  return { step, inside: false, before, after, outcome, unlinked: texts(domain, regAt) };
}

export function makeChain(domain: Domain, random: (below: number) => number, length: number): Expected[] {
  start(domain);
  const next = (): Step => {
    const step = randomStep(random);
    return isSplit(domain, step) ? next() : step;
  };
  return Array.from({ length }, () => expectation(domain, next()));
}

const show = (state: Texts): string => [...state].map(([reg, text]) => `R${reg}=${text}`).join(' ');

function differs(ours: Texts, theirs: Texts | undefined): boolean {
  return theirs !== undefined && [...theirs].some(([reg, text]) => ours.get(reg) !== text);
}

function differenceAt(expected: Expected, pc: number, known: ReturnType<typeof askKernel>): string | undefined {
  const { step, before, after, taken, unlinked } = expected;
  const theirs = known.after.get(pc);
  const say = (where: string, ours: Texts, kernel: Texts | undefined): string =>
    `${disassemble(insnsOf(step, 0))} (${where})\n  before: ${show(before)}\n  ours:   ${show(ours)}\n  kernel: ${show(kernel ?? new Map())}`;
  if (theirs === undefined) return say('not reached', after, undefined);
  if (differs(after, theirs)) return say('behind', after, theirs);
  if (unlinked !== undefined && differs(unlinked, known.after.get(pc + 1))) {
    return say('unlinked', unlinked, known.after.get(pc + 1));
  }
  const branch = known.taken.get(pc);
  if (step.kind !== 'jump') return undefined;
  if ((taken === undefined) !== (branch === undefined))
    return say(`outcome ${expected.outcome}`, taken ?? after, branch);
  return taken !== undefined && differs(taken, branch) ? say('taken', taken, branch) : undefined;
}

/** How many states were compared, and what differs. */
export function compareChain(chain: readonly Expected[], mapFd: number): { states: number; difference?: string } {
  const known = askKernel(chain, mapFd);
  let states = 0;
  for (const [i, expected] of chain.entries()) {
    const difference = differenceAt(expected, known.pcs[i], known);
    if (difference !== undefined) return { states, difference };
    states += (known.after.get(known.pcs[i])?.size ?? 0) + (known.taken.get(known.pcs[i])?.size ?? 0);
  }
  return { states };
}
