/** Error rows of the JIT: code -> text. */
export const COMPILE_ERRORS = {
  COMPILE_INTERNAL: (f: { detail: string }) => `internal error while compiling: ${f.detail}; please report it`,
  COMPILE_TOO_LARGE: (f: { prog: string; func: string; bytes: number; limit: number }) =>
    `program ${f.prog}: function ${f.func} becomes ${f.bytes} bytes of Wasm, but engines take ${f.limit} at most; split it into subprograms`,
  COMPILE_DUPLICATE: (f: { prog: string }) =>
    `two programs of one module are named ${f.prog}; compile them apart or rename one`,
  COMPILE_OBJECT_TYPE: (f: { prog: string; pc: number }) =>
    `program ${f.prog}: the bpf_obj_new at insn ${f.pc} makes objects of more than one type; call it once for each type`,
  COMPILE_REFUSED: (f: { name: string; bytes: number; reason: string }) =>
    `this WebAssembly engine refuses the ${f.bytes} bytes of module ${f.name}: ${f.reason}`,
  COMPILE_BINARYEN: (f: { reason: string }) =>
    `binaryen is needed for this (optimize: true, or the text form) and could not be imported: ${f.reason}; run \`npm install binaryen\``,
  COMPILE_INVALID: (f: { bytes: number }) =>
    `binaryen does not take the module of ${f.bytes} bytes that it was to optimise or print: either it is no valid one, or it uses what this version of binaryen does not know`,
};
