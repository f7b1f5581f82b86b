/** Codecs of a map's keys and values: by their BTF types where the object has them, raw bytes otherwise. */

import { decodeValue } from '../btf/decode.ts';
import { encodeValue } from '../btf/encode.ts';
import { sizeOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import type { BtfInput } from '../btf/value.ts';
import { ObjectError, RunError } from '../errors/index.ts';
import type { MapSpec } from './types.ts';

export interface ValueCodec {
  decode(bytes: Uint8Array): unknown;
  encode(value: unknown, what: string): Uint8Array;
}

/** Bytes as they are. */
const RAW: ValueCodec = {
  decode: (bytes) => bytes.slice(),
  encode: (value, what) => {
    if (value instanceof Uint8Array) return value;
    throw new ObjectError('OBJECT_RAW_VALUE', { what, found: typeof value });
  },
};

/** A 32-bit index or id. */
const U32: ValueCodec = {
  decode: (bytes) => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true),
  encode: (value, what) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      throw new ObjectError('OBJECT_INDEX', { what, found: String(value) });
    }
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    return bytes;
  },
};

function byType(btf: Btf | undefined, type: number, size: number, otherwise: ValueCodec): ValueCodec {
  // A type whose size is not the map's (the user resized the value) decodes nothing useful.
  if (btf === undefined || type === 0 || sizeOf(btf, type) !== size) return otherwise;
  return {
    decode: (bytes) => decodeValue(btf, type, bytes),
    encode: (value) => (value instanceof Uint8Array ? value : encodeValue(btf, type, value as BtfInput)),
  };
}

/** Map types whose key is an index. */
const INDEXED = [2, 3, 6, 12];

const KINDS = ['struct', 'union', 'enum'];

/** Id of a type by its name in C: `struct event`, or the name of a typedef or base type. */
function typeNamed(btf: Btf | undefined, name: string): number {
  const words = name.trim().split(/\s+/);
  const kind = words.length === 2 && KINDS.includes(words[0]) ? words[0] : undefined;
  const last = words[words.length - 1];
  const id = btf?.types.findIndex(
    (type) =>
      type.name === last &&
      (kind === undefined ? type.kind === 'typedef' || type.kind === 'int' : type.kind.startsWith(kind)),
  );
  if (id !== undefined && id > 0 && words.length === (kind === undefined ? 1 : 2)) return id;
  const expected = "the name of a type in the object's BTF, such as `struct event`";
  throw new RunError('RUN_OPTION', { option: 'type', found: name, expected });
}

/** Records of a type that the user names; what lies behind it in a record is left out. */
function recordCodec(btf: Btf | undefined, map: string, name: string): ValueCodec {
  const id = typeNamed(btf, name);
  const of = btf as Btf;
  const size = sizeOf(of, id);
  return {
    decode: (bytes) => {
      if (bytes.length < size)
        throw new RunError('RUN_MAP_SIZE', { map, what: name, found: bytes.length, expected: size });
      return decodeValue(of, id, bytes.subarray(0, size));
    },
    encode: (value) => encodeValue(of, id, value as BtfInput),
  };
}

export interface ValueCodecs {
  readonly key: ValueCodec;
  readonly value: ValueCodec;
  /** @throws RunError RUN_OPTION when there is no such type */
  named(type: string): ValueCodec;
}

export function mapCodecs(btf: Btf | undefined, spec: MapSpec): ValueCodecs {
  return {
    named: (type) => recordCodec(btf, spec.name, type),
    key: INDEXED.includes(spec.type) ? U32 : byType(btf, spec.btfKeyTypeId, spec.keySize, RAW),
    value: byType(btf, spec.btfValueTypeId, spec.valueSize, RAW),
  };
}
