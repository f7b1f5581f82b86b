// Map values and keys, fields of values that have rules of their own, and reads of the map itself.
import { BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG, EACCES, EINVAL } from '../../isa';
import { FIELD_KPTR_PERCPU, FIELD_KPTR_REF, FIELD_KPTR_UNREF, FIELD_UPTR } from '../abi';
import { Env } from '../env';
import { Field, MapDesc } from '../input';
import { fail } from '../log';
import {
  MSG_FIELD_BY_HELPER,
  MSG_FIELD_DIRECT,
  MSG_FIELD_MISALIGNED,
  MSG_FIELD_SIZE,
  MSG_FIELD_VARIABLE,
  MSG_KEY_WRITE,
  MSG_LEAKS_INTO_MAP,
  MSG_MAP_READ_FORBIDDEN,
  MSG_MAP_WRITE_FORBIDDEN,
} from '../messages/access';
import { markConst, REG_PRECISE, RegState } from '../reg-state';
import { setUnknown } from '../regs';
import { checkBounds } from './bounds';
import { checkKptr } from './kptr';
import { leaksPointer } from './offset';

const KPTRS: u32 = FIELD_KPTR_UNREF | FIELD_KPTR_REF | FIELD_KPTR_PERCPU | FIELD_UPTR;

/** Do the map's flags let programs read or write values? */
export function checkMapRights(env: Env, map: MapDesc, off: i32, size: u32, write: bool): i32 {
  if (write && (map.flags & BPF_F_RDONLY_PROG) != 0)
    return fail(env, EACCES, MSG_MAP_WRITE_FORBIDDEN, map.valueSize, off, size);
  if (!write && (map.flags & (BPF_F_WRONLY_PROG | BPF_F_RDONLY_PROG)) == BPF_F_WRONLY_PROG)
    return fail(env, EACCES, MSG_MAP_READ_FORBIDDEN, map.valueSize, off, size);
  return 0;
}

/** Bounds, and no part of a special field; `byCall`: a call accesses the value, not an insn. */
export function checkMapBounds(env: Env, regno: u32, off: i32, size: u32, zeroAllowed: bool, byCall: bool): i32 {
  const reg = env.reg(regno);
  const map = env.map(reg.aux);
  const err = checkBounds(env, regno, off, size, map.valueSize, zeroAllowed);
  if (err != 0) return err;
  for (let i: u32 = 0; i < map.fieldCount; i++) {
    const field = map.field(i);
    const start = <i64>field.offset;
    if (reg.smin + <i64>off >= start + <i64>field.bytes || start >= <i64>reg.umax + <i64>off + <i64>size) continue;
    const touched = checkField(env, reg, field, off, size, byCall);
    if (touched != 0) return touched;
  }
  return 0;
}

function checkField(env: Env, reg: RegState, field: Field, off: i32, size: u32, byCall: bool): i32 {
  const kind = field.kind;
  if ((kind & KPTRS) == 0) return fail(env, EACCES, MSG_FIELD_DIRECT, kind);
  if (byCall) return fail(env, EACCES, MSG_FIELD_BY_HELPER, kind);
  if (reg.mask != 0) return fail(env, EACCES, MSG_FIELD_VARIABLE, kind);
  const at = <u64>off + reg.value;
  if (<u64>field.offset != at) return fail(env, EACCES, MSG_FIELD_MISALIGNED, kind, field.offset, at);
  return size != 8 ? fail(env, EACCES, MSG_FIELD_SIZE, kind) : 0;
}

function kptrAt(map: MapDesc, offset: u64): Field | null {
  for (let i: u32 = 0; i < map.fieldCount; i++) {
    const field = map.field(i);
    if ((field.kind & KPTRS) != 0 && <u64>field.offset == offset) return field;
  }
  return null;
}

export function checkMapValue(
  env: Env,
  regno: u32,
  off: i32,
  size: u32,
  write: bool,
  valueRegno: i32,
  signExtends: bool,
): i32 {
  const reg = env.reg(regno);
  const map = env.map(reg.aux);
  if (write && leaksPointer(env, valueRegno)) return fail(env, EACCES, MSG_LEAKS_INTO_MAP, valueRegno);
  let err = checkMapRights(env, map, off, size, write);
  if (err == 0) err = checkMapBounds(env, regno, off, size, false, false);
  if (err != 0) return err;
  if (map.fieldCount != 0 && reg.mask == 0) {
    const kptr = kptrAt(map, <u64>off + reg.value);
    if (kptr !== null) return checkKptr(env, kptr, valueRegno);
  }
  if (write || valueRegno < 0) return 0;
  if (reg.mask == 0 && map.data != 0)
    return loadKnown(env, map, <u32>(off + <i32>reg.value), size, valueRegno, signExtends);
  setUnknown(env, env.reg(valueRegno));
  return 0;
}

/** Nobody can change the value any more: what is loaded is known. The kernel finds the bytes only of an array with one elem. */
function loadKnown(env: Env, map: MapDesc, off: u32, size: u32, valueRegno: i32, signExtends: bool): i32 {
  if (off + size > map.dataSize) return -EINVAL;
  const at = map.data + off;
  let value: u64 = 0;
  switch (size) {
    case 1:
      value = signExtends ? <u64>(<i64>load<i8>(at)) : <u64>load<u8>(at);
      break;
    case 2:
      value = signExtends ? <u64>(<i64>load<i16>(at)) : <u64>load<u16>(at);
      break;
    case 4:
      value = signExtends ? <u64>(<i64>load<i32>(at)) : <u64>load<u32>(at);
      break;
    default:
      value = load<u64>(at);
  }
  const dst = env.reg(valueRegno);
  markConst(dst, value);
  if (!env.allowImprecise) dst.flags = REG_PRECISE;
  return 0;
}

export function checkMapKey(env: Env, regno: u32, off: i32, size: u32, write: bool, valueRegno: i32): i32 {
  if (write) return fail(env, EACCES, MSG_KEY_WRITE, regno);
  const err = checkBounds(env, regno, off, size, env.map(env.reg(regno).aux).keySize, false);
  if (err == 0 && valueRegno >= 0) setUnknown(env, env.reg(valueRegno));
  return err;
}
