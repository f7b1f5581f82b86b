// Runs a case of the kernel's tables in our engine and writes down what it did, in the kernel client's own words.

import type { Engine } from '../../src/engine.ts';
import { BpfError } from '../../src/errors/index.ts';
import type { Loaded } from '../../src/loader.ts';
import type { Prog } from '../../src/runtime/prog.ts';
import { ProgArray } from '../../src/runtime/prog-array.ts';
import { Bench, type Variant } from '../engines.cases.ts';
import type { Case, Observation, Step, StepResult } from './cases/types.ts';
import { errnoName } from './errno.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const HEAD_ROOM = 216;
const LINEAR_MAX = 3520;

/** What of a case our engine has no words for, with the reason; undefined when all of it can be compared. */
export function incomparable(source: Case): string | undefined {
  if (source.progs.some((prog) => prog.type === 'sched_cls')) return 'programs of type sched_cls are not run';
  for (const step of source.steps) {
    if (step.op !== 'run' || source.progs[step.prog ?? 0]!.type !== 'xdp') continue;
    const fields = contextFields(step);
    if (fields.ifindex > 1) return 'devices of the machine are not known here';
  }
  return undefined;
}

/** A lookup with flags exists only as a system call. */
export const comparableStep = (step: Step): boolean =>
  !(step.op === 'lookup' && (step.flags ?? 0) !== 0) && !(step.op === 'update' && isBadFd(step));

const isBadFd = (step: Step & { op: 'update' }): boolean =>
  step.value.length === 4 && new Uint32Array(step.value.slice().buffer)[0] === 0x7fff_ffff;

interface ContextFields {
  readonly data: number;
  readonly dataEnd: number;
  readonly dataMeta: number;
  readonly ifindex: number;
  readonly queue: number;
  readonly egress: number;
}

/** `struct xdp_md` of a run; what the bytes lack is 0. */
function contextFields(step: Step & { op: 'run' }): ContextFields {
  if (step.ctx === undefined)
    return { data: 0, dataEnd: step.data.length, dataMeta: 0, ifindex: 0, queue: 0, egress: 0 };
  const full = new Uint8Array(24);
  full.set(step.ctx.subarray(0, 24));
  const [data, dataEnd, dataMeta, ifindex, queue, egress] = new Uint32Array(full.buffer) as unknown as number[];
  return { data: data!, dataEnd: dataEnd!, dataMeta: dataMeta!, ifindex: ifindex!, queue: queue!, egress: egress! };
}

/** What BPF_PROG_TEST_RUN itself refuses: OBSERVED.md, "test_run and the packet". */
function refusedRun(step: Step & { op: 'run' }, fields: ContextFields): string | undefined {
  const { data, dataEnd, dataMeta, queue, egress, ifindex } = fields;
  const size = step.data.length;
  if (size < 14 || size - data < 14) return 'EINVAL';
  if (dataEnd > size || data > dataEnd || dataMeta !== 0 || data % 4 !== 0 || data > HEAD_ROOM) return 'EINVAL';
  return (queue !== 0 && ifindex === 0) || egress !== 0 ? 'EINVAL' : undefined;
}

function runXdp(prog: Prog, step: Step & { op: 'run' }): StepResult {
  const fields = contextFields(step);
  const error = refusedRun(step, fields);
  if (error !== undefined) return { error };
  const result = prog.run(step.data.subarray(fields.data), {
    linear: Math.min(fields.dataEnd - fields.data, LINEAR_MAX),
    metadata: step.data.subarray(0, fields.data),
    ctx: { ingressIfindex: fields.ifindex, rxQueueIndex: fields.queue },
  });
  if (result.violation !== undefined) return { error: `violation ${result.violation.code} at ${result.violation.pc}` };
  const data = new Uint8Array(result.metadata.length + result.packet.length);
  data.set(result.metadata);
  data.set(result.packet, result.metadata.length);
  const retval = result.returnValue;
  const behind = result.packet.length - (result.linear ?? result.packet.length);
  if (step.ctx === undefined) return { retval, data };
  const ctx = Uint32Array.of(result.metadata.length, data.length - behind, 0, fields.ifindex, fields.queue, 0);
  return { retval, data, ctx: new Uint8Array(ctx.buffer) };
}

function runFilter(prog: Prog, step: Step & { op: 'run' }): StepResult {
  const { violation, returnValue, packet } = prog.run(step.data);
  if (violation !== undefined) return { error: `violation ${violation.code} at ${violation.pc}` };
  return { retval: returnValue, data: packet };
}

/** The errno of an error that stands for a system call's. */
function errnoOf(error: unknown): string {
  if (!(error instanceof BpfError)) throw error;
  if (typeof error.fields.errno === 'number') return errnoName(error.fields.errno);
  if (error.code === 'RUN_PROG_TYPE') return 'EINVAL';
  throw error;
}

class EngineCase {
  private readonly bench: Bench;
  private readonly loaded: Loaded;
  private readonly progs: readonly Prog[];

  constructor(source: Case, bench: Bench, loaded: Loaded) {
    this.bench = bench;
    this.loaded = loaded;
    this.progs = [...loaded.progs.values()];
    (source.maps ?? []).forEach((map, i) => {
      for (const [key, value] of map.init ?? []) {
        bench.maps[i]!.set(key, map.type === 'prog_array' ? this.progs[value[0]!] : value);
      }
    });
  }

  step(step: Step): StepResult {
    try {
      return this.doStep(step);
    } catch (error) {
      return { error: errnoOf(error) };
    }
  }

  private doStep(step: Step): StepResult {
    if (step.op === 'run') {
      const prog = this.progs[step.prog ?? 0]!;
      return prog.type === 'xdp' ? runXdp(prog, step) : runFilter(prog, step);
    }
    if (step.op === 'closeProg') {
      this.progs[step.prog]!.close();
      return {};
    }
    const map = this.bench.maps[step.map]!;
    switch (step.op) {
      case 'update':
        map.set(step.key, step.value, { flags: Number(step.flags ?? 0) });
        return {};
      case 'setProg':
        map.set(step.key, this.progs[step.prog], { flags: step.flags ?? 0 });
        return {};
      case 'delete':
        return map.delete(step.key) ? {} : { error: 'ENOENT' };
      case 'lookup': {
        const value = map.get(step.key, { raw: true });
        return value === undefined ? { error: 'ENOENT' } : { value: value.slice(0, map.spec.valueSize) };
      }
      case 'next':
        return this.nextKey(step);
    }
  }

  /** BPF_MAP_GET_NEXT_KEY, which the API has only as iteration. */
  private nextKey(step: Step & { op: 'next' }): StepResult {
    const { engine, maps, specs } = this.bench;
    const { keySize } = specs[step.map]!;
    const at = engine.scratch(2 * keySize + 8);
    const out = at + ((keySize + 7) & ~7);
    if (step.key !== undefined) engine.memory.write(at, step.key);
    const result = engine.runtime.map_next_key(maps[step.map]!.address, step.key === undefined ? 0 : at, out);
    return result < 0 ? { error: errnoName(-result) } : { key: engine.memory.read(out, keySize) };
  }

  dump(): Observation['maps'] {
    return this.bench.maps.map((map) => {
      if (map instanceof ProgArray) return undefined;
      // The engine has one CPU, so a per-CPU value is the first copy.
      const entries = [...map.entries({ raw: true })].map(([key, value]): [string, string] => [
        hex(key),
        hex(value.subarray(0, map.spec.valueSize)),
      ]);
      return entries.sort(([a], [b]) => (a < b ? -1 : 1));
    });
  }

  /** How often programs were entered, by packets and by tail calls. */
  get runs(): number {
    return [...this.loaded.progs.values()].reduce((sum, prog) => sum + prog.stats.runs, 0);
  }
}

export interface EngineObservation extends Observation {
  /** Program entries that the engine counted: proof that compiled code ran. */
  readonly runs: number;
}

/** The case in `engine`, compiled as `variant` says; steps that are not comparable give `{}`. */
export async function observeEngine(engine: Engine, source: Case, variant: Variant): Promise<EngineObservation> {
  let bench: Bench | undefined;
  try {
    bench = new Bench(engine, source.maps ?? []);
    const loaded = await bench.load(source.progs, variant.options);
    const one = new EngineCase(source, bench, loaded);
    const steps = source.steps.map((step) => (comparableStep(step) ? one.step(step) : {}));
    return { steps, maps: one.dump(), runs: one.runs };
  } catch (error) {
    return { refused: errnoOf(error), steps: [], maps: [], runs: 0 };
  } finally {
    bench?.close();
  }
}
