// One insn slot as the kernel lays it out (RFC 9669, section 3.1: struct bpf_insn), and questions about its opcode.
import {
  BPF_CALL,
  BPF_CALL_HELPER,
  BPF_DW,
  BPF_IMM,
  BPF_JMP,
  BPF_LD,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
} from '../isa';

@unmanaged
export class Insn {
  code: u8;
  /** dst in the low, src in the high nibble. */
  regs: u8;
  off: i16;
  imm: i32;

  /**
   * `imm` without its sign. A load of its own: asc 0.28 (its binaryen, from -O1 on) turns `<u64>(<u32>this.imm)` into a load that
   * extends the sign.
   */
  @inline get immUnsigned(): u32 {
    return load<u32>(changetype<usize>(this), 4);
  }
  @inline get dst(): u32 {
    return <u32>this.regs & 15;
  }
  @inline get src(): u32 {
    return <u32>this.regs >> 4;
  }
  @inline get cls(): u32 {
    return <u32>this.code & 7;
  }
  /** Operation bits of ALU and JMP classes. */
  @inline get op(): u32 {
    return <u32>this.code & 0xf0;
  }
  /** Mode bits of load and store classes. */
  @inline get mode(): u32 {
    return <u32>this.code & 0xe0;
  }
  /** Bytes of a load or store: 4, 2, 1 or 8. */
  @inline get size(): u32 {
    const s = (<u32>this.code >> 3) & 3;
    return s == 3 ? 8 : 4 >> s;
  }
  @inline get isX(): bool {
    return (this.code & 8) != 0;
  }
  @inline get isLddw(): bool {
    return this.code == (BPF_LD | BPF_IMM | BPF_DW);
  }
  @inline get isCall(): bool {
    return this.code == (BPF_JMP | BPF_CALL);
  }
  @inline get isHelperCall(): bool {
    return this.isCall && this.src == BPF_CALL_HELPER;
  }
  @inline get isSubprogCall(): bool {
    return this.isCall && this.src == BPF_PSEUDO_CALL;
  }
  @inline get isKfuncCall(): bool {
    return this.isCall && this.src == BPF_PSEUDO_KFUNC_CALL;
  }
  @inline get isFuncAddress(): bool {
    return this.isLddw && this.src == BPF_PSEUDO_FUNC;
  }
}
