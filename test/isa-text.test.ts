// Disassembler and assembler: kernel text, LLVM's spelling, labels, names, and what is wrong where.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../src/isa/asm.ts';
import { decodeOp } from '../src/isa/decode.ts';
import { type DisasmOptions, disasmInsn, disasmLines, disassemble } from '../src/isa/disasm.ts';
import type { Insn } from '../src/isa/insn.ts';
import { isaTable } from '../src/isa/table.ts';
import { insnOf, rowName } from './isa-arbitrary.ts';

const insn = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ opcode, dst, src, off, imm });
const wide = (src: number, lo: number, hi = 0): Insn[] => [insn(0x18, 1, src, 0, lo), insn(0, 0, 0, 0, hi)];

describe('assemble(disassemble(x)) is x', () => {
  const styles: DisasmOptions[] = [
    {},
    { pc: true, opcode: true },
    { opcode: true },
    { subprogName: () => 'some_name', mapName: () => undefined },
  ];
  test.each(isaTable().map((row) => [rowName(row), row] as const))('%s', (_, row) => {
    fc.assert(
      fc.property(insnOf(row), fc.constantFrom(...styles), (slots, style) => {
        expect(assemble(disassemble(slots, style))).toEqual(slots);
      }),
      { numRuns: 60 },
    );
  });

  test('of whole programs', () => {
    const anyInsn = fc.constantFrom(...isaTable()).chain(insnOf);
    fc.assert(
      fc.property(fc.array(anyInsn, { maxLength: 40 }), (parts) => {
        const insns = parts.flat();
        expect(assemble(disassemble(insns, { pc: true }))).toEqual(insns);
        expect(disasmLines(insns)).toHaveLength(parts.length);
      }),
    );
  });

  test('of whole programs, with labels', () => {
    const near = fc.integer({ min: -12, max: 12 });
    const jump = fc.constantFrom(...isaTable().filter((row) => /\{(to|tol|rel)\}/.test(row.syntax)));
    const jumpInsn = fc.tuple(
      jump.chain((row) => insnOf(row).map((slots) => ({ row, slots }))),
      near,
    );
    const anyJump = jumpInsn.map(([{ row, slots }, distance]) => {
      const field = row.syntax.includes('{to}') ? 'off' : 'imm';
      return [{ ...slots[0], [field]: distance }, ...slots.slice(1)];
    });
    const anyInsn = fc.oneof(anyJump, fc.constantFrom(...isaTable()).chain(insnOf));
    fc.assert(
      fc.property(fc.array(anyInsn, { maxLength: 40 }), fc.boolean(), (parts, pc) => {
        const insns = parts.flat();
        expect(assemble(disassemble(insns, { labels: true, pc, opcode: pc }))).toEqual(insns);
      }),
    );
  });
});

// The kernel's own text is compared in test/kernel/disasm.test.ts; these lines were in a verifier log of Linux 6.18.
const LOG: readonly (readonly [string, Insn])[] = [
  ['r1 = -5', insn(0xb7, 1, 0, 0, -5)],
  ['r1 s/= 3', insn(0x37, 1, 0, 1, 3)],
  ['w1 s/= w2', insn(0x3c, 1, 2, 1)],
  ['r1 s%= r2', insn(0x9f, 1, 2, 1)],
  ['r1 = (s8)r2', insn(0xbf, 1, 2, 8)],
  ['w1 = (s16)w2', insn(0xbc, 1, 2, 16)],
  ['r1 = addr_space_cast(r2, 0, 1)', insn(0xbf, 1, 2, 1, 1)],
  ['r3 = addr_space_cast(r3, 1, 0)', insn(0xbf, 3, 3, 1, 0x10000)],
  ['r1 = -r1', insn(0x87, 1)],
  ['r1 = be16 r1', insn(0xdc, 1, 0, 0, 16)],
  ['r1 = le64 r1', insn(0xd4, 1, 0, 0, 64)],
  ['r1 = bswap32 r1', insn(0xd7, 1, 0, 0, 32)],
  ['*(u64 *)(r10 -8) = r1', insn(0x7b, 10, 1, -8)],
  ['*(u32 *)(r10 -8) = -3', insn(0x62, 10, 0, -8, -3)],
  ['r1 = *(u64 *)(r10 -8)', insn(0x79, 1, 10, -8)],
  ['r1 = *(s8 *)(r10 -8)', insn(0x91, 1, 10, -8)],
  ['lock *(u64 *)(r10 -8) += r1', insn(0xdb, 10, 1, -8, 0)],
  ['r1 = atomic64_fetch_and((u64 *)(r10 -8), r1)', insn(0xdb, 10, 1, -8, 0x51)],
  ['r1 = atomic_fetch_xor((u32 *)(r10 -8), r1)', insn(0xc3, 10, 1, -8, 0xa1)],
  ['r1 = atomic64_xchg((u64 *)(r10 -8), r1)', insn(0xdb, 10, 1, -8, 0xe1)],
  ['r0 = atomic_cmpxchg((u32 *)(r10 -8), r0, r1)', insn(0xc3, 10, 1, -8, 0xf1)],
  ['r1 = load_acquire((u8 *)(r10 -8))', insn(0xd3, 1, 10, -8, 0x100)],
  ['store_release((u64 *)(r10 -8), r1)', insn(0xdb, 10, 1, -8, 0x110)],
  ['if r1 == 0xffffffff goto pc+1', insn(0x15, 1, 0, 1, -1)],
  ['if w1 s>= w2 goto pc-4', insn(0x7e, 1, 2, -4)],
  ['gotol pc+70000', insn(0x06, 0, 0, 0, 70000)],
  ['may_goto pc+0', insn(0xe5)],
  ['call bpf_ktime_get_ns#5', insn(0x85, 0, 0, 0, 5)],
  ['call unknown#300', insn(0x85, 0, 0, 0, 300)],
  ['call pc+1', insn(0x85, 0, 1, 0, 1)],
  ['r0 = *(u8 *)skb[14]', insn(0x30, 0, 0, 0, 14)],
  ['r0 = *(u16 *)skb[r7 + -3]', insn(0x48, 0, 7, 0, -3)],
];

describe('text', () => {
  test.each(LOG)('%s', (text, slot) => {
    expect(disassemble([slot])).toBe(text);
    expect(assemble(text)).toEqual([slot]);
  });

  test.each([
    ['r1 = 0x1fffffffe ll', wide(0, -2, 1), {}],
    ['r1 = 0x1fffffffe', wide(0, -2, 1), { wide: 'log' }],
    ['r1 = 0x3', wide(4, 3), { wide: 'log' }],
    ['r1 = map[fd:3]', wide(1, 3), {}],
    ['r1 = map[fd:3][0]+8', wide(2, 3, 8), {}],
    ['r1 = btf[id:7 module:2]', wide(3, 7, 2), {}],
    ['r1 = subprog[+9]', wide(4, 9), {}],
    ['r1 = subprog[+9#f10]', wide(4, 9), { subprogName: (pc: number) => `f${pc}` }],
    ['r1 = map[idx:2]', wide(5, 2), {}],
    ['r1 = map[idx:2]+4294967295', wide(6, 2, -1), {}],
    ['r1 = map[idx2]', wide(5, 2), { mapName: (map: number, kind: string) => `${kind}${map}` }],
    ['r1 = map[fd3]+8', wide(2, 3, 8), { mapName: (map: number, kind: string) => `${kind}${map}` }],
    ['call pc+3#f4', [insn(0x85, 0, 1, 0, 3)], { subprogName: (pc: number) => `f${pc}` }],
    ['call kfunc[id:9 module:1]', [insn(0x85, 0, 2, 1, 9)], {}],
    ['call bpf_x#9', [insn(0x85, 0, 2, 1, 9)], { kfuncName: () => 'bpf_x' }],
    ['call my#9', [insn(0x85, 0, 0, 0, 9)], { helperName: () => 'my' }],
    ['7: (b7) r0 = 1', [insn(0xb7, 0, 0, 0, 1)], { pc: true, opcode: true }],
    ['exit\n    95 00 00 00 00 00 00 00', [insn(0x95)], { bytes: true }],
    ['r1 = map[fd:-2]\n    18 11 00 00 fe ff ff ff\n    00 00 00 00 00 00 00 00', wide(1, -2), { bytes: true }],
  ] as const)('%s', (text, slots, options) => {
    const at = text.startsWith('7') ? 7 : 0;
    expect(disasmInsn(slots[0], slots[1], at, options as DisasmOptions)).toBe(text);
  });

  test.each([
    ['r0 = *(u32 *)(r1 + 4)', 'r0 = *(u32 *)(r1 +4)'],
    ['w0=*(u32*)(r1+4)', 'r0 = *(u32 *)(r1 +4)'],
    ['*(u8 *)(r10 - 0x1) = w3', '*(u8 *)(r10 -1) = r3'],
    ['*(u64 *)(r10) = r3', '*(u64 *)(r10 +0) = r3'],
    ['r1 = 5 ll', 'r1 = 0x5 ll'],
    ['r1 = -1 ll', 'r1 = 0xffffffffffffffff ll'],
    ['w1 = 0xffffffff', 'w1 = -1'],
    ['r1 = 0x10', 'r1 = 16'],
    ['r1 = addr_space_cast(r2, 0x0, 0x1)', 'r1 = addr_space_cast(r2, 0, 1)'],
    ['r1 = addr_space_cast(r2, 0x1, 0x0)', 'r1 = addr_space_cast(r2, 1, 0)'],
    ['if w1 s< -1 goto -4', 'if w1 s< 0xffffffff goto pc-4'],
    ['if r1 == 0x5 goto +0x3 <LBB0_1>', 'if r1 == 0x5 goto pc+3'],
    ['w2 = atomic_fetch_add((u32 *)(r1 + 0), w2)', 'r2 = atomic_fetch_add((u32 *)(r1 +0), r2)'],
    ['r2 = atomic_fetch_or((u64 *)(r1 + 0), r2)', 'r2 = atomic64_fetch_or((u64 *)(r1 +0), r2)'],
    ['r2 = xchg_64(r1 + 8, r2)', 'r2 = atomic64_xchg((u64 *)(r1 +8), r2)'],
    ['w2 = xchg32_32(r1 + 8, w2)', 'r2 = atomic_xchg((u32 *)(r1 +8), r2)'],
    ['w0 = cmpxchg32_32(r1 - 8, w0, w3)', 'r0 = atomic_cmpxchg((u32 *)(r1 -8), r0, r3)'],
    ['lock *(u32 *)(r1 + 0) += w2', 'lock *(u32 *)(r1 +0) += r2'],
    ['r0 = *(u16 *)skb[r3]', 'r0 = *(u16 *)skb[r3 + 0]'],
    ['call 1', 'call bpf_map_lookup_elem#1'],
    ['call bpf_map_lookup_elem ; comment', 'call bpf_map_lookup_elem#1'],
    ['call kfunc[id:7]', 'call kfunc[id:7 module:0]'],
    ['12: (95) exit // comment', 'exit'],
    ['r1 = map[.rodata]+8', 'r1 = map[idx:1]+8'],
    ['r1 = map[counters]', 'r1 = map[idx:0]'],
  ])('%s is %s', (text, kernel) => {
    expect(disassemble(assemble(text, { maps: ['counters', '.rodata'] }))).toBe(kernel);
  });

  test('labels, comments and empty lines', () => {
    const insns = assemble(`
      # a program
      start:
      l0: r1 = 1 ll          // two slots
          if r1 > 2 goto done
          gotol l0
          call work
          r3 = subprog[work]
      done: exit

      work: exit; the end
    `);
    expect(disassemble(insns).split('\n')).toEqual([
      'r1 = 0x1 ll',
      'if r1 > 0x2 goto pc+4',
      'gotol pc-4',
      'call pc+3',
      'r3 = subprog[+2]',
      'exit',
      'exit',
    ]);
  });

  test('targets as labels', () => {
    const source = [
      'l0:',
      'r1 = 0x1 ll',
      'if r1 > 0x2 goto l2',
      'gotol l0',
      'l1:',
      'may_goto l1',
      'call l3',
      'r3 = subprog[l3]',
      'l2:',
      'exit',
      'l3:',
      'exit',
      // Between the slots of an ld_imm64, and behind the end.
      'goto pc-10',
      'goto pc+0',
    ];
    const insns = assemble(source.join('\n'));
    expect(disassemble(insns, { labels: true, subprogName: () => 'work' }).split('\n')).toEqual(source);
    expect(disasmLines(insns, { labels: true })[0]).toEqual({ pc: 0, slots: 2, label: 'l0', text: 'r1 = 0x1 ll' });
    expect(disasmLines(insns)[0]).toEqual({ pc: 0, slots: 2, text: 'r1 = 0x1 ll' });
  });

  test('a label has precedence over a helper of its name', () => {
    expect(assemble('call bpf_loop\nexit\nbpf_loop: exit')[0]).toEqual(insn(0x85, 0, 1, 0, 1));
  });

  test('decodes to what it says', () => {
    const slots = assemble('if w3 s<= -7 goto pc+2');
    expect(decodeOp(slots[0], undefined, 10)).toEqual({
      kind: 'jcond',
      op: 'sle',
      width: 32,
      dst: 3,
      src: { kind: 'imm', value: -7 },
      target: 13,
    });
  });
});

describe('errors', () => {
  const insnText = 'expected an insn as `r0 = 1`, `if r1 > 2 goto pc+1` or `exit`';
  const register = 'a register r0 to r10';
  const int32 = 'an integer from -2147483648 to 2147483647 (`ll` after it takes 64 bits)';
  test.each([
    ['foo', `line 1, column 1: found \`foo\`, ${insnText}`],
    ['exit\n  r11 = 1', `line 2, column 3: found \`r11\`, ${insnText}`],
    ['exit now', 'line 1, column 6: found `now`, expected the end of the line'],
    ['r1 = 0xffffffff', 'line 1, column 16: found the end of the line, expected `ll`'],
    ['r1 += 0xffffffff', `line 1, column 7: found \`0xffffffff\`, expected ${int32} or ${register}`],
    ['r1 += ; c', `line 1, column 6: found the end of the line, expected ${int32} or ${register}`],
    ['r1 += w2', `line 1, column 7: found \`w2\`, expected ${int32} or ${register}`],
    ['r1 = be16 r2', 'line 1, column 11: found `r2`, expected `r1`'],
    ['r1 = @', 'line 1, column 6: found `@`, expected an insn or a label'],
    ['goto nowhere', 'line 1, column 6: found `nowhere`, expected pc+N with N from -32768 to 32767, or a label'],
    ['goto pc+40000', 'line 1, column 6: found `pc`, expected pc+N with N from -32768 to 32767, or a label'],
    ['r0 = *(u8 *)(r1 +40000)', 'line 1, column 17: found `+`, expected an offset from -32768 to +32767'],
    ['lock *(u32 *)(r1 +0) *= r2', 'line 1, column 22: found `*=`, expected `+=`, `|=`, `&=` or `^=`'],
    [
      'call bpf_loop#6',
      'line 1, column 6: found `bpf_loop`, expected a helper (bpf_map_lookup_elem#1), pc+N or a label or `kfunc`',
    ],
    [
      'r1 = map[x]',
      'line 1, column 10: found `x`, expected the name of a map that the assembler was given, `fd` or `idx`',
    ],
    ['a: exit\n\na: exit', 'line 3, column 1: found label `a` again, expected a new name: it stands in line 1'],
  ])('%j', (text, message) => {
    expect(() => assemble(text)).toThrow(expect.objectContaining({ name: 'InsnError', message }));
  });

  test('a label beyond a 16-bit offset', () => {
    const far = (insn: string, count: number) => () => assemble(`${insn} l0\n${'exit\n'.repeat(count)}l0: exit`);
    expect(far('goto', 32767)()[0].off).toBe(32767);
    expect(far('goto', 32768)).toThrow(
      'line 1, column 6: found a jump over 32768 insns, expected from -32768 to 32767',
    );
    expect(far('gotol', 32768)()[0].imm).toBe(32768);
  });

  test('a program that cannot be decoded is not disassembled', () => {
    expect(() => disassemble([insn(0x95), insn(0x8d)])).toThrow('insn 1: unknown opcode 0x8d');
  });
});
