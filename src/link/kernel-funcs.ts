/** Functions of a kernel by name: made once for each BTF. */
import type { Btf } from '../btf/types.ts';

const FUNCS = new WeakMap<Btf, ReadonlyMap<string, number>>();

export function kernelFuncs(btf: Btf): ReadonlyMap<string, number> {
  let funcs = FUNCS.get(btf);
  if (funcs === undefined) {
    funcs = new Map(btf.types.flatMap((type, id) => (type.kind === 'func' ? [[type.name, id] as const] : [])));
    FUNCS.set(btf, funcs);
  }
  return funcs;
}
