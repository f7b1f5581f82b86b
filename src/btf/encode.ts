/** Value -> bytes, by BTF type; see parts.ts for what becomes what. Everything is checked to fit before it is written. */
import { BtfError } from '../errors/index.ts';
import { copyBytes, viewOf } from '../util/bytes.ts';
import { writeBits } from './bits.ts';
import { declare } from './declare.ts';
import { bitsOf, checkInside, isChar, PartCounter, type Place } from './parts.ts';
import { resolve, sizeOf } from './resolve.ts';
import type { Btf, BtfType } from './types.ts';

/** New bytes with the value (a BtfInput); what it does not mention is zero. Errors call it `path`. */
export function encodeValue(btf: Btf, type: number, value: unknown, path = 'value'): Uint8Array {
  const bytes = new Uint8Array(sizeOf(btf, type));
  new Encoder(btf, bytes).encode(value, { type, bit: 0, bitSize: 0, depth: 0 }, path);
  return bytes;
}

/** Writes the value at the start of `bytes`; members of structs it does not mention stay as they are. */
export function encodeInto(btf: Btf, type: number, value: unknown, bytes: Uint8Array): void {
  const needed = sizeOf(btf, type);
  if (bytes.length < needed)
    throw new BtfError('BTF_VALUE_SIZE', { type: declare(btf, type), needed, found: bytes.length });
  // Into a copy first: a value that does not fit leaves nothing half written.
  const copy = copyBytes(bytes, 0, needed);
  new Encoder(btf, copy).encode(value, { type, bit: 0, bitSize: 0, depth: 0 }, 'value');
  bytes.set(copy);
}

type Composite = Extract<BtfType, { kind: 'struct' | 'union' }>;

class Encoder {
  private readonly btf: Btf;
  private readonly bytes: Uint8Array;
  private readonly parts = new PartCounter();

  constructor(btf: Btf, bytes: Uint8Array) {
    this.btf = btf;
    this.bytes = bytes;
  }

  encode(value: unknown, place: Place, path: string): void {
    this.parts.count(place.type, place.depth);
    const type = resolve(this.btf, place.type);
    switch (type.kind) {
      case 'int':
        this.number(type, type.encoding === 'bool' ? this.bool(value, place, path) : value, place, path);
        break;
      case 'ptr':
        this.number(type, value, place, path);
        break;
      case 'enum':
      case 'enum64':
        this.number(type, this.enumerator(type, value, place, path), place, path);
        break;
      case 'float':
        this.float(type.size, value, place, path);
        break;
      case 'array':
        this.array(type, value, place, path);
        break;
      case 'struct':
      case 'union':
        this.struct(type, value, place, path);
        break;
      case 'var':
        this.encode(value, { ...place, type: type.type, depth: place.depth + 1 }, path);
        break;
      default:
        throw new BtfError('BTF_UNSIZED', { type: place.type, name: type.name, kind: type.kind });
    }
  }

  private number(type: BtfType, value: unknown, place: Place, path: string): void {
    const { bit, width } = bitsOf(type, place);
    const signed = type.kind === 'int' ? type.encoding === 'signed' : 'signed' in type && type.signed;
    const min = signed ? -(1n << BigInt(width - 1)) : 0n;
    const max = (1n << BigInt(signed ? width - 1 : width)) - 1n;
    if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value)))
      this.refuse(value, place, path, 'an integer (number or bigint)');
    const wide = BigInt(value);
    if (wide < min || wide > max)
      throw new BtfError('BTF_VALUE_RANGE', {
        path,
        type: declare(this.btf, place.type),
        found: `${value}`,
        min: `${min}`,
        max: `${max}`,
      });
    checkInside(this.btf, { ...place, bit }, width, this.bytes);
    writeBits(this.bytes, bit, width, wide);
  }

  private bool(value: unknown, place: Place, path: string): bigint {
    if (value === true || value === 1 || value === 1n) return 1n;
    if (value === false || value === 0 || value === 0n) return 0n;
    return this.refuse(value, place, path, 'true or false');
  }

  private enumerator(
    type: Extract<BtfType, { kind: 'enum' | 'enum64' }>,
    value: unknown,
    place: Place,
    path: string,
  ): unknown {
    if (typeof value !== 'string') return value;
    for (const known of type.values) if (known.name === value) return known.value;
    const names = type.values.slice(0, 20).map((v) => v.name);
    return this.refuse(value, place, path, `a number or one of ${names.join(', ')}`);
  }

  private float(size: number, value: unknown, place: Place, path: string): void {
    checkInside(this.btf, place, size * 8, this.bytes);
    const at = place.bit / 8;
    const view = viewOf(this.bytes);
    if (size !== 4 && size !== 8) this.refuse(value, place, path, 'a float of 4 or 8 bytes');
    if (typeof value !== 'number') this.refuse(value, place, path, 'a number');
    else if (size === 4) view.setFloat32(at, value, true);
    else view.setFloat64(at, value, true);
  }

  private array(array: Extract<BtfType, { kind: 'array' }>, value: unknown, place: Place, path: string): void {
    const stride = sizeOf(this.btf, array.type);
    checkInside(this.btf, place, stride * array.length * 8, this.bytes);
    const isText = typeof value === 'string' && isChar(this.btf, array.type);
    const list: unknown = isText ? new TextEncoder().encode(value) : value;
    if (!Array.isArray(list) && !(list instanceof Uint8Array))
      this.refuse(value, place, path, isChar(this.btf, array.type) ? 'a string or an array' : 'an array');
    if (list.length > array.length) {
      const type = declare(this.btf, place.type);
      throw new BtfError('BTF_VALUE_LENGTH', { path, type, found: list.length, max: array.length });
    }
    const at = Math.floor(place.bit / 8);
    if (isText) {
      // Whatever stood behind the old text would otherwise become part of the new one.
      this.bytes.fill(0, at, at + array.length);
      this.bytes.set(list as Uint8Array, at);
      return;
    }
    if (list instanceof Uint8Array && stride === 1) {
      this.bytes.set(list, at);
      return;
    }
    for (let i = 0; i < list.length; i++) {
      const element = { type: array.type, bit: place.bit + i * stride * 8, bitSize: 0, depth: place.depth + 1 };
      this.encode(list[i], element, `${path}[${i}]`);
    }
  }

  private struct(struct: Composite, value: unknown, place: Place, path: string): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
      this.refuse(value, place, path, 'an object with its members');
    const members = this.placesOf(struct, place);
    for (const [name, member] of Object.entries(value)) {
      const at = members.get(name);
      if (at === undefined)
        throw new BtfError('BTF_VALUE_MEMBER', {
          path,
          type: declare(this.btf, place.type),
          member: name,
          members: [...members.keys()].slice(0, 40).join(', ') || 'none',
        });
      this.encode(member, at, `${path}.${name}`);
    }
  }

  /** Members by name; those of anonymous structs and unions count as the outer one's. */
  private placesOf(struct: Composite, place: Place): Map<string, Place> {
    const places = new Map<string, Place>();
    for (const { name, type, bitOffset, bitSize } of struct.members) {
      const at = { type, bit: place.bit + bitOffset, bitSize, depth: place.depth + 1 };
      this.parts.count(type, at.depth);
      if (name !== '') {
        places.set(name, at);
        continue;
      }
      const inner = resolve(this.btf, type);
      if (inner.kind !== 'struct' && inner.kind !== 'union') continue;
      for (const [innerName, innerPlace] of this.placesOf(inner, at)) places.set(innerName, innerPlace);
    }
    return places;
  }

  private refuse(value: unknown, place: Place, path: string, expected: string): never {
    const found = typeof value === 'string' ? `'${value.slice(0, 80)}'` : describe(value);
    throw new BtfError('BTF_VALUE_TYPE', { path, type: declare(this.btf, place.type), found, expected });
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return `${String(value)}`;
}
