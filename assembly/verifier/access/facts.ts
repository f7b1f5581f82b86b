// What loads and stores tell the JIT: of each insn, the region it accesses and the smallest and largest offset on all paths.
import { BASE_MASK, FACT_MIXED, FACT_SEEN, PTR_TO_MAP_VALUE, PTR_TO_STACK } from '../abi';
import { Env } from '../env';
import { RegState } from '../reg-state';

/** An access before it is checked: the register may be overwritten by what is loaded. */
@unmanaged
export class Access {
  region: u32;
  map: i32;
  lo: i32;
  hi: i32;
  /** The stack of a caller: its offset says nothing about this function's frame. */
  foreign: bool;
}

/** One access is checked at a time. */
const ACCESS: usize = memory.data(20, 8);

function clamp(v: i64): i32 {
  return <i32>max<i64>(<i64>i32.MIN_VALUE, min<i64>(v, <i64>i32.MAX_VALUE));
}

/** `off` is the insn's offset and the pointer's fixed one together. */
export function noteAccess(env: Env, reg: RegState, off: i32): Access {
  const it = changetype<Access>(ACCESS);
  const region = reg.type & BASE_MASK;
  it.region = region;
  it.map = region == PTR_TO_MAP_VALUE ? <i32>reg.aux : -1;
  it.lo = clamp(<i64>off + max<i64>(reg.smin, <i64>i32.MIN_VALUE));
  it.hi = clamp(<i64>off + min<i64>(reg.smax, <i64>i32.MAX_VALUE));
  it.foreign = region == PTR_TO_STACK && reg.frameno != env.cur.curframe;
  return it;
}

/** The access was fine: joined with what other paths found. */
export function recordFact(env: Env, it: Access): void {
  const aux = env.curAux;
  if (it.foreign) aux.factFlags |= FACT_MIXED;
  if ((aux.factFlags & FACT_SEEN) == 0) {
    aux.factFlags |= FACT_SEEN;
    aux.factRegion = it.region;
    aux.factMap = it.map;
    aux.factLo = it.lo;
    aux.factHi = it.hi;
    return;
  }
  if (aux.factRegion != it.region || aux.factMap != it.map) aux.factFlags |= FACT_MIXED;
  aux.factLo = min<i32>(aux.factLo, it.lo);
  aux.factHi = max<i32>(aux.factHi, it.hi);
}
