/** Error rows of the run stage: code -> text. Fields say what, where and what to do. */
export const RUN_ERRORS = {
  RUN_INTERNAL: (f: { detail: string }) => `internal error in the run stage: ${f.detail}`,
};
