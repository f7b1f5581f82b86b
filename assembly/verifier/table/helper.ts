// A helper's prototype as TypeScript wrote it for this program (layout in abi.ts, "Helper prototypes").
import {
  HELPER_COUNT,
  HP_ARG_SIZES,
  HP_ARG_STRUCTS,
  HP_ARGS,
  HP_FLAGS,
  HP_MAPS_LO,
  HP_RET,
  HP_RET_STRUCT,
  HP_SIZE,
} from '../abi';

@unmanaged
export class HelperProto {
  arg1: u32;
  arg2: u32;
  arg3: u32;
  arg4: u32;
  arg5: u32;
  size1: u32;
  size2: u32;
  size3: u32;
  size4: u32;
  size5: u32;
  struct1: i32;
  struct2: i32;
  struct3: i32;
  struct4: i32;
  struct5: i32;
  /** Type word: a RET_ base and flags. */
  ret: u32;
  retStruct: i32;
  flags: u32;
  maps: u64;

  /** Type word of argument `i`, 0 for R1: an ARG_ base and flags. */
  @inline arg(i: u32): u32 {
    return load<u32>(changetype<usize>(this) + HP_ARGS + ((<usize>i) << 2));
  }
  /** Bytes of an argument that is MEM_FIXED_SIZE. */
  @inline argSize(i: u32): u32 {
    return load<u32>(changetype<usize>(this) + HP_ARG_SIZES + ((<usize>i) << 2));
  }
  /** Struct that an ARG_PTR_TO_BTF_ID wants: row of INPUT_STRUCTS, -1 for any. */
  @inline argStruct(i: u32): i32 {
    return load<i32>(changetype<usize>(this) + HP_ARG_STRUCTS + ((<usize>i) << 2));
  }
  @inline has(flag: u32): bool {
    return (this.flags & flag) != 0;
  }
  @inline takesMap(type: u32): bool {
    return type < 64 && ((this.maps >> type) & 1) != 0;
  }
}

if (offsetof<HelperProto>() != HP_SIZE) ERROR('HelperProto: its size drifted from abi.ts');
if (offsetof<HelperProto>('arg1') != HP_ARGS) ERROR('HelperProto.arg1 drifted from abi.ts');
if (offsetof<HelperProto>('size1') != HP_ARG_SIZES) ERROR('HelperProto.size1 drifted from abi.ts');
if (offsetof<HelperProto>('struct1') != HP_ARG_STRUCTS) ERROR('HelperProto.struct1 drifted from abi.ts');
if (offsetof<HelperProto>('ret') != HP_RET) ERROR('HelperProto.ret drifted from abi.ts');
if (offsetof<HelperProto>('retStruct') != HP_RET_STRUCT) ERROR('HelperProto.retStruct drifted from abi.ts');
if (offsetof<HelperProto>('flags') != HP_FLAGS) ERROR('HelperProto.flags drifted from abi.ts');
if (offsetof<HelperProto>('maps') != HP_MAPS_LO) ERROR('HelperProto.maps drifted from abi.ts');

/** Row of helper `id` in the table at `helpers` (INPUT_HELPERS); null when there is none: "invalid func". */
export function helperProto(helpers: usize, id: u32): HelperProto | null {
  return id >= <u32>HELPER_COUNT ? null : changetype<HelperProto>(helpers + <usize>id * HP_SIZE);
}
