// Operations of bpf(2) on maps beyond those on one element: batches, lookup-and-delete, lookups of flags.

import { KernelError } from './errno.ts';
import { openSyscalls, type Region, type Syscalls } from './syscall.ts';

const LOOKUP_AND_DELETE_ELEM = 21;
const LOOKUP_BATCH = 24;
const LOOKUP_AND_DELETE_BATCH = 25;
const UPDATE_BATCH = 26;
const DELETE_BATCH = 27;
const BATCH_SIZE = 56;
const ELEM_SIZE = 32;

function syscalls(): Syscalls {
  const opened = openSyscalls();
  if (typeof opened === 'string') throw new Error(opened);
  return opened;
}

/** BPF_MAP_LOOKUP_AND_DELETE_ELEM. */
export function lookupAndDelete(fd: number, key: Uint8Array, size: number, flags = 0): Uint8Array {
  const sys = syscalls();
  const attr = sys.begin();
  const value = sys.alloc(size);
  attr.setUint32(0, fd, true);
  attr.setBigUint64(8, sys.put(key), true);
  attr.setBigUint64(16, value.address, true);
  attr.setBigUint64(24, BigInt(flags), true);
  const result = sys.bpf(LOOKUP_AND_DELETE_ELEM, ELEM_SIZE);
  if (result < 0) throw new KernelError('BPF_MAP_LOOKUP_AND_DELETE_ELEM', -result);
  return value.bytes.slice();
}

export interface Batch {
  readonly fd: number;
  readonly keySize: number;
  /** As the system call sees it. */
  readonly valueBytes: number;
  readonly count: number;
  /** Where to go on: what the batch before gave. */
  readonly from?: Uint8Array;
  readonly elemFlags?: number;
  readonly flags?: number;
}

/** What the kernel wrote, whether or not it also said an error. */
export interface BatchAnswer {
  /** 0 or an errno. */
  readonly errno: number;
  readonly count: number;
  readonly keys: readonly Uint8Array[];
  readonly values: readonly Uint8Array[];
  readonly next: Uint8Array;
}

const pieces = (region: Region, size: number, count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => region.bytes.slice(i * size, (i + 1) * size));

/** BPF_MAP_LOOKUP_BATCH, or with `isDelete` BPF_MAP_LOOKUP_AND_DELETE_BATCH. */
export function lookupBatch(batch: Batch, isDelete = false): BatchAnswer {
  const sys = syscalls();
  const attr = sys.begin();
  const keys = sys.alloc(Math.max(1, batch.count * batch.keySize));
  const values = sys.alloc(Math.max(1, batch.count * batch.valueBytes));
  const next = sys.alloc(Math.max(4, batch.keySize));
  attr.setBigUint64(0, sys.put(batch.from), true);
  attr.setBigUint64(8, next.address, true);
  attr.setBigUint64(16, keys.address, true);
  attr.setBigUint64(24, values.address, true);
  finish(attr, batch);
  const result = sys.bpf(isDelete ? LOOKUP_AND_DELETE_BATCH : LOOKUP_BATCH, BATCH_SIZE);
  const count = attr.getUint32(32, true);
  // What was not written says nothing: an early error leaves the count as it was.
  const got = result === 0 || -result === 2 ? count : 0;
  return {
    errno: -result,
    count,
    keys: pieces(keys, batch.keySize, got),
    values: pieces(values, batch.valueBytes, got),
    next: next.bytes.slice(),
  };
}

function finish(attr: DataView, batch: Batch): void {
  attr.setUint32(32, batch.count, true);
  attr.setUint32(36, batch.fd, true);
  attr.setBigUint64(40, BigInt(batch.elemFlags ?? 0), true);
  attr.setBigUint64(48, BigInt(batch.flags ?? 0), true);
}

function join(all: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(1, all.length * size));
  for (const [i, one] of all.entries()) bytes.set(one, i * size);
  return bytes;
}

/** BPF_MAP_UPDATE_BATCH, or without values BPF_MAP_DELETE_BATCH: errno and how many were done. */
export function changeBatch(
  batch: Omit<Batch, 'count'>,
  keys: readonly Uint8Array[],
  values?: readonly Uint8Array[],
): { readonly errno: number; readonly count: number } {
  const sys = syscalls();
  const attr = sys.begin();
  attr.setBigUint64(16, sys.put(join(keys, batch.keySize)), true);
  if (values !== undefined) attr.setBigUint64(24, sys.put(join(values, batch.valueBytes)), true);
  finish(attr, { ...batch, count: keys.length });
  const result = sys.bpf(values === undefined ? DELETE_BATCH : UPDATE_BATCH, BATCH_SIZE);
  return { errno: -result, count: attr.getUint32(32, true) };
}
