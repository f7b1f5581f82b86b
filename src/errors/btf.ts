/** Error rows of the btf stage: code -> text. Fields say what, where and what to do. */
export const BTF_ERRORS = {
  BTF_INTERNAL: (f: { detail: string }) => `internal error in the btf stage: ${f.detail}`,
};
