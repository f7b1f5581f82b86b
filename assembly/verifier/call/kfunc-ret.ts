// What a kfunc returns: R0 behind the call.
import { EINVAL, ENOMEM } from '../../isa';
import * as abi from '../abi';
import { Env } from '../env';
import { Field } from '../input';
import { fail } from '../log';
import * as msg from '../messages/call';
import { markConst, markPointer, RegState } from '../reg-state';
import { setUnknown } from '../regs';
import { dynptrFlag } from './dynptr';
import { markNode, markNonOwning } from './graph';
import { iterFlags } from './iter';
import { isBetween, KfuncProto } from './kfunc-proto';
import { CallMeta } from './meta';
import { acquire } from './refs';
import { kernelStruct, localStruct, structAt, structHasField } from './structs';

const ALLOCATED: u32 = abi.PTR_TO_BTF_ID | abi.MEM_ALLOC;
const MAX_PERCPU_BYTES: u32 = 512;
const LOCKS: u32 = abi.FIELD_SPIN_LOCK | abi.FIELD_RES_SPIN_LOCK;

/** Sets R0, which the call has made unreadable. */
export function setKfuncReturn(env: Env, meta: CallMeta, proto: KfuncProto): i32 {
  const r0 = env.reg(0);
  if (proto.ret == abi.KRET_VOID) return 0;
  if (proto.ret == abi.KRET_SCALAR) {
    if (proto.kind == abi.KFUNC_RES_SPIN_LOCK || proto.kind == abi.KFUNC_RES_SPIN_LOCK_IRQSAVE) markConst(r0, 0);
    else setUnknown(env, r0);
    return 0;
  }
  const err = setPointer(env, meta, proto, r0);
  if (err != 0) return err;
  return r0.type == abi.SCALAR ? 0 : setOwnership(env, meta, proto, r0);
}

/** Kfuncs that say themselves what they return. */
function setPointer(env: Env, meta: CallMeta, proto: KfuncProto, r0: RegState): i32 {
  switch (proto.kind) {
    case abi.KFUNC_OBJ_NEW:
    case abi.KFUNC_PERCPU_OBJ_NEW:
      return setNewObject(env, meta, proto, r0);
    case abi.KFUNC_REFCOUNT_ACQUIRE:
      markPointer(r0, ALLOCATED);
      r0.aux = meta.argStruct;
      return 0;
    case abi.KFUNC_CAST_TO_KERN_CTX:
      markPointer(r0, abi.PTR_TO_BTF_ID | abi.PTR_TRUSTED);
      r0.aux = proto.retStruct;
      return 0;
    case abi.KFUNC_RDONLY_CAST:
      return setRdonlyCast(env, meta, r0);
    case abi.KFUNC_DYNPTR_SLICE:
    case abi.KFUNC_DYNPTR_SLICE_RDWR:
      return setSlice(env, meta, proto, r0);
    default:
      if (meta.root != 0 && returnsNode(proto.kind)) {
        markNode(r0, changetype<Field>(meta.root));
        return 0;
      }
      return setPlainPointer(env, meta, proto, r0);
  }
}

function returnsNode(kind: u32): bool {
  return (
    isBetween(kind, abi.KFUNC_LIST_POP_FRONT, abi.KFUNC_LIST_BACK) ||
    kind == abi.KFUNC_RBTREE_REMOVE ||
    isBetween(kind, abi.KFUNC_RBTREE_FIRST, abi.KFUNC_RBTREE_RIGHT)
  );
}

function setNewObject(env: Env, meta: CallMeta, proto: KfuncProto, r0: RegState): i32 {
  if (meta.constant > <u64>u32.MAX_VALUE) return fail(env, EINVAL, msg.MSG_OBJ_NEW_RANGE);
  const at = localStruct(env, <u32>meta.constant);
  if (at < 0) return fail(env, EINVAL, msg.MSG_OBJ_NEW_NO_STRUCT);
  const isPercpu = proto.kind == abi.KFUNC_PERCPU_OBJ_NEW;
  if (isPercpu) {
    const struct = structAt(env, at);
    if (struct.bytes > MAX_PERCPU_BYTES)
      return fail(env, EINVAL, msg.MSG_OBJ_NEW_PERCPU_SIZE, struct.bytes, MAX_PERCPU_BYTES);
    if ((struct.flags & abi.STF_PLAIN) == 0) return fail(env, EINVAL, msg.MSG_OBJ_NEW_PERCPU_PLAIN);
    if (struct.fieldCount != 0) return fail(env, EINVAL, msg.MSG_OBJ_NEW_PERCPU_FIELDS);
  }
  noteType(env, <u32>meta.constant);
  markPointer(r0, isPercpu ? ALLOCATED | abi.MEM_PERCPU : ALLOCATED);
  r0.aux = at;
  return 0;
}

/** The type (id in the program's BTF) of what the call makes: a fact when it is the same on all paths. */
function noteType(env: Env, id: u32): void {
  const aux = env.curAux;
  if (aux.keyState == abi.KEY_UNSEEN) {
    aux.keyState = abi.KEY_CONST;
    aux.key = id;
  } else if (aux.key != id) aux.keyState = abi.KEY_UNKNOWN;
}

function setRdonlyCast(env: Env, meta: CallMeta, r0: RegState): i32 {
  if (meta.constant == 0) {
    markPointer(r0, abi.PTR_TO_MEM | abi.MEM_RDONLY | abi.PTR_UNTRUSTED);
    return 0;
  }
  const at = kernelStruct(env, meta.constant);
  if (at < 0) return fail(env, EINVAL, msg.MSG_RDONLY_CAST_TYPE);
  markPointer(r0, abi.PTR_TO_BTF_ID | abi.PTR_UNTRUSTED);
  r0.aux = at;
  return 0;
}

function setSlice(env: Env, meta: CallMeta, proto: KfuncProto, r0: RegState): i32 {
  const writes = proto.kind == abi.KFUNC_DYNPTR_SLICE_RDWR;
  if (writes && env.input.packetAccess != abi.PACKET_ACCESS_WRITE) return fail(env, EINVAL, msg.MSG_SLICE_NO_WRITE);
  markPointer(r0, abi.PTR_TO_MEM | dynptrFlag(meta.dynptrKind) | (writes ? 0 : abi.MEM_RDONLY));
  r0.aux = <u32>meta.constant;
  r0.aux2 = meta.dynptrId;
  return 0;
}

function setPlainPointer(env: Env, meta: CallMeta, proto: KfuncProto, r0: RegState): i32 {
  const protectedByRcu: u32 = proto.has(abi.KFF_RCU_PROTECTED) ? abi.MEM_RCU : 0;
  if (proto.ret == abi.KRET_MEM) {
    let bytes = <u32>meta.retBytes;
    let isReadOnly = meta.retReadOnly;
    if (bytes == 0) {
      bytes = proto.retBytes;
      isReadOnly = true;
    }
    if (bytes == 0) {
      // A pointer to void is a number.
      setUnknown(env, r0);
      return 0;
    }
    markPointer(r0, abi.PTR_TO_MEM | (isReadOnly ? abi.MEM_RDONLY : 0) | protectedByRcu);
    r0.aux = bytes;
    r0.refId = meta.refId;
    return 0;
  }
  let flags = protectedByRcu;
  if (proto.has(abi.KFF_RET_UNTRUSTED)) flags = abi.PTR_UNTRUSTED;
  if (proto.has(abi.KFF_ITER_NEXT)) flags |= iterFlags(env, meta);
  markPointer(r0, abi.PTR_TO_BTF_ID | flags);
  r0.aux = proto.retStruct;
  return 0;
}

function maybeNull(meta: CallMeta, proto: KfuncProto): bool {
  if (proto.kind == abi.KFUNC_REFCOUNT_ACQUIRE && meta.owning) return false;
  return proto.has(abi.KFF_RET_NULL);
}

/** NULL, references, and nodes that still belong to their root. */
function setOwnership(env: Env, meta: CallMeta, proto: KfuncProto, r0: RegState): i32 {
  const mayFail = maybeNull(meta, proto);
  if (mayFail) {
    r0.type |= abi.PTR_MAYBE_NULL;
    r0.id = env.newId();
  }
  if (proto.has(abi.KFF_ACQUIRE)) {
    const id = acquire(env);
    if (id == 0) return -ENOMEM;
    if (mayFail) r0.id = id;
    r0.refId = id;
  } else if (meta.root != 0 && returnsNode(proto.kind)) markNonOwning(env, r0);
  const isObject = r0.base == abi.PTR_TO_BTF_ID && (r0.type & abi.MEM_ALLOC) != 0;
  if (isObject && r0.id == 0 && structHasField(env, r0.aux, LOCKS)) r0.id = env.newId();
  return 0;
}
