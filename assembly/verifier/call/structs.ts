// Structs of the kernel and of the program, as far as pointers to them are told apart (INPUT_STRUCTS, drawn in abi/structs.ts).
import { MF_SIZE, ST_SIZE_OF, STF_LOCAL, STF_STRICT } from '../abi';
import { Env } from '../env';
import { Field } from '../input';

@unmanaged
export class Struct {
  bytes: u32;
  flags: u32;
  /** Fields with rules of their own: rows of MF_SIZE. */
  fields: usize;
  fieldCount: u32;
  members: usize;
  memberCount: u32;
  /** BTF id. */
  id: u32;
  reserved: u32;

  @inline field(i: u32): Field {
    return changetype<Field>(this.fields + <usize>i * MF_SIZE);
  }
}

if (offsetof<Struct>() != ST_SIZE_OF) ERROR('Struct: its size drifted from abi.ts');

/** A member that is a struct itself: found when a pointer to its outer struct stands for a pointer to it. */
@unmanaged
export class Member {
  offset: u32;
  bytes: u32;
  kind: u32;
  struct: i32;
  flags: u32;
}

export function structAt(env: Env, i: i32): Struct {
  return changetype<Struct>(env.input.structs + <usize>i * ST_SIZE_OF);
}

/** Row of the struct `id` in the program's BTF, or -1. */
export function localStruct(env: Env, id: u32): i32 {
  return rowOf(env, id, STF_LOCAL);
}

/** Row of the struct `id` in the kernel's BTF, or -1. */
export function kernelStruct(env: Env, id: u64): i32 {
  return id > <u64>u32.MAX_VALUE ? -1 : rowOf(env, <u32>id, 0);
}

function rowOf(env: Env, id: u32, local: u32): i32 {
  for (let i: u32 = 0; i < env.input.structCount; i++) {
    const struct = structAt(env, i);
    if (struct.id == id && (struct.flags & STF_LOCAL) == local) return i;
  }
  return -1;
}

/** Has the struct a field of one of these kinds (FIELD_*)? */
export function structHasField(env: Env, index: u32, kinds: u32): bool {
  if (<i32>index < 0) return false;
  const struct = structAt(env, <i32>index);
  for (let i: u32 = 0; i < struct.fieldCount; i++) {
    if ((struct.field(i).kind & kinds) != 0) return true;
  }
  return false;
}

function memberStruct(st: Struct, offset: u32): Member {
  for (let i: u32 = 0; i < st.memberCount; i++) {
    const member = changetype<Member>(st.members + <usize>i * offsetof<Member>());
    if (member.struct >= 0 && member.kind == 1 && offset >= member.offset && offset < member.offset + member.bytes)
      return member;
  }
  return changetype<Member>(0);
}

/** A pointer to `have` + `offset` is one to `want`: the same struct, or (not `strict`) one that is embedded there. */
export function structMatches(env: Env, have: i32, offset: i32, want: i32, strict: bool): bool {
  let at = have;
  let rest = <u32>offset;
  if (have >= 0 && (structAt(env, have).flags & STF_STRICT) != 0) return have == want && offset == 0;
  while (at >= 0) {
    if (at == want && rest == 0) return true;
    if (strict) return false;
    const member = memberStruct(structAt(env, at), rest);
    if (changetype<usize>(member) == 0) return false;
    at = member.struct;
    rest -= member.offset;
  }
  return false;
}
