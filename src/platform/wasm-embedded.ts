/** `#wasm` of the published package where no files can be read: see rolldown.config.mjs. */
export { runtimeBytes } from '../runtime/wasm.ts';
export { verifierBytes } from '../verifier/wasm.ts';
