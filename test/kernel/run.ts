// Runs a case on the running kernel and writes down what it did.

import { readFileSync } from 'node:fs';
import * as bpf from './bpf.ts';
import type { Case, CaseMap, CaseProg, Observation, Step, StepResult } from './cases/types.ts';
import { KernelError } from './errno.ts';
import { subprogBtf } from './subprog-btf.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** How many values a per-CPU lookup returns. */
export function possibleCpus(): number {
  const ranges = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim();
  return Number(ranges.split(/[,-]/).at(-1)) + 1;
}

const isPerCpu = (map: CaseMap): boolean => map.type.startsWith('percpu_');

/** A per-CPU value as one value: u64 words added over the CPUs, since which CPU runs a case says nothing about the case. */
function foldCpus(all: Uint8Array, stride: number): Uint8Array {
  const words = new BigUint64Array(stride / 8);
  const source = new BigUint64Array(all.buffer, 0, all.length / 8);
  for (const [i, word] of source.entries()) words[i % words.length]! += word;
  return new Uint8Array(words.buffer);
}

function lookup(map: CaseMap, fd: number, key: Uint8Array, flags = 0): Uint8Array {
  if (!isPerCpu(map)) return bpf.lookupElem(fd, key, map.valueSize, flags);
  const stride = (map.valueSize + 7) & ~7;
  return foldCpus(bpf.lookupElem(fd, key, stride * possibleCpus(), flags), stride).slice(0, map.valueSize);
}

/** A value for the syscall: per-CPU maps take one for each CPU; only the first is set, so that the fold gives it back. */
function expand(map: CaseMap, value: Uint8Array): Uint8Array {
  if (!isPerCpu(map)) return value;
  const all = new Uint8Array(((map.valueSize + 7) & ~7) * possibleCpus());
  all.set(value);
  return all;
}

function dump(map: CaseMap, fd: number): [string, string][] | undefined {
  if (map.type === 'prog_array') return undefined;
  const entries: [string, string][] = [];
  let key: Uint8Array | undefined;
  for (;;) {
    try {
      key = bpf.nextKey(fd, key, map.keySize);
    } catch (error) {
      if (error instanceof KernelError && error.code === 'ENOENT') break;
      throw error;
    }
    entries.push([hex(key), hex(lookup(map, fd, key))]);
  }
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** Load one program of a case whose maps exist: the fd. */
export function loadCaseProg(prog: CaseProg, mapFds: readonly number[]): number {
  const load = { type: prog.type, insns: prog.insns, name: prog.name, fdArray: mapFds };
  const types = subprogBtf(prog.insns);
  if (types === undefined) return bpf.loadProg(load).fd;
  const btfFd = bpf.loadBtf(types.btf);
  try {
    return bpf.loadProg({ ...load, btf: { fd: btfFd, funcInfo: types.funcInfo } }).fd;
  } finally {
    bpf.closeFd(btfFd);
  }
}

/** A case whose maps and programs are in the kernel. */
export class LoadedCase {
  readonly mapFds: number[] = [];
  readonly progFds: number[] = [];
  private readonly closed = new Set<number>();
  private readonly source: Case;

  constructor(source: Case) {
    this.source = source;
    try {
      for (const map of source.maps ?? []) this.mapFds.push(bpf.createMap(map));
      for (const prog of source.progs) {
        this.progFds.push(loadCaseProg(prog, this.mapFds));
      }
      this.init();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private init(): void {
    for (const [index, map] of (this.source.maps ?? []).entries()) {
      for (const [key, value] of map.init ?? []) {
        if (map.type === 'prog_array') this.step({ op: 'setProg', map: index, key, prog: value[0]! });
        else bpf.updateElem(this.mapFds[index]!, key, expand(map, value));
      }
    }
  }

  step(step: Step): StepResult {
    const map = 'map' in step ? this.source.maps![step.map]! : undefined;
    const mapFd = 'map' in step ? this.mapFds[step.map]! : -1;
    switch (step.op) {
      case 'run': {
        const { retval, data, ctx } = bpf.testRun(this.progFds[step.prog ?? 0]!, step);
        return step.ctx === undefined ? { retval, data } : { retval, data, ctx };
      }
      case 'update':
        bpf.updateElem(mapFd, step.key, expand(map!, step.value), step.flags);
        return {};
      case 'delete':
        bpf.deleteElem(mapFd, step.key);
        return {};
      case 'lookup':
        return { value: lookup(map!, mapFd, step.key, step.flags) };
      case 'next':
        return { key: bpf.nextKey(mapFd, step.key, map!.keySize) };
      case 'closeProg':
        bpf.closeFd(this.progFds[step.prog]!);
        this.closed.add(step.prog);
        return {};
      case 'setProg':
        bpf.updateElem(mapFd, step.key, u32(this.progFds[step.prog]!), step.flags);
        return {};
    }
  }

  dump(): Observation['maps'] {
    return (this.source.maps ?? []).map((map, index) => dump(map, this.mapFds[index]!));
  }

  close(): void {
    const open = this.progFds.filter((_, i) => !this.closed.has(i));
    for (const fd of [...open, ...this.mapFds]) bpf.closeFd(fd);
  }
}

function orErrno<T>(body: () => T): T | { error: string } {
  try {
    return body();
  } catch (error) {
    if (error instanceof KernelError) return { error: error.code };
    throw error;
  }
}

/** Load, run every step, dump the maps, close. A refusal is an observation, too. */
export function observe(source: Case): Observation {
  return (source.maps ?? []).some(isPerCpu) ? bpf.pinned(() => observeHere(source)) : observeHere(source);
}

function observeHere(source: Case): Observation {
  let loaded: LoadedCase;
  try {
    loaded = new LoadedCase(source);
  } catch (error) {
    if (error instanceof KernelError) return { refused: error.code, steps: [], maps: [] };
    throw error;
  }
  try {
    const steps = source.steps.map((step) => orErrno(() => loaded.step(step)));
    return { steps, maps: loaded.dump() };
  } finally {
    loaded.close();
  }
}
