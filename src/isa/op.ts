/** What an insn means, as a closed sum type: made by `decodeOp` from the table, consumed by exhaustive switches. */

export type Operand =
  | { readonly kind: 'reg'; readonly reg: number }
  /** Sign-extended to the operation's width. */
  | { readonly kind: 'imm'; readonly value: number };

export type AluName =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'sdiv'
  | 'mod'
  | 'smod'
  | 'or'
  | 'and'
  | 'xor'
  | 'lsh'
  | 'rsh'
  | 'arsh'
  | 'mov'
  | 'neg';

export type JumpName = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le' | 'sgt' | 'sge' | 'slt' | 'sle' | 'set';

export type AtomicName = 'add' | 'or' | 'and' | 'xor' | 'xchg' | 'cmpxchg' | 'load_acq' | 'store_rel';

/** The 64-bit immediate of `ld_imm64`, by its pseudo form. */
export type WideValue =
  | { readonly kind: 'const'; readonly lo: number; readonly hi: number }
  /** `map` is a file descriptor, or an index into the program's maps. */
  | { readonly kind: 'map_fd' | 'map_idx'; readonly map: number }
  | { readonly kind: 'map_value' | 'map_idx_value'; readonly map: number; readonly offset: number }
  | { readonly kind: 'btf_id'; readonly id: number; readonly module: number }
  /** `target` is the pc where the function starts. */
  | { readonly kind: 'func'; readonly target: number };

export type Op =
  /** `neg` has no source. */
  | {
      readonly kind: 'alu';
      readonly op: AluName;
      readonly width: 32 | 64;
      readonly dst: number;
      readonly src?: Operand;
    }
  | {
      readonly kind: 'movsx';
      readonly width: 32 | 64;
      readonly bits: 8 | 16 | 32;
      readonly dst: number;
      readonly src: number;
    }
  /** A pointer into the arena as user space has it; the other way round it is a 32-bit `mov`. */
  | { readonly kind: 'cast_user'; readonly dst: number; readonly src: number }
  | { readonly kind: 'swap'; readonly to: 'le' | 'be' | 'bswap'; readonly bits: 16 | 32 | 64; readonly dst: number }
  | {
      readonly kind: 'load';
      readonly size: 1 | 2 | 4 | 8;
      readonly signed: boolean;
      readonly dst: number;
      readonly src: number;
      readonly off: number;
    }
  | {
      readonly kind: 'store';
      readonly size: 1 | 2 | 4 | 8;
      readonly dst: number;
      readonly off: number;
      readonly src: Operand;
    }
  /** load_acq: dst = *(src + off). All others: at dst + off. */
  | {
      readonly kind: 'atomic';
      readonly op: AtomicName;
      readonly fetch: boolean;
      readonly size: 1 | 2 | 4 | 8;
      readonly dst: number;
      readonly src: number;
      readonly off: number;
    }
  | { readonly kind: 'lddw'; readonly dst: number; readonly value: WideValue }
  | { readonly kind: 'ldabs'; readonly size: 1 | 2 | 4; readonly imm: number }
  | { readonly kind: 'ldind'; readonly size: 1 | 2 | 4; readonly src: number; readonly imm: number }
  | { readonly kind: 'ja'; readonly target: number }
  | {
      readonly kind: 'jcond';
      readonly op: JumpName;
      readonly width: 32 | 64;
      readonly dst: number;
      readonly src: Operand;
      readonly target: number;
    }
  | { readonly kind: 'may_goto'; readonly target: number }
  | { readonly kind: 'call'; readonly helper: number }
  | { readonly kind: 'call_local'; readonly target: number }
  | { readonly kind: 'call_kfunc'; readonly id: number; readonly off: number }
  | { readonly kind: 'exit' };
