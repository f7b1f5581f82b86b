// The verifier's border: numbers and layouts that assembly/verifier and src/verifier share, written once.
// Only un-annotated integer constants: that subset compiles under asc and under tsc. Names follow linux/bpf.h and the kernel's logs.
// src/verifier/abi.ts lists the same files for tsc, which wants their extensions.

// What it is given.
export * from './abi/ctx';
export * from './abi/helpers';
export * from './abi/input';
// What it knows on a path, and keeps for each insn.
export * from './abi/insn-aux';
export * from './abi/kfuncs';
// What it answers.
export * from './abi/log';
export * from './abi/result';
export * from './abi/state';
export * from './abi/structs';
export * from './abi/types';
