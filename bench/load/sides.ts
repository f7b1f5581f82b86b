// Loading one object: cold in a process of its own, warm in this one as a whole and stage by stage, and by the kernel.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Engine } from '../../src/engine.ts';
import { compile } from '../../src/jit/compile.ts';
import { link } from '../../src/link/link.ts';
import { loadObject } from '../../src/object/load.ts';
import { Verifier } from '../../src/verifier/verify.ts';
import { projectPath } from '../project.ts';
import type { KernelSide } from '../verifier/sides.ts';

/** Milliseconds. */
export interface ColdTimes {
  readonly importMs: number;
  readonly createMs: number;
  readonly loadMs: number;
}

const COLD = fileURLToPath(new URL('./cold.js', import.meta.url));

export function coldTimes(file: string): ColdTimes {
  const out = execFileSync(process.execPath, [COLD, projectPath(file)], { encoding: 'utf8', cwd: projectPath('.') });
  return JSON.parse(out) as ColdTimes;
}

/** Milliseconds of a load that is one call and remembers no other, and of its stages in calls of their own. */
export interface WarmTimes {
  readonly firstMs: number;
  readonly parseMs: number;
  readonly linkMs: number;
  readonly verifyMs: number;
  readonly compileMs: number;
  /** The host's compiler on the module. */
  readonly wasmMs: number;
}

/** Milliseconds of a new engine and of its load of a program that another engine of the process has loaded: what a test suite does before each of its tests. */
export interface RepeatTimes {
  readonly newEngineMs: number;
  readonly repeatMs: number;
}

export async function repeatTimes(bytes: Uint8Array): Promise<RepeatTimes> {
  const before = await Engine.create();
  await before.load(loadObject(bytes));
  before.close();
  const start = performance.now();
  const engine = await Engine.create();
  const created = performance.now();
  await engine.load(loadObject(bytes));
  const loaded = performance.now();
  engine.close();
  return { newEngineMs: created - start, repeatMs: loaded - created };
}

export class WarmSide {
  private readonly engine: Engine;
  private readonly verifier = new Verifier();
  private count = 0;

  private constructor(engine: Engine) {
    this.engine = engine;
  }

  static async create(): Promise<WarmSide> {
    return new WarmSide(await Engine.create({ remember: false }));
  }

  close(): void {
    this.engine.close();
  }

  /** Insn slots of the object's programs, with the functions they call. */
  insns(bytes: Uint8Array): number {
    const object = loadObject(bytes);
    return object.progs.reduce((sum, spec) => sum + link(object, spec).insns.length / 8, 0);
  }

  private async first(bytes: Uint8Array): Promise<number> {
    const start = performance.now();
    const loaded = await this.engine.load(loadObject(bytes));
    const took = performance.now() - start;
    loaded.close();
    return took;
  }

  async time(bytes: Uint8Array): Promise<WarmTimes> {
    const firstMs = await this.first(bytes);
    const marks = [performance.now()];
    const object = loadObject(bytes);
    marks.push(performance.now());
    const linked = object.progs.map((spec) => link(object, spec));
    marks.push(performance.now());
    const verified = linked.map((prog) => this.verifier.verify(prog));
    marks.push(performance.now());
    // A name of its own: the host knows modules that it has compiled by their bytes.
    const wasm = compile(verified, { checked: false, name: `load${this.count++}` });
    marks.push(performance.now());
    await WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>);
    marks.push(performance.now());
    const [parseMs, linkMs, verifyMs, compileMs, wasmMs] = marks.slice(1).map((mark, i) => mark - marks[i]);
    return { firstMs, parseMs, linkMs, verifyMs, compileMs, wasmMs };
  }
}

/** Milliseconds of BPF_PROG_LOAD for all programs of the object; its maps are made before. */
export function kernelTime(kernel: KernelSide, bytes: Uint8Array): number {
  const object = loadObject(bytes);
  const loads = object.progs.map((spec) => kernel.time({ prog: link(object, spec), btf: undefined }).loadUs);
  return loads.reduce((sum, us) => sum + us, 0) / 1000;
}
