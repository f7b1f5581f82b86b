/** Error rows of the link stage: code -> text. Fields say what, where and what to do. */
export const LINK_ERRORS = {
  LINK_INTERNAL: (f: { detail: string }) => `internal error in the link stage: ${f.detail}`,
};
