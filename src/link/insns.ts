/**
 * Programs that come from no object file: bare insns as BPF_PROG_LOAD takes them, with maps by their index in an array (its `fd_array`).
 */
import {
  BPF_CALL,
  BPF_DW,
  BPF_IMM,
  BPF_JMP,
  BPF_LD,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
} from '../../assembly/isa.ts';
import type { Btf } from '../btf/types.ts';
import { LinkError } from '../errors/index.ts';
import { assemble } from '../isa/asm.ts';
import { decodeInsns, encodeInsns } from '../isa/decode.ts';
import type { Insn } from '../isa/insn.ts';
import { isGplCompatible } from '../object/license.ts';
import type { MapSpec, ProgType } from '../object/types.ts';
import type { LinkedFunc, LinkedProg } from './types.ts';

/** Insns as bytes (8 each, little-endian), as structs, or as text in the kernel's and LLVM's syntax. */
export type InsnSource = Uint8Array | readonly Insn[] | string;

/** The fields of `union bpf_attr` for BPF_PROG_LOAD, in this package's words. */
export interface InsnsOptions {
  readonly type: ProgType;
  /** `prog` unless given. */
  readonly name?: string;
  /** `GPL` unless given. */
  readonly license?: string;
  readonly expectedAttachType?: number;
  /** What BPF_PSEUDO_MAP_IDX and BPF_PSEUDO_MAP_IDX_VALUE index; in text, `r1 = map[name]` finds them by name. */
  readonly maps?: readonly MapSpec[];
  /** Types that the maps' keys and values name. */
  readonly btf?: Btf;
}

const LDDW = BPF_LD | BPF_IMM | BPF_DW;
const CALL = BPF_JMP | BPF_CALL;

/** Slots that begin an insn, with it: the second slot of `ld_imm64` is none. */
function* starts(insns: readonly Insn[]): Generator<readonly [pc: number, insn: Insn]> {
  for (let pc = 0; pc < insns.length; pc++) {
    yield [pc, insns[pc]];
    if (insns[pc].opcode === LDDW) pc++;
  }
}

/** Functions of bare insns: they begin at 0, and wherever a BPF_PSEUDO_CALL or BPF_PSEUDO_FUNC goes. */
export function findFuncs(insns: readonly Insn[], name: string): LinkedFunc[] {
  const found = new Set([0]);
  for (const [pc, { opcode, src, imm }] of starts(insns)) {
    const refers = (opcode === CALL && src === BPF_PSEUDO_CALL) || (opcode === LDDW && src === BPF_PSEUDO_FUNC);
    const target = pc + 1 + imm;
    // A target outside is the verifier's to refuse.
    if (refers && target >= 0 && target < insns.length) found.add(target);
  }
  const sorted = [...found].sort((a, b) => a - b);
  return sorted.map((start, i) => ({
    name: i === 0 ? name : `sub${start}`,
    start,
    end: sorted[i + 1] ?? insns.length,
  }));
}

/** References that only the kernel they were made for could resolve. */
function checkReferences(prog: string, insns: readonly Insn[], maps: number): void {
  for (const [pc, { opcode, src, imm }] of starts(insns)) {
    if (opcode === CALL && src === BPF_PSEUDO_KFUNC_CALL)
      throw new LinkError('LINK_INSNS_KFUNC', { prog, pc, id: imm });
    if (opcode !== LDDW) continue;
    if (src === BPF_PSEUDO_MAP_FD || src === BPF_PSEUDO_MAP_VALUE) {
      throw new LinkError('LINK_INSNS_MAP_FD', { prog, pc, fd: imm });
    }
    const indexes = src === BPF_PSEUDO_MAP_IDX || src === BPF_PSEUDO_MAP_IDX_VALUE;
    if (indexes && (imm < 0 || imm >= maps)) throw new LinkError('LINK_INSNS_MAP', { prog, pc, index: imm, maps });
  }
}

function insnsOf(source: InsnSource, maps: readonly MapSpec[]): readonly Insn[] {
  if (typeof source === 'string') return assemble(source, { maps: maps.map((map) => map.name) });
  // Encoded and back: what is no insn is refused before anything looks at it.
  return decodeInsns(source instanceof Uint8Array ? source : encodeInsns(source));
}

/**
 * Makes a linked program of bare insns; what they do is the verifier's to judge.
 * @throws InsnError when they cannot be read, LinkError when they refer to what is not given
 */
export function linkInsns(source: InsnSource, options: InsnsOptions): LinkedProg {
  const { type, name = 'prog', license = 'GPL', expectedAttachType = -1, maps = [], btf } = options;
  const insns = insnsOf(source, maps);
  if (insns.length === 0) throw new LinkError('LINK_INSNS_EMPTY', { prog: name });
  checkReferences(name, insns, maps.length);
  return {
    name,
    section: type,
    type,
    expectedAttachType,
    gplCompatible: isGplCompatible(license),
    insns: encodeInsns(insns),
    funcs: findFuncs(insns, name),
    maps,
    kfuncs: [],
    lines: [],
    ...(btf === undefined ? {} : { btf }),
  };
}
