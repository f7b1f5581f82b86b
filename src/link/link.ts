/** Links one program of an object: its instructions and those of every subprogram it reaches, with all references resolved. */
import { BPF_COMPLEXITY_LIMIT_INSNS, BPF_INSN_SIZE } from '../../assembly/isa.ts';
import type { Btf } from '../btf/types.ts';
import { LinkError } from '../errors/index.ts';
import type { BpfObject, ProgSpec } from '../object/types.ts';
import { applyCore } from './core/apply.ts';
import { lookupOf } from './lookup.ts';
import { recordsOf } from './records.ts';
import { Relocator } from './relocate.ts';
import { Layout, type PlacedFunc } from './subprogs.ts';
import type { LinkedFunc, LinkedLine, LinkedProg } from './types.ts';

export interface LinkOptions {
  /**
   * What CO-RE relocations are resolved against: the BTF of a kernel (`parseBtf` of a `/sys/kernel/btf/vmlinux`), as libbpf does, or the object's
   * own (`local`, the default): the layout it was compiled with, which is right for types that never change, such as `struct xdp_md`.
   * What the kernel has not poisons its insn: the program is refused if it is reached.
   */
  readonly core?: Btf | 'local';
}

export function link(object: BpfObject, prog: ProgSpec, options: LinkOptions = {}): LinkedProg {
  const lookup = lookupOf(object);
  if (!lookup.progs.has(prog)) throw new LinkError('LINK_NOT_OF_OBJECT', { prog: prog.name, object: object.name });
  if (prog.type === 'unspec') throw new LinkError('LINK_PROG_TYPE', { prog: prog.name, section: prog.section });
  if (typeof options.core === 'string' && options.core !== 'local')
    throw new LinkError('LINK_OPTION', { option: 'core', found: options.core, expected: "'local' or a parsed BTF" });
  const layout = new Layout(lookup, prog);
  const relocator = new Relocator(object, prog.name, layout, lookup);
  const pieces: Uint8Array[] = [];
  const poisoned = new Map<number, string>();
  // The layout grows while functions are relocated: an index, not an iterator, walks it.
  for (let i = 0; i < layout.funcs.length; i++) {
    if (layout.slots > BPF_COMPLEXITY_LIMIT_INSNS)
      throw new LinkError('LINK_SIZE', {
        prog: prog.name,
        insns: layout.slots,
        limit: BPF_COMPLEXITY_LIMIT_INSNS,
      });
    const piece = relocator.relocate(layout.funcs[i]);
    applyCore({ object, prog: prog.name, func: layout.funcs[i], target: options.core ?? 'local' }, piece, poisoned);
    pieces.push(piece);
  }
  return {
    name: prog.name,
    section: prog.section,
    type: prog.type,
    expectedAttachType: prog.expectedAttachType,
    gplCompatible: object.gplCompatible,
    insns: joined(pieces, layout),
    funcs: layout.funcs.map((func) => linkedFunc(object, func)),
    ...(object.btf === undefined ? {} : { btf: object.btf }),
    sleepable: prog.sleepable,
    frags: prog.frags,
    maps: [...relocator.maps.keys()],
    kfuncs: [...relocator.kfuncs.keys()],
    lines: layout.funcs.flatMap((func) => linkedLines(object, func)),
    ...(poisoned.size === 0 ? {} : { poisoned }),
  };
}

function joined(pieces: readonly Uint8Array[], layout: Layout): Uint8Array {
  const insns = new Uint8Array(layout.slots * BPF_INSN_SIZE);
  pieces.forEach((piece, i) => {
    insns.set(piece, layout.funcs[i].start * BPF_INSN_SIZE);
  });
  return insns;
}

function linkedFunc(object: BpfObject, { spec, start }: PlacedFunc): LinkedFunc {
  const [info] = recordsOf(object, spec, object.btfExt?.funcs);
  const type = info === undefined ? undefined : object.btf?.types[info.type];
  return {
    name: spec.name,
    start,
    end: start + spec.size / BPF_INSN_SIZE,
    ...(info === undefined ? {} : { btfId: info.type }),
    // A hidden global function counts as static: libbpf says so to the kernel.
    global: spec.global && !spec.hidden && type?.kind === 'func' && type.linkage === 'global',
  };
}

function linkedLines(object: BpfObject, { spec, start }: PlacedFunc): LinkedLine[] {
  return recordsOf(object, spec, object.btfExt?.lines).map(({ insnOffset, file, text, line, column }) => {
    return { pc: start + (insnOffset - spec.offset) / BPF_INSN_SIZE, file, text, line, column };
  });
}
