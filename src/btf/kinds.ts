/** One reader for each BTF kind (Documentation/bpf/btf.rst, section 2.2), in the order of their numbers. */
import { hex } from '../util/bytes.ts';
import type { BtfEnum64Value, BtfEnumValue, BtfMember, BtfParam, BtfType, BtfVarSecinfo } from './types.ts';

export const COMMON_SIZE = 12;

/** What a kind's reader may ask of the section. `need` must come before the reads it covers. */
export interface BtfReader {
  need(size: number): void;
  u32(): number;
  i32(): number;
  name(nameOffset: number): string;
  /** Notes a reference to a type, for the range check. */
  typeId(id: number, field: string): number;
  refuse(field: string, found: string, expected: string): never;
}

/** The part all kinds share. */
export interface BtfCommon {
  readonly name: string;
  readonly vlen: number;
  readonly kindFlag: boolean;
  readonly sizeOrType: number;
}

type KindReader = (reader: BtfReader, common: BtfCommon) => BtfType;

const ENCODINGS: Readonly<Record<number, '' | 'signed' | 'char' | 'bool'>> = {
  0: '',
  1: 'signed',
  2: 'char',
  4: 'bool',
};
const LINKAGES = ['static', 'global', 'extern'] as const;

function readInt(reader: BtfReader, { name, sizeOrType: size }: BtfCommon): BtfType {
  reader.need(4);
  const data = reader.u32();
  const [bits, bitOffset] = [data & 0xff, (data >>> 16) & 0xff];
  const encoding =
    ENCODINGS[(data >>> 24) & 0xf] ?? reader.refuse('encoding', hex(data >>> 24), 'none or one of 1, 2, 4');
  if (size === 0 || size > 16) reader.refuse('size', `${size}`, '1 to 16');
  if (bits === 0 || bits > 128 || bits + bitOffset > size * 8)
    reader.refuse('bits', `${bits} from bit ${bitOffset}`, `a part of its ${size * 8} bits`);
  return { kind: 'int', name, size, bits, bitOffset, encoding };
}

function readArray(reader: BtfReader): BtfType {
  reader.need(12);
  const type = reader.typeId(reader.u32(), 'type');
  const indexType = reader.typeId(reader.u32(), 'index_type');
  return { kind: 'array', name: '', type, indexType, length: reader.u32() };
}

function readComposite(kind: 'struct' | 'union'): KindReader {
  return (reader, { name, vlen, kindFlag, sizeOrType: size }) => {
    reader.need(12 * vlen);
    const members: BtfMember[] = [];
    for (let i = 0; i < vlen; i++) {
      const memberName = reader.name(reader.u32());
      const type = reader.typeId(reader.u32(), `type of member ${i}`);
      const offset = reader.u32();
      const bitOffset = kindFlag ? offset & 0xffffff : offset;
      const bitSize = kindFlag ? offset >>> 24 : 0;
      if (bitOffset + bitSize > size * 8)
        reader.refuse(`bit offset of member ${i} '${memberName}'`, `${bitOffset}`, `inside its ${size * 8} bits`);
      members.push({ name: memberName, type, bitOffset, bitSize });
    }
    return { kind, name, size, members };
  };
}

function readEnum(reader: BtfReader, { name, vlen, kindFlag: signed, sizeOrType: size }: BtfCommon): BtfType {
  // `enum e;` alone has neither size nor values.
  if (![1, 2, 4, 8].includes(size) && !(size === 0 && vlen === 0)) reader.refuse('size', `${size}`, '1, 2, 4 or 8');
  reader.need(8 * vlen);
  const values: BtfEnumValue[] = [];
  for (let i = 0; i < vlen; i++) {
    const valueName = reader.name(reader.u32());
    values.push({ name: valueName, value: signed ? reader.i32() : reader.u32() });
  }
  return { kind: 'enum', name, size, signed, values };
}

function readEnum64(reader: BtfReader, { name, vlen, kindFlag: signed, sizeOrType: size }: BtfCommon): BtfType {
  if (![1, 2, 4, 8].includes(size)) reader.refuse('size', `${size}`, '1, 2, 4 or 8');
  reader.need(12 * vlen);
  const values: BtfEnum64Value[] = [];
  for (let i = 0; i < vlen; i++) {
    const valueName = reader.name(reader.u32());
    const low = BigInt(reader.u32());
    const high = BigInt(signed ? reader.i32() : reader.u32());
    values.push({ name: valueName, value: (high << 32n) | low });
  }
  return { kind: 'enum64', name, size, signed, values };
}

function readFuncProto(reader: BtfReader, { vlen, sizeOrType }: BtfCommon): BtfType {
  const type = reader.typeId(sizeOrType, 'return type');
  reader.need(8 * vlen);
  const params: BtfParam[] = [];
  for (let i = 0; i < vlen; i++)
    params.push({ name: reader.name(reader.u32()), type: reader.typeId(reader.u32(), `type of parameter ${i}`) });
  return { kind: 'func_proto', name: '', type, params };
}

function readDatasec(reader: BtfReader, { name, vlen, sizeOrType: size }: BtfCommon): BtfType {
  reader.need(12 * vlen);
  const vars: BtfVarSecinfo[] = [];
  for (let i = 0; i < vlen; i++)
    vars.push({ type: reader.typeId(reader.u32(), `variable ${i}`), offset: reader.u32(), size: reader.u32() });
  return { kind: 'datasec', name, size, vars };
}

function linkage(reader: BtfReader, value: number): 'static' | 'global' | 'extern' {
  return LINKAGES[value] ?? reader.refuse('linkage', `${value}`, '0 (static), 1 (global) or 2 (extern)');
}

/** Kinds that only say what they refer to; names they carry mean nothing. */
function readModifier(kind: 'ptr' | 'volatile' | 'const' | 'restrict'): KindReader {
  return (reader, { sizeOrType }) => ({ kind, name: '', type: reader.typeId(sizeOrType, 'type') });
}

function readNamed(kind: 'typedef' | 'type_tag'): KindReader {
  return (reader, { name, sizeOrType }) => ({ kind, name, type: reader.typeId(sizeOrType, 'type') });
}

/** Indexed by the kind's number; 0 is void, which no type in the section has. */
export const KIND_READERS: readonly (KindReader | undefined)[] = [
  undefined,
  readInt,
  readModifier('ptr'),
  readArray,
  readComposite('struct'),
  readComposite('union'),
  readEnum,
  (_, { name, kindFlag }) => ({ kind: 'fwd', name, union: kindFlag }),
  readNamed('typedef'),
  readModifier('volatile'),
  readModifier('const'),
  readModifier('restrict'),
  (reader, { name, vlen, sizeOrType }) => {
    return { kind: 'func', name, type: reader.typeId(sizeOrType, 'type'), linkage: linkage(reader, vlen) };
  },
  readFuncProto,
  (reader, { name, sizeOrType }) => {
    reader.need(4);
    return { kind: 'var', name, type: reader.typeId(sizeOrType, 'type'), linkage: linkage(reader, reader.u32()) };
  },
  readDatasec,
  (reader, { name, sizeOrType: size }) => {
    if (![2, 4, 8, 12, 16].includes(size)) reader.refuse('size', `${size}`, '2, 4, 8, 12 or 16');
    return { kind: 'float', name, size };
  },
  (reader, { name, sizeOrType }) => {
    reader.need(4);
    return { kind: 'decl_tag', name, type: reader.typeId(sizeOrType, 'type'), componentIndex: reader.i32() };
  },
  readNamed('type_tag'),
  readEnum64,
];

/** The names bpftool prints for them, in lower case. */
export const BTF_KIND_NAMES = [
  'void',
  'int',
  'ptr',
  'array',
  'struct',
  'union',
  'enum',
  'fwd',
  'typedef',
  'volatile',
  'const',
  'restrict',
  'func',
  'func_proto',
  'var',
  'datasec',
  'float',
  'decl_tag',
  'type_tag',
  'enum64',
] as const;
