/** Error rows of the capture stage: code -> text. Fields say what, where and what to do. Offsets count from the file's first byte. */
export const CAPTURE_ERRORS = {
  CAPTURE_EMPTY: (_: object) =>
    'the capture is empty (0 bytes), where a pcap or pcapng file begins with a header; was the command that wrote it successful?',
  CAPTURE_MAGIC: (f: { found: string }) =>
    `not a capture: the file begins with ${f.found}, where pcap (a1b2c3d4 or a1b23c4d) or pcapng (0a0d0d0a) is expected`,
  CAPTURE_COMPRESSED: (f: { format: string; command: string }) =>
    `the capture is compressed with ${f.format}; decompress it first, as in: ${f.command} FILE | bpf2wasm replay OBJECT -`,
  CAPTURE_VARIANT: (f: { magic: string; variant: string }) =>
    `the magic ${f.magic} names ${f.variant}, which is not supported; convert it, as in: editcap -F pcap IN OUT`,
  CAPTURE_VERSION: (f: { format: string; offset: number; found: string; expected: string }) =>
    `${f.format} header at offset ${f.offset} has version ${f.found}, where ${f.expected} is supported`,
  CAPTURE_TRUNCATED: (f: { offset: number; what: string; needed: number; had: number }) =>
    `the capture ends inside the ${f.what} at offset ${f.offset}: it needs ${f.needed} bytes and ${f.had} are left; everything before it is whole`,
  CAPTURE_TOO_LONG: (f: { offset: number; what: string; found: number; limit: number }) =>
    `the ${f.what} at offset ${f.offset} says it is ${f.found} bytes long, and the limit is ${f.limit}; the file is damaged there or no capture`,
  CAPTURE_BLOCK: (f: { offset: number; block: string; field: string; found: string; expected: string }) =>
    `the ${f.block} at offset ${f.offset} is malformed: ${f.field} is ${f.found}, where ${f.expected} is expected`,
  CAPTURE_INTERFACE: (f: { offset: number; block: string; interfaceId: number; count: number }) =>
    `the ${f.block} at offset ${f.offset} names interface ${f.interfaceId}, and its section has described ${f.count} so far`,
  CAPTURE_INTERFACES: (f: { offset: number; limit: number }) =>
    `the interface description at offset ${f.offset} is one more than the limit of ${f.limit} interfaces in a capture; split the file`,
  CAPTURE_TIMESTAMP: (f: { offset: number; block: string; units: string; interfaceId: number }) =>
    `the ${f.block} at offset ${f.offset} has time stamp ${f.units} (units of interface ${f.interfaceId}), which is no 64-bit number of nanoseconds since 1970`,
  CAPTURE_LINK_TYPE: (f: { interfaceId: number; linkType: number; found: string }) =>
    `interface ${f.interfaceId} of the capture has ${f.found} (${f.linkType}), and XDP programs see Ethernet frames (LINKTYPE_ETHERNET, 1); capture on an Ethernet interface, not on "any"`,
  CAPTURE_UNREADABLE: (f: { path: string; reason: string }) => `cannot read ${f.path}: ${f.reason}`,
  CAPTURE_INPUT: (f: { found: string }) =>
    `a capture is read from a Uint8Array, or from an async iterable or ReadableStream of Uint8Array; this is ${f.found}`,
  CAPTURE_PARAMETER: (f: { name: string; found: string; expected: string }) =>
    `the option ${f.name} is ${f.found}, where ${f.expected} is expected`,
  CAPTURE_WRITE: (f: { packet: number; field: string; found: string; expected: string }) =>
    `packet ${f.packet} cannot be written to a pcap file: its ${f.field} is ${f.found}, where ${f.expected} is expected`,
};
