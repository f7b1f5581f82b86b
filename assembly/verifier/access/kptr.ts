// Kernel pointers in map values: what loading one gives, and which registers may be stored.
import { BPF_LDX, BPF_MEM, BPF_STX, EACCES } from '../../isa';
import {
  BASE_MASK,
  FIELD_KPTR_PERCPU,
  FIELD_KPTR_REF,
  FIELD_KPTR_UNREF,
  FIELD_LIST_NODE,
  FIELD_RB_NODE,
  FIELD_UPTR,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  NON_OWN_REF,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  STF_LOCAL,
  STF_RCU,
} from '../abi';
import { structAt, structHasField, structMatches } from '../call/structs';
import { Env } from '../env';
import { Field } from '../input';
import { fail } from '../log';
import {
  MSG_KPTR_IMM,
  MSG_KPTR_MODE,
  MSG_KPTR_REF_STORE,
  MSG_KPTR_TYPE,
  MSG_KPTR_TYPE_UNREF,
  MSG_UPTR_STORE,
} from '../messages/access';
import { isNullConst, markPointer, RegState } from '../reg-state';
import { checkUnmodified } from './offset';

/** Objects that RCU protects stay while this insn runs. */
export function inRcu(env: Env): bool {
  const st = env.cur;
  return st.activeRcuLocks != 0 || st.activeLocks != 0 || !st.inSleepable;
}

function isLocal(env: Env, struct: i32): bool {
  return struct >= 0 && (structAt(env, struct).flags & STF_LOCAL) != 0;
}

function loadedFlags(env: Env, field: Field): u32 {
  const protects =
    field.kind == FIELD_KPTR_PERCPU ||
    (field.kind == FIELD_KPTR_REF &&
      field.struct >= 0 &&
      (structAt(env, field.struct).flags & (STF_LOCAL | STF_RCU)) != 0);
  if (!protects || !inRcu(env)) return PTR_MAYBE_NULL | PTR_UNTRUSTED;
  if (field.kind == FIELD_KPTR_PERCPU) return PTR_MAYBE_NULL | MEM_RCU | MEM_PERCPU;
  if (!isLocal(env, field.struct)) return PTR_MAYBE_NULL | MEM_RCU;
  // An object that a list or a tree may hold as well is nobody's own here.
  const isNode = structHasField(env, field.struct, FIELD_LIST_NODE | FIELD_RB_NODE);
  return PTR_MAYBE_NULL | MEM_RCU | MEM_ALLOC | (isNode ? NON_OWN_REF : 0);
}

function loadKptr(env: Env, field: Field, valueRegno: i32): i32 {
  const dst = env.reg(valueRegno);
  if (field.kind == FIELD_UPTR) {
    markPointer(dst, PTR_TO_MEM | PTR_MAYBE_NULL);
    dst.aux = field.struct >= 0 ? structAt(env, field.struct).bytes : 0;
  } else {
    markPointer(dst, PTR_TO_BTF_ID | loadedFlags(env, field));
    dst.aux = field.struct;
  }
  dst.id = env.newId();
  return 0;
}

function storeKptr(env: Env, field: Field, reg: RegState, regno: i32): i32 {
  if (isNullConst(reg)) return 0;
  const unref = field.kind == FIELD_KPTR_UNREF;
  const local = reg.base == PTR_TO_BTF_ID && isLocal(env, reg.aux);
  let allowed: u32 = PTR_MAYBE_NULL | (local ? MEM_ALLOC : PTR_TRUSTED | MEM_RCU);
  if (unref && !local) allowed |= PTR_UNTRUSTED;
  const fits = reg.base == PTR_TO_BTF_ID && (reg.type & ~BASE_MASK & ~allowed) == 0;
  if (fits) {
    const err = checkUnmodified(env, reg, regno, true);
    if (err != 0) return err;
    if (structMatches(env, reg.aux, reg.off, field.struct, !unref)) return 0;
  }
  const have = reg.base == PTR_TO_BTF_ID ? <i32>reg.aux : -1;
  return fail(env, EACCES, unref ? MSG_KPTR_TYPE_UNREF : MSG_KPTR_TYPE, regno, reg.type, have, field.struct);
}

/** All 8 bytes of the field are accessed, at a constant offset. */
export function checkKptr(env: Env, field: Field, valueRegno: i32): i32 {
  const insn = env.insn(env.pc);
  if (insn.mode != BPF_MEM) return fail(env, EACCES, MSG_KPTR_MODE);
  const isLoad = insn.cls == BPF_LDX;
  if (!isLoad && (field.kind & (FIELD_KPTR_REF | FIELD_KPTR_PERCPU)) != 0) return fail(env, EACCES, MSG_KPTR_REF_STORE);
  if (!isLoad && field.kind == FIELD_UPTR) return fail(env, EACCES, MSG_UPTR_STORE);
  if (isLoad) return loadKptr(env, field, valueRegno);
  if (insn.cls == BPF_STX) return storeKptr(env, field, env.reg(valueRegno), valueRegno);
  return insn.imm != 0 ? fail(env, EACCES, MSG_KPTR_IMM, field.offset) : 0;
}
