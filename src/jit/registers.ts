/**
 * The registers of a function as locals: each register has one for its values of 64 bits and one for those that 32 are enough for. Which of
 * them holds it changes with every write, and is known for each insn.
 */
import { CompileError } from '../errors/index.ts';
import { FIRST_SLOT } from '../ir/effects.ts';
import type { Code } from './code.ts';
import * as w from './opcodes.ts';
import type { Plan } from './plan.ts';

const U32 = 0xffff_ffff;

export class Registers {
  private readonly code: Code;
  private readonly plan: Plan;
  private readonly low: number[] = [];
  private readonly wide: number[] = [];
  private readonly now: Int32Array;
  private pc = 0;

  /** `params`: local of R1, when R1..R5 are parameters. */
  constructor(code: Code, plan: Plan, params: number | undefined) {
    this.code = code;
    this.plan = plan;
    this.now = new Int32Array(plan.values.effects.count).fill(-1);
    if (params !== undefined) for (let r = 1; r <= 5; r++) this.wide[r] = params + r - 1;
  }

  private local(variable: number, low: boolean): number {
    const locals = low ? this.low : this.wide;
    locals[variable] ??= this.code.addLocal(low ? 'i32' : 'i64');
    return locals[variable];
  }

  private isLow(value: number): boolean {
    return value >= 0 && this.plan.narrow[value] === 1;
  }

  /** The code that follows is that of a block. */
  startBlock(block: number): void {
    const { values } = this.plan;
    const { count } = values.effects;
    for (let v = 0; v < count; v++) this.now[v] = values.entry[block * count + v];
  }

  /** The code that follows is that of the insn at `pc`. */
  startInsn(pc: number): void {
    this.pc = pc;
  }

  /** Registers that are read before anything writes them. */
  initial(): number[] {
    const found: number[] = [];
    this.plan.values.initial.forEach((value, variable) => {
      if (value >= 0 && variable < FIRST_SLOT) found.push(variable);
    });
    return found;
  }

  /** Takes what a register holds at the function's begin from the stack: an i64, or an i32 to be zero-extended. */
  setInitial(reg: number, type: 'i32' | 'i64'): void {
    this.take(reg, this.isLow(this.plan.values.initial[reg]), type);
  }

  /** A parameter whose register keeps 32 bits. */
  isLowInitial(reg: number): boolean {
    return this.isLow(this.plan.values.initial[reg]);
  }

  private take(variable: number, low: boolean, type: 'i32' | 'i64'): void {
    if (low && type === 'i64') this.code.op(w.I32_WRAP_I64);
    if (!low && type === 'i32') this.code.op(w.I64_EXTEND_I32_U);
    this.code.set(this.local(variable, low));
  }

  /** Takes what the current insn makes from the stack. */
  set(variable: number, type: 'i32' | 'i64'): void {
    const { made, varOf, effects } = this.plan.values;
    const value = made[this.pc - effects.start];
    if (value < 0 || varOf[value] !== variable) {
      throw new CompileError('COMPILE_INTERNAL', { detail: `the insn at ${this.pc} writes R${variable}` });
    }
    this.take(variable, this.isLow(value), type);
    this.now[variable] = value;
  }

  /** Whether 32 bits are kept of what the current insn makes. */
  makesLow(): boolean {
    const { made, effects } = this.plan.values;
    return this.isLow(made[this.pc - effects.start]);
  }

  /** Whether nobody reads what the current insn makes. */
  isDead(): boolean {
    const { made, effects } = this.plan.values;
    const value = made[this.pc - effects.start];
    return value >= 0 && this.plan.demand[value] === 0;
  }

  /** Whether somebody reads what the insn at `pc` makes, or it does something else than making a value. */
  isRead(pc: number): boolean {
    const { made, effects } = this.plan.values;
    const value = made[pc - effects.start];
    return value < 0 || this.plan.demand[value] > 0;
  }

  /** Puts a variable's 64-bit value on the stack. */
  push(variable: number): void {
    const low = this.isLow(this.now[variable]);
    this.code.get(this.local(variable, low));
    if (low) this.code.op(w.I64_EXTEND_I32_U);
  }

  /** Puts its low half on the stack. */
  pushLow(variable: number): void {
    const low = this.isLow(this.now[variable]);
    this.code.get(this.local(variable, low));
    if (!low) this.code.op(w.I32_WRAP_I64);
  }

  /** Whether a register is kept in 32 bits now. */
  isLowNow(variable: number): boolean {
    return this.isLow(this.now[variable]);
  }

  /** The largest number that a register can hold now. */
  maxNow(variable: number): number {
    const value = this.now[variable];
    return value >= 0 ? this.plan.max[value] : Number.POSITIVE_INFINITY;
  }

  /** Whether the upper half of a register is zero. */
  fits(variable: number): boolean {
    return this.maxNow(variable) <= U32;
  }
}
