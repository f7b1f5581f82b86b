/** Bytes to insns and insns to ops (RFC 9669 sections 3 to 5). Whatever is not in the instruction set is an `InsnError` with its pc. */
import * as isa from '../../assembly/isa.ts';
import { InsnError } from '../errors/index.ts';
import type { Insn } from './insn.ts';
import type { AluName, AtomicName, JumpName, Op, Operand, WideValue } from './op.ts';

/** @throws InsnError when the length is no multiple of 8 */
export function decodeInsns(bytes: Uint8Array): Insn[] {
  if (bytes.length % isa.BPF_INSN_SIZE !== 0) throw new InsnError('INSN_LENGTH', { bytes: bytes.length });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const insns: Insn[] = [];
  for (let at = 0; at < bytes.length; at += isa.BPF_INSN_SIZE) {
    const regs = bytes[at + 1];
    insns.push({
      opcode: bytes[at],
      dst: regs & 15,
      src: regs >> 4,
      off: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true),
    });
  }
  return insns;
}

export function encodeInsns(insns: readonly Insn[]): Uint8Array {
  const bytes = new Uint8Array(insns.length * isa.BPF_INSN_SIZE);
  const view = new DataView(bytes.buffer);
  insns.forEach((insn, i) => {
    const at = i * isa.BPF_INSN_SIZE;
    bytes[at] = insn.opcode;
    bytes[at + 1] = (insn.src << 4) | insn.dst;
    view.setInt16(at + 2, insn.off, true);
    view.setInt32(at + 4, insn.imm, true);
  });
  return bytes;
}

const ALU: Record<number, AluName> = {
  [isa.BPF_ADD]: 'add',
  [isa.BPF_SUB]: 'sub',
  [isa.BPF_MUL]: 'mul',
  [isa.BPF_DIV]: 'div',
  [isa.BPF_OR]: 'or',
  [isa.BPF_AND]: 'and',
  [isa.BPF_LSH]: 'lsh',
  [isa.BPF_RSH]: 'rsh',
  [isa.BPF_NEG]: 'neg',
  [isa.BPF_MOD]: 'mod',
  [isa.BPF_XOR]: 'xor',
  [isa.BPF_MOV]: 'mov',
  [isa.BPF_ARSH]: 'arsh',
};
const JUMP: Record<number, JumpName> = {
  [isa.BPF_JEQ]: 'eq',
  [isa.BPF_JGT]: 'gt',
  [isa.BPF_JGE]: 'ge',
  [isa.BPF_JSET]: 'set',
  [isa.BPF_JNE]: 'ne',
  [isa.BPF_JSGT]: 'sgt',
  [isa.BPF_JSGE]: 'sge',
  [isa.BPF_JLT]: 'lt',
  [isa.BPF_JLE]: 'le',
  [isa.BPF_JSLT]: 'slt',
  [isa.BPF_JSLE]: 'sle',
};
const ATOMIC: Record<number, AtomicName> = {
  [isa.BPF_ADD]: 'add',
  [isa.BPF_OR]: 'or',
  [isa.BPF_AND]: 'and',
  [isa.BPF_XOR]: 'xor',
  [isa.BPF_XCHG]: 'xchg',
  [isa.BPF_CMPXCHG]: 'cmpxchg',
  [isa.BPF_LOAD_ACQ]: 'load_acq',
  [isa.BPF_STORE_REL]: 'store_rel',
};
const SIZE: Record<number, 1 | 2 | 4 | 8> = { [isa.BPF_B]: 1, [isa.BPF_H]: 2, [isa.BPF_W]: 4, [isa.BPF_DW]: 8 };

/** One insn on its way to an op, with what error messages need. */
class Decoder {
  readonly insn: Insn;
  readonly next: Insn | undefined;
  readonly pc: number;

  constructor(insn: Insn, next: Insn | undefined, pc: number) {
    this.insn = insn;
    this.next = next;
    this.pc = pc;
  }

  unknown(): never {
    throw new InsnError('INSN_UNKNOWN', {
      pc: this.pc,
      opcode: this.insn.opcode,
      src: this.insn.src,
      off: this.insn.off,
      imm: this.insn.imm,
    });
  }

  /** These fields must be zero in this form. */
  zero(...fields: ('dst' | 'src' | 'off' | 'imm')[]): void {
    for (const field of fields) {
      if (this.insn[field] !== 0) {
        throw new InsnError('INSN_RESERVED', { pc: this.pc, opcode: this.insn.opcode, field, found: this.insn[field] });
      }
    }
  }

  run(): Op {
    const { insn } = this;
    for (const field of ['dst', 'src'] as const) {
      // src of ld_imm64, calls and jumps is a form, not a register, but never above 10 either.
      if (insn[field] > isa.BPF_REG_FP)
        throw new InsnError('INSN_REGISTER', { pc: this.pc, field, found: insn[field] });
    }
    switch (insn.opcode & 7) {
      case isa.BPF_ALU64:
        return this.alu(64);
      case isa.BPF_ALU:
        return this.alu(32);
      case isa.BPF_JMP:
        return this.jump(64);
      case isa.BPF_JMP32:
        return this.jump(32);
      case isa.BPF_LD:
        return this.load();
      case isa.BPF_LDX:
        return this.loadReg();
      default:
        return this.store();
    }
  }

  private operand(): Operand {
    const { insn } = this;
    if (insn.opcode & isa.BPF_X) {
      this.zero('imm');
      return { kind: 'reg', reg: insn.src };
    }
    this.zero('src');
    return { kind: 'imm', value: insn.imm };
  }

  private alu(width: 32 | 64): Op {
    const { insn } = this;
    const code = insn.opcode & 0xf0;
    if (code === isa.BPF_END) return this.swap(width);
    const name = ALU[code];
    if (name === undefined) this.unknown();
    if (name === 'neg') {
      if (insn.opcode & isa.BPF_X) this.unknown();
      this.zero('src', 'off', 'imm');
      return { kind: 'alu', op: 'neg', width, dst: insn.dst };
    }
    if (name === 'mov' && insn.off !== 0) return this.movsx(width);
    const signed = (name === 'div' || name === 'mod') && insn.off === 1;
    if (!signed) this.zero('off');
    const op = signed ? (name === 'div' ? 'sdiv' : 'smod') : name;
    return { kind: 'alu', op, width, dst: insn.dst, src: this.operand() };
  }

  private movsx(width: 32 | 64): Op {
    const { insn } = this;
    if (!(insn.opcode & isa.BPF_X)) this.zero('off');
    if (insn.off !== 8 && insn.off !== 16 && !(insn.off === 32 && width === 64)) this.unknown();
    this.zero('imm');
    return { kind: 'movsx', width, bits: insn.off as 8 | 16 | 32, dst: insn.dst, src: insn.src };
  }

  private swap(width: 32 | 64): Op {
    const { insn } = this;
    const big = (insn.opcode & isa.BPF_X) !== 0;
    if (width === 64 && big) this.unknown();
    this.zero('src', 'off');
    if (insn.imm !== 16 && insn.imm !== 32 && insn.imm !== 64) this.unknown();
    return { kind: 'swap', to: width === 64 ? 'bswap' : big ? 'be' : 'le', bits: insn.imm, dst: insn.dst };
  }

  private jump(width: 32 | 64): Op {
    const { insn, pc } = this;
    const code = insn.opcode & 0xf0;
    const register = (insn.opcode & isa.BPF_X) !== 0;
    const name = JUMP[code];
    if (name !== undefined) {
      return { kind: 'jcond', op: name, width, dst: insn.dst, src: this.operand(), target: pc + 1 + insn.off };
    }
    if (register) this.unknown();
    if (code === isa.BPF_JA) return this.always(width);
    if (width === 32) this.unknown();
    if (code === isa.BPF_CALL) return this.call();
    if (code === isa.BPF_EXIT) {
      this.zero('dst', 'src', 'off', 'imm');
      return { kind: 'exit' };
    }
    if (code !== isa.BPF_JCOND) this.unknown();
    this.zero('dst', 'src', 'imm');
    return { kind: 'may_goto', target: pc + 1 + insn.off };
  }

  private always(width: 32 | 64): Op {
    const { insn, pc } = this;
    this.zero('dst', 'src', width === 64 ? 'imm' : 'off');
    return { kind: 'ja', target: pc + 1 + (width === 64 ? insn.off : insn.imm) };
  }

  private call(): Op {
    const { insn, pc } = this;
    this.zero('dst');
    switch (insn.src) {
      case isa.BPF_CALL_HELPER:
        this.zero('off');
        return { kind: 'call', helper: insn.imm };
      case isa.BPF_PSEUDO_CALL:
        this.zero('off');
        return { kind: 'call_local', target: pc + 1 + insn.imm };
      case isa.BPF_PSEUDO_KFUNC_CALL:
        return { kind: 'call_kfunc', id: insn.imm, off: insn.off };
      default:
        return this.unknown();
    }
  }

  private load(): Op {
    const { insn } = this;
    const mode = insn.opcode & 0xe0;
    if (insn.opcode === (isa.BPF_LD | isa.BPF_IMM | isa.BPF_DW)) return this.wide();
    const size = SIZE[insn.opcode & 0x18];
    if (size === 8 || (mode !== isa.BPF_ABS && mode !== isa.BPF_IND)) return this.unknown();
    this.zero('dst', 'off');
    if (mode === isa.BPF_IND) return { kind: 'ldind', size, src: insn.src, imm: insn.imm };
    this.zero('src');
    return { kind: 'ldabs', size, imm: insn.imm };
  }

  private wide(): Op {
    const { insn, next, pc } = this;
    if (next === undefined || next.opcode !== 0 || next.dst !== 0 || next.src !== 0 || next.off !== 0) {
      throw new InsnError('INSN_WIDE', { pc });
    }
    this.zero('off');
    return { kind: 'lddw', dst: insn.dst, value: this.wideValue(insn.imm, next.imm) };
  }

  private wideValue(lo: number, hi: number): WideValue {
    switch (this.insn.src) {
      case 0:
        return { kind: 'const', lo, hi };
      case isa.BPF_PSEUDO_MAP_FD:
      case isa.BPF_PSEUDO_MAP_IDX:
        return { kind: this.insn.src === isa.BPF_PSEUDO_MAP_FD ? 'map_fd' : 'map_idx', map: lo };
      case isa.BPF_PSEUDO_MAP_VALUE:
      case isa.BPF_PSEUDO_MAP_IDX_VALUE:
        return {
          kind: this.insn.src === isa.BPF_PSEUDO_MAP_VALUE ? 'map_value' : 'map_idx_value',
          map: lo,
          offset: hi,
        };
      case isa.BPF_PSEUDO_BTF_ID:
        return { kind: 'btf_id', id: lo, module: hi };
      case isa.BPF_PSEUDO_FUNC:
        return { kind: 'func', target: this.pc + 1 + lo };
      default:
        return this.unknown();
    }
  }

  private loadReg(): Op {
    const { insn } = this;
    const mode = insn.opcode & 0xe0;
    const size = SIZE[insn.opcode & 0x18];
    if (mode !== isa.BPF_MEM && !(mode === isa.BPF_MEMSX && size !== 8)) this.unknown();
    this.zero('imm');
    return { kind: 'load', size, signed: mode === isa.BPF_MEMSX, dst: insn.dst, src: insn.src, off: insn.off };
  }

  private store(): Op {
    const { insn } = this;
    const mode = insn.opcode & 0xe0;
    const size = SIZE[insn.opcode & 0x18];
    const register = (insn.opcode & 7) === isa.BPF_STX;
    if (mode === isa.BPF_ATOMIC && register) return this.atomic(size);
    if (mode !== isa.BPF_MEM) this.unknown();
    this.zero(register ? 'imm' : 'src');
    const src: Operand = register ? { kind: 'reg', reg: insn.src } : { kind: 'imm', value: insn.imm };
    return { kind: 'store', size, dst: insn.dst, off: insn.off, src };
  }

  private atomic(size: 1 | 2 | 4 | 8): Op {
    const { insn } = this;
    const plain = insn.imm === isa.BPF_LOAD_ACQ || insn.imm === isa.BPF_STORE_REL;
    const fixed = plain || insn.imm === isa.BPF_XCHG || insn.imm === isa.BPF_CMPXCHG;
    const op = ATOMIC[fixed ? insn.imm : insn.imm & ~isa.BPF_FETCH];
    if (op === undefined || (size < 4 && !plain)) this.unknown();
    const fetch = !plain && (insn.imm & isa.BPF_FETCH) !== 0;
    return { kind: 'atomic', op, fetch, size, dst: insn.dst, src: insn.src, off: insn.off };
  }
}

/**
 * The meaning of one insn.
 * @param next the following slot, which `ld_imm64` needs
 * @param pc for targets and messages
 */
export function decodeOp(insn: Insn, next: Insn | undefined, pc: number): Op {
  return new Decoder(insn, next, pc).run();
}
