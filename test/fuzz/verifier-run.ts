/**
 * Accepted programs run: in our engine under `checked`, where a violated check is a verifier that was wrong, and pure ones in the kernel
 * too, by BPF_PROG_TEST_RUN: verdict, packet and maps must be the same.
 */

import { Engine } from '../../src/engine.ts';
import { BpfError } from '../../src/errors/index.ts';
import { HELPER_BY_ID } from '../../src/isa/helpers.ts';
import type { LinkedProg } from '../../src/link/types.ts';
import type { MapSpec } from '../../src/object/types.ts';
import type { BpfMap } from '../../src/runtime/map.ts';
import { describeViolation } from '../../src/runtime/trap.ts';
import { deleteElem, lookupElem, nextKey, testRun, updateElem } from '../kernel/bpf.ts';
import { KernelError } from '../kernel/errno.ts';
import { possibleCpus } from '../verifier/answer.ts';
import type { Kernel } from '../verifier/kernel.ts';
import { mapIndex, Random } from './verifier-item.ts';

const HASH = 1;
const ARRAY = 2;
/** Map types of the generators that the engine has; what refers to others is not run. */
const ENGINE_TYPES = [1, 2, 3, 6];
const LENGTHS = [14, 15, 34, 64, 200];
const COMPARED = ['array', 'hash', 'data'] as const;

const key32 = (index: number): Uint8Array => new Uint8Array(Uint32Array.of(index).buffer);

/** Does it refer only to helpers and maps that the engine has? */
function runnable(prog: LinkedProg): boolean {
  if (prog.type !== 'xdp') return false;
  const view = new DataView(prog.insns.buffer, prog.insns.byteOffset, prog.insns.length);
  for (let at = 0; at < prog.insns.length; at += 8) {
    const op = prog.insns[at];
    const src = (prog.insns[at + 1] as number) >> 4;
    const imm = view.getInt32(at + 4, true);
    if (op === 0x85 && src === 0 && !HELPER_BY_ID.has(imm)) return false;
    if (op !== 0x18) continue;
    if (src === 4) return false;
    if ((src === 5 || src === 6) && !ENGINE_TYPES.includes(prog.maps[imm]?.type ?? 0)) return false;
    at += 8;
  }
  return true;
}

function packet(seed: number, length: number): Uint8Array {
  const random = new Random(seed);
  return Uint8Array.from({ length }, () => (random.chance(30) ? random.below(4) : random.below(256)));
}

export class Runner {
  readonly engine: Engine;
  private readonly live = new Map<MapSpec, BpfMap>();
  private readonly specs: readonly MapSpec[];
  runs = 0;
  skipped = 0;

  constructor(engine: Engine, specs: readonly MapSpec[]) {
    this.engine = engine;
    // An index into the maps must stay what it is: what the engine has not is an array that nobody refers to.
    this.specs = specs.map((spec) =>
      ENGINE_TYPES.includes(spec.type) ? spec : { ...spec, type: ARRAY, keySize: 4, valueSize: 8 },
    );
    for (const spec of this.specs) {
      const map = engine.createMap(spec);
      if (spec.initialValue !== undefined) map.set(0, spec.initialValue);
      // Read-only data is known for as long as nobody can change it.
      if (spec.dataKind === 'rodata') map.freeze();
      this.live.set(spec, map);
    }
  }

  static async create(specs: readonly MapSpec[]): Promise<Runner> {
    return new Runner(await Engine.create({ seed: 7, clock: () => 5n, insnBudget: 1 << 26 }), specs);
  }

  /** What is wrong, with the input that shows it; undefined when nothing is. */
  async check(
    prog: LinkedProg,
    seed: number,
    kernel?: { readonly kernel: Kernel; readonly fd: number },
  ): Promise<string | undefined> {
    if (!runnable(prog)) {
      this.skipped++;
      return undefined;
    }
    const mine = { ...prog, maps: this.specs };
    const loaded = await this.engine
      .loadLinked([mine], this.live, { checked: true, verify: { cpus: possibleCpus() } })
      .catch((error: unknown) => {
        if (error instanceof BpfError) return error;
        throw error;
      });
    if (loaded instanceof BpfError) return `not loaded: ${loaded.message}`;
    try {
      const [own] = [...loaded.progs.values()];
      for (const [i, length] of LENGTHS.entries()) {
        const data = packet(seed * 31 + i, length);
        this.runs++;
        this.reset();
        const result = own?.run(data, { ctx: { ingressIfindex: 1 } });
        if (result === undefined) return 'no program';
        if (result.violation !== undefined) return `packet ${i}: ${describeViolation(result.violation)}`;
        if (kernel === undefined) continue;
        const differs = this.compare(prog, kernel, data, result);
        if (differs !== undefined && !this.comparesAddress(mine)) return `packet ${i} of ${length} bytes: ${differs}`;
      }
      return undefined;
    } finally {
      loaded.close();
    }
  }

  /** A pointer is compared with a number on some path: where things are decides the result, and addresses have 32 bits here. */
  private comparesAddress(prog: LinkedProg): boolean {
    const { log } = this.engine.verifier.judge(prog, { logLevel: 2, cpus: possibleCpus() });
    return log.split('\n').some((line) => {
      const parts = /if [rw](\d+) (s?[<>]=?|[=!]=|&) (?:[rw](\d+)|(-?\w+)) goto .*?; (.*)/.exec(line) ?? [];
      const [, a, op, b, imm, state] = parts;
      if (state === undefined) return false;
      const isPointer = (reg: string | undefined): boolean => new RegExp(`\\bR${reg}=(?!scalar|-?\\d|0x)`).test(state);
      if (imm === undefined) return isPointer(a) !== isPointer(b);
      // Whether it is NULL does not depend on where it points to.
      return isPointer(a) && !(/^[=!]=$/.test(op) && Number(imm) === 0);
    });
  }

  private compare(
    prog: LinkedProg,
    { kernel, fd }: { readonly kernel: Kernel; readonly fd: number },
    data: Uint8Array,
    result: { readonly returnValue: number; readonly packet: Uint8Array },
  ): string | undefined {
    const fds = COMPARED.map((name) => kernel.map(prog.maps[mapIndex(name)] as MapSpec));
    COMPARED.forEach((name, i) => {
      resetKernelMap(prog.maps[mapIndex(name)] as MapSpec, fds[i] as number);
    });
    const theirs = testRun(fd, { data });
    if (theirs.retval !== result.returnValue) return `returns ${result.returnValue}, the kernel's ${theirs.retval}`;
    const ours = Buffer.from(result.packet).toString('hex');
    // With metadata the kernel's output begins with it.
    if (!Buffer.from(theirs.data).toString('hex').endsWith(ours))
      return `packet ${ours}, the kernel's ${Buffer.from(theirs.data).toString('hex')}`;
    for (const [i, name] of COMPARED.entries()) {
      const spec = this.specs[mapIndex(name)] as MapSpec;
      const mine = [...(this.live.get(spec) as BpfMap).entries({ raw: true })];
      for (const [key, value] of mine) {
        const other = lookup(fds[i] as number, key, spec.valueSize);
        if (other === undefined || Buffer.compare(Buffer.from(value), Buffer.from(other)) !== 0)
          return `map ${name}, key ${Buffer.from(key).toString('hex')}: ${Buffer.from(value).toString('hex')}, the kernel's ${other && Buffer.from(other).toString('hex')}`;
      }
    }
    return undefined;
  }

  private reset(): void {
    for (const name of COMPARED) {
      const spec = this.specs[mapIndex(name)] as MapSpec;
      const map = this.live.get(spec) as BpfMap;
      if (spec.type === HASH) for (const [key] of [...map.entries({ raw: true })]) map.delete(key);
      else for (let i = 0; i < spec.maxEntries; i++) map.set(i, new Uint8Array(spec.valueSize));
    }
  }
}

function lookup(fd: number, key: Uint8Array, size: number): Uint8Array | undefined {
  try {
    return lookupElem(fd, key, size);
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

function resetKernelMap(spec: MapSpec, fd: number): void {
  if (spec.type !== HASH) {
    for (let i = 0; i < spec.maxEntries; i++) updateElem(fd, key32(i), new Uint8Array(spec.valueSize));
    return;
  }
  for (;;) {
    try {
      deleteElem(fd, nextKey(fd, undefined, spec.keySize));
    } catch (error) {
      if (error instanceof KernelError) return;
      throw error;
    }
  }
}
