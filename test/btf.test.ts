import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBits, writeBits } from '../src/btf/bits.ts';
import { declare } from '../src/btf/declare.ts';
import { dumpType } from '../src/btf/dump.ts';
import { parseBtfExt } from '../src/btf/ext.ts';
import { parseBtf } from '../src/btf/parse.ts';
import { resolve, sizeOf } from '../src/btf/resolve.ts';
import type { Btf, BtfType } from '../src/btf/types.ts';
import { decodeValue, encodeInto, encodeValue } from '../src/btf/value.ts';
import { parseElf } from '../src/elf/elf.ts';
import { BtfError } from '../src/errors/index.ts';
import { fixture } from './data/patch.ts';

function sectionOf(name: string, section: string): Uint8Array {
  return parseElf(fixture(name))
    .sections.find((s) => s.name === section)!
    .data.slice();
}

function errorOf(what: () => unknown): BtfError {
  try {
    what();
  } catch (error) {
    if (error instanceof BtfError) return error;
    throw error;
  }
  throw new Error('no error');
}

function idOf(btf: Btf, kind: BtfType['kind'], name: string): number {
  const id = btf.types.findIndex((t) => t.kind === kind && t.name === name);
  if (id < 0) throw new Error(`no ${kind} ${name}`);
  return id;
}

const types = parseBtf(sectionOf('object/types.o', '.BTF'));

/** A type as `bpftool btf dump -j` prints it. */
function asBpftool(type: BtfType, id: number): object {
  const head = { id, kind: type.kind.toUpperCase(), name: type.name || '(anon)' };
  switch (type.kind) {
    case 'int': {
      const encoding = type.encoding === '' ? '(none)' : type.encoding.toUpperCase();
      return { ...head, size: type.size, bits_offset: type.bitOffset, nr_bits: type.bits, encoding };
    }
    case 'array':
      return { ...head, type_id: type.type, index_type_id: type.indexType, nr_elems: type.length };
    case 'struct':
    case 'union':
      return {
        ...head,
        size: type.size,
        vlen: type.members.length,
        members: type.members.map((m) => ({
          name: m.name || '(anon)',
          type_id: m.type,
          bits_offset: m.bitOffset,
          ...(m.bitSize > 0 ? { bitfield_size: m.bitSize } : {}),
        })),
      };
    case 'enum':
    case 'enum64': {
      // Before clang-15 negative enumerators came without the signed flag; bpftool sign-extends them to 64 bits all the same.
      const printed = (v: bigint): bigint =>
        type.kind === 'enum' && !type.signed && v > 0x7fffffffn ? BigInt.asUintN(64, BigInt.asIntN(32, v)) : v;
      const values = type.values.map((v) => ({ name: v.name, val: Number(printed(BigInt(v.value))) }));
      return { ...head, encoding: type.signed ? 'SIGNED' : 'UNSIGNED', size: type.size, vlen: values.length, values };
    }
    case 'fwd':
      return { ...head, fwd_kind: type.union ? 'union' : 'struct' };
    case 'func_proto': {
      const params = type.params.map((p) => ({ name: p.name || '(anon)', type_id: p.type }));
      return { ...head, ret_type_id: type.type, vlen: params.length, params };
    }
    case 'func':
    case 'var':
      return { ...head, type_id: type.type, linkage: type.linkage };
    case 'datasec': {
      const vars = type.vars.map((v) => ({ type_id: v.type, offset: v.offset, size: v.size }));
      return { ...head, size: type.size, vlen: vars.length, vars };
    }
    case 'float':
      return { ...head, size: type.size };
    case 'decl_tag':
      return { ...head, type_id: type.type, component_idx: type.componentIndex };
    case 'void':
      return head;
    default:
      return { ...head, type_id: type.type };
  }
}

describe('parseBtf', () => {
  it.each([
    ['object/types.o', 'object/types.btf.json'],
    ['object/types-clang14.o', 'object/types-clang14.btf.json'],
    ['object/maps.o', 'object/maps.btf.json'],
    ['object/subprogs.o', 'object/subprogs.btf.json'],
    ['../../examples/tail_call.o', 'seed/tail_call.btf.json'],
  ])('%s: the types bpftool sees', (name, json) => {
    const expected = JSON.parse(readFileSync(new URL(`data/${json}`, import.meta.url), 'utf8')).types as object[];
    const { types: found } = parseBtf(sectionOf(name, '.BTF'));
    expect(found.slice(1).map((type, i) => asBpftool(type, i + 1))).toEqual(expected);
  });

  it('the fixtures hold every kind C can make', () => {
    const kinds = new Set([...types.types, ...parseBtf(sectionOf('object/maps.o', '.BTF')).types].map((t) => t.kind));
    // `restrict` alone is missing: clang drops it from members and parameters.
    expect([...kinds].sort()).toEqual(
      ['void', 'int', 'ptr', 'array', 'struct', 'union', 'enum', 'fwd', 'typedef', 'volatile', 'const']
        .concat(['func', 'func_proto', 'var', 'datasec', 'float', 'decl_tag', 'type_tag', 'enum64'])
        .sort(),
    );
  });

  const u32 = (bytes: Uint8Array, offset: number, value: number): void =>
    new DataView(bytes.buffer).setUint32(offset, value, true);
  /** A .BTF section of one type, made of u32 words; type 1 starts at byte 24. */
  const oneType = (...words: number[]): Uint8Array => {
    const bytes = new Uint8Array(24 + words.length * 4 + 4);
    const header = [0x0001eb9f, 24, 0, words.length * 4, words.length * 4, 4];
    [...header, ...words].forEach((word, i) => {
      u32(bytes, i * 4, word);
    });
    return bytes;
  };
  const kind = (number: number, vlen = 0, flag = 0): number => ((flag << 31) | (number << 24) | vlen) >>> 0;

  it.each([
    ['magic', (b: Uint8Array) => b.set([1, 2]), 'BTF_MAGIC', '0x201'],
    ['big-endian', (b: Uint8Array) => b.set([0xeb, 0x9f]), 'BTF_BIG_ENDIAN', 'bpfel'],
    ['version', (b: Uint8Array) => b.set([2], 2), 'BTF_HEADER', 'version at offset 2 is 2'],
    ['flags', (b: Uint8Array) => b.set([1], 3), 'BTF_HEADER', 'flags at offset 3 is 0x1'],
    ['short header', (b: Uint8Array) => u32(b, 4, 20), 'BTF_HEADER', 'hdr_len at offset 4 is 20'],
    ['long header', (b: Uint8Array) => u32(b, 4, 1 << 30), 'BTF_TRUNCATED', 'header'],
    ['unknown header part', (b: Uint8Array) => u32(b, 4, 32), 'BTF_HEADER', 'unknown part at offset 31 is 0x2'],
    ['types outside', (b: Uint8Array) => u32(b, 12, 1 << 30), 'BTF_TRUNCATED', 'type part'],
    ['types unaligned', (b: Uint8Array) => u32(b, 8, 2), 'BTF_HEADER', 'type_off at offset 8 is 0x2'],
    ['strings outside', (b: Uint8Array) => u32(b, 16, 0xffffffff), 'BTF_TRUNCATED', 'str part'],
    ['no strings', (b: Uint8Array) => u32(b, 20, 0), 'BTF_STRINGS', 'is empty'],
    ['last string', (b: Uint8Array) => b.set([65], b.length - 1), 'BTF_STRINGS', 'does not end'],
  ])('header: %s', (_, change, code, message) => {
    const bytes = sectionOf('object/types.o', '.BTF');
    change(bytes);
    const error = errorOf(() => parseBtf(bytes));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it.each([
    ['kind 0', [0, kind(0), 0], 'BTF_KIND', 'kind 0'],
    ['kind 20', [0, kind(20), 0], 'BTF_KIND', 'type 1 at offset 24 has the unknown kind 20'],
    ['int of size 0', [0, kind(1), 0, 32], 'BTF_FIELD', 'size is 0'],
    ['int wider than its size', [0, kind(1), 4, 33], 'BTF_FIELD', 'bits is 33 from bit 0'],
    ['int with two encodings', [0, kind(1), 4, 0x03000020], 'BTF_FIELD', 'encoding is 0x3'],
    ['cut int', [0, kind(1), 4], 'BTF_TRUNCATED', 'type 1 (int) at offset 24 needs 16 bytes'],
    ['cut struct', [0, kind(4, 0xffff), 4], 'BTF_TRUNCATED', 'type 1 (struct)'],
    ['name outside', [77, kind(2), 0], 'BTF_NAME', 'string 77 is outside'],
    ['type id outside', [0, kind(2), 2], 'BTF_TYPE_ID', 'type names type 2, and the last one is 1'],
    ['member id outside', [0, kind(4, 1), 4, 0, 9, 0], 'BTF_TYPE_ID', 'type of member 0 names type 9'],
    ['member outside', [0, kind(4, 1), 4, 0, 0, 33], 'BTF_FIELD', 'bit offset of member 0'],
    ['enum size', [0, kind(6), 3], 'BTF_FIELD', 'size is 3'],
    ['enum64 size', [0, kind(19), 5], 'BTF_FIELD', 'size is 5'],
    ['float size', [0, kind(16), 5], 'BTF_FIELD', 'size is 5'],
    ['func linkage', [0, kind(12, 3), 0], 'BTF_FIELD', 'linkage is 3'],
    ['var linkage', [0, kind(14), 0, 7], 'BTF_FIELD', 'linkage is 7'],
  ])('type: %s', (_, words, code, message) => {
    const error = errorOf(() => parseBtf(oneType(...words)));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it('types that form a loop are parsed, and refused when asked what they are', () => {
    const loop = parseBtf(oneType(0, kind(10), 1));
    for (const ask of [resolve, sizeOf, declare, dumpType])
      expect(errorOf(() => ask(loop, 1)).code, ask.name).toBe('BTF_DEPTH');
  });
});

describe('parseBtfExt', () => {
  const bytes = sectionOf('object/subprogs.o', '.BTF.ext');
  const btf = parseBtf(sectionOf('object/subprogs.o', '.BTF'));

  it('gives functions and lines as llvm-objdump places them', () => {
    const { funcs, lines } = parseBtfExt(bytes, btf);
    const named = [...funcs].map(([section, infos]) => [
      section,
      infos.map((f) => [f.insnOffset, btf.types[f.type].name]),
    ]);
    expect(Object.fromEntries(named)).toEqual({
      '.text': [
        [0, 'twice'],
        [0x18, 'clamp'],
        [0x78, 'step'],
      ],
      xdp: [[0, 'first']],
      tc: [
        [0, 'second'],
        [0x40, 'beside'],
      ],
      '?xdp.frags': [[0, 'third']],
    });
    const call = lines.get('xdp')!.find((l) => l.insnOffset === 0x60)!;
    expect(call).toMatchObject({ file: './subprogs.c', line: 35, text: expect.stringContaining('twice(length)') });
    expect(call.column).toBe(9);
  });

  it('reads CO-RE records', () => {
    const core = parseBtfExt(
      sectionOf('object/core.o', '.BTF.ext'),
      parseBtf(sectionOf('object/core.o', '.BTF')),
    ).coreRelos;
    expect([...core]).toEqual([['kprobe/consume_skb', [{ insnOffset: 0, type: 2, access: '0:1', kind: 0 }]]]);
  });

  it('skips what longer records add', () => {
    // func_info with records of 12 bytes instead of 8: | 12 | section | 1 | insn_off type extra |
    const section = new DataView(new ArrayBuffer(24 + 24));
    [0x0001eb9f, 24, 0, 24, 24, 0, 12, 0, 1, 8, 1, 0xdead].forEach((word, i) => {
      section.setUint32(i * 4, word, true);
    });
    const { funcs } = parseBtfExt(new Uint8Array(section.buffer), btf);
    expect([...funcs]).toEqual([['', [{ insnOffset: 8, type: 1 }]]]);
  });

  it.each([
    ['record size', 24, 4, 'BTF_EXT_RECORD', 'record size is 4'],
    ['count', 32, 0x7fffffff, 'BTF_TRUNCATED', 'func_info of section'],
    ['insn offset', 36, 4, 'BTF_EXT_RECORD', 'insn_off is 0x4'],
    ['type id', 40, 9999, 'BTF_EXT_RECORD', 'type is 9999'],
  ])('%s', (_, offset, value, code, message) => {
    const copy = bytes.slice();
    // The header of a section with CO-RE parts is 32 bytes long; offsets above are for 24.
    const header = new DataView(copy.buffer).getUint32(4, true);
    new DataView(copy.buffer).setUint32(offset + header - 24, value, true);
    const error = errorOf(() => parseBtfExt(copy, btf));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });
});

describe('C definitions', () => {
  it.each([
    ['struct', 'bits', 'struct bits {\n    __u32 a : 3;\n    __s32 b : 5;\n    __u64 c : 40;\n    _Bool d : 1;\n};'],
    ['typedef', 'callback_t', 'typedef int (*callback_t)(struct unknown *, const char *, ...);'],
    ['enum64', 'wide', 'enum wide {\n    WIDE_LOW = 3,\n    WIDE_HIGH = 4294967296,\n};'],
    ['func', 'use_types', 'int use_types(struct xdp_md *ctx);'],
    ['var', 'sample', 'volatile struct everything sample;'],
    ['fwd', 'unknown', 'struct unknown;'],
  ] as const)('%s %s', (kind, name, text) => {
    expect(dumpType(types, idOf(types, kind, name))).toBe(text);
  });

  it('places qualifiers, anonymous structs and array bounds', () => {
    const text = dumpType(types, idOf(types, 'struct', 'everything'));
    expect(text).toContain('    const volatile void *const pointer;');
    expect(text).toContain('    struct {\n        __u16 inner_a;\n        __u16 inner_b;\n    };');
    expect(text).toContain('    __u8 grid[2][3];');
  });
});

describe('values', () => {
  const everything = idOf(types, 'struct', 'everything');
  const data = sectionOf('object/types.o', '.data');
  const decoded = {
    flag: true,
    text: 'text',
    raw: [1, 2, 3, 4],
    negative: -2,
    large: 0x123456789abcdef0n,
    small: 'SMALL_MINUS',
    wide: 'WIDE_HIGH',
    either: { word: 0x04030201, bytes: [1, 2, 3, 4] },
    inner_a: 11,
    inner_b: 12,
    pointer: 0n,
    callback: 0n,
    bits: { a: 5, b: -3, c: 0x123456789an, d: true },
    grid: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    next: 0n,
    single: 1.5,
    twofold: -0.25,
  };

  it('decodes what the compiler laid out', () => {
    expect(decodeValue(types, everything, data)).toEqual(decoded);
  });

  it('encodes it to the same bytes', () => {
    expect([...encodeValue(types, everything, decoded)]).toEqual([...data]);
  });

  it('encodes part of a struct into existing bytes', () => {
    const bytes = data.slice();
    encodeInto(types, everything, { text: 'x', bits: { b: 2 }, inner_b: 99 }, bytes);
    expect(decodeValue(types, everything, bytes)).toEqual({
      ...decoded,
      text: 'x',
      bits: { ...decoded.bits, b: 2 },
      inner_b: 99,
    });
  });

  it('leaves the bytes alone when one member does not fit', () => {
    const bytes = data.slice();
    expect(errorOf(() => encodeInto(types, everything, { flag: false, bits: { a: 8 } }, bytes)).code).toBe(
      'BTF_VALUE_RANGE',
    );
    expect(bytes).toEqual(data);
  });

  it.each([
    [
      'a bit-field out of range',
      { bits: { a: 8 } },
      'BTF_VALUE_RANGE',
      'value.bits.a: 8 does not fit type __u32, which holds 0 to 7',
    ],
    ['signed out of range', { bits: { b: -17 } }, 'BTF_VALUE_RANGE', 'holds -16 to 15'],
    ['a fraction', { inner_a: 1.5 }, 'BTF_VALUE_TYPE', 'an integer'],
    ['NaN', { large: Number.NaN }, 'BTF_VALUE_TYPE', 'an integer'],
    ['a number too large', { large: 2n ** 64n }, 'BTF_VALUE_RANGE', 'does not fit type __u64'],
    ['an unknown member', { nothing: 1 }, 'BTF_VALUE_MEMBER', "no member 'nothing'; it has flag, text"],
    ['an unknown enumerator', { small: 'SMALL_TWO' }, 'BTF_VALUE_TYPE', 'SMALL_MINUS, SMALL_ONE'],
    ['a long string', { text: '123456789' }, 'BTF_VALUE_LENGTH', '9 elements were given for type char[8]'],
    ['a long array', { grid: [[1], [2], [3]] }, 'BTF_VALUE_LENGTH', '3 elements'],
    ['a number for a struct', { bits: 1 }, 'BTF_VALUE_TYPE', 'an object with its members'],
    ['a string for a number', { inner_a: '1' }, 'BTF_VALUE_TYPE', "'1' was given"],
    ['undefined', undefined, 'BTF_VALUE_TYPE', 'undefined was given'],
    ['null', null, 'BTF_VALUE_TYPE', 'null was given'],
    ['not a bool', { flag: 2 }, 'BTF_VALUE_TYPE', 'true or false'],
  ])('refuses %s', (_, value, code, message) => {
    const error = errorOf(() => encodeValue(types, everything, value));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it('refuses too few bytes', () => {
    expect(errorOf(() => decodeValue(types, everything, data.subarray(1))).code).toBe('BTF_VALUE_SIZE');
  });

  it('text that is none stays an array', () => {
    const bytes = data.slice();
    bytes[2] = 0xff;
    expect(decodeValue(types, everything, bytes)).toMatchObject({ text: [0x74, -1, 0x78, 0x74, 0, 0, 0, 0] });
  });

  it('bounds the parts of a value', () => {
    // Type 1: struct of size 1 whose 40 members are itself at bit 0.
    const self: Btf = {
      strings: new Uint8Array(1),
      types: [
        { kind: 'void', name: '' },
        {
          kind: 'struct',
          name: 's',
          size: 1,
          members: Array.from({ length: 40 }, (_, i) => ({ name: `m${i}`, type: 1, bitOffset: 0, bitSize: 0 })),
        },
      ],
    };
    expect(errorOf(() => decodeValue(self, 1, new Uint8Array(1))).code).toMatch(/^BTF_(DEPTH|VALUE_LIMIT)$/);
  });

  it('bits: what is written is read, and nothing else changes', () => {
    const cases = fc.record({
      bytes: fc.uint8Array({ minLength: 20, maxLength: 20 }),
      offset: fc.integer({ min: 0, max: 31 }),
      width: fc.integer({ min: 1, max: 128 }),
      value: fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
    });
    fc.assert(
      fc.property(cases, ({ bytes, offset, width, value }) => {
        const copy = bytes.slice();
        writeBits(copy, offset, width, value);
        expect(readBits(copy, offset, width)).toBe(BigInt.asUintN(width, value));
        writeBits(copy, offset, width, readBits(bytes, offset, width));
        expect(copy).toEqual(bytes);
      }),
    );
  });
});
