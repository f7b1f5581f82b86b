// Alignment of accesses: always of the stack, elsewhere when the program asks for it (BPF_F_STRICT_ALIGNMENT) and for atomics.
import { EACCES } from '../../isa';
import { IN_STRICT_ALIGNMENT, PTR_TO_ARENA, PTR_TO_PACKET, PTR_TO_PACKET_META, PTR_TO_STACK } from '../abi';
import { Env } from '../env';
import { fail } from '../log';
import { MSG_MISALIGNED, MSG_MISALIGNED_PACKET } from '../messages/access';
import { RegState } from '../reg-state';

/** The IP header of a received frame is aligned, not its Ethernet header (NET_IP_ALIGN). */
const NET_IP_ALIGN: i32 = 2;

/** Does a pointer's variable part plus `fixed` have all its low bits known to be 0? */
function isAligned(reg: RegState, fixed: i32, size: u32): bool {
  const low = reg.value + <u64>fixed;
  const unknown = ((low + reg.mask) ^ low) | reg.mask;
  return ((low | unknown) & <u64>(size - 1)) == 0;
}

export function checkAlignment(env: Env, reg: RegState, off: i32, size: u32, strict: bool): i32 {
  const type = reg.type;
  if (type == PTR_TO_STACK) strict = true;
  if (size == 1 || !(strict || env.input.has(IN_STRICT_ALIGNMENT))) return 0;
  if (type == PTR_TO_PACKET || type == PTR_TO_PACKET_META) {
    if (isAligned(reg, NET_IP_ALIGN + reg.off + off, size)) return 0;
    return fail(env, EACCES, MSG_MISALIGNED_PACKET, NET_IP_ALIGN, reg.value, reg.mask, reg.off, off, size);
  }
  if (type == PTR_TO_ARENA || isAligned(reg, reg.off + off, size)) return 0;
  return fail(env, EACCES, MSG_MISALIGNED, type, reg.value, reg.mask, reg.off, off, size);
}
