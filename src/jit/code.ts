/**
 * Code of one function as it is written: registers as i64 locals, R10 as the i32 local `fp`, and a few scratch locals.
 * Lowering modules add to it; none of them keeps state of its own.
 */
import { WasmWriter } from './encoder.ts';
import * as op from './opcodes.ts';

export type ValType = 'i32' | 'i64';

/** What most functions fit. */
const CODE_SIZE = 2048;

const VALTYPE: Record<ValType, number> = { i32: op.I32, i64: op.I64 };

export class Code {
  readonly w = new WasmWriter(CODE_SIZE);
  /** Blocks, loops and ifs open now: a branch to the one that made it `d` has index `depth - d`. */
  depth = 0;
  private readonly locals: ValType[] = [];
  private readonly params: number;
  /** Programs that share a function may have numbers of either type by one name. */
  private readonly named = { i32: new Map<string, number>(), i64: new Map<string, number>() };

  /** `params`: how many locals are parameters. */
  constructor(params: number) {
    this.params = params;
  }

  /** A new local; zero at the function's entry. */
  addLocal(type: ValType): number {
    this.locals.push(type);
    return this.params + this.locals.length - 1;
  }

  /** The local of that name and type, made when first asked for. */
  local(name: string, type: ValType): number {
    const named = this.named[type];
    let index = named.get(name);
    if (index === undefined) {
      index = this.addLocal(type);
      named.set(name, index);
    }
    return index;
  }

  op(...opcodes: number[]): void {
    for (const o of opcodes) {
      if (o === op.END) this.depth--;
      this.w.u8(o);
    }
  }

  get(local: number): void {
    this.w.u8(op.LOCAL_GET);
    this.w.u32(local);
  }

  set(local: number): void {
    this.w.u8(op.LOCAL_SET);
    this.w.u32(local);
  }

  tee(local: number): void {
    this.w.u8(op.LOCAL_TEE);
    this.w.u32(local);
  }

  i32(value: number): void {
    this.w.u8(op.I32_CONST);
    this.w.s32(value);
  }

  /** An i64 constant from a signed 32-bit value. */
  i64(value: number): void {
    this.w.u8(op.I64_CONST);
    this.w.s32(value);
  }

  i64parts(lo: number, hi: number): void {
    this.w.u8(op.I64_CONST);
    this.w.s64(lo, hi);
  }

  /** Loads and stores; the alignment is a hint, and 1 is always true. */
  mem(opcode: number, offset: number): void {
    this.w.u8(opcode);
    this.w.u8(0);
    this.w.u32(offset);
  }

  /** An atomic access: its alignment is the size's. */
  atomic(opcode: number, size: number, offset: number): void {
    this.w.u8(op.ATOMIC_PREFIX);
    this.w.u8(opcode);
    this.w.u8(31 - Math.clz32(size));
    this.w.u32(offset);
  }

  call(func: number): void {
    this.w.u8(op.CALL);
    this.w.u32(func);
  }

  block(opcode: number, result: number = op.VOID_BLOCK): void {
    this.depth++;
    this.w.u8(opcode);
    this.w.u8(result);
  }

  br(opcode: number, depth: number): void {
    this.w.u8(opcode);
    this.w.u32(depth);
  }

  /** A jump table; targets are given as the `depth` inside of what they leave or repeat. */
  brTable(targets: readonly number[], otherwise: number): void {
    this.w.u8(op.BR_TABLE);
    this.w.u32(targets.length);
    for (const depth of [...targets, otherwise]) this.w.u32(this.depth - depth);
  }

  /** Function body: the locals, then the code. */
  body(): WasmWriter {
    const out = new WasmWriter(this.w.length + 4 * this.locals.length + 8);
    const runs: { type: ValType; count: number }[] = [];
    for (const type of this.locals) {
      const last = runs[runs.length - 1];
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    out.u32(runs.length);
    for (const run of runs) {
      out.u32(run.count);
      out.u8(VALTYPE[run.type]);
    }
    out.raw(this.w.finish());
    return out;
  }
}
