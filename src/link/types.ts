/** Raw insns with every reference resolved: what the verifier judges and the JIT compiles. */
import type { Btf } from '../btf/types.ts';
import type { MapSpec, ProgType } from '../object/types.ts';

/** A function of a linked program: [start, end) in slots. Index 0 is the program's own entry, at pc 0. */
export interface LinkedFunc {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Type id of its FUNC in `LinkedProg.btf`; undefined without function info. */
  readonly btfId?: number;
  /** Judged by its BTF prototype alone, and verified on its own: a global function that is not hidden. */
  readonly global?: boolean;
}

/** Source line that starts at a pc. */
export interface LinkedLine {
  readonly pc: number;
  readonly file: string;
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface LinkedProg {
  readonly name: string;
  readonly section: string;
  readonly type: ProgType;
  readonly expectedAttachType: number;
  readonly gplCompatible: boolean;
  /**
   * Instruction slots, 8 bytes each, little-endian. References are the kernel's own pseudo forms:
   * `ld_imm64` with src BPF_PSEUDO_MAP_IDX (imm = index into `maps`) or BPF_PSEUDO_MAP_IDX_VALUE (second imm = offset in value 0),
   * BPF_PSEUDO_BTF_ID for the address of a kernel's function (imm = its id in the target's BTF),
   * BPF_PSEUDO_FUNC and BPF_PSEUDO_CALL with imm relative to the next slot, BPF_PSEUDO_KFUNC_CALL with imm = index into `kfuncs`.
   */
  readonly insns: Uint8Array;
  readonly funcs: readonly LinkedFunc[];
  readonly maps: readonly MapSpec[];
  readonly kfuncs: readonly string[];
  /** Start of the function that gets what the program throws; undefined for the default, which returns it. */
  readonly handler?: number;
  /** Types of the functions and of the maps' values. */
  readonly btf?: Btf;
  /** Program flags of the section name. */
  readonly sleepable?: boolean;
  readonly frags?: boolean;
  /** BPF_F_XDP_DEV_BOUND_ONLY. */
  readonly deviceBound?: boolean;
  /** Ordered by pc. */
  readonly lines: readonly LinkedLine[];
  /** CO-RE relocations that the target could not answer, by pc: their insns are calls of nothing. */
  readonly poisoned?: ReadonlyMap<number, string>;
}
