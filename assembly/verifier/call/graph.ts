// Lists and trees of objects that the program owns: roots, nodes, and references that do not own what they point to.
import { EINVAL } from '../../isa';
import * as abi from '../abi';
import { Env } from '../env';
import { Field } from '../input';
import { fail } from '../log';
import * as msg from '../messages/call';
import { isSpilled } from '../precision';
import { markPointer, RegState } from '../reg-state';
import { REF_LOCKS } from '../state';
import { fieldOf, findField, lockPtr } from './fields';
import { CallMeta } from './meta';
import { findLock, isHeld } from './refs';
import { structHasField } from './structs';

const LOCKS: u32 = abi.FIELD_SPIN_LOCK | abi.FIELD_RES_SPIN_LOCK;
const ALLOCATED: u32 = abi.PTR_TO_BTF_ID | abi.MEM_ALLOC;

/** The call's argument is a list head or tree root (`kind`), under the lock that is in the same value or object. */
export function checkRootArg(env: Env, meta: CallMeta, regno: u32, kind: u32): i32 {
  const reg = env.reg(regno);
  if (reg.type != abi.PTR_TO_MAP_VALUE && reg.type != ALLOCATED)
    return fail(env, EINVAL, msg.MSG_KFUNC_MAP_OR_ALLOC, regno - 1);
  if (reg.type == ALLOCATED && reg.refId == 0) return fail(env, EINVAL, msg.MSG_KFUNC_ALLOC_REF);
  if (reg.mask != 0) return fail(env, EINVAL, msg.MSG_GRAPH_OFFSET, regno, kind);
  const off = <u32>(reg.off + <i32>reg.value);
  const field = findField(env, reg, kind, off);
  if (changetype<usize>(field) == 0) return fail(env, EINVAL, msg.MSG_GRAPH_NOT_FOUND, kind, off);
  const st = env.cur;
  if (st.activeLocks == 0 || !findLock(st, REF_LOCKS, reg.id, lockPtr(reg))) {
    // Both are said where another lock is held.
    if (st.activeLocks != 0) fail(env, EINVAL, msg.MSG_GRAPH_OTHER_LOCK);
    const lock = fieldOf(env, reg, LOCKS);
    return fail(env, EINVAL, msg.MSG_GRAPH_NOT_LOCKED, changetype<usize>(lock) == 0 ? -1 : <i64>lock.offset, kind);
  }
  meta.root = changetype<usize>(field);
  return 0;
}

/** A node to put into, or take out of, the root argument. `kind`: FIELD_LIST_NODE or FIELD_RB_NODE. */
export function checkNodeArg(env: Env, meta: CallMeta, regno: u32, kind: u32): i32 {
  const reg = env.reg(regno);
  if (reg.mask != 0) return fail(env, EINVAL, msg.MSG_GRAPH_OFFSET, regno, kind);
  const off = <u32>(reg.off + <i32>reg.value);
  const found = findField(env, reg, kind, off);
  if (changetype<usize>(found) == 0) return fail(env, EINVAL, msg.MSG_GRAPH_NOT_FOUND, kind, off);
  const root = changetype<Field>(meta.root);
  if (<i32>reg.aux != root.struct)
    return fail(env, EINVAL, msg.MSG_GRAPH_STRUCT, root.kind, kind, root.nodeOffset, root.struct, off, reg.aux);
  meta.argStruct = <i32>reg.aux;
  if (off != root.nodeOffset)
    return fail(env, EINVAL, msg.MSG_GRAPH_NODE_OFFSET, off, kind, root.nodeOffset, root.struct);
  return 0;
}

/** The register points to a node in the object that `root` holds. */
export function markNode(reg: RegState, root: Field): void {
  markPointer(reg, ALLOCATED);
  reg.aux = root.struct;
  reg.off = root.nodeOffset;
}

/** The pointer does not own its object: it is good as long as the lock is held. */
export function markNonOwning(env: Env, reg: RegState): void {
  reg.type |= abi.NON_OWN_REF;
  if (structHasField(env, reg.aux, abi.FIELD_REFCOUNT)) reg.type |= abi.MEM_RCU;
}

/** What was owned under `id` belongs to a root now. False when nothing is held under it. */
export function disown(env: Env, id: u32): bool {
  if (id == 0 || !isHeld(env.cur, id)) return false;
  for (let f: u32 = 0; f <= env.cur.curframe; f++) {
    const frame = env.cur.frame(f);
    for (let i: u32 = 0; i < 10; i++) disownReg(env, frame.reg(i), id);
    for (let i: u32 = 0; i < frame.slots; i++) {
      if (isSpilled(frame.slot(i))) disownReg(env, frame.slot(i), id);
    }
  }
  return true;
}

function disownReg(env: Env, reg: RegState, id: u32): void {
  if (reg.refId != id) return;
  reg.refId = 0;
  markNonOwning(env, reg);
}
