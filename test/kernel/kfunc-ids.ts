/** A linked program's insns as the kernel takes them: its calls of kfuncs name them by their ids in the kernel's BTF. */
import { readFileSync } from 'node:fs';
import { parseBtf } from '../../src/btf/parse.ts';
import type { LinkedProg } from '../../src/link/types.ts';

const BPF_JMP_CALL = 0x85;
const BPF_PSEUDO_KFUNC_CALL = 2;

let known: Map<string, number> | undefined;

/** Ids of the functions of vmlinux that are kfuncs, by name. */
function kernelKfuncs(): ReadonlyMap<string, number> {
  if (known === undefined) {
    const { types } = parseBtf(new Uint8Array(readFileSync('/sys/kernel/btf/vmlinux')));
    known = new Map();
    for (const tag of types) {
      const func = tag.kind === 'decl_tag' && tag.name === 'bpf_kfunc' ? types[tag.type] : undefined;
      if (func?.kind === 'func') known.set(func.name, (tag as { readonly type: number }).type);
    }
  }
  return known;
}

/** Whether the running kernel has it; its modules are not looked at. */
export function kernelHasKfunc(name: string): boolean {
  return kernelKfuncs().has(name);
}

export function kfuncIds(prog: LinkedProg): Uint8Array {
  const insns = prog.insns.slice();
  const view = new DataView(insns.buffer);
  for (let at = 0; at < insns.length; at += 8) {
    if (insns[at] !== BPF_JMP_CALL || insns[at + 1] >> 4 !== BPF_PSEUDO_KFUNC_CALL) continue;
    const name = prog.kfuncs[view.getInt32(at + 4, true)];
    const id = kernelKfuncs().get(name);
    if (id === undefined) throw new Error(`the running kernel has no kfunc ${name}`);
    view.setInt32(at + 4, id, true);
  }
  return insns;
}
