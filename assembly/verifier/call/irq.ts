// Flags of bpf_local_irq_save on the stack: given back in the reverse order.
import { EACCES, EINVAL, ENOMEM, ERANGE } from '../../isa';
import * as abi from '../abi';
import { checkAccess } from '../access/memory';
import { Env } from '../env';
import { markStackRead, markStackWrite } from '../liveness';
import { fail } from '../log';
import { MSG_IRQ_CLASS, MSG_IRQ_INIT, MSG_IRQ_ORDER, MSG_IRQ_UNINIT } from '../messages/call';
import { markNotInit, markPointer } from '../reg-state';
import { REF_IRQ, State } from '../state';
import { frameOf, OBJ_IRQ_FLAG, objectSlot } from './dynptr';
import { addRef, removeRef } from './refs';

/** Who saved the flag: `RegState.aux` of its slot. */
export const IRQ_NATIVE: u32 = 1;
export const IRQ_LOCK: u32 = 2;
const ALL: u64 = <u64>abi.STACK_IRQ_FLAG * 0x0101010101010101;

export function saveIrq(env: Env, regno: u32, by: u32): i32 {
  const reg = env.reg(regno);
  let spi = objectSlot(env, reg, 1, OBJ_IRQ_FLAG);
  if ((spi < 0 && spi != -ERANGE) || (spi >= 0 && frameOf(env, reg).slot(spi).typeAt(0) == abi.STACK_IRQ_FLAG))
    return fail(env, EINVAL, MSG_IRQ_UNINIT, regno - 1);
  const err = checkAccess(env, regno, 0, 8, true, -1, false, false);
  if (err != 0) return err;
  spi = objectSlot(env, reg, 1, OBJ_IRQ_FLAG);
  if (spi < 0) return spi;
  const id = env.newId();
  if (changetype<usize>(addRef(env, REF_IRQ, id)) == 0) return -ENOMEM;
  env.cur.activeIrqId = id;
  const slot = frameOf(env, reg).slot(spi);
  markPointer(slot, abi.PTR_TO_STACK);
  slot.setTypes(abi.STACK_IRQ_FLAG);
  slot.refId = id;
  slot.aux = by;
  markStackWrite(env, frameOf(env, reg), (<u64>1) << spi);
  return 0;
}

export function restoreIrq(env: Env, regno: u32, by: u32): i32 {
  const reg = env.reg(regno);
  const spi = objectSlot(env, reg, 1, OBJ_IRQ_FLAG);
  if (spi < 0 || frameOf(env, reg).slot(spi).types != ALL || frameOf(env, reg).slot(spi).refId == 0)
    return fail(env, EINVAL, MSG_IRQ_INIT, regno - 1);
  const frame = frameOf(env, reg);
  const slot = frame.slot(spi);
  markStackRead(env, frame, env.pc, (<u64>1) << spi);
  if (slot.aux != by) return fail(env, EINVAL, MSG_IRQ_CLASS, slot.aux, by);
  const st = env.cur;
  if (slot.refId != st.activeIrqId) return fail(env, EACCES, MSG_IRQ_ORDER, st.activeIrqId, acquiredAt(st));
  dropIrq(st, slot.refId);
  markNotInit(slot);
  slot.types = 0;
  markStackWrite(env, frame, (<u64>1) << spi);
  return 0;
}

function acquiredAt(st: State): u32 {
  for (let i: u32 = 0; i < st.refCount; i++) {
    if (st.ref(i).id == st.activeIrqId) return st.ref(i).pc;
  }
  return 0;
}

function dropIrq(st: State, id: u32): void {
  let last: u32 = 0;
  for (let i: u32 = 0; i < st.refCount; i++) {
    const ref = st.ref(i);
    if (ref.kind != REF_IRQ) continue;
    if (ref.id != id) {
      last = ref.id;
      continue;
    }
    removeRef(st, i);
    st.activeIrqId = last;
    return;
  }
}
