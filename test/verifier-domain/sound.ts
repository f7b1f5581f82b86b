// A random chain on the domains and on concrete numbers: what is known of a register admits the number it has, on every branch.

import { disassemble } from '../../src/isa/disasm.ts';
import { scalarText } from '../../src/verifier/scalar-text.ts';
import { edge64, insnsOf, type Operand, REGS, randomStep, type Step } from './chain.ts';
import { alu, compare, signExtend, swapBytes } from './concrete.ts';
import { admits, type Domain, readScalar } from './module.ts';
import { apply, otherAt, regAt, start } from './simulate.ts';

type Random = (below: number) => number;
type Numbers = Map<number, bigint>;

const u64 = (v: bigint): bigint => BigInt.asUintN(64, v);

function operandOf(numbers: Numbers, src: Operand): bigint {
  return 'reg' in src ? (numbers.get(src.reg) as bigint) : u64(BigInt(src.imm));
}

/** The number in the step's destination. */
function run(step: Exclude<Step, { kind: 'jump' }>, numbers: Numbers, random: Random): bigint {
  const dst = numbers.get(step.dst) as bigint;
  switch (step.kind) {
    case 'load': {
      const bits = step.size * 8;
      const loaded = BigInt.asUintN(bits, edge64(random));
      return step.signed ? signExtend(loaded, bits, true) : loaded;
    }
    case 'const':
      return step.value;
    case 'alu':
      return alu(step.op, step.is64, dst, operandOf(numbers, step.src));
    case 'end':
      return step.opcode === 0xd4 ? BigInt.asUintN(step.size, dst) : swapBytes(dst, step.size);
    default: {
      const src = numbers.get(step.src) as bigint;
      if (step.bits !== 0) return signExtend(src, step.bits, step.is64);
      return step.is64 ? src : BigInt.asUintN(32, src);
    }
  }
}

function check(domain: Domain, step: Step, numbers: Numbers, at: (reg: number) => number): void {
  for (const reg of REGS) {
    const number = numbers.get(reg) as bigint;
    if (admits(domain, at(reg), number) && domain.isConsistent(at(reg))) continue;
    const known = scalarText(readScalar(domain, at(reg)));
    throw new Error(`${disassemble(insnsOf(step, 0))}: R${reg}=${known} is 0x${number.toString(16)}`);
  }
}

/** Numbers are checked on the branch they take; the chain goes on with the one that more of them take. */
export function soundChain(domain: Domain, random: Random, length: number, samples: number): number {
  start(domain);
  let checks = 0;
  let alive: Numbers[] = Array.from({ length: samples }, () => new Map(REGS.map((reg) => [reg, u64(edge64(random))])));
  for (let i = 0; i < length && alive.length > 0; i++) {
    const step = randomStep(random);
    const outcome = apply(domain, step);
    checks += alive.length;
    if (step.kind !== 'jump') {
      for (const numbers of alive) numbers.set(step.dst, run(step, numbers, random));
    } else {
      alive = branch(domain, step, outcome, alive);
    }
    for (const numbers of alive) check(domain, step, numbers, regAt);
  }
  return checks;
}

function branch(domain: Domain, step: Step & { kind: 'jump' }, outcome: number, alive: Numbers[]): Numbers[] {
  const holds = (n: Numbers): boolean => compare(step.op, step.is32, n.get(step.dst) as bigint, operandOf(n, step.src));
  if (outcome >= 0) {
    if (alive.some((numbers) => holds(numbers) !== (outcome === 1))) {
      throw new Error(`${disassemble(insnsOf(step, 0))}: outcome ${outcome} is wrong`);
    }
    return alive;
  }
  const taken = alive.filter(holds);
  for (const numbers of taken) check(domain, step, numbers, otherAt);
  if (taken.length * 2 <= alive.length) return alive.filter((numbers) => !holds(numbers));
  for (const numbers of alive.filter((n) => !holds(n))) check(domain, step, numbers, regAt);
  for (const reg of REGS) domain.copyScalar(regAt(reg), otherAt(reg));
  return taken;
}
