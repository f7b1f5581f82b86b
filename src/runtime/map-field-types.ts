/** Which special fields a map's values may have, by its type, as Linux 6.18 answers BPF_MAP_CREATE. */
import {
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY_PROG,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_MAP_TYPE_LRU_HASH,
  BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE_PERCPU_HASH,
  EACCES,
  EOPNOTSUPP,
} from '../../assembly/isa.ts';
import {
  FIELD_KPTR_PERCPU,
  FIELD_KPTR_REF,
  FIELD_KPTR_UNREF,
  FIELD_LIST_HEAD,
  FIELD_RB_ROOT,
  FIELD_REFCOUNT,
  FIELD_RES_SPIN_LOCK,
  FIELD_SPIN_LOCK,
  FIELD_TASK_WORK,
  FIELD_TIMER,
  FIELD_WORKQUEUE,
} from '../../assembly/verifier/abi/input.ts';
import { kindsOf, type MapField } from './map-fields.ts';

/** What may be in a copy for each CPU. */
const POINTERS = FIELD_KPTR_UNREF | FIELD_KPTR_REF | FIELD_KPTR_PERCPU | FIELD_REFCOUNT;
/** What is there once an element, with or without a lock of its own. */
const SINGLE = POINTERS | FIELD_TIMER | FIELD_WORKQUEUE | FIELD_TASK_WORK | FIELD_LIST_HEAD | FIELD_RB_ROOT;
const ALL = SINGLE | FIELD_SPIN_LOCK | FIELD_RES_SPIN_LOCK;

const ALLOWED: ReadonlyMap<number, number> = new Map([
  [BPF_MAP_TYPE_HASH, ALL],
  [BPF_MAP_TYPE_ARRAY, ALL],
  [BPF_MAP_TYPE_LRU_HASH, SINGLE],
  [BPF_MAP_TYPE_PERCPU_HASH, POINTERS],
  [BPF_MAP_TYPE_LRU_PERCPU_HASH, POINTERS],
  [BPF_MAP_TYPE_PERCPU_ARRAY, POINTERS],
  [BPF_MAP_TYPE_LPM_TRIE, 0],
]);

/** 0, or the errno of a map with these fields. Of other types the kernel is not told what their values are. */
export function fieldsErrno(type: number, flags: number, fields: readonly MapField[]): number {
  const allowed = ALLOWED.get(type);
  if (allowed === undefined || fields.length === 0) return 0;
  // A program that may not write cannot use them; one that may not read neither.
  if ((flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) !== 0) return EACCES;
  return (kindsOf(fields) & ~allowed) !== 0 ? EOPNOTSUPP : 0;
}
