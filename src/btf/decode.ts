/** Bytes -> value, by BTF type; see parts.ts for what becomes what. */
import { BtfError } from '../errors/index.ts';
import { viewOf } from '../util/bytes.ts';
import { readBits } from './bits.ts';
import { declare } from './declare.ts';
import { type BtfValue, bitsOf, checkInside, isChar, PartCounter, type Place } from './parts.ts';
import { resolve, sizeOf } from './resolve.ts';
import type { Btf, BtfType } from './types.ts';

/** The value of type `type` at the start of `bytes`; more bytes than it has are left alone, fewer are an error. */
export function decodeValue(btf: Btf, type: number, bytes: Uint8Array): BtfValue {
  const needed = sizeOf(btf, type);
  if (bytes.length < needed)
    throw new BtfError('BTF_VALUE_SIZE', { type: declare(btf, type), needed, found: bytes.length });
  return new Decoder(btf, bytes).decode({ type, bit: 0, bitSize: 0, depth: 0 });
}

class Decoder {
  private readonly btf: Btf;
  private readonly bytes: Uint8Array;
  private readonly parts = new PartCounter();

  constructor(btf: Btf, bytes: Uint8Array) {
    this.btf = btf;
    this.bytes = bytes;
  }

  decode(place: Place): BtfValue {
    this.parts.count(place.type, place.depth);
    const type = resolve(this.btf, place.type);
    switch (type.kind) {
      case 'int':
        return this.int(type, place);
      case 'ptr':
        return this.bits(type, place);
      case 'enum':
      case 'enum64':
        return this.enum(type, place);
      case 'float':
        return this.float(type.size, place);
      case 'array':
        return this.array(type, place);
      case 'struct':
      case 'union':
        return Object.fromEntries(this.members(type, place));
      case 'var':
        return this.decode({ ...place, type: type.type, depth: place.depth + 1 });
      case 'datasec':
        return Object.fromEntries(
          type.vars.map(({ type: variable, offset }) => {
            const at = { type: variable, bit: place.bit + offset * 8, bitSize: 0, depth: place.depth + 1 };
            return [resolve(this.btf, variable).name, this.decode(at)];
          }),
        );
      default:
        throw new BtfError('BTF_UNSIZED', { type: place.type, name: type.name, kind: type.kind });
    }
  }

  private bits(type: BtfType, place: Place): bigint {
    const { bit, width } = bitsOf(type, place);
    checkInside(this.btf, { ...place, bit }, width, this.bytes);
    return readBits(this.bytes, bit, width);
  }

  private int(type: Extract<BtfType, { kind: 'int' }>, place: Place): number | bigint | boolean {
    const raw = this.bits(type, place);
    if (type.encoding === 'bool') return raw !== 0n;
    const value = type.encoding === 'signed' ? BigInt.asIntN(bitsOf(type, place).width, raw) : raw;
    return type.size <= 4 ? Number(value) : value;
  }

  private enum(type: Extract<BtfType, { kind: 'enum' | 'enum64' }>, place: Place): string | number | bigint {
    const raw = this.bits(type, place);
    const value = type.signed ? BigInt.asIntN(bitsOf(type, place).width, raw) : raw;
    for (const known of type.values) if (BigInt(known.value) === value) return known.name;
    return type.size <= 4 ? Number(value) : value;
  }

  private float(size: number, place: Place): BtfValue {
    checkInside(this.btf, place, size * 8, this.bytes);
    const view = viewOf(this.bytes);
    if (size === 4) return view.getFloat32(place.bit / 8, true);
    if (size === 8) return view.getFloat64(place.bit / 8, true);
    // Half, extended and quad precision have no JavaScript number: their bytes.
    return [...this.bytes.subarray(place.bit / 8, place.bit / 8 + size)];
  }

  private array(array: Extract<BtfType, { kind: 'array' }>, place: Place): BtfValue {
    const stride = sizeOf(this.btf, array.type);
    checkInside(this.btf, place, stride * array.length * 8, this.bytes);
    if (stride === 0) return [];
    if (isChar(this.btf, array.type)) {
      const at = Math.floor(place.bit / 8);
      const text = textOf(this.bytes.subarray(at, at + array.length));
      if (text !== undefined) return text;
    }
    const elements: BtfValue[] = [];
    for (let i = 0; i < array.length; i++)
      elements.push(
        this.decode({ type: array.type, bit: place.bit + i * stride * 8, bitSize: 0, depth: place.depth + 1 }),
      );
    return elements;
  }

  private members(struct: Extract<BtfType, { kind: 'struct' | 'union' }>, place: Place): [string, BtfValue][] {
    return struct.members.flatMap(({ name, type, bitOffset, bitSize }): [string, BtfValue][] => {
      const at = { type, bit: place.bit + bitOffset, bitSize, depth: place.depth + 1 };
      if (name !== '') return [[name, this.decode(at)]];
      const inner = resolve(this.btf, type);
      this.parts.count(type, at.depth);
      // Anonymous: C writes its members as if they were the outer one's. Nameless bit-fields are padding.
      return inner.kind === 'struct' || inner.kind === 'union' ? this.members(inner, at) : [];
    });
  }
}

/** Text up to the first NUL with only zeros behind it; undefined when it is something else. */
function textOf(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  if (bytes.subarray(text.length).some((byte) => byte !== 0)) return undefined;
  if (text.some((byte) => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    return undefined;
  }
}
