/** Error rows of the compile stage: code -> text. Fields say what, where and what to do. */
export const COMPILE_ERRORS = {
  COMPILE_INTERNAL: (f: { detail: string }) => `internal error in the compile stage: ${f.detail}`,
};
