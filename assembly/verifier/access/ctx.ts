// The ctx, flow keys and sockets: what the program type's tables allow (table/ctx.ts).
import { EACCES } from '../../isa';
import { BASE_MASK, PTR_MAYBE_NULL, PTR_TO_BTF_ID, SCALAR } from '../abi';
import { Env } from '../env';
import { fail } from '../log';
import {
  MSG_CANNOT_WRITE,
  MSG_CTX_ACCESS,
  MSG_FLOW_KEYS_BOUNDS,
  MSG_LEAKS_INTO_CTX,
  MSG_LEAKS_INTO_FLOW_KEYS,
  MSG_MIN_NEGATIVE,
  MSG_SOCK_ACCESS,
} from '../messages/access';
import { markPointer, RegState } from '../reg-state';
import { setUnknown } from '../regs';
import { CtxRow, ctxAccess, ctxLoad, ctxSize, ctxTable } from '../table/ctx';
import { checkUnmodified, leaksPointer } from './offset';

/** What a load of the field gives. */
function setLoaded(env: Env, dst: RegState, row: CtxRow): void {
  const type = row.type;
  if (type == SCALAR) return setUnknown(env, dst);
  markPointer(dst, type);
  if ((type & PTR_MAYBE_NULL) != 0) dst.id = env.newId();
  if ((type & BASE_MASK) == PTR_TO_BTF_ID) dst.aux = row.struct;
}

export function checkCtx(
  env: Env,
  regno: u32,
  off: i32,
  size: u32,
  write: bool,
  valueRegno: i32,
  signExtends: bool,
): i32 {
  const reg = env.reg(regno);
  if (write && leaksPointer(env, valueRegno)) return fail(env, EACCES, MSG_LEAKS_INTO_CTX, valueRegno);
  const err = checkUnmodified(env, reg, regno, false);
  if (err != 0) return err;
  const table = ctxTable(env.input.ctxTable, reg.base);
  const row = write ? ctxAccess(table, off, size, true) : ctxLoad(table, off, size, signExtends);
  if (row == 0) return fail(env, EACCES, MSG_CTX_ACCESS, off, size);
  if (!write && valueRegno >= 0) setLoaded(env, env.reg(valueRegno), changetype<CtxRow>(row));
  return 0;
}

/** Any bytes of the struct, both ways. */
export function checkFlowKeys(env: Env, reg: RegState, off: i32, size: u32, write: bool, valueRegno: i32): i32 {
  if (write && leaksPointer(env, valueRegno)) return fail(env, EACCES, MSG_LEAKS_INTO_FLOW_KEYS, valueRegno);
  const bytes = ctxSize(ctxTable(env.input.ctxTable, reg.base));
  if (off < 0 || <u64>off + <u64>size > <u64>bytes) return fail(env, EACCES, MSG_FLOW_KEYS_BOUNDS, off, size);
  if (!write && valueRegno >= 0) setUnknown(env, env.reg(valueRegno));
  return 0;
}

export function checkSock(env: Env, regno: u32, off: i32, size: u32, write: bool, valueRegno: i32): i32 {
  const reg = env.reg(regno);
  if (write) return fail(env, EACCES, MSG_CANNOT_WRITE, regno, reg.type);
  if (reg.smin < 0) return fail(env, EACCES, MSG_MIN_NEGATIVE, regno);
  const table = ctxTable(env.input.ctxTable, reg.base);
  if (ctxAccess(table, off, size, false) == 0) return fail(env, EACCES, MSG_SOCK_ACCESS, regno, reg.type, off, size);
  if (valueRegno >= 0) setUnknown(env, env.reg(valueRegno));
  return 0;
}
