// Which encodings are insns: the decoder and the running kernel refuse the same opcodes, forms, reserved fields and registers.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { InsnError } from '../src/errors/index.ts';
import { decodeOp, encodeInsns } from '../src/isa/decode.ts';
import type { Insn } from '../src/isa/insn.ts';
import { isaTable } from '../src/isa/table.ts';
import { describeKernel } from './kernel/available.ts';
import { closeFd, createMap, loadProg } from './kernel/bpf.ts';
import { KernelError } from './kernel/errno.ts';

const insn = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ opcode, dst, src, off, imm });
const nothing = insn(0);
const mov0 = insn(0xb7);
const exit = insn(0x95);
const LDDW = 0x18;
const CALL = 0x85;
/** The form of `ld_imm64` that this leaves out: it needs the id of a kernel variable. */
const BTF_ID = 3;

/** How the log says that it is the encoding, not what the program does with it. */
const ENCODING =
  /unknown opcode|uses reserved fields|invalid BPF_LD_IMM insn|invalid bpf_ld_imm64 insn|unrecognized bpf_ld_imm64|R1[1-5] is invalid|invalid may_goto imm|invalid atomic|can only convert between/;

/** Insns behind the one in question: jumps find one, and then the function ends. */
const SPACE = 68;
/** From a call to the subprogram behind `SPACE` and the exit; a function reference has a slot more to go. */
const SUBPROG = SPACE + 1;

/** The slots where the verifier must look at them, each register a pointer into the stack, but R6 the context. */
function around(slots: readonly Insn[]): Insn[] {
  const [first] = slots;
  const calls =
    first.opcode === CALL
      ? first.src === 1 && first.imm === SUBPROG
      : first.opcode === LDDW && first.src === 4 && first.imm === SUBPROG + 1;
  return [
    insn(0xbf, 6, 1),
    insn(0x61, 0, 1),
    insn(0x15, 0, 0, 18 + slots.length, 7),
    ...[0, 1, 2, 3, 4, 5, 7, 8, 9].flatMap((register) => [insn(0xbf, register, 10), insn(0x07, register, 0, 0, -256)]),
    ...slots,
    ...Array.from({ length: SPACE }, () => mov0),
    exit,
    ...(calls ? [...Array.from({ length: SPACE }, () => mov0), exit] : []),
  ];
}

function kernelRefuses(slots: readonly Insn[], mapFd: number): boolean {
  try {
    const insns = encodeInsns(around(slots));
    closeFd(loadProg({ type: 'socket_filter', insns, logLevel: 1, fdArray: [mapFd] }).fd);
    return false;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return ENCODING.test(error.log);
  }
}

function weRefuse(slots: readonly Insn[]): boolean {
  try {
    decodeOp(slots[0], slots[1] ?? mov0, 0);
    return false;
  } catch (error) {
    if (!(error instanceof InsnError)) throw error;
    return true;
  }
}

const VALUES = {
  dst: [0, 1, 9, 10, 11, 15],
  src: [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 15],
  off: [-1, 0, 1, 2, 8, 16, 24, 32, 64],
  imm: [-1, 0, 1, 8, 16, 24, 32, 64, 0x41, 0x50, 0x51, 0xa0, 0xe0, 0xe1, 0xf0, 0xf1, 0x100, 0x101, 0x110],
} as const;

/** Insns of an opcode that are right or nearly so; from each, one field at a time takes all values. */
function bases(opcode: number, mapFd: number): Insn[] {
  const zero = insn(opcode);
  const forms = isaTable().flatMap(({ opcode: own, select }) =>
    own === opcode && select !== undefined ? [{ ...zero, [select.field]: select.value }] : [],
  );
  // What an insn refers to must exist, or the kernel does not look at its other fields.
  if (opcode === CALL) return forms.map((form) => (form.src === 1 ? { ...form, imm: SUBPROG } : form));
  if (opcode !== LDDW) return [zero, ...forms];
  const imm = (src: number): number => (src === 1 || src === 2 ? mapFd : src === 4 ? SUBPROG + 1 : 0);
  return forms.filter(({ src }) => src !== BTF_ID).map((form) => ({ ...form, imm: imm(form.src) }));
}

function* cases(mapFd: number): Generator<Insn[]> {
  for (let opcode = 0; opcode < 256; opcode++) {
    for (const base of bases(opcode, mapFd)) {
      for (const field of ['dst', 'src', 'off', 'imm'] as const) {
        const wide = opcode === LDDW ? [nothing] : [];
        for (const value of VALUES[field]) yield [{ ...base, [field]: value }, ...wide];
      }
      if (opcode !== LDDW) continue;
      for (const field of ['dst', 'src', 'off', 'imm'] as const) yield [base, { ...nothing, [field]: 1 }];
      yield [base, exit];
    }
  }
}

/** Linux ignores these fields, which RFC 9669 section 3 wants cleared. */
const STRICTER = [
  `18 dst 0 src 4 off 0 imm ${SUBPROG + 1}, 0 dst 0 src 0 off 0 imm 1`,
  ...VALUES.off.filter((off) => off !== 0).map((off) => `95 dst 0 src 0 off ${off} imm 0`),
];

const show = ({ opcode, dst, src, off, imm }: Insn): string =>
  `${opcode.toString(16)} dst ${dst} src ${src} off ${off} imm ${imm}`;

describeKernel('encodings', () => {
  let mapFd = -1;
  beforeAll(() => {
    mapFd = createMap({ type: 'array', keySize: 4, valueSize: 64, maxEntries: 1 });
  });
  afterAll(() => closeFd(mapFd));

  test('the decoder and the kernel refuse the same ones', () => {
    const differ: string[] = [];
    let refused = 0;
    let taken = 0;
    for (const slots of cases(mapFd)) {
      const ours = weRefuse(slots);
      if (ours) refused++;
      else taken++;
      if (ours !== kernelRefuses(slots, mapFd)) {
        differ.push(`${slots.map(show).join(', ')}: ${ours ? 'refused here only' : 'the kernel refuses it'}`);
      }
    }
    expect(refused).toBeGreaterThan(5000);
    expect(taken).toBeGreaterThan(1000);
    expect([...new Set(differ)]).toEqual(STRICTER.map((text) => `${text}: refused here only`));
  });
});
