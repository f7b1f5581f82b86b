// Asks the kernel what it says of a linked program: verdict, message and insns processed. Maps and BTF are made once for each shape.

import type { LinkedProg } from '../../src/link/types.ts';
import type { MapSpec } from '../../src/object/types.ts';
import { effectiveAttachType, progTypeRow } from '../../src/verifier/tables/prog-types.ts';
import {
  closeFd,
  createMap,
  freezeMap,
  loadBtf,
  loadProg,
  type ProgBtf,
  type ProgLoad,
  updateElem,
} from '../kernel/bpf.ts';
import { KernelError } from '../kernel/errno.ts';
import type { Answer } from './answer.ts';
import type { CaseFlag } from './case.ts';
import { kernelFuncs } from './kernel-funcs.ts';

const RINGBUF = 27;
const PROG_ARRAY = 3;
const RDONLY_PROG = 128;
/** BPF_LOG_STATS: messages and statistics without the insns. */
const LOG_STATS = 4;
const PROG_FLAGS: Readonly<Record<CaseFlag, number>> = {
  ...{ strict: 1, any: 2, test_state_freq: 8, sleepable: 16, frags: 32, unprivileged: 0 },
};

export interface KernelQuestion {
  readonly prog: LinkedProg;
  readonly btf: Uint8Array | undefined;
  readonly license?: string;
  readonly flags?: readonly CaseFlag[];
}

/** The lines of a log that say why, without states and notes, and how much was done. */
export function readLog(log: string): Pick<Answer, 'message' | 'processed'> {
  // Some messages of the kernel have no newline at their end.
  const lines = log
    .replace(/(?=(?:verification time|processed) \d)/g, '\n')
    .split('\n')
    .filter(
      (line) =>
        line !== '' &&
        !/^(verification time |stack depth |cur state:|old state:|verifier bug: REG INVARIANTS)|is global and assumed valid\.$|^Validating .*\.\.\.$/.test(
          line,
        ),
    );
  const stats = lines.findIndex((line) => line.startsWith('processed '));
  const message = (stats < 0 ? lines : lines.slice(0, stats)).join('\n');
  return stats < 0 ? { message } : { message, processed: Number(/^processed (\d+)/.exec(lines[stats] as string)?.[1]) };
}

const CALL = 0x85;
const PSEUDO_KFUNC_CALL = 2;

export class Kernel {
  private readonly maps = new Map<string, number>();
  private readonly btfs = new Map<string, number>();
  private funcs: ReadonlyMap<string, number> | undefined;

  /** The map of a spec: the same one for the same shape. */
  map(spec: MapSpec, btfFd?: number, owner = ''): number {
    const { type, keySize, valueSize, maxEntries, flags, btfKeyTypeId, btfValueTypeId } = spec;
    const own = btfFd !== undefined && btfValueTypeId !== 0;
    const data = Buffer.from(spec.initialValue ?? []).toString('hex');
    const inner = spec.innerMap === undefined ? undefined : this.map(spec.innerMap, btfFd, owner);
    // The first program that uses a prog array is its owner: programs unlike that one may not.
    const user = type === PROG_ARRAY ? owner : '';
    const key = [user, spec.name, type, keySize, valueSize, maxEntries, flags, data, inner, own ? btfFd : ''].join();
    const known = this.maps.get(key);
    if (known !== undefined) return known;
    const fd = createMap({
      name: spec.name.slice(0, 15),
      ...{ type, keySize, valueSize, maxEntries: type === RINGBUF ? Math.max(maxEntries, 4096) : maxEntries, flags },
      ...(inner === undefined ? {} : { innerFd: inner }),
      ...(own ? { btf: { fd: btfFd, keyTypeId: btfKeyTypeId, valueTypeId: btfValueTypeId } } : {}),
    });
    if (spec.initialValue !== undefined && (flags & RDONLY_PROG) !== 0) {
      updateElem(fd, new Uint8Array(keySize), spec.initialValue);
      freezeMap(fd);
    }
    this.maps.set(key, fd);
    return fd;
  }

  private btfFd(bytes: Uint8Array | undefined): number | undefined {
    if (bytes === undefined) return undefined;
    const key = Buffer.from(bytes).toString('latin1');
    const known = this.btfs.get(key);
    if (known !== undefined) return known;
    const fd = loadBtf(bytes);
    this.btfs.set(key, fd);
    return fd;
  }

  ask(question: KernelQuestion): Answer {
    const { fd, answer } = this.load(question);
    if (fd !== undefined) closeFd(fd);
    return answer;
  }

  /** The answer, and the program's fd, which the caller closes. */
  load(question: KernelQuestion): { readonly answer: Answer; readonly fd?: number } {
    const request = this.request(question);
    try {
      const { fd, log } = loadProg(request);
      return { answer: { verdict: 'accept', ...readLog(log) }, fd };
    } catch (error) {
      if (!(error instanceof KernelError) || error.command !== 'BPF_PROG_LOAD') throw error;
      return { answer: { verdict: 'refuse', errno: error.code, ...readLog(error.log) } };
    }
  }

  /** What BPF_PROG_LOAD is asked, maps and BTF made. */
  request(question: KernelQuestion): ProgLoad {
    const { prog } = question;
    const btfFd = this.btfFd(question.btf);
    const owner = [prog.type, prog.expectedAttachType, question.flags?.includes('frags')].join();
    const fds = prog.maps.map((spec) => this.map(spec, btfFd, owner));
    return {
      ...this.target(prog),
      insns: this.resolved(prog),
      license: question.license ?? (prog.gplCompatible ? 'GPL' : 'Proprietary'),
      flags: (question.flags ?? []).reduce((sum, flag) => sum | PROG_FLAGS[flag], 0),
      logLevel: LOG_STATS,
      ...(fds.length === 0 ? {} : { fdArray: fds }),
      ...(btfFd === undefined ? {} : this.btf(prog, btfFd)),
    };
  }

  /** Calls of kfuncs by the kernel's BTF ids. */
  private resolved(prog: LinkedProg): Uint8Array {
    if (prog.kfuncs.length === 0) return prog.insns;
    this.funcs ??= kernelFuncs();
    const insns = prog.insns.slice();
    const view = new DataView(insns.buffer);
    for (let at = 0; at < insns.length; at += 8) {
      if (insns[at] !== CALL || insns[at + 1] >> 4 !== PSEUDO_KFUNC_CALL) continue;
      view.setInt32(at + 4, this.funcs.get(prog.kfuncs[view.getInt32(at + 4, true)]) ?? 0, true);
    }
    return insns;
  }

  private target(prog: LinkedProg): { type: number; expectedAttachType: number } {
    const row = progTypeRow(prog.type);
    if (row === undefined) throw new Error(`no program type ${prog.type}`);
    return { type: row.number, expectedAttachType: effectiveAttachType(row, prog.expectedAttachType) ?? 0 };
  }

  private btf(prog: LinkedProg, fd: number): { btf: ProgBtf } {
    const records = prog.funcs.flatMap((func) => (func.btfId === undefined ? [] : [func.start, func.btfId]));
    if (records.length === 0) return { btf: { fd } };
    return { btf: { fd, funcInfo: new Uint8Array(Uint32Array.from(records).buffer) } };
  }

  close(): void {
    for (const fds of [this.maps, this.btfs]) {
      for (const fd of fds.values()) closeFd(fd);
      fds.clear();
    }
  }
}
