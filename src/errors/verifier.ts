/** Error rows of the verifier stage: code -> text. Fields say what, where and what to do. */
export const VERIFIER_ERRORS = {
  VERIFIER_INTERNAL: (f: { detail: string }) => `internal error in the verifier stage: ${f.detail}`,
};
