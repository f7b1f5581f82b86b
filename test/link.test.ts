import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseBtf } from '../src/btf/parse.ts';
import type { Btf } from '../src/btf/types.ts';
import { parseElf } from '../src/elf/elf.ts';
import { BpfError } from '../src/errors/index.ts';
import { essentialName } from '../src/link/core/names.ts';
import { type LinkOptions, link } from '../src/link/link.ts';
import type { LinkedProg } from '../src/link/types.ts';
import { findProg, setKconfig } from '../src/object/edit.ts';
import { loadObject } from '../src/object/load.ts';
import type { BpfObject } from '../src/object/types.ts';
import { Verifier, verify } from '../src/verifier/verify.ts';
import { fixture, Patch } from './data/patch.ts';

const seeds = readdirSync('test/data/seed').filter((name) => name.endsWith('.o'));

function load(name: string): BpfObject {
  return loadObject(fixture(`object/${name}.o`), { name });
}

function linked(object: BpfObject, prog: string, options?: LinkOptions): LinkedProg {
  return link(object, findProg(object, prog), options);
}

function errorOf(what: () => unknown): BpfError {
  try {
    what();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('no error');
}

interface Reference {
  readonly pc: number;
  readonly opcode: number;
  readonly src: number;
  readonly imm: number;
  /** Imm of the second slot of ld_imm64. */
  readonly high: number;
}

/** Calls and ld_imm64 that refer to something. */
function references({ insns }: LinkedProg): Reference[] {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
  const found: Reference[] = [];
  for (let pc = 0; pc < insns.length / 8; pc++) {
    const opcode = insns[pc * 8];
    const src = insns[pc * 8 + 1] >> 4;
    const imm = view.getInt32(pc * 8 + 4, true);
    const high = opcode === 0x18 ? view.getInt32(pc * 8 + 12, true) : 0;
    if ((opcode === 0x18 || opcode === 0x85) && src !== 0) found.push({ pc, opcode, src, imm, high });
    if (opcode === 0x18) pc++;
  }
  return found;
}

/** The function a call or BPF_PSEUDO_FUNC leads to. */
function target(prog: LinkedProg, { pc, imm }: Reference): string | undefined {
  return prog.funcs.find((f) => f.start === pc + 1 + imm)?.name;
}

describe('the tail-call program', () => {
  it.each(['../../examples/tail_call.o', ...seeds.map((name) => `seed/${name}`)])('%s loads and links', (path) => {
    const object = loadObject(fixture(path));
    expect(object.progs.map((p) => p.name)).toEqual(['main_prog', 'port8080_prog', 'port22_prog']);
    expect(object.maps.map((m) => m.name)).toEqual(['prog_array', 'tail_cal.rodata']);
    const [main, port8080, port22] = object.progs.map((prog) => link(object, prog));
    expect(main.maps.map((m) => m.name)).toEqual(['prog_array']);
    expect(port8080.maps.map((m) => m.name)).toEqual(['tail_cal.rodata']);
    expect([...port22.insns.subarray(0, 16)]).toEqual([0x18, 0x61, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 31, 0, 0, 0]);
    expect(main.lines[0]).toMatchObject({ pc: 0, file: './tail_call.c' });
    expect(main).toMatchObject({ type: 'xdp', expectedAttachType: 37, gplCompatible: true, kfuncs: [] });
  });
});

describe('subprograms', () => {
  it.each(['subprogs', 'subprogs-clang16-v2', 'subprogs-clang14-v1'])(
    '%s: functions follow what calls them',
    (name) => {
      const object = load(name);
      const first = linked(object, 'first');
      expect(first.funcs.map((f) => f.name)).toEqual(['first', 'step', 'twice', 'clamp']);
      expect(first.funcs[0].start).toBe(0);
      first.funcs.slice(1).forEach((f, i) => {
        expect(f.start).toBe(first.funcs[i].end);
      });
      expect(first.insns.length).toBe(first.funcs.at(-1)!.end * 8);
      const calls = references(first).filter((r) => r.opcode === 0x85 || r.src === 4);
      expect(calls.map((r) => [r.src, target(first, r)])).toEqual([
        [4, 'step'],
        [1, 'twice'],
        [1, 'clamp'],
      ]);
      const second = linked(object, 'second');
      const names = references(second).flatMap((r) => (r.opcode === 0x85 ? [target(second, r)] : []));
      expect(names).toEqual(['beside', 'clamp']);
    },
  );

  it('every exit, and every other insn, is as in the object', () => {
    const object = load('subprogs');
    const first = linked(object, 'first');
    const changed = new Set(references(first).flatMap((r) => (r.opcode === 0x18 ? [r.pc, r.pc + 1] : [r.pc])));
    for (const func of first.funcs) {
      const all = [...object.progs, ...object.subprogs];
      const spec = all.find((f) => f.name === func.name)!;
      const original = object.elf.sections[spec.sectionIndex].data.subarray(spec.offset, spec.offset + spec.size);
      for (let pc = func.start; pc < func.end; pc++) {
        if (changed.has(pc)) continue;
        const at = (pc - func.start) * 8;
        expect([...first.insns.subarray(pc * 8, pc * 8 + 8)]).toEqual([...original.subarray(at, at + 8)]);
      }
    }
  });

  it('lines keep to their function', () => {
    const first = linked(load('subprogs'), 'first');
    const clamp = first.funcs.find((f) => f.name === 'clamp')!;
    const lines = first.lines.filter((l) => l.pc >= clamp.start && l.pc < clamp.end);
    // `clamp` begins on line 12 of the source.
    expect(lines[0]).toMatchObject({ pc: clamp.start, line: 12, text: expect.stringContaining('clamp(__u32 value)') });
    expect(first.lines.map((l) => l.pc)).toEqual(first.lines.map((l) => l.pc).sort((a, b) => a - b));
  });

  it('linking leaves the object as it was', () => {
    const object = load('subprogs');
    const before = object.elf.bytes.slice();
    linked(object, 'first').insns.fill(0);
    expect(object.elf.bytes).toEqual(before);
  });
});

describe('data and maps', () => {
  it('static and global variables become offsets in their section', () => {
    const first = linked(load('subprogs'), 'first');
    const data = references(first).filter((r) => r.src === 6);
    expect(data.map((r) => [first.maps[r.imm].name, r.high])).toEqual([
      ['subprogs.data', 8], // pair, by section
      ['subprogs.data', 0], // total
      ['subprogs.bss', 0], // calls, by section
      ['subprogs.rodata', 0], // limit
    ]);
    const second = linked(load('subprogs'), 'second');
    const greeting = references(second).find((r) => r.src === 6)!;
    expect([second.maps[greeting.imm].name, greeting.high]).toEqual(['subprogs.rodata', 4]);
  });

  it.each([
    ['maps', 'entry', ['flows', 'per_cpu', 'outer', 'jumps']],
    ['maps-clang14-v2', 'entry', ['flows', 'per_cpu', 'outer', 'jumps']],
    ['legacy', 'count', ['counters', 'jumps']],
    ['legacy-28', 'count', ['counters', 'jumps']],
  ])('%s: %s refers to its maps in order', (name, prog, maps) => {
    const object = load(name);
    const result = linked(object, prog);
    expect(result.maps.map((m) => m.name)).toEqual(maps);
    // The same MapSpec, so that what a user edits counts.
    expect(result.maps.every((m) => object.maps.includes(m))).toBe(true);
    expect(references(result).map((r) => [r.src, r.imm])).toEqual(maps.map((_, i) => [5, i]));
  });
});

describe('externs', () => {
  it('kconfig values lie in their map', () => {
    const object = load('externs');
    setKconfig(object, 'LINUX_KERNEL_VERSION', 1);
    setKconfig(object, 'CONFIG_BPF_SYSCALL', true);
    const kconfig = linked(object, 'kconfig');
    expect(kconfig.maps.map((m) => m.name)).toEqual(['externs.kconfig']);
    expect(references(kconfig).map((r) => [r.src, r.imm, r.high])).toEqual([
      [6, 0, 8],
      [6, 0, 0],
    ]);
  });

  it('kconfig values that nobody gave are named', () => {
    const object = load('externs');
    for (const extern of object.externs) extern.resolved = false;
    const error = errorOf(() => linked(object, 'kconfig'));
    expect([error.code, error.message]).toEqual([
      'LINK_KCONFIG',
      expect.stringContaining("setKconfig(object, 'CONFIG_BPF_SYSCALL', value)"),
    ]);
  });

  it('what is weak and not there is 0', () => {
    const weak = linked(load('externs'), 'weak');
    expect(references(weak).map((r) => [r.src, r.high])).toEqual([[6, 16]]);
    expect([...weak.insns.subarray(7 * 8, 9 * 8)]).toEqual([0x18, 2, ...Array(14).fill(0)]);
  });

  it('kfunc calls refer to names', () => {
    const kfuncs = linked(load('externs'), 'kfuncs');
    expect(kfuncs.kfuncs).toEqual(['strong_kfunc', 'weak_kfunc']);
    expect(references(kfuncs).map((r) => [r.src, r.imm])).toEqual([
      [2, 0],
      [2, 1],
    ]);
  });
});

describe('a weak kfunc', () => {
  const insns = (core?: Btf) => linked(load('externs'), 'kfuncs', core === undefined ? {} : { core }).insns;
  const kernel = (name: string): Btf => {
    const func = { kind: 'func', name, type: 0, linkage: 'global' } as const;
    return { types: [{ kind: 'void', name: '' }, func], strings: new Uint8Array(1) };
  };
  const addresses = (bytes: Uint8Array) =>
    Array.from({ length: bytes.length / 8 }, (_, i) => bytes.subarray(8 * i, 8 * i + 8))
      .filter((insn) => insn[0] === 0x18)
      .map((insn) => [insn[1] >> 4, insn[4]]);

  it('is NULL unless the target kernel has it', () => {
    expect(addresses(insns())).toEqual([[0, 0]]);
    expect(addresses(insns(kernel('other')))).toEqual([[0, 0]]);
    expect(addresses(insns(kernel('weak_kfunc')))).toEqual([[3, 1]]);
  });

  it('that is there is memory of no bytes to the verifier', () => {
    const { log } = new Verifier().judge(
      {
        ...linked(load('externs'), 'weak'),
        insns: Uint8Array.from([
          0x18,
          0x31,
          0,
          0,
          1,
          0,
          0,
          0,
          ...new Array(8).fill(0),
          0xb7,
          0,
          0,
          0,
          1,
          0,
          0,
          0,
          0x95,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
        ]),
        funcs: [{ name: 'weak', start: 0, end: 4 }],
        lines: [],
      },
      { logLevel: 2 },
    );
    expect(log).toMatch(/; R1=rdonly_mem\(sz=0\)\n2: \(b7\) r0 = 1/);
  });
});

describe('CO-RE', () => {
  const section = parseElf(fixture('object/core-target.o')).sections.find(({ name }) => name === '.BTF');
  const target = parseBtf(section?.data ?? new Uint8Array());

  describe.each(['core-relo', 'core-relo-clang14', 'core-relo-clang16'])('%s', (file) => {
    const expected: Record<string, string> = JSON.parse(readFileSync(`test/data/object/${file}.libbpf.json`, 'utf8'));

    it.each(Object.entries(expected))('%s is what libbpf makes of it', (name, insns) => {
      expect(Buffer.from(linked(load(file), name, { core: target }).insns).toString('hex')).toBe(insns);
    });

    it('every program of the object is compared', () => {
      expect(load(file).progs.map((p) => p.name)).toEqual(Object.keys(expected));
    });
  });

  it('the layout it was compiled with, unless a target is given', () => {
    // r0 = *(u32 *)(r1 + 4), as compiled.
    expect([...linked(load('core'), 'probe').insns.subarray(0, 8)]).toEqual([0x61, 0x10, 4, 0, 0, 0, 0, 0]);
  });

  it.each([
    ['sk_buff', 'sk_buff'],
    ['sk_buff___old', 'sk_buff'],
    ['a___b___c', 'a___b'],
    ['___x', '___x'],
    ['x___', 'x___'],
    ['x____y', 'x____y'],
    ['x__y', 'x__y'],
  ])('%s is a flavour of %s', (name, essence) => expect(essentialName(name)).toBe(essence));

  it('what cannot be resolved is refused where it is reached, by name', () => {
    const prog = linked(load('core-relo'), 'off_nowhere', { core: target });
    expect([...(prog.poisoned?.keys() ?? [])]).toEqual([0]);
    expect(prog.poisoned?.get(0)).toMatch(/^<byte_off> \[\d+\] struct nowhere\.x \(0:0 @ offset 0\)$/);
    const error = errorOf(() => verify(prog));
    expect(error.message).toMatch(
      /^invalid func unknown#195896080 .*<invalid CO-RE relocation>: <byte_off> .*struct nowhere\.x/,
    );
    expect(verify(linked(load('core-relo'), 'guarded', { core: target })).stats.insns).toBeGreaterThan(0);
  });

  it('is against its own BTF what was compiled', () => {
    const object = load('core-relo');
    for (const { name } of object.progs) {
      // Two types of the name have this member: which one is meant is ambiguous.
      if (/flavour|missing|guarded/.test(name)) continue;
      expect(linked(object, name, { core: object.btf as Btf }).insns, name).toEqual(linked(object, name).insns);
    }
  });

  it('only concerns the programs that have it', () => {
    expect(linked(load('core'), 'plain').insns.length).toBe(16);
  });
});

describe('objects linked by bpftool', () => {
  const expected: Record<string, string> = JSON.parse(readFileSync('test/data/object/linked.libbpf.json', 'utf8'));

  /** Which map a load refers to is a file descriptor there, an index here. */
  function withoutMaps(insns: Uint8Array): string {
    const bytes = Uint8Array.from(insns);
    for (let at = 0; at < bytes.length; at += 8) {
      if (bytes[at] !== 0x18) continue;
      const src = bytes[at + 1] >> 4;
      if (src === 1 || src === 2) bytes[at + 1] += 4 << 4;
      if (src !== 0) bytes.fill(0, at + 4, at + 8);
      at += 8;
    }
    return Buffer.from(bytes).toString('hex');
  }

  it.each(Object.entries(expected))('%s is what libbpf makes of it', (name, insns) => {
    const own = linked(load('linked'), name);
    expect(withoutMaps(own.insns)).toBe(withoutMaps(Buffer.from(insns, 'hex')));
  });

  it('a hidden function is static to the kernel, a weak one gave way', () => {
    const { funcs, maps } = linked(load('linked'), 'first');
    expect(funcs.map(({ name, global }) => [name, global])).toEqual([
      ['first', true],
      ['local', false],
      ['other_half', true],
      ['local', false],
      ['hidden_helper', false],
      ['chosen', true],
    ]);
    expect(maps.map(({ name }) => name)).toEqual(['linked.bss', 'linked.rodata', 'linked.data']);
  });
});

it('data beside a pointer in the same section is good', () => {
  const patched = new Patch('object/sections.o').content('.rel.data.pointer', 0, 8, 4).bytes;
  const object = loadObject(patched);
  expect(linked(object, 'probe').maps.map((map) => map.dataKind)).toEqual(['data']);
});

describe('references that are refused', () => {
  const same = (p: Patch): Patch => p;
  /** A relocation of a section: field offsets are 0 offset, 8 type, 12 symbol. */
  const rel = (section: string, index: number, field: number, value: number) => (p: Patch) =>
    p.content(`.rel${section}`, 16 * index + field, field === 0 ? 8 : 4, value);
  const RULES: [what: string, file: string, prog: string, patch: (p: Patch) => Patch, code: string, message: string][] =
    [
      ['no type', 'sections', 'untyped', same, 'LINK_PROG_TYPE', "'something-else' says no program type"],
      ['strong ksym', 'externs', 'ksym', same, 'LINK_KSYM', "takes the address of the kernel's 'strong_symbol'"],
      ['pointer in data', 'sections', 'probe', same, 'LINK_DATA_RELOC', '.data.pointer, which holds the address of'],
      ['unknown type', 'subprogs', 'first', rel('xdp', 0, 8, 77), 'LINK_RELOC_TYPE', 'is of type 77'],
      ['data type', 'subprogs', 'first', rel('xdp', 0, 8, 3), 'LINK_RELOC_TYPE', 'is of type R_BPF_64_ABS32'],
      ['inside an insn', 'subprogs', 'first', rel('xdp', 0, 0, 0x3a), 'LINK_RELOC_INSN', 'byte 2 of its slot'],
      ['second half', 'subprogs', 'first', rel('xdp', 0, 0, 0x40), 'LINK_RELOC_INSN', 'first half of ld_imm64'],
      ['address on a call', 'subprogs', 'first', rel('xdp', 1, 8, 1), 'LINK_RELOC_INSN', 'offset 0x60'],
      ['call on an address', 'subprogs', 'first', rel('xdp', 0, 8, 10), 'LINK_RELOC_INSN', 'where a call is expected'],
      ['twice', 'subprogs', 'first', rel('xdp', 0, 0, 0x60), 'LINK_RELOC_INSN', 'offset 0x60'],
      [
        'no function there',
        'subprogs',
        'first',
        (p) => p.content('xdp', 0x64, 4, 0),
        'LINK_CALL_TARGET',
        'offset 0x8 of section .text',
      ],
      [
        'callback outside',
        'subprogs',
        'first',
        (p) => p.content('xdp', 0x3c, 4, 0x1000),
        'LINK_CALL_TARGET',
        'offset 0x1000',
      ],
      [
        'local call',
        'subprogs',
        'first',
        (p) => p.content('.text', 4, 4, 9),
        'LINK_CALL_TARGET',
        'the call at offset 0x0 goes to offset 0x50',
      ],
      [
        'data range',
        'subprogs',
        'first',
        (p) => p.content('.text', 0x7c, 4, 10),
        'LINK_DATA_RANGE',
        'byte 10 of subprogs.data, which has 10 bytes',
      ],
      ['data before', 'subprogs', 'first', (p) => p.content('.text', 0x7c, 4, -1), 'LINK_DATA_RANGE', 'byte -1'],
      [
        'map offset',
        'maps',
        'entry',
        (p) => p.content('xdp', p.section('xdp').relocations[0].offset + 4, 4, 4),
        'LINK_RELOC_TARGET',
        'is at offset 0xbc, where no map begins',
      ],
      [
        'a call of data',
        'subprogs',
        'first',
        (p) => rel('xdp', 1, 12, p.symbol('total').index)(p),
        'LINK_RELOC_TARGET',
        'is called',
      ],
      [
        'neither',
        'subprogs',
        'first',
        (p) => rel('xdp', 0, 12, p.symbol('_license').index)(p),
        'LINK_RELOC_TARGET',
        'is neither map, data nor code',
      ],
      [
        'undefined',
        'subprogs',
        'first',
        (p) => p.setSymbol('twice', 'section', 0).setSymbol('twice', 'value', 0),
        'LINK_EXTERN',
        "refers to 'twice', which the object does not define",
      ],
      ['raw map fd', 'core', 'plain', (p) => p.content('xdp', 0, 8, 0x1118), 'LINK_UNRESOLVED', 'ld_imm64 with src 1'],
      ['raw kfunc', 'core', 'plain', (p) => p.content('xdp', 0, 8, 0x2085), 'LINK_UNRESOLVED', 'a kfunc call'],
    ];
  it.each(RULES)('%s (%s %s)', (_, file, prog, patch, code, message) => {
    const object = loadObject(patch(new Patch(`object/${file}.o`)).bytes, { name: file });
    const error = errorOf(() => linked(object, prog));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it('a program of another object', () => {
    const error = errorOf(() => link(load('core'), load('core').progs[1]));
    expect(error.code).toBe('LINK_NOT_OF_OBJECT');
  });

  it('a type given by the user is enough', () => {
    const object = load('sections');
    findProg(object, 'untyped').type = 'sched_cls';
    expect(linked(object, 'untyped').type).toBe('sched_cls');
  });
});
