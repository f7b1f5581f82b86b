// What a verification is given, as typed views on the tables that TypeScript wrote (layouts in abi/).
import {
  INPUT_SIZE,
  MD_SIZE,
  MF_SIZE,
  SA_SIZE,
  SP_ARGS,
  SP_END,
  SP_FOUND,
  SP_SIZE,
  SP_STACK_DEPTH,
  SPF_GLOBAL,
} from './abi';
import { Insn } from './insn';

@unmanaged
export class Input {
  insns: usize;
  insnCount: u32;
  progType: u32;
  attachType: u32;
  flags: u32;
  insnLimit: u32;
  maps: usize;
  mapCount: u32;
  subprogs: usize;
  subprogCount: u32;
  helpers: usize;
  ctxTable: usize;
  kfuncs: usize;
  kfuncCount: u32;
  structs: usize;
  structCount: u32;
  logLevel: u32;
  retLo: i32;
  retHi: i32;
  packetAccess: u32;
  memoryLimit: u32;
  runSubprog: u32;
  cpus: u32;
  /** Insns that the program may have. */
  sizeLimit: u32;

  @inline insn(pc: u32): Insn {
    return changetype<Insn>(this.insns + ((<usize>pc) << 3));
  }
  @inline map(i: u32): MapDesc {
    return changetype<MapDesc>(this.maps + <usize>i * MD_SIZE);
  }
  /** What TypeScript knows of function `i`; the verifier's own list is the environment's. */
  @inline subprog(i: u32): Subprog {
    return changetype<Subprog>(this.subprogs + <usize>i * SP_SIZE);
  }
  @inline has(flag: u32): bool {
    return (this.flags & flag) != 0;
  }
}

@unmanaged
export class MapDesc {
  type: u32;
  keySize: u32;
  valueSize: u32;
  maxEntries: u32;
  flags: u32;
  inner: i32;
  data: usize;
  dataSize: u32;
  fields: usize;
  fieldCount: u32;
  extra: u32;
  hasBtf: u32;
  struct: i32;

  @inline field(i: u32): Field {
    return changetype<Field>(this.fields + <usize>i * MF_SIZE);
  }
}

/** A part of a map value or of an allocated object that programs may not touch directly. */
@unmanaged
export class Field {
  kind: u32;
  offset: u32;
  bytes: u32;
  struct: i32;
  nodeOffset: u32;
}

@unmanaged
export class SubprogArg {
  kind: u32;
  flags: u32;
  /** Bytes of memory, or index of INPUT_STRUCTS. */
  size: u32;
  reserved: u32;
}

@unmanaged
export class Subprog {
  start: u32;
  flags: u32;
  argCount: u32;

  @inline arg(i: u32): SubprogArg {
    return changetype<SubprogArg>(changetype<usize>(this) + SP_ARGS + <usize>i * SA_SIZE);
  }
  @inline get stackDepth(): u32 {
    return load<u32>(changetype<usize>(this) + SP_STACK_DEPTH);
  }
  set stackDepth(bytes: u32) {
    store<u32>(changetype<usize>(this) + SP_STACK_DEPTH, bytes);
  }
  /** SPX_ flags that the verifier found. */
  @inline get found(): u32 {
    return load<u32>(changetype<usize>(this) + SP_FOUND);
  }
  set found(flags: u32) {
    store<u32>(changetype<usize>(this) + SP_FOUND, flags);
  }
  /** Pc behind its last insn. */
  @inline get end(): u32 {
    return load<u32>(changetype<usize>(this) + SP_END);
  }
  set end(pc: u32) {
    store<u32>(changetype<usize>(this) + SP_END, pc);
  }
  @inline get isGlobal(): bool {
    return (this.flags & SPF_GLOBAL) != 0;
  }
}

if (offsetof<Input>() != INPUT_SIZE) ERROR('Input: its size drifted from abi.ts');
if (offsetof<MapDesc>() != MD_SIZE) ERROR('MapDesc: its size drifted from abi.ts');
if (offsetof<Field>() != MF_SIZE) ERROR('Field: its size drifted from abi.ts');
if (offsetof<SubprogArg>() != SA_SIZE) ERROR('SubprogArg: its size drifted from abi.ts');
if (offsetof<Subprog>() != SP_ARGS) ERROR('Subprog: its header drifted from abi.ts');
