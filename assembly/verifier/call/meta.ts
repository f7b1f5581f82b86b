// What the arguments of the call being checked told: struct bpf_call_arg_meta in the kernel's terms.

/** One call is checked at a time. */
const META: usize = memory.data(160, 8);

@unmanaged
export class CallMeta {
  /** Key of a map lookup whose bytes are known; -1 for none. */
  constKey: i64;
  /** Upper bound of the size argument seen last. */
  maxSize: u64;
  func: u32;
  /** Row of the map, or -1. */
  map: i32;
  mapUid: u32;
  /** The helper may be given packet pointers. */
  packetAccess: bool;
  /** The memory argument seen last need not be initialised. */
  raw: bool;
  /** Stack memory that the call fills: register and bytes. */
  rawRegno: u32;
  rawSize: u32;
  /** Register whose reference the call gives back; 0 for none. */
  releaseRegno: u32;
  refId: u32;
  subprog: u32;
  memSize: u64;
  /** Struct of the per-CPU object or kptr that is returned, or -1. */
  retStruct: i32;
  /** Type flags that go with it. */
  retFlags: u32;
  dynptrId: u32;
  /** Kind and reference of the dynptr argument that was initialised. */
  dynptrKind: u32;
  dynptrRef: u32;
  // Of kfuncs.
  hasConst: bool;
  /** The constant argument. */
  constant: u64;
  /** Bytes of what is returned, 0 when no argument says; whether it is read-only. */
  retBytes: u64;
  retReadOnly: bool;
  /** Struct of the object argument, or -1; whether the program owns it. */
  argStruct: i32;
  owning: bool;
  /** The list head or tree root argument: a Field, 0 for none. */
  root: usize;
  /** The iterator argument: frame and slot. */
  iterFrame: u32;
  iterSlot: u32;
}

if (offsetof<CallMeta>() > 160) ERROR('CallMeta has outgrown its memory');

export function theMeta(): CallMeta {
  return changetype<CallMeta>(META);
}

export function beginMeta(func: u32): CallMeta {
  memory.fill(META, 0, offsetof<CallMeta>());
  const meta = theMeta();
  meta.func = func;
  meta.map = -1;
  meta.constKey = -1;
  meta.retStruct = -1;
  meta.argStruct = -1;
  return meta;
}
