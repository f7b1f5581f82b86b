/** The bytes of a base64 text: how the Wasm modules are kept in this package's code. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
