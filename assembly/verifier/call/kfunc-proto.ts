// A kfunc's BTF prototype as TypeScript wrote it (layout in abi.ts, "Kfuncs").
import {
  KA_SIZE,
  KF_ARGS,
  KF_SIZE,
  KFF_RELEASE,
  KFF_TRUSTED_ARGS,
  KFUNC_LIST_BACK,
  KFUNC_LIST_PUSH_FRONT,
  KFUNC_RBTREE_REMOVE,
  KFUNC_RBTREE_RIGHT,
  KFUNC_REFCOUNT_ACQUIRE,
  KFUNC_RES_SPIN_LOCK,
  KFUNC_RES_SPIN_UNLOCK_IRQRESTORE,
} from '../abi';
import { Env } from '../env';
import { Insn } from '../insn';

@unmanaged
export class KfuncArg {
  kind: u32;
  flags: u32;
  struct: i32;
  bytes: u32;

  @inline has(flag: u32): bool {
    return (this.flags & flag) != 0;
  }
}

/** Kinds that stand together in abi.ts. */
export function isBetween(kind: u32, first: u32, last: u32): bool {
  return kind >= first && kind <= last;
}

@unmanaged
export class KfuncProto {
  kind: u32;
  flags: u32;
  argCount: u32;
  ret: u32;
  retStruct: i32;
  retBytes: u32;
  iterSlots: u32;
  iterId: u32;

  @inline has(flag: u32): bool {
    return (this.flags & flag) != 0;
  }
  @inline arg(i: u32): KfuncArg {
    return changetype<KfuncArg>(changetype<usize>(this) + KF_ARGS + <usize>i * KA_SIZE);
  }
  /** What is released must be trusted as well. */
  @inline get wantsTrusted(): bool {
    return (this.flags & (KFF_TRUSTED_ARGS | KFF_RELEASE)) != 0;
  }
  /** Lists, trees and resilient locks: made for use under a lock. */
  get isGraphOrLock(): bool {
    const kind = this.kind;
    return (
      kind == KFUNC_REFCOUNT_ACQUIRE ||
      isBetween(kind, KFUNC_LIST_PUSH_FRONT, KFUNC_LIST_BACK) ||
      isBetween(kind, KFUNC_RBTREE_REMOVE, KFUNC_RBTREE_RIGHT) ||
      isBetween(kind, KFUNC_RES_SPIN_LOCK, KFUNC_RES_SPIN_UNLOCK_IRQRESTORE)
    );
  }
}

if (offsetof<KfuncProto>() != KF_ARGS) ERROR('KfuncProto: its header drifted from abi.ts');
if (offsetof<KfuncArg>() != KA_SIZE) ERROR('KfuncArg: its size drifted from abi.ts');
if (KF_SIZE != KF_ARGS + 5 * KA_SIZE) ERROR('KF_SIZE is not its parts');

/** The kfunc that `insn` calls; null when the program may have no such row. */
export function kfuncProto(env: Env, insn: Insn): KfuncProto {
  if (<u32>insn.imm >= env.input.kfuncCount) return changetype<KfuncProto>(0);
  return changetype<KfuncProto>(env.input.kfuncs + <usize>insn.imm * KF_SIZE);
}
