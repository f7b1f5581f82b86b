// A kfunc's prototype as TypeScript wrote it for this program (layout in abi.ts, "Kfunc prototypes").
import {
  KA_MASK,
  KF_ARG_COUNT,
  KF_ARG_SIZE,
  KF_ARGS,
  KF_FLAGS,
  KF_RET,
  KF_RET_DETAIL,
  KF_SIZE,
  KF_SPECIAL,
} from '../abi';

@unmanaged
export class KfuncProto {
  kind1: u32;
  detail1: i32;
  kind2: u32;
  detail2: i32;
  kind3: u32;
  detail3: i32;
  kind4: u32;
  detail4: i32;
  kind5: u32;
  detail5: i32;
  argCount: u32;
  /** KR_ */
  ret: u32;
  retDetail: i32;
  /** KFF_ */
  flags: u32;
  /** KFUNC_, 0 for kfuncs without rules of their own. */
  special: u32;

  /** KA_ of argument `i`, 0 for R1. */
  @inline arg(i: u32): u32 {
    return this.argWord(i) & KA_MASK;
  }
  /** KA_ and KAF_. */
  @inline argWord(i: u32): u32 {
    return load<u32>(changetype<usize>(this) + KF_ARGS + <usize>i * KF_ARG_SIZE);
  }
  /** Row of INPUT_STRUCTS or bytes, as the kind says. */
  @inline argDetail(i: u32): i32 {
    return load<i32>(changetype<usize>(this) + KF_ARGS + <usize>i * KF_ARG_SIZE + 4);
  }
  @inline has(flag: u32): bool {
    return (this.flags & flag) != 0;
  }
}

if (offsetof<KfuncProto>() != KF_SIZE) ERROR('KfuncProto: its size drifted from abi.ts');
if (offsetof<KfuncProto>('kind1') != KF_ARGS) ERROR('KfuncProto.kind1 drifted from abi.ts');
if (offsetof<KfuncProto>('kind2') != KF_ARGS + KF_ARG_SIZE) ERROR('KfuncProto.kind2 drifted from abi.ts');
if (offsetof<KfuncProto>('argCount') != KF_ARG_COUNT) ERROR('KfuncProto.argCount drifted from abi.ts');
if (offsetof<KfuncProto>('ret') != KF_RET) ERROR('KfuncProto.ret drifted from abi.ts');
if (offsetof<KfuncProto>('retDetail') != KF_RET_DETAIL) ERROR('KfuncProto.retDetail drifted from abi.ts');
if (offsetof<KfuncProto>('flags') != KF_FLAGS) ERROR('KfuncProto.flags drifted from abi.ts');
if (offsetof<KfuncProto>('special') != KF_SPECIAL) ERROR('KfuncProto.special drifted from abi.ts');

/** Row `i` of the table at `kfuncs` (INPUT_KFUNCS). */
export function kfuncProto(kfuncs: usize, i: u32): KfuncProto {
  return changetype<KfuncProto>(kfuncs + <usize>i * KF_SIZE);
}
