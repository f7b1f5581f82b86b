/** Error rows of decoding, encoding and assembling insns: code -> text. */
const hex2 = (n: number): string => `0x${n.toString(16).padStart(2, '0')}`;
const list = (values: readonly number[]): string =>
  values.map((n) => (n > 32 ? `0x${n.toString(16)}` : `${n}`)).join(', ');
const at = (f: { pc: number; opcode: number }): string => `insn ${f.pc} (opcode ${hex2(f.opcode)})`;
const place = (f: { line: number; column: number }): string => `line ${f.line}, column ${f.column}`;

/** `a, b or c`; a long list ends early. */
function choice(values: readonly string[]): string {
  if (values.length > 6) return `${values.slice(0, 5).join(', ')} or ${values.length - 5} others`;
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

export const INSN_ERRORS = {
  INSN_LENGTH: (f: { bytes: number }) => `${f.bytes} bytes are no whole number of 8-byte insns`,
  INSN_UNKNOWN: (f: { pc: number; opcode: number }) => `insn ${f.pc}: unknown opcode ${hex2(f.opcode)}`,
  INSN_FORM: (f: { pc: number; opcode: number; field: string; found: number; expected: readonly number[] }) =>
    `${at(f)} has no form with ${f.field} ${f.found}: it is one of ${list(f.expected)}`,
  INSN_RESERVED: (f: { pc: number; opcode: number; field: string; found: number }) =>
    `${at(f)} uses reserved fields: ${f.field} is ${f.found} and must be 0`,
  INSN_REGISTER: (f: { pc: number; opcode: number; field: string; found: number }) =>
    `${at(f)}: ${f.field} R${f.found} is invalid; registers are R0 to R10`,
  INSN_WIDE: (f: { pc: number; opcode: number; field: string; found: number }) =>
    `${at(f)}: invalid BPF_LD_IMM insn: ${f.field} of its second slot is ${f.found} and must be 0`,
  INSN_WIDE_MISSING: (f: { pc: number; opcode: number }) =>
    `${at(f)}: invalid BPF_LD_IMM insn: it takes two slots and the code ends after the first`,
  INSN_RANGE: (f: { pc: number; field: string; found: number; low: number; high: number }) =>
    `insn ${f.pc} cannot be encoded: its ${f.field} is ${f.found}, where an integer from ${f.low} to ${f.high} is expected`,
  INSN_SYNTAX: (f: { line: number; column: number; found: string; expected: readonly string[] }) =>
    `${place(f)}: found ${f.found}, expected ${choice(f.expected)}`,
  INSN_LABEL: (f: { line: number; column: number; found: string; first: number }) =>
    `${place(f)}: found label ${f.found} again, expected a new name: it stands in line ${f.first}`,
  INSN_FAR: (f: { line: number; column: number; found: number; expected: string }) =>
    `${place(f)}: found a jump over ${f.found} insns, expected ${f.expected}; use gotol`,
};
