// ld_imm64: a constant, a map, the address of a map's data, the address of a function.
import {
  BPF_MAP_TYPE_ARENA,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  EINVAL,
} from '../isa';
import {
  CONST_PTR_TO_MAP,
  MEM_RDONLY,
  PTR_TO_ARENA,
  PTR_TO_FUNC,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  SPX_IS_CALLBACK,
} from './abi';
import { Env } from './env';
import { Insn } from './insn';
import { fail } from './log';
import { MSG_CALL_TARGET, MSG_FUNC_IS_GLOBAL, MSG_LD_IMM64_RESERVED } from './messages/core';
import { markConst, markPointer } from './reg-state';
import { checkWritable } from './regs';
import { subprogAt } from './subprogs';

/** The main loop adds 1 to `env.pc`; this adds 1 for the second slot. */
export function checkLddw(env: Env, insn: Insn): i32 {
  const err = checkWritable(env, insn.dst);
  if (err != 0) return err;
  const reg = env.reg(insn.dst);
  const high = env.insn(env.pc + 1).imm;
  switch (insn.src) {
    case 0:
      markConst(reg, ((<u64>env.insn(env.pc + 1).immUnsigned) << 32) | <u64>insn.immUnsigned);
      break;
    case BPF_PSEUDO_MAP_IDX:
      markPointer(reg, CONST_PTR_TO_MAP);
      reg.aux = insn.imm;
      break;
    case BPF_PSEUDO_MAP_IDX_VALUE: {
      const map = env.map(insn.imm);
      if (map.type == BPF_MAP_TYPE_ARENA) {
        markConst(reg, 0);
        reg.setUnknown();
        reg.type = PTR_TO_ARENA;
      } else {
        markPointer(reg, PTR_TO_MAP_VALUE);
        reg.aux = insn.imm;
        reg.off = high;
      }
      break;
    }
    case BPF_PSEUDO_BTF_ID:
      // A function of the kernel: its address says that it is there, and nothing may be read.
      markPointer(reg, PTR_TO_MEM | MEM_RDONLY);
      reg.aux = 0;
      break;
    case BPF_PSEUDO_FUNC: {
      const index = subprogAt(env, <i64>env.pc + insn.imm + 1);
      if (index < 0) return fail(env, EINVAL, MSG_CALL_TARGET, <i64>env.pc + insn.imm + 1);
      if (env.subprog(index).isGlobal) return fail(env, EINVAL, MSG_FUNC_IS_GLOBAL);
      env.subprog(index).found |= SPX_IS_CALLBACK;
      markPointer(reg, PTR_TO_FUNC);
      reg.aux = index;
      break;
    }
    default:
      return fail(env, EINVAL, MSG_LD_IMM64_RESERVED);
  }
  env.pc++;
  return 0;
}
