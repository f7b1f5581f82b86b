// Loads through the address of a map itself: members of the kernel's struct bpf_map, as Linux 6.18 lays it out on 64-bit machines. Numbers may be
// read in part, pointers only whole. What lies behind it belongs to the kind of map: its struct is known where the kernel's types are given.
import { EACCES, EINVAL, EPERM } from '../../isa';
import { Env } from '../env';
import { fail } from '../log';
import {
  MSG_MAP_STRUCT_BOUNDS,
  MSG_MAP_STRUCT_HOLE,
  MSG_MAP_STRUCT_MEMBER,
  MSG_MAP_STRUCT_NEGATIVE,
  MSG_MAP_STRUCT_PERFMON,
  MSG_MAP_STRUCT_POINTER,
  MSG_MAP_STRUCT_WRITE,
} from '../messages/access';
import { setUnknown } from '../regs';
import { findMember } from './struct';

const NUMBER: u32 = 0;
const POINTER: u32 = 1;
/** A struct or union: whole words of it. */
const WORDS: u32 = 2;

const BYTES: i32 = 296;
const COUNT: u32 = 36;
/** Start, end and kind of each member, in order. */
const MEMBERS: usize = memory.data<u16>([
  0, 32, 0, 32, 36, 0, 40, 48, 1, 48, 56, 1, 56, 64, 1, 64, 68, 0, 68, 72, 0, 72, 76, 0, 76, 80, 0, 80, 88, 0, 88, 92,
  0, 92, 96, 0, 96, 104, 1, 104, 108, 0, 108, 112, 0, 112, 116, 0, 116, 120, 0, 120, 128, 1, 128, 136, 1, 136, 152, 0,
  152, 184, 2, 184, 192, 0, 192, 200, 0, 200, 232, 2, 232, 240, 0, 240, 244, 0, 248, 256, 1, 256, 257, 0, 257, 258, 0,
  258, 259, 0, 259, 260, 0, 260, 261, 0, 264, 272, 0, 272, 280, 1, 280, 288, 0, 288, 296, 1,
]);

@unmanaged
class Member {
  start: u16;
  end: u16;
  kind: u16;
}

/** The member that holds byte `off`; null for padding. */
function memberAt(off: i32): Member {
  for (let i: u32 = 0; i < COUNT; i++) {
    const member = changetype<Member>(MEMBERS + <usize>i * offsetof<Member>());
    if (off >= <i32>member.start && off < <i32>member.end) return member;
  }
  return changetype<Member>(0);
}

function checkMember(env: Env, off: i32, size: u32): i32 {
  const member = memberAt(off);
  if (changetype<usize>(member) == 0) return fail(env, EINVAL, MSG_MAP_STRUCT_HOLE, off);
  const end = <i32>member.end;
  if (<u32>member.kind == POINTER) {
    if (off != <i32>member.start || size != 8)
      return fail(env, EACCES, MSG_MAP_STRUCT_POINTER, member.start, off, size);
    return 0;
  }
  const whole = <u32>member.kind == NUMBER || (size == 8 && (off & 7) == 0);
  if (!whole || off + <i32>size > end) return fail(env, EACCES, MSG_MAP_STRUCT_MEMBER, end, off, size);
  return 0;
}

/** A load of `size` bytes at `off` of the map's struct; needs CAP_PERFMON. */
export function checkMapStruct(env: Env, regno: u32, off: i32, size: u32, write: bool, valueRegno: i32): i32 {
  const map = env.map(env.reg(regno).aux);
  const type = map.type;
  if (!env.allowPtrLeaks) return fail(env, EPERM, MSG_MAP_STRUCT_PERFMON, type);
  if (off < 0) return fail(env, EACCES, MSG_MAP_STRUCT_NEGATIVE, regno, type, off);
  if (write) return fail(env, EACCES, MSG_MAP_STRUCT_WRITE, type);
  if (off >= BYTES && map.struct < 0) return fail(env, EACCES, MSG_MAP_STRUCT_BOUNDS, type, off, size);
  const err = off < BYTES ? checkMember(env, off, size) : findMember(env, map.struct, off, size);
  if (err == 0 && valueRegno >= 0) setUnknown(env, env.reg(valueRegno));
  return err;
}
