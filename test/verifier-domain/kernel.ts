// A chain in the running kernel: its log at level 2 says what it knows of each register behind each insn and at the start of each branch.

import { assemble } from '../../src/isa/asm.ts';
import { encodeInsns } from '../../src/isa/decode.ts';
import type { Insn } from '../../src/isa/insn.ts';
import { closeFd, loadProg } from '../kernel/bpf.ts';
import { insnsOf, type Step } from './chain.ts';

const HEAD = `
  r1 = map[values]
  r2 = r10
  r2 += -4
  *(u32 *)(r2 + 0) = 0
  call 1
  if r0 != 0 goto pc+1
  exit
  r6 = *(u64 *)(r0 + 0)
  r7 = *(u64 *)(r0 + 0)
  r8 = *(u64 *)(r0 + 0)
  r9 = *(u64 *)(r0 + 0)
`;
const PAD = assemble('r0 = 0\n exit');

/** A jump in a chain leaves it for good, or (`inside`) goes to the next insn as its other branch does. */
export interface Placed {
  readonly step: Step;
  readonly inside: boolean;
}

export interface Known {
  /** Text of R6..R9 behind the insn at a pc, where the log has it. */
  readonly after: ReadonlyMap<number, ReadonlyMap<number, string>>;
  /** The same on the branch that a jump at a pc took. */
  readonly taken: ReadonlyMap<number, ReadonlyMap<number, string>>;
  /** First insn of each step. */
  readonly pcs: readonly number[];
  readonly log: string;
}

function build(chain: readonly Placed[]): { insns: Insn[]; pcs: number[] } {
  const head = assemble(HEAD, { maps: ['values'] });
  const lengths = chain.map(({ step }) => insnsOf(step, 0).length);
  const pcs: number[] = [];
  let pc = head.length;
  for (const length of lengths) {
    pcs.push(pc);
    pc += length;
  }
  const insns = [...head];
  const pads: Insn[] = [...PAD];
  for (const [i, { step, inside }] of chain.entries()) {
    const leaves = step.kind === 'jump' && !inside;
    insns.push(...insnsOf(step, leaves ? pc + pads.length - pcs[i] - 1 : 0));
    if (leaves) pads.push(...PAD);
  }
  return { insns: [...insns, ...pads], pcs };
}

const NUMBER = /R([6-9])(?:_\w+)?=(P?(?:-?\d+|0x[0-9a-f]+)(?![\w(])|P?scalar\((?:[^()]|\([^()]*\))*\))/g;

/** Without links and precision. */
function registersOf(text: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const [, reg, value] of text.matchAll(NUMBER)) {
    found.set(Number(reg), value.replace(/^P/, '').replace(/id=\d+(?:[+-]\d+)?,?/, ''));
  }
  return found;
}

function parse(log: string): Omit<Known, 'pcs' | 'log'> {
  const after = new Map<number, Map<number, string>>();
  const taken = new Map<number, Map<number, string>>();
  let last = -1;
  for (const line of log.split('\n')) {
    const branch = line.match(/^from (\d+) to \d+: (.*)$/);
    if (branch !== null) {
      taken.set(Number(branch[1]), registersOf(branch[2]));
      last = -1;
      continue;
    }
    const insn = line.match(/^(\d+): \(..\) (.*)$/);
    if (insn !== null) {
      last = Number(insn[1]);
      after.set(last, registersOf(insn[2].slice(insn[2].indexOf(';') + 1)));
      continue;
    }
    // Where the log said something else in between, the state has a line of its own with the next pc.
    const state = line.match(/^\d+: (R\d+.*)$/);
    if (state !== null && last >= 0) after.set(last, registersOf(state[1]));
  }
  return { after, taken };
}

export function askKernel(chain: readonly Placed[], mapFd: number): Known {
  const { insns, pcs } = build(chain);
  const { fd, log } = loadProg({ type: 'xdp', insns: encodeInsns(insns), logLevel: 2, fdArray: [mapFd] });
  closeFd(fd);
  return { ...parse(log), pcs, log };
}
