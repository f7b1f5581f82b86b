// build/verifier.wasm: export lines only.
export { inputAlloc, inputBegin, result, verify } from './verify';
