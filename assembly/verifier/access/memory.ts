// One access through a pointer, and the memory that calls are given: dispatch by kind of pointer, then what a load leaves in its register.
import { EACCES } from '../../isa';
import * as abi from '../abi';
import { signExtend, truncate } from '../domain/extend';
import { Env } from '../env';
import { fail } from '../log';
import { MSG_CANNOT_WRITE, MSG_INVALID_MEM_ACCESS, MSG_REGION_TYPE } from '../messages/access';
import { isNullConst } from '../reg-state';
import { setUnknown } from '../regs';
import { checkAlignment } from './align';
import { checkBounds } from './bounds';
import { checkCtx, checkFlowKeys, checkSock } from './ctx';
import { noteAccess, recordFact } from './facts';
import { checkMapBounds, checkMapKey, checkMapRights, checkMapValue } from './map';
import { checkMapStruct } from './map-struct';
import { checkMem } from './mem';
import { checkPacket, checkPacketRange } from './packet';
import { checkStack } from './stack';
import { checkStackRegion } from './stack-region';
import { checkStruct } from './struct';

/**
 * `size` bytes at register `regno` + `off` are read or written. On a read into `valueRegno` (>= 0) that register gets what is known of the value.
 * `strict` asks for alignment whatever the program says (atomics); `signExtends` is for ldsx. 0, or -errno.
 */
export function checkAccess(
  env: Env,
  regno: u32,
  off: i32,
  size: u32,
  write: bool,
  valueRegno: i32,
  strict: bool,
  signExtends: bool,
): i32 {
  const reg = env.reg(regno);
  let err = checkAlignment(env, reg, off, size, strict);
  if (err != 0) return err;
  off += reg.off;
  const access = noteAccess(env, reg, off);
  err = dispatch(env, regno, off, size, write, valueRegno, signExtends);
  if (err != 0) return err;
  recordFact(env, access);
  if (write || valueRegno < 0 || size == 8) return 0;
  const value = env.reg(valueRegno);
  if (value.type != abi.SCALAR) return 0;
  if (signExtends) signExtend(value, size);
  else truncate(value, size);
  return 0;
}

function dispatch(env: Env, regno: u32, off: i32, size: u32, write: bool, valueRegno: i32, signExtends: bool): i32 {
  const reg = env.reg(regno);
  const type = reg.type;
  switch (type) {
    case abi.PTR_TO_STACK:
      return checkStack(env, regno, off, size, write, valueRegno);
    case abi.PTR_TO_MAP_VALUE:
      return checkMapValue(env, regno, off, size, write, valueRegno, signExtends);
    case abi.PTR_TO_CTX:
      return checkCtx(env, regno, off, size, write, valueRegno, signExtends);
    case abi.PTR_TO_PACKET:
    case abi.PTR_TO_PACKET_META: {
      const err = checkPacket(env, regno, off, size, write, valueRegno);
      if (err == 0 && !write && valueRegno >= 0) setUnknown(env, env.reg(valueRegno));
      return err;
    }
    case abi.PTR_TO_MAP_KEY:
      return checkMapKey(env, regno, off, size, write, valueRegno);
    case abi.PTR_TO_FLOW_KEYS:
      return checkFlowKeys(env, reg, off, size, write, valueRegno);
    case abi.PTR_TO_SOCKET:
    case abi.PTR_TO_SOCK_COMMON:
    case abi.PTR_TO_TCP_SOCK:
    case abi.PTR_TO_XDP_SOCK:
      return checkSock(env, regno, off, size, write, valueRegno);
    case abi.CONST_PTR_TO_MAP:
      return checkMapStruct(env, regno, off, size, write, valueRegno);
    case abi.PTR_TO_ARENA:
      if (!write && valueRegno >= 0) setUnknown(env, env.reg(valueRegno));
      return 0;
    default:
      return dispatchByBase(env, regno, off, size, write, valueRegno);
  }
}

/** Kinds whose flags do not decide whether they may be accessed at all. */
function dispatchByBase(env: Env, regno: u32, off: i32, size: u32, write: bool, valueRegno: i32): i32 {
  const reg = env.reg(regno);
  if (reg.base == abi.PTR_TO_MEM) return checkMem(env, regno, off, size, write, valueRegno);
  if (reg.base == abi.PTR_TO_BTF_ID && !reg.maybeNull) return checkStruct(env, regno, off, size, write, valueRegno);
  return fail(env, EACCES, MSG_INVALID_MEM_ACCESS, regno, reg.type);
}

/**
 * A call reads or writes `size` bytes at `regno`. `zeroAllowed`: with size 0 the pointer may be NULL. `initialises`: the call writes every byte, so
 * that stack memory need not be initialised; the caller then writes the bytes with `checkAccess`.
 */
export function checkRegion(env: Env, regno: u32, size: u32, write: bool, zeroAllowed: bool, initialises: bool): i32 {
  const reg = env.reg(regno);
  const off = reg.off;
  switch (reg.base) {
    case abi.PTR_TO_STACK:
      return checkStackRegion(env, regno, off, size, write, zeroAllowed, initialises);
    case abi.PTR_TO_MAP_VALUE: {
      const err = checkMapRights(env, env.map(reg.aux), off, size, write);
      return err != 0 ? err : checkMapBounds(env, regno, off, size, zeroAllowed, true);
    }
    case abi.PTR_TO_PACKET:
    case abi.PTR_TO_PACKET_META:
      return checkPacketRange(env, reg, regno, off, size, zeroAllowed);
    case abi.PTR_TO_MAP_KEY:
      if (write) return fail(env, EACCES, MSG_CANNOT_WRITE, regno, reg.type);
      return checkBounds(env, regno, off, size, env.map(reg.aux).keySize, false);
    case abi.PTR_TO_MEM:
      if (write && (reg.type & abi.MEM_RDONLY) != 0) return fail(env, EACCES, MSG_CANNOT_WRITE, regno, reg.type);
      return checkBounds(env, regno, off, size, reg.aux, zeroAllowed);
    case abi.PTR_TO_BTF_ID:
      return checkStruct(env, regno, off, size, false, -1);
    default:
      if (zeroAllowed && size == 0 && isNullConst(reg)) return 0;
      return fail(env, EACCES, MSG_REGION_TYPE, regno, reg.type);
  }
}
