/** What a thread has of its own on the engine's memory: a runtime, a table, an instance of every module, a struct Vm. */

import { STATS_RUNS, VM_CPU, VM_FRAME_TOP, VM_TRACE_ON, VM_TRACE_USED } from '../../../assembly/abi.ts';
import { MAX_BPF_STACK } from '../../../assembly/isa.ts';
import { RunError } from '../../errors/index.ts';
import type { BatchProg } from '../../runtime/batch.ts';
import type { CodeUnit, UnitProg } from '../../runtime/code-unit.ts';
import type { RuntimeExports } from '../../runtime/exports.ts';
import { Memory } from '../../runtime/memory.ts';
import { progImports } from '../../runtime/prog-imports.ts';
import type { Sync, ThreadSetup } from './protocol.ts';
import type { Runner } from './thread-run.ts';

type Handler = (...args: readonly [bigint, bigint, bigint, bigint, bigint, number]) => bigint;

/** A program as this thread runs it. */
export interface ThreadProg extends BatchProg {
  readonly func: unknown;
  readonly handler: Handler | undefined;
  readonly unit: UnitProg;
  addTime(): void;
}

export class Instance implements Runner {
  readonly index: number;
  readonly memory: Memory;
  readonly vm: number;
  readonly runtime: RuntimeExports;
  running = false;
  /** Takes trace records out of this thread's buffer. */
  onTrace: () => void = () => {};
  private readonly table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
  private readonly units = new Map<number, CodeUnit>();
  private readonly progs = new Map<number, ThreadProg>();
  private readonly filled = new Set<number>();

  constructor({ index, memory, module, vm }: ThreadSetup) {
    this.index = index;
    this.memory = new Memory(memory);
    this.vm = vm;
    const env = {
      memory,
      table: this.table,
      vm: new WebAssembly.Global({ value: 'i32', mutable: false }, vm),
      trace_full: () => this.onTrace(),
    };
    this.runtime = new WebAssembly.Instance(module, { env }).exports as unknown as RuntimeExports;
  }

  alloc(bytes: number, what: string): number {
    const address = this.runtime.alloc(bytes) >>> 0;
    if (address === 0) throw new RunError('RUN_MEMORY', { what, bytes });
    return address;
  }

  reserve(bytes: number, what: string): number {
    const address = this.runtime.alloc_raw(bytes) >>> 0;
    if (address === 0) throw new RunError('RUN_MEMORY', { what, bytes });
    return address;
  }

  progName(id: number): string {
    return this.progs.get(id)?.unit.name ?? `#${id}`;
  }

  prog(id: number): ThreadProg {
    const prog = this.progs.get(id);
    if (prog === undefined) throw new RunError('RUN_INTERNAL', { detail: `program ${id} is not there` });
    return prog;
  }

  /** What a program makes of what it threw. */
  handle(progId: number, cookie: bigint): number {
    const { handler } = this.prog(progId);
    const frame = this.memory.u32(this.vm + VM_FRAME_TOP) - MAX_BPF_STACK;
    const result = handler === undefined ? cookie : handler(cookie, 0n, 0n, 0n, 0n, frame);
    return Number(result & 0xffffffffn);
  }

  afterBatch(): void {
    const { memory, vm } = this;
    if (memory.u32(vm + VM_TRACE_ON) !== 0 && memory.u32(vm + VM_TRACE_USED) !== 0) this.onTrace();
  }

  get cpu(): number {
    return this.memory.u32(this.vm + VM_CPU);
  }

  sync({ all, units, gone, tableLength, slots }: Sync): void {
    if (all) for (const slot of this.filled) this.setSlot(slot, null);
    for (const id of gone) this.drop(id);
    if (tableLength > this.table.length) this.table.grow(tableLength - this.table.length);
    for (const unit of units) this.add(unit);
    if (all) for (const { unit } of this.progs.values()) this.setCallbacks(unit);
    for (const [slot, prog] of slots) this.setSlot(slot, prog === 0 ? null : this.prog(prog).func);
  }

  private readonly exports = new Map<number, WebAssembly.Exports>();

  private setCallbacks(prog: UnitProg): void {
    for (const [slot, name] of prog.callbacks) this.setSlot(slot, this.exports.get(prog.id)?.[name] ?? null);
  }

  private setSlot(slot: number, func: unknown): void {
    this.table.set(slot, func as (() => void) | null);
    if (func === null) this.filled.delete(slot);
    else this.filled.add(slot);
  }

  private add(unit: CodeUnit): void {
    const { memory, table, vm, runtime } = this;
    const stats = unit.progs.map((prog) => [prog.name, prog.stats[this.index + 1]] as const);
    const imports = progImports({ memory: memory.raw, table, vm, runtime, stats });
    const { exports } = new WebAssembly.Instance(unit.module, imports);
    this.units.set(unit.id, unit);
    for (const prog of unit.progs) {
      this.exports.set(prog.id, exports);
      this.progs.set(prog.id, this.threadProg(prog, exports));
      this.setCallbacks(prog);
    }
  }

  private threadProg(unit: UnitProg, exports: WebAssembly.Exports): ThreadProg {
    const runs = unit.stats[this.index + 1] + STATS_RUNS;
    return {
      unit,
      func: exports[unit.name],
      loop: exports[`run:${unit.name}`] as (ctx: number, end: number) => void,
      handler: exports[`${unit.name}:handler`] as Handler | undefined,
      stopsEarly: unit.stopsEarly,
      addRuns: (count) => {
        if (unit.inlined) this.memory.setU64(runs, this.memory.u64(runs) + BigInt(count));
      },
      addTime: () => {},
    };
  }

  private drop(id: number): void {
    for (const prog of this.units.get(id)?.progs ?? []) {
      this.progs.delete(prog.id);
      this.exports.delete(prog.id);
    }
    this.units.delete(id);
  }
}
