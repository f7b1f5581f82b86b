/** Error rows of the object stage: code -> text. Fields say what, where and what to do. */
export const OBJECT_ERRORS = {
  OBJECT_INTERNAL: (f: { detail: string }) => `internal error in the object stage: ${f.detail}`,
};
