/** Who tail-calls whom: programs, prog arrays, and which call site reaches which slots, as the verifier proved it. */
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../assembly/isa.ts';
import { prepare } from '../compiler.ts';
import { tailCallSites } from '../jit/compile.ts';
import { tailCallMap } from '../jit/tail-site.ts';
import type { LinkOptions } from '../link/link.ts';
import type { BpfObject, MapSpec } from '../object/types.ts';
import { sourceLine, type VerifiedProg, type VerifyOptions } from '../verifier/verify.ts';
import { describeError, type ErrorData, EXIT } from './errors.ts';
import type { Setting } from './set.ts';

/** A bpf_tail_call. `lo` and `hi`: bounds of its index, the same for a constant. */
export interface CallSite {
  readonly pc: number;
  /** Function it is in, `FILE:LINE` where that is known. */
  readonly where: string;
  /** Undefined where the array differs from path to path. */
  readonly map?: string;
  readonly lo: number;
  readonly hi: number;
  /** After a replay. */
  readonly taken?: number;
  readonly missed?: number;
}

export interface GraphProg {
  readonly name: string;
  readonly type: string;
  readonly calls: readonly CallSite[];
  /** Why nothing is known of its calls. */
  readonly error?: ErrorData;
}

export interface GraphArray {
  readonly name: string;
  readonly entries: number;
  readonly slots: readonly { readonly slot: number; readonly program: string }[];
}

/** One way of a packet from program to program. */
export interface GraphEdge {
  readonly from: string;
  readonly pc: number;
  readonly map: string;
  readonly slot: number;
  readonly to: string;
}

export interface Graph {
  readonly programs: readonly GraphProg[];
  readonly arrays: readonly GraphArray[];
  readonly edges: readonly GraphEdge[];
}

/** taken and missed of the call at `pc` of a program. */
export type Counts = (prog: string, pc: number) => { readonly taken: number; readonly missed: number } | undefined;

export interface GraphOptions extends LinkOptions {
  readonly verify?: VerifyOptions;
  /** `--set`: slots that are filled besides those of the object. */
  readonly settings: readonly Setting[];
  readonly counts?: Counts;
}

const U32_MAX = 0xffff_ffff;

function sitesOf(prog: VerifiedProg, counts: Counts | undefined): CallSite[] {
  const { proof } = prog;
  return tailCallSites(prog)
    .filter((pc) => proof.reached(pc))
    .map((pc) => {
      const known = proof.map(pc);
      const map = known === undefined ? tailCallMap(prog, pc)?.name : prog.prog.maps[known]?.name;
      const { lo, hi } = proof.tailCallRange(pc) ?? { lo: 0, hi: U32_MAX };
      const line = sourceLine(prog.prog, pc);
      const func = prog.prog.funcs.findLast((f) => f.start <= pc)?.name ?? prog.prog.name;
      const where = line === undefined ? func : `${func} ${line.file.replace(/^.*\//, '')}:${line.line}`;
      return { pc, where, ...(map === undefined ? {} : { map }), lo, hi, ...counts?.(prog.prog.name, pc) };
    });
}

function progOf(object: BpfObject, name: string, options: GraphOptions): GraphProg {
  const type = object.progs.find((prog) => prog.name === name)?.type ?? 'unspec';
  try {
    const [prog] = prepare(object, [name], { ...options, verify: { ...options.verify, tailCallRanges: true } });
    return { name, type, calls: sitesOf(prog, options.counts) };
  } catch (error) {
    const { data, exit } = describeError(error);
    if (exit === EXIT.internal) throw error;
    return { name, type, calls: [], error: data };
  }
}

function arrayOf(map: MapSpec, settings: readonly Setting[]): GraphArray {
  const slots = new Map<number, string>();
  map.initialSlots.forEach((name, slot) => {
    if (name !== undefined) slots.set(slot, name);
  });
  for (const setting of settings) if (setting.map === map.name) slots.set(Number(setting.key), setting.value);
  const sorted = [...slots].sort(([a], [b]) => a - b);
  return { name: map.name, entries: map.maxEntries, slots: sorted.map(([slot, program]) => ({ slot, program })) };
}

function edgesOf(programs: readonly GraphProg[], arrays: readonly GraphArray[]): GraphEdge[] {
  const byName = new Map(arrays.map((array) => [array.name, array]));
  return programs.flatMap((prog) =>
    prog.calls.flatMap(({ pc, map, lo, hi }) => {
      const reached = map === undefined ? arrays : [byName.get(map)].filter((array) => array !== undefined);
      return reached.flatMap((array) =>
        array.slots
          .filter(({ slot }) => slot >= lo && slot <= hi)
          .map(({ slot, program }) => ({ from: prog.name, pc, map: array.name, slot, to: program })),
      );
    }),
  );
}

export function graphOf(object: BpfObject, options: GraphOptions): Graph {
  const programs = object.progs.map((prog) => progOf(object, prog.name, options));
  const arrays = object.maps
    .filter((map) => map.type === BPF_MAP_TYPE_PROG_ARRAY)
    .map((map) => arrayOf(map, options.settings));
  return { programs, arrays, edges: edgesOf(programs, arrays) };
}

/** `3`, `0..7`, `any`: the index of a call, as far as the array reaches. */
export function indexText({ lo, hi }: CallSite, entries: number | undefined): string {
  if (lo === hi) return String(lo);
  if (lo === 0 && hi >= (entries ?? U32_MAX) - 1) return 'any';
  return `${lo}..${entries === undefined ? hi : Math.min(hi, entries - 1)}`;
}

/** `pc 40: jumps[0]`, with counts where there are some. */
export function siteText(site: CallSite, arrays: readonly GraphArray[]): string {
  const array = arrays.find(({ name }) => name === site.map);
  const counts = site.taken === undefined ? '' : ` taken ${site.taken} missed ${site.missed ?? 0}`;
  return `pc ${site.pc}: ${site.map ?? '?'}[${indexText(site, array?.entries)}]${counts}`;
}
