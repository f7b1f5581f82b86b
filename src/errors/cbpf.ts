/** Error rows of classic BPF filters: code -> text. Insns are numbered from 0, as tcpdump -d numbers them. */
export const CBPF_ERRORS = {
  CBPF_INPUT: (f: { found: string }) =>
    `the filter is ${f.found}, where the text of tcpdump -ddd or an array of { code, jt, jf, k } is expected`,
  CBPF_HEAD: (f: { found: string }) =>
    `the filter's text begins with '${f.found}', where the number of insns is expected, as tcpdump -ddd prints it first`,
  CBPF_SYNTAX: (f: { insn: number; found: string }) =>
    `insn ${f.insn} of the filter's text is '${f.found}', where four numbers are expected: code jt jf k`,
  CBPF_COUNT: (f: { expected: number; found: number }) =>
    `the filter's text says it has ${f.expected} insns, and ${f.found} follow; give all that tcpdump -ddd printed`,
  CBPF_RANGE: (f: { insn: number; field: string; found: number; low: number; high: number }) =>
    `insn ${f.insn}: ${f.field} is ${f.found}, where an integer from ${f.low} to ${f.high} is expected`,
  CBPF_LENGTH: (f: { found: number; limit: number }) =>
    `the filter has ${f.found} insns, where 1 to ${f.limit} are expected`,
  CBPF_OPCODE: (f: { insn: number; found: string }) =>
    `insn ${f.insn}: ${f.found} is no opcode of classic BPF; eBPF insns are loaded with engine.loadInsns`,
  CBPF_JUMP: (f: { insn: number; target: number; last: number }) =>
    `insn ${f.insn} jumps to insn ${f.target}, behind the last one, insn ${f.last}; jumps stay inside the filter`,
  CBPF_LAST: (f: { insn: number; found: string }) =>
    `insn ${f.insn}, the last one, is ${f.found}; a filter ends with ret`,
  CBPF_DIVISION: (f: { insn: number; found: string }) =>
    `insn ${f.insn} is ${f.found} by the constant 0; leave it out or give another divisor`,
  CBPF_SHIFT: (f: { insn: number; found: number }) =>
    `insn ${f.insn} shifts by ${f.found}, and A has 32 bits; shift by 0 to 31`,
  CBPF_SLOT: (f: { insn: number; found: number; last: number }) =>
    `insn ${f.insn} names M[${f.found}], and the slots are M[0] to M[${f.last}]`,
  CBPF_UNSET: (f: { insn: number; slot: number }) =>
    `insn ${f.insn} loads M[${f.slot}], which is not stored on every way there; store it first, or load a constant`,
  CBPF_ANCILLARY: (f: { insn: number; offset: number }) =>
    `insn ${f.insn} loads from SKF_AD_OFF + ${f.offset}, where linux/filter.h names no ancillary field`,
  CBPF_UNANSWERED: (f: { insn: number; name: string; why: string }) =>
    `insn ${f.insn} asks for ${f.name}, which cannot be answered here: ${f.why}; write the filter without it`,
};
