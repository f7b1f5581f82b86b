// Structs of the kernel and allocated objects, read by their BTF layout (INPUT_STRUCTS).
import { EACCES, EINVAL, EPERM } from '../../isa';
import {
  BASE_MASK,
  IN_GPL,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  MEM_RDONLY,
  MEM_USER,
  NON_OWN_REF,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MEM,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
  SM_SIZE,
  SMF_NULLABLE,
  SMF_PERCPU,
  SMF_RCU,
  SMF_TRUSTED,
  SMF_USER,
  SMK_POINTER,
  SMK_STRUCT,
  STF_LOCAL,
} from '../abi';
import { Member, Struct, structAt } from '../call/structs';
import { Env } from '../env';
import { fail } from '../log';
import {
  MSG_STRUCT_BOUNDS,
  MSG_STRUCT_FIELD,
  MSG_STRUCT_GPL,
  MSG_STRUCT_HOLE,
  MSG_STRUCT_MEMBER_BOUNDS,
  MSG_STRUCT_NEGATIVE,
  MSG_STRUCT_PERCPU,
  MSG_STRUCT_PERFMON,
  MSG_STRUCT_POINTER,
  MSG_STRUCT_READ_ONLY,
  MSG_STRUCT_USER,
  MSG_STRUCT_VARIABLE,
} from '../messages/access';
import { markPointer, RegState } from '../reg-state';
import { setUnknown } from '../regs';
import { inRcu } from './kptr';

/** Pointers through which the program may read, and write if the object is its own. */
function checkPointer(env: Env, reg: RegState, regno: u32, off: i32): i32 {
  const struct = <i32>reg.aux;
  if (!env.allowPtrLeaks) return fail(env, EPERM, MSG_STRUCT_PERFMON, struct);
  if (!env.input.has(IN_GPL) && (structAt(env, struct).flags & STF_LOCAL) == 0)
    return fail(env, EINVAL, MSG_STRUCT_GPL, struct);
  if (off < 0) return fail(env, EACCES, MSG_STRUCT_NEGATIVE, regno, struct, off);
  if (reg.mask != 0 || reg.value != 0)
    return fail(env, EACCES, MSG_STRUCT_VARIABLE, regno, struct, off, reg.value, reg.mask);
  if ((reg.type & MEM_USER) != 0) return fail(env, EACCES, MSG_STRUCT_USER, regno, struct, off);
  if ((reg.type & MEM_PERCPU) != 0) return fail(env, EACCES, MSG_STRUCT_PERCPU, regno, struct, off);
  return 0;
}

/** The member of `st` that holds byte `off`: the first of those that overlap (unions); null for a hole. */
function memberAt(st: Struct, off: u32): Member {
  for (let i: u32 = 0; i < st.memberCount; i++) {
    const member = changetype<Member>(st.members + <usize>i * SM_SIZE);
    if (off >= member.offset && off < member.offset + member.bytes) return member;
  }
  return changetype<Member>(0);
}

/** Walks down to the member that `size` bytes at `off` are in: 0 and the member at MEMBER, or -errno. */
const MEMBER: usize = memory.data(8, 8);

export function findMember(env: Env, struct: i32, off: u32, size: u32): i32 {
  store<usize>(MEMBER, 0);
  for (let depth = 0; depth < 32; depth++) {
    const st = structAt(env, struct);
    if (off + size > st.bytes) return fail(env, EACCES, MSG_STRUCT_BOUNDS, struct, off, size);
    const member = memberAt(st, off);
    if (changetype<usize>(member) == 0) return fail(env, EINVAL, MSG_STRUCT_HOLE, struct, off);
    if (member.kind != SMK_STRUCT) {
      store<usize>(MEMBER, changetype<usize>(member));
      if (member.kind == SMK_POINTER && (size != member.bytes || off != member.offset))
        return fail(env, EACCES, MSG_STRUCT_POINTER, member.offset, struct, off, size);
      if (off + size > member.offset + member.bytes)
        return fail(env, EACCES, MSG_STRUCT_MEMBER_BOUNDS, member.offset + member.bytes, struct, off, size);
      return 0;
    }
    const inner = structAt(env, member.struct);
    off = inner.bytes == 0 ? 0 : (off - member.offset) % inner.bytes;
    struct = member.struct;
  }
  return fail(env, EINVAL, MSG_STRUCT_HOLE, struct, off);
}

/** Flags of a pointer that was read from `member` of what `reg` points to. */
function inheritedFlags(env: Env, reg: RegState, member: Member): u32 {
  if ((reg.type & PTR_UNTRUSTED) != 0) return PTR_UNTRUSTED;
  const has = member.flags;
  const kept: u32 = ((has & SMF_PERCPU) != 0 ? MEM_PERCPU : 0) | ((has & SMF_USER) != 0 ? MEM_USER : 0);
  const nullable: u32 = (has & SMF_NULLABLE) != 0 ? PTR_MAYBE_NULL : 0;
  const trusted = reg.refId != 0 || (reg.type & (PTR_TRUSTED | MEM_RCU | NON_OWN_REF)) != 0;
  if (!trusted) return kept;
  if ((has & SMF_TRUSTED) != 0) return kept | PTR_TRUSTED | nullable;
  if ((has & SMF_RCU) != 0 && inRcu(env)) return kept | MEM_RCU | nullable;
  return kept;
}

function setLoaded(env: Env, reg: RegState, member: Member, valueRegno: i32): void {
  const dst = env.reg(valueRegno);
  // What programs put into objects of their own is no pointer again, but what looks like one to numbers may be read.
  const isNumber = member.kind != SMK_POINTER || ((reg.type & MEM_ALLOC) != 0 && member.struct >= 0);
  if (isNumber) return setUnknown(env, dst);
  if (member.struct < 0) return markPointer(dst, PTR_TO_MEM | MEM_RDONLY | PTR_UNTRUSTED);
  const flags = inheritedFlags(env, reg, member);
  markPointer(dst, PTR_TO_BTF_ID | flags);
  dst.aux = member.struct;
  if ((flags & PTR_MAYBE_NULL) != 0) dst.id = env.newId();
}

/** An object the program allocated, owned or borrowed: only it may be written. */
function isOwnObject(reg: RegState): bool {
  const flags = reg.type & ~BASE_MASK;
  return (flags & MEM_ALLOC) != 0 && (flags & PTR_UNTRUSTED) == 0;
}

export function checkStruct(env: Env, regno: u32, off: i32, size: u32, write: bool, valueRegno: i32): i32 {
  const reg = env.reg(regno);
  let err = checkPointer(env, reg, regno, off);
  if (err != 0) return err;
  if (write && !isOwnObject(reg)) return fail(env, EACCES, MSG_STRUCT_READ_ONLY);
  const struct = <i32>reg.aux;
  if ((reg.type & MEM_ALLOC) != 0) {
    const st = structAt(env, struct);
    for (let i: u32 = 0; i < st.fieldCount; i++) {
      const field = st.field(i);
      if (<u32>off < field.offset + field.bytes && field.offset < <u32>off + size)
        return fail(env, EACCES, MSG_STRUCT_FIELD, field.kind);
    }
  }
  err = findMember(env, struct, <u32>off, size);
  if (err != 0 || write || valueRegno < 0) return err;
  setLoaded(env, reg, changetype<Member>(load<usize>(MEMBER)), valueRegno);
  return 0;
}
