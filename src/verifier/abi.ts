/** The border to the verifier in Wasm, as TypeScript imports it: assembly/verifier/abi.ts lists the same files for asc, which wants no extensions. */
// What it is given.
export * from '../../assembly/verifier/abi/ctx.ts';
export * from '../../assembly/verifier/abi/helpers.ts';
export * from '../../assembly/verifier/abi/input.ts';
// What it knows on a path, and keeps for each insn.
export * from '../../assembly/verifier/abi/insn-aux.ts';
export * from '../../assembly/verifier/abi/kfuncs.ts';
// What it answers.
export * from '../../assembly/verifier/abi/log.ts';
export * from '../../assembly/verifier/abi/result.ts';
export * from '../../assembly/verifier/abi/state.ts';
export * from '../../assembly/verifier/abi/structs.ts';
export * from '../../assembly/verifier/abi/types.ts';
