// What an insn must look like whatever the state: known opcodes before anything is walked, reserved fields when it is first reached
// (RFC 9669, sections 4 and 5).
import {
  BPF_ABS,
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_CMPXCHG,
  BPF_DIV,
  BPF_DW,
  BPF_END,
  BPF_EXIT,
  BPF_FETCH,
  BPF_IMM,
  BPF_IND,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_JMP32,
  BPF_JSLE,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_LSH,
  BPF_MAP_TYPE_ARENA,
  BPF_MAP_TYPE_ARRAY,
  BPF_MEM,
  BPF_MEMSX,
  BPF_MOD,
  BPF_MOV,
  BPF_NEG,
  BPF_OR,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_RSH,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  BPF_W,
  BPF_XCHG,
  BPF_XOR,
  EINVAL,
} from '../isa';
import { mayLoadLegacy } from './access/insns';
import { Env } from './env';
import { MapDesc } from './input';
import { Insn } from './insn';
import { fail } from './log';
import { MSG_LEGACY_LOAD_TYPE } from './messages/access';
import {
  MSG_ADDR_SPACE,
  MSG_ALU_RESERVED,
  MSG_ATOMIC_RESERVED,
  MSG_BAD_LD_IMM64,
  MSG_BAD_MAP_INDEX,
  MSG_BAD_SHIFT,
  MSG_CALL_RESERVED,
  MSG_DIV_BY_ZERO,
  MSG_END_RESERVED,
  MSG_EXIT_RESERVED,
  MSG_JA_RESERVED,
  MSG_JMP_RESERVED,
  MSG_LD_IMM64_OFFSET,
  MSG_LD_IMM64_RESERVED,
  MSG_LDX_RESERVED,
  MSG_LEGACY_LOAD_RESERVED,
  MSG_MAP_NOT_VALUE,
  MSG_MAP_VALUE_OFFSET,
  MSG_MAP_VALUE_RANGE,
  MSG_MAY_GOTO_RESERVED,
  MSG_MOV_RESERVED,
  MSG_NEG_RESERVED,
  MSG_ST_RESERVED,
  MSG_STX_RESERVED,
  MSG_UNKNOWN_ATOMIC_OP,
  MSG_UNKNOWN_OPCODE,
} from './messages/core';
import { useMap } from './used-maps';

const ARENA_PAGE: u64 = 4096;
/** BPF_MAX_VAR_OFF */
const MAX_VALUE_OFFSET: u32 = 1 << 29;

function knownAlu(insn: Insn, is64: bool): bool {
  switch (insn.op) {
    case BPF_NEG:
      return !insn.isX;
    case BPF_END:
      return !(is64 && insn.isX);
    default:
      return insn.op <= <u32>BPF_END;
  }
}

function knownJump(insn: Insn, is32: bool): bool {
  switch (insn.op) {
    case BPF_JA:
      return !insn.isX;
    case BPF_CALL:
    case BPF_EXIT:
    case BPF_JCOND:
      return !is32 && !insn.isX;
    default:
      return insn.op <= <u32>BPF_JSLE;
  }
}

/** Is it an opcode at all? */
export function knownOpcode(insn: Insn): bool {
  const size = <u32>insn.code & 0x18;
  switch (insn.cls) {
    case BPF_LD:
      if (insn.mode == BPF_IMM) return size == BPF_DW;
      return (insn.mode == BPF_ABS || insn.mode == BPF_IND) && size != BPF_DW;
    case BPF_LDX:
      return insn.mode == BPF_MEM || (insn.mode == BPF_MEMSX && size != BPF_DW);
    case BPF_ST:
      return insn.mode == BPF_MEM;
    case BPF_STX:
      return insn.mode == BPF_MEM || insn.mode == BPF_ATOMIC;
    case BPF_ALU:
      return knownAlu(insn, false);
    case BPF_ALU64:
      return knownAlu(insn, true);
    case BPF_JMP:
      return knownJump(insn, false);
    default:
      return knownJump(insn, true);
  }
}

/** Every insn, reached or not: opcodes, ld_imm64 and what loads and stores leave unused. */
export function checkOpcodes(env: Env): i32 {
  const count = env.input.insnCount;
  for (let pc: u32 = 0; pc < count; pc++) {
    const insn = env.insn(pc);
    env.pc = pc;
    if (insn.cls == BPF_LDX && ((insn.mode != BPF_MEM && insn.mode != BPF_MEMSX) || insn.imm != 0))
      return fail(env, EINVAL, MSG_LDX_RESERVED);
    if (insn.isLddw) {
      const err = checkLddw(env, insn, pc);
      if (err != 0) return err;
      pc++;
      continue;
    }
    if (!knownOpcode(insn)) return fail(env, EINVAL, MSG_UNKNOWN_OPCODE, insn.code);
  }
  return 0;
}

function checkLddw(env: Env, insn: Insn, pc: u32): i32 {
  if (pc + 1 >= env.input.insnCount) return fail(env, EINVAL, MSG_BAD_LD_IMM64);
  const second = env.insn(pc + 1);
  if (second.code != 0 || second.regs != 0 || second.off != 0) return fail(env, EINVAL, MSG_BAD_LD_IMM64);
  const src = insn.src;
  if (src == BPF_PSEUDO_MAP_IDX || src == BPF_PSEUDO_MAP_IDX_VALUE) {
    if (<u32>insn.imm >= env.input.mapCount) return fail(env, EINVAL, MSG_BAD_MAP_INDEX, insn.imm);
    const err = useMap(env, insn.imm);
    if (err != 0) return err;
    if (src == BPF_PSEUDO_MAP_IDX) return second.imm != 0 ? fail(env, EINVAL, MSG_LD_IMM64_RESERVED) : 0;
    return checkMapValue(env, env.map(insn.imm), second.imm);
  } else if (src != 0 && src != BPF_PSEUDO_FUNC && src != BPF_PSEUDO_BTF_ID)
    return fail(env, EINVAL, MSG_LD_IMM64_RESERVED);
  return 0;
}

/** The address of a map's data: an array of one element has it, and an arena. */
function checkMapValue(env: Env, map: MapDesc, off: u32): i32 {
  if (off >= MAX_VALUE_OFFSET) return fail(env, EINVAL, MSG_MAP_VALUE_OFFSET, off);
  const arena = map.type == BPF_MAP_TYPE_ARENA;
  if (map.type != BPF_MAP_TYPE_ARRAY && !arena) return fail(env, EINVAL, MSG_MAP_NOT_VALUE);
  const size = arena ? <u64>map.maxEntries * ARENA_PAGE : map.maxEntries == 1 ? <u64>map.valueSize : 0;
  return <u64>off >= size ? fail(env, EINVAL, MSG_MAP_VALUE_RANGE, map.valueSize, off) : 0;
}

/** The insn that is being walked: fields that its opcode leaves unused are 0, its registers exist. */
export function checkForm(env: Env, insn: Insn): i32 {
  switch (insn.cls) {
    case BPF_ALU:
    case BPF_ALU64:
      return checkAluForm(env, insn, insn.cls == BPF_ALU64);
    case BPF_ST:
      if (insn.mode != BPF_MEM || insn.src != 0) return fail(env, EINVAL, MSG_ST_RESERVED);
      return 0;
    case BPF_STX:
      if (insn.mode == BPF_ATOMIC) return checkAtomicForm(env, insn);
      return insn.imm != 0 ? fail(env, EINVAL, MSG_STX_RESERVED) : 0;
    case BPF_JMP:
    case BPF_JMP32:
      return checkJumpForm(env, insn);
    case BPF_LD:
      return checkLoadForm(env, insn);
    default:
      return 0;
  }
}

function checkAluForm(env: Env, insn: Insn, is64: bool): i32 {
  switch (insn.op) {
    case BPF_NEG:
      return insn.src != 0 || insn.off != 0 || insn.imm != 0 ? fail(env, EINVAL, MSG_NEG_RESERVED) : 0;
    case BPF_END:
      if (insn.src != 0 || insn.off != 0) return fail(env, EINVAL, MSG_END_RESERVED);
      if (insn.imm != 16 && insn.imm != 32 && insn.imm != 64) return fail(env, EINVAL, MSG_END_RESERVED);
      return 0;
    case BPF_MOV:
      return checkMovForm(env, insn, is64);
    default:
      return checkBinaryForm(env, insn);
  }
}

function checkMovForm(env: Env, insn: Insn, is64: bool): i32 {
  if (!insn.isX) return insn.src != 0 || insn.off != 0 ? fail(env, EINVAL, MSG_MOV_RESERVED) : 0;
  const off = <i32>insn.off;
  if (is64 && off == 1) {
    // addr_space_cast: between address spaces 0 and 1.
    return insn.imm != 1 && insn.imm != 0x10000 ? fail(env, EINVAL, MSG_ADDR_SPACE) : 0;
  }
  if (insn.imm != 0) return fail(env, EINVAL, MSG_MOV_RESERVED);
  if (off != 0 && off != 8 && off != 16 && !(is64 && off == 32)) return fail(env, EINVAL, MSG_MOV_RESERVED);
  return 0;
}

function checkBinaryForm(env: Env, insn: Insn): i32 {
  const op = insn.op;
  const signed = (op == BPF_DIV || op == BPF_MOD) && insn.off == 1;
  if (insn.off != 0 && !signed) return fail(env, EINVAL, MSG_ALU_RESERVED);
  if (insn.isX) return insn.imm != 0 ? fail(env, EINVAL, MSG_ALU_RESERVED) : 0;
  if (insn.src != 0) return fail(env, EINVAL, MSG_ALU_RESERVED);
  return 0;
}

/** The constant of a division or shift; registers are looked at before it. */
export function checkConstOperand(env: Env, insn: Insn): i32 {
  const op = insn.op;
  if ((op == BPF_DIV || op == BPF_MOD) && insn.imm == 0) return fail(env, EINVAL, MSG_DIV_BY_ZERO);
  if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH) {
    const bits: i32 = insn.cls == BPF_ALU64 ? 64 : 32;
    if (insn.imm < 0 || insn.imm >= bits) return fail(env, EINVAL, MSG_BAD_SHIFT, insn.imm);
  }
  return 0;
}

function checkAtomicForm(env: Env, insn: Insn): i32 {
  const size = <u32>insn.code & 0x18;
  switch (insn.imm) {
    case BPF_LOAD_ACQ:
    case BPF_STORE_REL:
      return 0;
    case BPF_ADD:
    case BPF_ADD | BPF_FETCH:
    case BPF_AND:
    case BPF_AND | BPF_FETCH:
    case BPF_OR:
    case BPF_OR | BPF_FETCH:
    case BPF_XOR:
    case BPF_XOR | BPF_FETCH:
    case BPF_XCHG:
    case BPF_CMPXCHG:
      return size != BPF_W && size != BPF_DW ? fail(env, EINVAL, MSG_ATOMIC_RESERVED) : 0;
    default:
      return fail(env, EINVAL, MSG_UNKNOWN_ATOMIC_OP, insn.code, insn.imm);
  }
}

function checkJumpForm(env: Env, insn: Insn): i32 {
  switch (insn.op) {
    case BPF_CALL: {
      const src = insn.src;
      if (insn.dst != 0 || (insn.off != 0 && src != BPF_PSEUDO_KFUNC_CALL)) return fail(env, EINVAL, MSG_CALL_RESERVED);
      if (src != 0 && src != BPF_PSEUDO_CALL && src != BPF_PSEUDO_KFUNC_CALL)
        return fail(env, EINVAL, MSG_CALL_RESERVED);
      return 0;
    }
    case BPF_EXIT:
      if (insn.imm != 0 || insn.src != 0 || insn.dst != 0) return fail(env, EINVAL, MSG_EXIT_RESERVED);
      return 0;
    case BPF_JA:
      if (insn.src != 0 || insn.dst != 0) return fail(env, EINVAL, MSG_JA_RESERVED);
      if (insn.cls == BPF_JMP ? insn.imm != 0 : insn.off != 0) return fail(env, EINVAL, MSG_JA_RESERVED);
      return 0;
    case BPF_JCOND:
      if (insn.dst != 0 || insn.imm != 0 || insn.src != 0) return fail(env, EINVAL, MSG_MAY_GOTO_RESERVED, insn.imm);
      return 0;
    default:
      return 0;
  }
}

/** What a comparison leaves unused; its first register is looked at before it. */
export function checkCompareForm(env: Env, insn: Insn): i32 {
  return (insn.isX ? insn.imm != 0 : insn.src != 0) ? fail(env, EINVAL, MSG_JMP_RESERVED) : 0;
}

function checkLoadForm(env: Env, insn: Insn): i32 {
  if (insn.mode == BPF_IMM) return insn.off != 0 ? fail(env, EINVAL, MSG_LD_IMM64_OFFSET) : 0;
  if (!mayLoadLegacy(env)) return fail(env, EINVAL, MSG_LEGACY_LOAD_TYPE);
  const ind = insn.mode == BPF_IND;
  if (insn.dst != 0 || insn.off != 0 || (!ind && insn.src != 0)) return fail(env, EINVAL, MSG_LEGACY_LOAD_RESERVED);
  return 0;
}
