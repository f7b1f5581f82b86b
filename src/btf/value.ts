/** Values by their BTF type, from and to bytes; parts.ts says what becomes what. */
export { decodeValue } from './decode.ts';
export { encodeInto, encodeValue } from './encode.ts';
export type { BtfInput, BtfValue } from './parts.ts';
