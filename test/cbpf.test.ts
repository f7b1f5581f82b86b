/** Classic BPF: the text of filters, the rules they must keep, and what they become. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkFilter } from '../src/cbpf/check.ts';
import { linkFilter } from '../src/cbpf/convert.ts';
import { FILTER_OPS, type SockFilter } from '../src/cbpf/insn.ts';
import { parseFilter } from '../src/cbpf/parse.ts';
import { Engine } from '../src/engine.ts';
import { CbpfError } from '../src/errors/index.ts';
import { decodeInsns } from '../src/isa/decode.ts';
import { disassemble } from '../src/isa/disasm.ts';
import { verify } from '../src/verifier/verify.ts';

const s = (code: number, k = 0, jt = 0, jf = 0): SockFilter => ({ code, jt, jf, k });
const RET = s(0x06, 1);
const AD = 0xfffff000;

function errorOf(what: () => unknown): string {
  try {
    what();
  } catch (error) {
    if (error instanceof CbpfError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('text', () => {
  const insns = [s(0x28, 12), s(0x15, 2048, 0, 1), s(0x06, 262144), s(0x06, 0)];

  test.each([
    ['tcpdump -ddd', '4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n'],
    ['iptables', '4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0'],
    ['a comma at the end', '4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0,\n'],
    ['blanks and hex', ' 4 , 0x28 0 0 0xc, 21  0 1 0x800 ,6 0 0 262144, 6 0 0 0 '],
    ['line ends of Windows', '4\r\n40 0 0 12\r\n21 0 1 2048\r\n6 0 0 262144\r\n6 0 0 0\r\n'],
  ])('%s', (_, text) => {
    expect(parseFilter(text)).toEqual(insns);
  });

  test.each([
    ['', "CBPF_HEAD: the filter's text begins with '', where"],
    ['tcp port 80', "CBPF_HEAD: the filter's text begins with 'tcp port 80', where the number of insns is expected"],
    ['40 0 0 12', "CBPF_HEAD: the filter's text begins with '40 0 0 12'"],
    ['1,6 0 0', "CBPF_SYNTAX: insn 0 of the filter's text is '6 0 0', where four numbers are expected: code jt jf k"],
    ['2,6 0 0 0,6 0 x 0', "CBPF_SYNTAX: insn 1 of the filter's text is '6 0 x 0'"],
    ['2,6 0 0 0,,6 0 0 0', "CBPF_SYNTAX: insn 1 of the filter's text is ''"],
    ['3,6 0 0 0', "CBPF_COUNT: the filter's text says it has 3 insns, and 1 follow; give all"],
    [`1,${'9'.repeat(60)}`, `CBPF_SYNTAX: insn 0 of the filter's text is '${'9'.repeat(37)}...'`],
  ])('%j is refused', (text, expected) => {
    expect(errorOf(() => parseFilter(text)).slice(0, expected.length)).toBe(expected);
  });
});

describe('rules', () => {
  const many = (n: number): SockFilter[] => [...new Array(n - 1).fill(s(0x04, 1)), RET];

  test.each([
    ['no array', null as unknown as SockFilter[], 'CBPF_INPUT: the filter is null, where the text of tcpdump -ddd or'],
    [
      'no struct',
      [null] as unknown as SockFilter[],
      'CBPF_RANGE: insn 0: code is undefined, where an integer from 0 to 65535 is expected',
    ],
    ['no insns', [], 'CBPF_LENGTH: the filter has 0 insns, where 1 to 4096 are expected'],
    ['4097 insns', many(4097), 'CBPF_LENGTH: the filter has 4097 insns, where 1 to 4096 are expected'],
    [
      'a field out of range',
      [s(0x15, 0, 256, 0), RET],
      'CBPF_RANGE: insn 0: jt is 256, where an integer from 0 to 255',
    ],
    ['k of 33 bits', [s(0, 2 ** 32), RET], `CBPF_RANGE: insn 0: k is ${2 ** 32}, where an integer from -2147483648 to`],
    ['an opcode of eBPF', [RET, s(0xbf), RET], 'CBPF_OPCODE: insn 1: 0xbf is no opcode of classic BPF; eBPF insns are'],
    ['a wide opcode', [s(0x106), RET], 'CBPF_OPCODE: insn 0: 0x106 is no opcode'],
    ['ret x', [s(0x0e)], 'CBPF_OPCODE: insn 0: 0xe is no opcode'],
    ['jt to the end', [s(0x15, 0, 1, 0), RET], 'CBPF_JUMP: insn 0 jumps to insn 2, behind the last one, insn 1; jumps'],
    ['jf to the end', [s(0x15, 0, 0, 1), RET], 'CBPF_JUMP: insn 0 jumps to insn 2, behind the last one, insn 1'],
    [
      'ja backwards',
      [RET, s(0x05, -2), RET],
      'CBPF_JUMP: insn 1 jumps to insn 4294967296, behind the last one, insn 2',
    ],
    ['no ret at the end', [RET, s(0x04, 1)], 'CBPF_LAST: insn 1, the last one, is add; a filter ends with ret'],
    ['a division by 0', [s(0x34, 0), RET], 'CBPF_DIVISION: insn 0 is div by the constant 0; leave it out or give'],
    ['a remainder by 0', [s(0x94, 0), RET], 'CBPF_DIVISION: insn 0 is mod by the constant 0'],
    ['a shift by 32', [s(0x64, 32), RET], 'CBPF_SHIFT: insn 0 shifts by 32, and A has 32 bits; shift by 0 to 31'],
    ['a shift by -1', [s(0x74, -1), RET], 'CBPF_SHIFT: insn 0 shifts by 4294967295'],
    ['M[16]', [s(0x02, 16), RET], 'CBPF_SLOT: insn 0 names M[16], and the slots are M[0] to M[15]'],
    ['an empty slot', [s(0x60, 3), RET], 'CBPF_UNSET: insn 0 loads M[3], which is not stored on every way there'],
    ['an empty slot into X', [s(0x02, 2), s(0x61, 3), RET], 'CBPF_UNSET: insn 1 loads M[3]'],
    ['stored on one way', [s(0x15, 0, 0, 1), s(0x02, 3), s(0x60, 3), RET], 'CBPF_UNSET: insn 2 loads M[3]'],
    [
      'an unknown field',
      [s(0x20, AD + 62), RET],
      'CBPF_ANCILLARY: insn 0 loads from SKF_AD_OFF + 62, where linux/filter.h',
    ],
    ['offset -1', [s(0x30, -1), RET], 'CBPF_ANCILLARY: insn 0 loads from SKF_AD_OFF + 4095'],
  ] as const)('%s', (_, filter, expected) => {
    expect(errorOf(() => checkFilter(filter)).slice(0, expected.length)).toBe(expected);
  });

  test.each([
    ['4096 insns', many(4096)],
    ['a shift by 31', [s(0x64, 31), RET]],
    ['division by X', [s(0x3c), RET]],
    ['stored on both ways', [s(0x15, 0, 0, 2), s(0x02, 3), s(0x05, 1), s(0x03, 3), s(0x60, 3), RET]],
    ['an empty slot that nothing comes to', [s(0x05, 1), s(0x60, 3), RET]],
    ['a jump to the last insn', [s(0x15, 0, 0, 1), s(0x04, 1), RET]],
    ['k as a signed number', [s(0x20, -0x1000), s(0x04, -1), RET]],
  ] as const)('%s may be', (_, filter) => {
    expect(errorOf(() => checkFilter(filter))).toBe('none');
  });

  test('an insn behind a ret has what was stored before it', () => {
    const filter = [s(0x02, 1), s(0x15, 0, 1, 0), RET, s(0x60, 1), RET];
    expect(errorOf(() => checkFilter(filter))).toBe('none');
    // The ret without M[1] stands before the load.
    const behind = [s(0x15, 0, 0, 2), s(0x02, 1), s(0x05, 1), RET, s(0x60, 1), RET];
    expect(errorOf(() => checkFilter(behind))).toMatch(/^CBPF_UNSET: insn 4/);
  });

  test('58 opcodes are known, no other', () => {
    const known = Array.from({ length: 0x10000 }, (_, code) => code).filter((code) => FILTER_OPS.has(code));
    expect(known.length).toBe(FILTER_OPS.size);
    expect(FILTER_OPS.size).toMatchInlineSnapshot(`49`);
  });
});

describe('conversion', () => {
  const text = (filter: readonly SockFilter[]): string[] => {
    const lines = disassemble(decodeInsns(linkFilter(filter).insns)).split('\n');
    return lines.slice(3, lines.at(-1) === '' ? -1 : undefined);
  };

  test('begins with the context in R6 and empty registers', () => {
    const prog = linkFilter([RET], { name: 'one' });
    expect(prog).toMatchObject({ name: 'one', type: 'socket_filter', funcs: [{ name: 'one', start: 0, end: 5 }] });
    expect(disassemble(decodeInsns(prog.insns)).trim().split('\n')).toMatchInlineSnapshot(`
      [
        "r6 = r1",
        "w0 = 0",
        "w7 = 0",
        "w0 = 1",
        "exit",
      ]
    `);
  });

  test.each([
    ['ldh [12]', s(0x28, 12)],
    ['ldb [x + 14]', s(0x50, 14)],
    ['ld #len', s(0x80)],
    ['ldxb 4*([14]&0xf)', s(0xb1, 14)],
    ['div x', s(0x3c)],
    ['st M[15]', s(0x02, 15)],
    ['neg', s(0x84)],
    ['ld proto', s(0x28, AD)],
    ['ld cpu', s(0x20, AD + 36)],
    ['ld vlan_tci', s(0x20, AD + 44)],
    ['xor by ancillary', s(0x20, AD + 40)],
  ] as const)('%s', (_, insn) => {
    expect(text([insn, RET]).slice(0, -2)).toMatchSnapshot();
  });

  test.each([
    ['both to the next insn', s(0x15, 1, 0, 0)],
    ['only jt', s(0x15, 1, 1, 0)],
    ['only jf', s(0x15, 1, 0, 1)],
    ['jset with jf only', s(0x45, 1, 0, 1)],
    ['both', s(0x2d, 0, 1, 2)],
    ['both to one insn', s(0x35, 1, 1, 1)],
  ] as const)('jumps: %s', (_, insn) => {
    expect(text([insn, s(0x04, 1), s(0x04, 2), RET])).toMatchSnapshot();
  });

  test('what nothing reaches is left out', () => {
    expect(text([s(0x05, 2), s(0x04, 1), s(0x04, 2), RET])).toEqual(['goto pc+0', 'w0 = 1', 'exit']);
  });

  test.each([
    [12, 'SKF_AD_NLATTR, which cannot be answered here: no helper of socket filters walks netlink attributes'],
    [16, 'SKF_AD_NLATTR_NEST, which'],
    [28, 'SKF_AD_HATYPE, which cannot be answered here: struct __sk_buff has no hardware type of the device'],
    [52, 'SKF_AD_PAY_OFFSET, which'],
  ])('ancillary field %i is refused by name', (offset, words) => {
    const error = errorOf(() => linkFilter([s(0x04, 1), s(0x20, AD + offset), RET]));
    expect(error).toContain(`CBPF_UNANSWERED: insn 1 asks for ${words}`);
  });

  test('the longest filter of the longest insns is verified', () => {
    const prog = linkFilter([s(0x05, 4094), ...new Array(4094).fill(s(0xb1, 0)), RET]);
    expect(decodeInsns(prog.insns).length).toBe(6);
    const long = linkFilter([s(0x15, 7, 0, 0), ...new Array(4094).fill(s(0xb1, 0)), RET]);
    expect(decodeInsns(long.insns).length).toBe(3 + 6 * 4094 + 2);
    expect(verify(long).stats.insns).toBeGreaterThan(20_000);
  });
});

describe('a run', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.create({ cpus: 4, cpu: 3 });
  });
  afterAll(() => engine.close());

  const answer = async (insn: SockFilter, options = {}): Promise<number> => {
    using prog = await engine.loadFilter([insn, s(0x16)]);
    return prog.run(
      Uint8Array.from({ length: 64 }, (_, i) => i),
      options,
    ).returnValue;
  };

  test.each([
    ['protocol', 0, { protocol: 0x86dd }, 0x86dd],
    ['pkttype', 4, { pktType: 4 }, 4],
    ['ifindex', 8, { ifindex: 12 }, 12],
    ['mark', 20, { mark: 0xfedcba98 }, 0xfedcba98],
    ['queue', 24, { queueMapping: 3 }, 3],
    ['rxhash', 32, { hash: 0x12345678 }, 0x12345678],
    ['cpu', 36, {}, 3],
    ['vlan tag', 44, { vlan: { tci: 0x2005 } }, 0x2005],
    ['vlan tag present', 48, { vlan: { tci: 0 } }, 1],
    ['no vlan tag present', 48, {}, 0],
    ['vlan tpid', 60, { vlan: { tci: 1, proto: 0x88a8 } }, 0x88a8],
    ['vlan tpid of 802.1Q', 60, { vlan: { tci: 1 } }, 0x8100],
  ])('%s', async (_, offset, skb, expected) => {
    for (const size of [0x20, 0x28, 0x30]) expect(await answer(s(size, AD + offset), { skb })).toBe(expected);
  });

  test('random numbers are those of the engine, and of 32 bits', async () => {
    const [a, b] = [await answer(s(0x20, AD + 56)), await answer(s(0x20, AD + 56))];
    expect(a).not.toBe(b);
  });

  test('len and offsets count from where the layer says', async () => {
    expect(await answer(s(0x80))).toBe(50);
    expect(await answer(s(0x80), { skb: { layer: 'link' } })).toBe(64);
    expect(await answer(s(0x80), { skb: { layer: 'link', wireLength: 1500 } })).toBe(1500);
    expect(await answer(s(0x80), { skb: { linkHeader: 16 } })).toBe(48);
    expect(await answer(s(0x30, 1))).toBe(15);
    expect(await answer(s(0x30, 1), { skb: { layer: 'link' } })).toBe(1);
    expect(await answer(s(0x30, -0x100000 + 1), { skb: { layer: 'link', linkHeader: 16 } })).toBe(17);
    expect(await answer(s(0x30, -0x200000 + 1), { skb: { linkHeader: 16 } })).toBe(1);
  });

  test('a packet shorter than its link header is empty behind it', async () => {
    using prog = await engine.loadFilter([s(0x80), s(0x04, 7), s(0x16)]);
    expect(prog.run(new Uint8Array(5)).returnValue).toBe(7);
  });

  test.each([
    [{ cb: new Uint8Array(21) }, 'context field cb: 21 bytes were given, and it has 20'],
    [{ linkHeader: -1 }, 'context field linkHeader: -1 is no number of bytes'],
  ])('%j is refused', async (skb, message) => {
    await expect(answer(s(0x80), { skb })).rejects.toThrow(message);
  });
});
