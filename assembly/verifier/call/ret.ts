// What a helper returns: R0 behind the call, by the type word of the prototype.
import { BPF_F_INNER_MAP, ENOMEM } from '../../isa';
import * as abi from '../abi';
import { sync } from '../domain/sync';
import { Env } from '../env';
import { MapDesc } from '../input';
import { markNotInit, markPointer, RegState } from '../reg-state';
import { setUnknown } from '../regs';
import { HelperProto } from '../table/helper';
import { dynptrFlag } from './dynptr';
import {
  BPF_FUNC_dynptr_data,
  BPF_FUNC_get_smp_processor_id,
  BPF_FUNC_get_stack,
  BPF_FUNC_get_task_stack,
  BPF_FUNC_kptr_xchg,
  BPF_FUNC_map_lookup_elem,
  BPF_FUNC_probe_read_kernel_str,
  BPF_FUNC_probe_read_str,
  BPF_FUNC_probe_read_user_str,
} from './helper-ids';
import { CallMeta } from './meta';
import { acquire } from './refs';
import { structAt } from './structs';

const MAX_ERRNO: i32 = 4095;
const FLAGS: u32 = ~(<u32>abi.BASE_MASK);
const MAP_TYPE_ARRAY: u32 = 2;
const MAP_TYPE_PERCPU_ARRAY: u32 = 6;
const MAP_TYPE_SOCKMAP: u32 = 15;
const MAP_TYPE_SOCKHASH: u32 = 18;

/** Sets R0, which the call has made unreadable. */
export function setReturn(env: Env, meta: CallMeta, proto: HelperProto): i32 {
  const r0 = env.reg(0);
  const flags = proto.ret & FLAGS;
  switch (proto.ret & abi.BASE_MASK) {
    case abi.RET_VOID:
      markNotInit(r0);
      return 0;
    case abi.RET_INTEGER:
      setUnknown(env, r0);
      refine(env, meta, r0);
      return 0;
    case abi.RET_PTR_TO_MAP_VALUE:
      setMapValue(env, meta, r0, flags);
      break;
    case abi.RET_PTR_TO_SOCKET:
      markPointer(r0, abi.PTR_TO_SOCKET | flags);
      break;
    case abi.RET_PTR_TO_SOCK_COMMON:
      markPointer(r0, abi.PTR_TO_SOCK_COMMON | flags);
      break;
    case abi.RET_PTR_TO_TCP_SOCK:
      markPointer(r0, abi.PTR_TO_TCP_SOCK | flags);
      break;
    case abi.RET_PTR_TO_MEM:
      markPointer(r0, abi.PTR_TO_MEM | flags);
      r0.aux = <u32>meta.memSize;
      break;
    case abi.RET_PTR_TO_MEM_OR_BTF_ID:
      setMemOrBtf(env, meta, r0, flags);
      break;
    default:
      markPointer(r0, abi.PTR_TO_BTF_ID | flags);
      r0.aux = proto.retStruct;
      if (meta.func == BPF_FUNC_kptr_xchg) {
        r0.aux = meta.retStruct;
        r0.type |= meta.retFlags;
      }
  }
  if (r0.maybeNull) r0.id = env.newId();
  return setReference(env, meta, proto, r0);
}

function hasLock(map: MapDesc): bool {
  for (let i: u32 = 0; i < map.fieldCount; i++) {
    if ((map.field(i).kind & (abi.FIELD_SPIN_LOCK | abi.FIELD_RES_SPIN_LOCK)) != 0) return true;
  }
  return false;
}

function setMapValue(env: Env, meta: CallMeta, r0: RegState, flags: u32): void {
  const map = env.map(meta.map);
  const isArray = map.type == MAP_TYPE_ARRAY || map.type == MAP_TYPE_PERCPU_ARRAY;
  // An inner map may be replaced by one with fewer elems when its flags say so.
  const isInside = (map.flags & BPF_F_INNER_MAP) == 0 && meta.constKey >= 0 && meta.constKey < <i64>map.maxEntries;
  let kept = flags;
  if (meta.func == BPF_FUNC_map_lookup_elem && isArray && isInside) kept &= ~abi.PTR_MAYBE_NULL;
  markPointer(r0, abi.PTR_TO_MAP_VALUE | kept);
  r0.aux = meta.map;
  r0.aux2 = meta.mapUid;
  // Locks are told apart by the lookup that found them.
  if (!r0.maybeNull && hasLock(map)) r0.id = env.newId();
}

function setMemOrBtf(env: Env, meta: CallMeta, r0: RegState, flags: u32): void {
  const struct = meta.retStruct;
  if (meta.retFlags != 0) {
    markPointer(r0, abi.PTR_TO_BTF_ID | meta.retFlags);
    r0.aux = struct;
    return;
  }
  const isPlain = struct >= 0 && (structAt(env, struct).flags & abi.STF_PLAIN) != 0;
  if (isPlain) {
    markPointer(r0, abi.PTR_TO_MEM | flags);
    r0.aux = structAt(env, struct).bytes;
    return;
  }
  markPointer(r0, abi.PTR_TO_BTF_ID | (flags & ~abi.MEM_RDONLY));
  r0.aux = struct;
}

/** A lookup takes a reference where the map's values are sockets; otherwise the helper's row says. */
function acquires(env: Env, meta: CallMeta, proto: HelperProto): bool {
  if (meta.func != BPF_FUNC_map_lookup_elem) return proto.has(abi.HPF_ACQUIRE);
  const type = env.map(meta.map).type;
  return type == MAP_TYPE_SOCKMAP || type == MAP_TYPE_SOCKHASH;
}

function setReference(env: Env, meta: CallMeta, proto: HelperProto, r0: RegState): i32 {
  if (meta.func == BPF_FUNC_dynptr_data) {
    r0.aux2 = meta.dynptrId;
    r0.refId = meta.refId;
    return 0;
  }
  if (proto.has(abi.HPF_PTR_CAST)) {
    r0.refId = meta.refId;
    return 0;
  }
  if (!acquires(env, meta, proto)) return 0;
  const id = acquire(env);
  r0.id = id;
  r0.refId = id;
  return id == 0 ? -ENOMEM : 0;
}

/** Helpers whose results are known to be in a range. */
function refine(env: Env, meta: CallMeta, r0: RegState): void {
  switch (meta.func) {
    case BPF_FUNC_get_stack:
    case BPF_FUNC_get_task_stack:
    case BPF_FUNC_probe_read_str:
    case BPF_FUNC_probe_read_kernel_str:
    case BPF_FUNC_probe_read_user_str:
      r0.smax = <i64>meta.maxSize;
      r0.s32Max = <i32>meta.maxSize;
      r0.smin = -MAX_ERRNO;
      r0.s32Min = -MAX_ERRNO;
      sync(r0);
      return;
    case BPF_FUNC_get_smp_processor_id: {
      const last = env.input.cpus - 1;
      if (env.input.cpus == 0) return;
      r0.umin = 0;
      r0.smin = 0;
      r0.u32Min = 0;
      r0.s32Min = 0;
      r0.umax = last;
      r0.smax = last;
      r0.u32Max = last;
      r0.s32Max = last;
      sync(r0);
      return;
    }
    default:
  }
}

/** Type flags of a slice of a dynptr of `kind`. */
export function sliceFlags(kind: u32): u32 {
  return dynptrFlag(kind) & (abi.DYNPTR_TYPE_SKB | abi.DYNPTR_TYPE_XDP | abi.DYNPTR_TYPE_SKB_META);
}
