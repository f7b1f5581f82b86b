/** Links one program of an object: its instructions and those of every subprogram it reaches, with all references resolved. */
import { BPF_COMPLEXITY_LIMIT_INSNS, BPF_INSN_SIZE } from '../../assembly/isa.ts';
import { exceptionCallbackNames } from '../btf/tags.ts';
import type { Btf } from '../btf/types.ts';
import { LinkError } from '../errors/index.ts';
import type { BpfObject, ProgSpec, SubprogSpec } from '../object/types.ts';
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
  /**
   * Bind the XDP programs to the device that they run on (BPF_F_XDP_DEV_BOUND_ONLY): they may call the bpf_xdp_metadata_rx_* kfuncs, and may be in no
   * prog array, devmap or cpumap. False unless given.
   */
  readonly deviceBound?: boolean;
}

export function link(object: BpfObject, prog: ProgSpec, options: LinkOptions = {}): LinkedProg {
  const lookup = lookupOf(object);
  if (!lookup.progs.has(prog)) throw new LinkError('LINK_NOT_OF_OBJECT', { prog: prog.name, object: object.name });
  if (prog.type === 'unspec') throw new LinkError('LINK_PROG_TYPE', { prog: prog.name, section: prog.section });
  if (typeof options.core === 'string' && options.core !== 'local')
    throw new LinkError('LINK_OPTION', { option: 'core', found: options.core, expected: "'local' or a parsed BTF" });
  const layout = new Layout(lookup, prog);
  const relocator = new Relocator(object, prog.name, layout, lookup, options.core ?? 'local');
  const poisoned = new Map<number, string>();
  const pieces = new Map<PlacedFunc, Uint8Array>();
  const finish = (func: PlacedFunc, insns: Uint8Array): void => {
    applyCore({ object, prog: prog.name, func, target: options.core ?? 'local' }, insns, poisoned);
    pieces.set(func, insns);
  };
  relocateAll(relocator, layout, prog.name, finish);
  let handler: PlacedFunc | undefined;
  for (const { sectionIndex, offset } of exceptionHandlers(object, prog)) {
    const placed = layout.reach(sectionIndex, offset);
    handler ??= placed;
    if (placed !== undefined && !pieces.has(placed)) relocateAll(relocator, layout, prog.name, finish, placed);
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
    deviceBound: options.deviceBound === true && prog.type === 'xdp',
    maps: [...relocator.maps.keys()],
    kfuncs: [...relocator.kfuncs.keys()],
    ...(handler === undefined ? {} : { handler: handler.start }),
    lines: layout.funcs.flatMap((func) => linkedLines(object, func)),
    ...(poisoned.size === 0 ? {} : { poisoned }),
  };
}

/** Functions are laid out as libbpf does: what one calls stands behind it, with all that it calls in turn. */
function relocateAll(
  relocator: Relocator,
  layout: Layout,
  prog: string,
  finish: (func: PlacedFunc, insns: Uint8Array) => void,
  first = layout.funcs[0],
): void {
  // A stack of its own: files may nest functions deeper than JavaScript's.
  const open = [{ func: first, steps: relocator.relocate(first) }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const step = top.steps.next();
    if (layout.slots > BPF_COMPLEXITY_LIMIT_INSNS)
      throw new LinkError('LINK_SIZE', { prog, insns: layout.slots, limit: BPF_COMPLEXITY_LIMIT_INSNS });
    if (step.done === true) {
      finish(top.func, step.value);
      open.pop();
    } else open.push({ func: step.value, steps: relocator.relocate(step.value) });
  }
}

/** Functions that handle what the program throws (`__exception_cb(NAME)`): nothing calls them, and they belong to it. */
function exceptionHandlers({ btf, subprogs, btfExt, elf }: BpfObject, prog: ProgSpec): readonly SubprogSpec[] {
  if (btf === undefined) return [];
  const records = btfExt?.funcs.get(elf.sections[prog.sectionIndex].name) ?? [];
  const info = records.find((record) => record.insnOffset === prog.offset);
  if (info === undefined) return [];
  return exceptionCallbackNames(btf, info.type).flatMap(
    (name) => subprogs.find((func) => func.global && func.name === name) ?? [],
  );
}

function joined(pieces: ReadonlyMap<PlacedFunc, Uint8Array>, layout: Layout): Uint8Array {
  const insns = new Uint8Array(layout.slots * BPF_INSN_SIZE);
  for (const [func, piece] of pieces) insns.set(piece, func.start * BPF_INSN_SIZE);
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
