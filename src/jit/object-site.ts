/** The types of objects that a program makes with bpf_obj_new: which calls make which. */
import type { Op } from '../isa/op.ts';
import type { LinkedProg } from '../link/types.ts';
import type { Proof } from '../verifier/proof.ts';

const MAKERS: readonly string[] = ['bpf_obj_new_impl', 'bpf_percpu_obj_new_impl'];

/** What a call makes. */
export interface ObjectSite {
  /** Type id in the program's BTF. */
  readonly id: number;
  /** It has a copy for each CPU. */
  readonly perCpu: boolean;
}

interface Judged {
  readonly prog: LinkedProg;
  readonly ops: readonly (Op | undefined)[];
  readonly proof: Proof | undefined;
}

/** Whether the call makes an object. */
export function makesObject(prog: LinkedProg, op: Op | undefined): boolean {
  return op?.kind === 'call_kfunc' && MAKERS.includes(prog.kfuncs[op.id] ?? '');
}

/** What the call at `pc` makes; undefined where that is not one type on all paths, or nothing was proved. */
export function objectSite({ prog, ops, proof }: Judged, pc: number): ObjectSite | undefined {
  const op = ops[pc];
  if (op?.kind !== 'call_kfunc' || !makesObject(prog, op)) return undefined;
  const id = proof?.key(pc);
  return id === undefined ? undefined : { id, perCpu: prog.kfuncs[op.id] === MAKERS[1] };
}

/** One name for each type that a program makes. */
export const siteKey = ({ id, perCpu }: ObjectSite): string => `${id}${perCpu ? '.percpu' : ''}`;

/** All that a program makes, by `siteKey`. */
export function objectSites(judged: Judged): ReadonlyMap<string, ObjectSite> {
  if (judged.prog.kfuncs.length === 0) return new Map();
  const sites = judged.ops.flatMap((_, pc) => objectSite(judged, pc) ?? []);
  return new Map(sites.map((site) => [siteKey(site), site]));
}
