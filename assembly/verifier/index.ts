// build/verifier.wasm: export lines only.
export { inputBegin, result, verify } from './verify';
