/** Links one program of an object: its instructions and those of every subprogram it reaches, with all references resolved. */
import { BPF_COMPLEXITY_LIMIT_INSNS, BPF_INSN_SIZE } from '../../assembly/isa.ts';
import { declare } from '../btf/declare.ts';
import type { BtfCoreRelo } from '../btf/types.ts';
import { LinkError } from '../errors/index.ts';
import type { BpfObject, ProgSpec, SubprogSpec } from '../object/types.ts';
import { hex } from '../util/bytes.ts';
import { lookupOf } from './lookup.ts';
import { within } from './records.ts';
import { Relocator } from './relocate.ts';
import { Layout, type PlacedFunc } from './subprogs.ts';
import type { LinkedFunc, LinkedLine, LinkedProg } from './types.ts';

export interface LinkOptions {
  /**
   * What to do with CO-RE relocations: refuse the program (the default), or take the layout it was compiled with,
   * which is right for types that never change, such as `struct xdp_md`.
   */
  readonly core?: 'refuse' | 'local';
}

export function link(object: BpfObject, prog: ProgSpec, options: LinkOptions = {}): LinkedProg {
  const lookup = lookupOf(object);
  if (!lookup.progs.has(prog)) throw new LinkError('LINK_NOT_OF_OBJECT', { prog: prog.name, object: object.name });
  if (prog.type === 'unspec') throw new LinkError('LINK_PROG_TYPE', { prog: prog.name, section: prog.section });
  const layout = new Layout(lookup, prog);
  const relocator = new Relocator(object, prog.name, layout, lookup);
  const pieces: Uint8Array[] = [];
  // The layout grows while functions are relocated: an index, not an iterator, walks it.
  for (let i = 0; i < layout.funcs.length; i++) {
    if (layout.slots > BPF_COMPLEXITY_LIMIT_INSNS)
      throw new LinkError('LINK_SIZE', {
        prog: prog.name,
        insns: layout.slots,
        limit: BPF_COMPLEXITY_LIMIT_INSNS,
      });
    pieces.push(relocator.relocate(layout.funcs[i]));
    if (options.core !== 'local') refuseCoreRelos(object, prog, layout.funcs[i].spec);
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

/** The records of `.BTF.ext` that lie in a function. */
function recordsOf<T extends { readonly insnOffset: number }>(
  object: BpfObject,
  spec: SubprogSpec,
  records: ReadonlyMap<string, readonly T[]> | undefined,
): readonly T[] {
  const section = object.elf.sections[spec.sectionIndex].name;
  const all = records?.get(section) ?? [];
  return within(all, (record) => record.insnOffset, spec);
}

function refuseCoreRelos(object: BpfObject, prog: ProgSpec, spec: SubprogSpec): void {
  const [relo] = recordsOf<BtfCoreRelo>(object, spec, object.btfExt?.coreRelos);
  if (relo === undefined || object.btf === undefined) return;
  throw new LinkError('LINK_CORE_UNSUPPORTED', {
    prog: prog.name,
    section: object.elf.sections[spec.sectionIndex].name,
    offset: hex(relo.insnOffset),
    type: declare(object.btf, relo.type),
    access: relo.access,
    kind: relo.kind,
  });
}
