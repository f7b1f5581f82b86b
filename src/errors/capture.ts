/** Error rows of the capture stage: code -> text. Fields say what, where and what to do. */
export const CAPTURE_ERRORS = {
  CAPTURE_INTERNAL: (f: { detail: string }) => `internal error in the capture stage: ${f.detail}`,
};
