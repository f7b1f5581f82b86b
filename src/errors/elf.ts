/** Error rows of the elf stage: code -> text. Fields say what, where and what to do. */
export const ELF_ERRORS = {
  ELF_INTERNAL: (f: { detail: string }) => `internal error in the elf stage: ${f.detail}`,
};
