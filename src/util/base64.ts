/** The bytes of a base64 text (RFC 4648): how the Wasm modules are kept in this package's code. */

/** What a host may have that decodes in native code: ES2026 has `Uint8Array.fromBase64`, Node and Bun a global Buffer. */
interface Decoders {
  readonly Uint8Array: { readonly fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
  readonly Buffer?: { readonly from: (text: string, encoding: 'base64') => Uint8Array<ArrayBuffer> };
}

/** A plain loop: `Uint8Array.from` with a function takes ten times as long, more than compiling what is decoded. */
function decodeByLoop(text: string): Uint8Array<ArrayBuffer> {
  const chars = atob(text);
  const { length } = chars;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = chars.charCodeAt(i);
  return bytes;
}

export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const { Uint8Array: array, Buffer: buffer } = globalThis as unknown as Decoders;
  return array.fromBase64?.(text) ?? buffer?.from(text, 'base64') ?? decodeByLoop(text);
}
