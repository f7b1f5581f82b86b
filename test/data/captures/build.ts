// Builds pcap and pcapng bytes for tests, field by field, apart from the code under test.

export type Bytes = Uint8Array<ArrayBuffer>;

export function concat(...parts: Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

type Word = readonly [bytes: 2 | 4 | 8, value: number | bigint];

function words(little: boolean, list: readonly Word[]): Bytes {
  const out = new Uint8Array(list.reduce((sum, [bytes]) => sum + bytes, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [bytes, value] of list) {
    if (bytes === 2) view.setUint16(at, Number(value), little);
    else if (bytes === 4) view.setUint32(at, Number(value), little);
    else view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), little);
    at += bytes;
  }
  return out;
}

export function pad4(bytes: Uint8Array): Bytes {
  return concat(bytes, new Uint8Array(-bytes.length & 3));
}

/** Bytes first, first + 1, ...: different packets differ. */
export function payload(length: number, first = 0): Bytes {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
}

export interface PcapHeader {
  little?: boolean;
  magic?: number;
  major?: number;
  minor?: number;
  snapLen?: number;
  linkType?: number;
}

export function pcapHeader(h: PcapHeader = {}): Bytes {
  return words(h.little ?? true, [
    [4, h.magic ?? 0xa1b2c3d4],
    [2, h.major ?? 2],
    [2, h.minor ?? 4],
    [4, 0],
    [4, 0],
    [4, h.snapLen ?? 262144],
    [4, h.linkType ?? 1],
  ]);
}

export interface PcapRecord {
  little?: boolean;
  seconds?: number;
  fraction?: number;
  capLen?: number;
  origLen?: number;
}

export function pcapRecord(data: Uint8Array, r: PcapRecord = {}): Bytes {
  const capLen = r.capLen ?? data.length;
  return concat(
    words(r.little ?? true, [
      [4, r.seconds ?? 1],
      [4, r.fraction ?? 0],
      [4, capLen],
      [4, r.origLen ?? capLen],
    ]),
    data,
  );
}

/** A pcapng block: the lengths are right unless given. */
export function block(
  little: boolean,
  type: number,
  body: Uint8Array,
  lengths: { first?: number; last?: number } = {},
) {
  const length = 12 + body.length;
  const head = words(little, [
    [4, type],
    [4, lengths.first ?? length],
  ]);
  return concat(head, body, words(little, [[4, lengths.last ?? lengths.first ?? length]]));
}

export function option(little: boolean, code: number, value: Uint8Array): Bytes {
  const head = words(little, [
    [2, code],
    [2, value.length],
  ]);
  return concat(head, pad4(value));
}

/** A writer of pcapng blocks in one byte order. */
export function pcapng(little = true) {
  const options = (list: readonly (readonly [number, Uint8Array])[]) =>
    list.length === 0 ? new Uint8Array(0) : concat(...list.map(([c, v]) => option(little, c, v)), new Uint8Array(4));
  return {
    shb: (h: { magic?: number; major?: number; minor?: number } = {}) =>
      block(
        little,
        0x0a0d0d0a,
        words(little, [
          [4, h.magic ?? 0x1a2b3c4d],
          [2, h.major ?? 1],
          [2, h.minor ?? 0],
          [8, -1n],
        ]),
      ),
    idb: (i: { linkType?: number; snapLen?: number; tsresol?: number; tsoffset?: bigint; name?: string } = {}) => {
      const list: (readonly [number, Uint8Array])[] = [];
      if (i.name !== undefined) list.push([2, new TextEncoder().encode(i.name)]);
      if (i.tsresol !== undefined) list.push([9, Uint8Array.of(i.tsresol)]);
      if (i.tsoffset !== undefined) list.push([14, words(little, [[8, i.tsoffset]])]);
      const fixed = words(little, [
        [2, i.linkType ?? 1],
        [2, 0],
        [4, i.snapLen ?? 0],
      ]);
      return block(little, 1, concat(fixed, options(list)));
    },
    epb: (
      data: Uint8Array,
      p: { id?: number; time?: bigint; capLen?: number; origLen?: number; comment?: string } = {},
    ) => {
      const time = p.time ?? 0n;
      const fixed = words(little, [
        [4, p.id ?? 0],
        [4, time >> 32n],
        [4, time & 0xffffffffn],
        [4, p.capLen ?? data.length],
        [4, p.origLen ?? data.length],
      ]);
      const tail = p.comment === undefined ? [] : [[1, new TextEncoder().encode(p.comment)] as const];
      return block(little, 6, concat(fixed, pad4(data), options(tail)));
    },
    pb: (data: Uint8Array, p: { id?: number; time?: bigint; origLen?: number } = {}) => {
      const time = p.time ?? 0n;
      const fixed = words(little, [
        [2, p.id ?? 0],
        [2, 0xffff],
        [4, time >> 32n],
        [4, time & 0xffffffffn],
        [4, data.length],
        [4, p.origLen ?? data.length],
      ]);
      return block(little, 2, concat(fixed, pad4(data)));
    },
    spb: (data: Uint8Array, origLen = data.length) =>
      block(little, 3, concat(words(little, [[4, origLen]]), pad4(data))),
    unknown: (type: number, body: Uint8Array) => block(little, type, pad4(body)),
  };
}
