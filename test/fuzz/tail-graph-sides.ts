/** The two that play a graph: the running kernel, and our engine, which runs its packets one by one or as a batch. */
import { CTX_SIZE, CTX_VERDICT } from '../../assembly/abi.ts';
import type { Engine, LoadOptions } from '../../src/engine.ts';
import { BpfError } from '../../src/errors/index.ts';
import type { Loaded } from '../../src/loader.ts';
import { runBatch } from '../../src/runtime/batch.ts';
import { frameSize, layFrame, writeContext } from '../../src/runtime/packet.ts';
import type { Prog, ProgStats } from '../../src/runtime/prog.ts';
import { describeViolation } from '../../src/runtime/trap.ts';
import { Bench, type MapShape } from '../engines.cases.ts';
import { closeFd, createMap, deleteElem, lookupElem, testRun, updateElem } from '../kernel/bpf.ts';
import { u32, u64 } from '../kernel/cases/bytes.ts';
import { ARRAYS, TRACE, WORD_COUNT, WORDS } from '../kernel/cases/tail-graph.ts';
import type { CaseProg } from '../kernel/cases/types.ts';
import { KernelError } from '../kernel/errno.ts';
import { loadCaseProg } from '../kernel/run.ts';

const PACKET = 64;

export const graphMaps = (words: number, sizes: readonly number[]): MapShape[] => [
  { type: 'array', keySize: 4, valueSize: 8 * words, maxEntries: 1 },
  { type: 'array', keySize: 4, valueSize: 8 * WORD_COUNT, maxEntries: 1 },
  ...sizes.map((size): MapShape => ({ type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: size })),
];

/** What a step of a graph does, done by one side. */
export interface Side {
  set(array: number, slot: number, prog: number): void;
  /** Whether there was something. */
  clear(array: number, slot: number): boolean;
  words(words: readonly bigint[]): void;
  run(prog: number, packets: readonly (readonly number[])[]): number[];
  close(prog: number): void;
  trace(): BigUint64Array;
  end(): void;
}

function packetOf(bytes: readonly number[]): Uint8Array {
  const packet = new Uint8Array(PACKET);
  packet.set(bytes);
  return packet;
}

export class KernelSide implements Side {
  private readonly maps: number[];
  private readonly traceSize: number;
  private readonly progs = new Map<number, number>();
  /** What the kernel said of each program it refused. */
  readonly refused = new Map<number, string>();

  constructor(shapes: readonly MapShape[], progs: readonly CaseProg[]) {
    this.maps = shapes.map((shape) => createMap(shape));
    this.traceSize = shapes[TRACE]!.valueSize;
    progs.forEach((prog, i) => {
      try {
        this.progs.set(i, loadCaseProg(prog, this.maps));
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        this.refused.set(i, `${error.code}\n${error.log}`);
      }
    });
  }

  set(array: number, slot: number, prog: number): void {
    updateElem(this.maps[ARRAYS + array]!, u32(slot), u32(this.progs.get(prog)!));
  }

  clear(array: number, slot: number): boolean {
    try {
      deleteElem(this.maps[ARRAYS + array]!, u32(slot));
      return true;
    } catch (error) {
      if (error instanceof KernelError && error.code === 'ENOENT') return false;
      throw error;
    }
  }

  words(words: readonly bigint[]): void {
    updateElem(this.maps[WORDS]!, u32(0), u64(...words));
  }

  run(prog: number, packets: readonly (readonly number[])[]): number[] {
    return packets.map((bytes) => testRun(this.progs.get(prog)!, { data: packetOf(bytes) }).retval);
  }

  close(prog: number): void {
    closeFd(this.progs.get(prog)!);
    this.progs.delete(prog);
  }

  trace(): BigUint64Array {
    return new BigUint64Array(lookupElem(this.maps[TRACE]!, u32(0), this.traceSize).buffer);
  }

  end(): void {
    for (const fd of [...this.progs.values(), ...this.maps]) closeFd(fd);
  }
}

export interface EngineWay {
  readonly name: string;
  /** How program `index` is compiled. */
  readonly options: (index: number) => LoadOptions;
  /** Each program in a module of its own. */
  readonly apart: boolean;
  /** All packets of a step in one call of the batch loop. */
  readonly batched: boolean;
}

export class EngineSide implements Side {
  private readonly bench: Bench;
  private readonly progs: ReadonlyMap<number, Prog>;
  private readonly batched: boolean;
  private readonly closed = new Set<number>();

  private constructor(bench: Bench, loaded: readonly Loaded[], way: EngineWay) {
    this.bench = bench;
    this.batched = way.batched;
    const all = loaded.flatMap(({ progs }) => [...progs]);
    this.progs = new Map(all.map(([name, prog]) => [Number(name.slice(1)), prog]));
  }

  /** The side, or why our engine refuses the programs. */
  static async create(
    engine: Engine,
    shapes: readonly MapShape[],
    progs: readonly CaseProg[],
    way: EngineWay,
  ): Promise<EngineSide | string> {
    const bench = new Bench(engine, shapes);
    try {
      const modules = way.apart ? progs.map((prog) => [prog]) : [progs];
      const loaded = await Promise.all(modules.map((module, i) => bench.load(module, way.options(i))));
      return new EngineSide(bench, loaded, way);
    } catch (error) {
      bench.close();
      if (error instanceof BpfError) return `refused here only: ${error.message}`;
      throw error;
    }
  }

  set(array: number, slot: number, prog: number): void {
    this.bench.maps[ARRAYS + array]!.set(slot, this.progs.get(prog));
  }

  clear(array: number, slot: number): boolean {
    return this.bench.maps[ARRAYS + array]!.delete(slot);
  }

  words(words: readonly bigint[]): void {
    this.bench.maps[WORDS]!.set(0, u64(...words));
  }

  run(index: number, packets: readonly (readonly number[])[]): number[] {
    const prog = this.progs.get(index)!;
    if (this.batched) return this.batch(prog, packets);
    return packets.map((bytes) => {
      const { returnValue, violation } = prog.run(packetOf(bytes));
      if (violation !== undefined) throw new Error(describeViolation(violation));
      return returnValue;
    });
  }

  private batch(prog: Prog, packets: readonly (readonly number[])[]): number[] {
    const { engine } = this.bench;
    const { memory } = engine;
    const count = packets.length;
    const ctx = engine.frames(count * (CTX_SIZE + frameSize(PACKET)));
    packets.forEach((bytes, i) => {
      const frame = layFrame(ctx + count * CTX_SIZE + i * frameSize(PACKET), PACKET);
      memory.u8.set(packetOf(bytes), frame.data);
      writeContext(memory.view, ctx + i * CTX_SIZE, { ...frame, timeNs: 0n, wireLength: PACKET });
    });
    runBatch(engine, prog, { ctx, count }, (violation) => {
      throw new Error(describeViolation(violation));
    });
    return packets.map((_, i) => memory.u32(ctx + i * CTX_SIZE + CTX_VERDICT));
  }

  close(prog: number): void {
    this.progs.get(prog)!.close();
    this.closed.add(prog);
  }

  trace(): BigUint64Array {
    return new BigUint64Array(this.bench.maps[TRACE]!.get(0, { raw: true })!.slice().buffer);
  }

  /** Statistics of every program that can still be asked. */
  stats(): ReadonlyMap<number, ProgStats> {
    const open = [...this.progs].filter(([index]) => !this.closed.has(index));
    return new Map(open.map(([index, prog]) => [index, prog.stats]));
  }

  end(): void {
    this.bench.close();
  }
}
