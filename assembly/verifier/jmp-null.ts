// NULL checks: every copy of the pointer becomes what it points to, or 0.
import {
  CONST_PTR_TO_MAP,
  FIELD_RES_SPIN_LOCK,
  FIELD_SPIN_LOCK,
  FIELD_TIMER,
  FIELD_WORKQUEUE,
  MEM_ALLOC,
  NON_OWN_REF,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_MAP_VALUE,
  PTR_TO_SOCKET,
  PTR_TO_XDP_SOCK,
  SCALAR,
} from './abi';
import { structHasField } from './call/structs';
import { Env } from './env';
import { MapDesc } from './input';
import { isSpilled } from './precision';
import { RegState } from './reg-state';
import { removeRef, State } from './state';

const MAP_TYPE_SOCKMAP: u32 = 15;
const MAP_TYPE_XSKMAP: u32 = 17;
const MAP_TYPE_SOCKHASH: u32 = 18;

export function mapHasField(map: MapDesc, kinds: u32): bool {
  for (let i: u32 = 0; i < map.fieldCount; i++) {
    if ((map.field(i).kind & kinds) != 0) return true;
  }
  return false;
}

/** Where a socket came from stays known: states that hold sockets of different maps, or of none, are different states. */
function markSocket(reg: RegState, type: u32): void {
  reg.type = type;
  reg.aux++;
}

/** What a lookup gave is there. */
export function markNotNull(env: Env, reg: RegState): void {
  if (reg.base != PTR_TO_MAP_VALUE) {
    reg.type &= ~PTR_MAYBE_NULL;
    return;
  }
  const map = env.map(reg.aux);
  if (map.inner >= 0) {
    reg.type = CONST_PTR_TO_MAP;
    reg.aux = map.inner;
    if (mapHasField(env.map(map.inner), FIELD_TIMER | FIELD_WORKQUEUE)) reg.aux2 = reg.id;
  } else if (map.type == MAP_TYPE_XSKMAP) markSocket(reg, PTR_TO_XDP_SOCK);
  else if (map.type == MAP_TYPE_SOCKMAP || map.type == MAP_TYPE_SOCKHASH) markSocket(reg, PTR_TO_SOCKET);
  else reg.type = PTR_TO_MAP_VALUE;
}

/** The pointer's id tells which lock is held: it stays. */
function mayHoldLock(env: Env, reg: RegState): bool {
  const locks = FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK;
  if (reg.base == PTR_TO_MAP_VALUE) return mapHasField(env.map(reg.aux), locks);
  return reg.base == PTR_TO_BTF_ID && (reg.type & MEM_ALLOC) != 0 && structHasField(env, reg.aux, locks);
}

/** In `state`, the pointer in R`regno` has been compared with NULL. */
export function markNullChecked(env: Env, state: State, regno: u32, isNull: bool): void {
  const checked = state.reg(regno);
  const id = checked.id;
  // There is nothing to give back on the path where nothing was given.
  if (isNull && checked.refId != 0 && checked.refId == id) removeRef(state, id);
  for (let f: u32 = 0; f <= state.curframe; f++) {
    const frame = state.frame(f);
    for (let i: u32 = 0; i < 11; i++) mark(env, frame.reg(i), id, isNull);
    for (let i: u32 = 0; i < frame.slots; i++) {
      if (isSpilled(frame.slot(i))) mark(env, frame.slot(i), id, isNull);
    }
  }
}

function mark(env: Env, reg: RegState, id: u32, isNull: bool): void {
  if ((reg.type & PTR_MAYBE_NULL) == 0 || reg.id != id) return;
  if (reg.mask != 0 || reg.value != 0) return;
  if (reg.off != 0 && (reg.type & (MEM_ALLOC | NON_OWN_REF)) == 0) return;
  if (isNull) {
    reg.type = SCALAR;
    reg.setConst(0);
    reg.id = 0;
    reg.refId = 0;
    reg.off = 0;
    reg.aux = 0;
    reg.aux2 = 0;
    return;
  }
  markNotNull(env, reg);
  if (!mayHoldLock(env, reg)) reg.id = 0;
}
