// Direct packet access: as far as a comparison with data_end (or with data, of the metadata) has proven it.
import { EACCES, EINVAL } from '../../isa';
import { PACKET_ACCESS_WRITE, RF_WRITES_PACKET } from '../abi';
import { Env } from '../env';
import { fail, say } from '../log';
import {
  MSG_LEAKS_INTO_PACKET,
  MSG_MIN_NEGATIVE,
  MSG_PACKET_BOUNDS,
  MSG_PACKET_OUTSIDE,
  MSG_PACKET_WRITE,
} from '../messages/access';
import { RegState } from '../reg-state';
import { within } from './bounds';
import { leaksPointer } from './offset';

/** The range holds behind the variable part, so only the fixed offset is compared with it. */
export function checkPacketRange(env: Env, reg: RegState, regno: u32, off: i32, size: u32, zeroAllowed: bool): i32 {
  if (reg.smin < 0) return fail(env, EACCES, MSG_MIN_NEGATIVE, regno);
  const range = reg.range;
  if (range >= 0 && within(off, <i32>size, <u32>range, zeroAllowed)) return 0;
  if (range < 0) return fail(env, EINVAL, MSG_PACKET_OUTSIDE, regno);
  const err = fail(env, EACCES, MSG_PACKET_BOUNDS, off, <i32>size, regno, reg.id, off, range);
  say(env, MSG_PACKET_OUTSIDE, regno);
  return err;
}

export function checkPacket(env: Env, regno: u32, off: i32, size: u32, write: bool, valueRegno: i32): i32 {
  if (write) {
    if (env.input.packetAccess < <u32>PACKET_ACCESS_WRITE) return fail(env, EACCES, MSG_PACKET_WRITE);
    env.resultFlags |= RF_WRITES_PACKET;
    if (leaksPointer(env, valueRegno)) return fail(env, EACCES, MSG_LEAKS_INTO_PACKET, valueRegno);
  }
  return checkPacketRange(env, env.reg(regno), regno, off, size, false);
}
