/** Error rows of the insn stage: code -> text. Fields say what, where and what to do. */
export const INSN_ERRORS = {
  INSN_INTERNAL: (f: { detail: string }) => `internal error in the insn stage: ${f.detail}`,
};
