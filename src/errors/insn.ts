/** Error rows of decoding, encoding and assembling insns: code -> text. */
const hex2 = (n: number): string => n.toString(16).padStart(2, '0');

export const INSN_ERRORS = {
  INSN_LENGTH: (f: { bytes: number }) => `${f.bytes} bytes are no whole number of 8-byte insns`,
  INSN_UNKNOWN: (f: { pc: number; opcode: number; src: number; off: number; imm: number }) =>
    `unknown opcode ${hex2(f.opcode)} at insn ${f.pc} (src ${f.src}, off ${f.off}, imm ${f.imm})`,
  INSN_RESERVED: (f: { pc: number; opcode: number; field: string; found: number }) =>
    `insn ${f.pc} (opcode ${hex2(f.opcode)}) uses reserved fields: ${f.field} is ${f.found} and must be 0`,
  INSN_REGISTER: (f: { pc: number; field: string; found: number }) =>
    `insn ${f.pc}: ${f.field} R${f.found} is invalid; registers are R0 to R10`,
  INSN_WIDE: (f: { pc: number }) => `insn ${f.pc}: invalid BPF_LD_IMM insn: its second slot is missing or not zero`,
};
