// Constant strings: text in a read-only map that is there when the program is loaded, and the formats that bpf_snprintf takes.
import { EACCES, EINVAL } from '../../isa';
import { checkRegion } from '../access/memory';
import { Env } from '../env';
import { fail } from '../log';
import {
  MSG_FORMAT,
  MSG_STR_FAILED,
  MSG_STR_NOT_CONST,
  MSG_STR_NOT_RDONLY,
  MSG_STR_UNTERMINATED,
} from '../messages/call';
import { RegState } from '../reg-state';

/** Where the string begins, and in `end` of the map's data it must. */
function textAt(env: Env, reg: RegState): usize {
  return env.map(reg.aux).data + <usize>(reg.off + <i32>reg.value);
}

export function checkConstString(env: Env, regno: u32): i32 {
  const reg = env.reg(regno);
  const map = env.map(reg.aux);
  if (map.data == 0) return fail(env, EACCES, MSG_STR_NOT_RDONLY, regno);
  if (reg.mask != 0) return fail(env, EACCES, MSG_STR_NOT_CONST, regno);
  const err = checkRegion(env, regno, map.valueSize - <u32>reg.off, false, false, false);
  if (err != 0) return err;
  const off = reg.off + <i32>reg.value;
  if (off < 0 || <u32>off >= map.dataSize) return fail(env, EINVAL, MSG_STR_FAILED);
  for (let i = <u32>off; i < map.dataSize; i++) {
    if (load<u8>(map.data + i) == 0) return 0;
  }
  return fail(env, EINVAL, MSG_STR_UNTERMINATED);
}

function isDigit(c: u32): bool {
  return c >= 0x30 && c <= 0x39;
}

function isPunctOrSpace(c: u32): bool {
  if (c == 0x20 || (c >= 9 && c <= 13)) return true;
  const isAlpha = (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a;
  return c > 0x20 && c < 0x7f && !isDigit(c) && !isAlpha;
}

/** Bytes of a `%p...` or `%s` conversion from its first letter on; 0 when it is not allowed. */
function pointerLength(at: usize): u32 {
  const c1: u32 = load<u8>(at, 1);
  const c2: u32 = load<u8>(at, 2);
  if ((c1 == 0x6b || c1 == 0x75) && c2 == 0x73) return 3;
  if (c1 == 0 || c1 == 0x4b || c1 == 0x78 || c1 == 0x73 || c1 == 0x53 || isPunctOrSpace(c1))
    return c1 == 0 || isPunctOrSpace(c1) ? 1 : 2;
  if (c1 == 0x42) return 2;
  return (c1 == 0x69 || c1 == 0x49) && (c2 == 0x34 || c2 == 0x36) ? 3 : 0;
}

/** Bytes of an integer conversion with its length; 0 when it is not one. */
function integerLength(at: usize): u32 {
  let i: u32 = 0;
  if (load<u8>(at) == 0x6c) i = load<u8>(at, 1) == 0x6c ? 2 : 1;
  const c: u32 = load<u8>(at + i);
  return c == 0x69 || c == 0x64 || c == 0x75 || c == 0x78 || c == 0x58 ? i + 1 : 0;
}

/** One conversion behind its `%`: its bytes, 0 when it is not allowed. */
function conversionLength(at: usize): u32 {
  let i: u32 = 0;
  let c: u32 = load<u8>(at);
  while (c == 0x30 || c == 0x2b || c == 0x2d || c == 0x20) c = load<u8>(at + ++i);
  if (c >= 0x31 && c <= 0x39) while (isDigit(c)) c = load<u8>(at + ++i);
  let length: u32 = 0;
  if (c == 0x70) length = pointerLength(at + i);
  else if (c == 0x73 || c == 0x63) length = 1;
  else length = integerLength(at + i);
  return length == 0 ? 0 : i + length;
}

/** bpf_snprintf: the format's conversions are known ones, and there is an argument for each and for no other. */
export function checkSnprintf(env: Env): i32 {
  const size = env.reg(5).value;
  if (size % 8 != 0) return -EINVAL;
  let left = <i64>(size / 8);
  for (let at = textAt(env, env.reg(3)); load<u8>(at) != 0; at++) {
    const c: u32 = load<u8>(at);
    if (c >= 0x7f || (c < 0x20 && !isPunctOrSpace(c))) return fail(env, EINVAL, MSG_FORMAT);
    if (c != 0x25) continue;
    at++;
    if (load<u8>(at) == 0x25) continue;
    const length = conversionLength(at);
    if (length == 0 || --left < 0) return fail(env, EINVAL, MSG_FORMAT);
    at += length - 1;
  }
  return left == 0 ? 0 : fail(env, EINVAL, MSG_FORMAT);
}
