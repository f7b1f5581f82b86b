// Our text of every row against the listing in the running kernel's verifier log ("Live regs before insn", one line for each insn).

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseBtf } from '../../src/btf/parse.ts';
import { encodeInsns } from '../../src/isa/decode.ts';
import { type DisasmOptions, disasmInsn } from '../../src/isa/disasm.ts';
import { helperNames } from '../../src/isa/helper-names.ts';
import type { Insn } from '../../src/isa/insn.ts';
import { type IsaRow, isaTable } from '../../src/isa/table.ts';
import { holesOf, insnOf, rowName } from '../isa-arbitrary.ts';
import { describeKernel } from './available.ts';
import { closeFd, createMap, loadProg } from './bpf.ts';
import { KernelError } from './errno.ts';

const SEED = 9669;
const SAMPLES = 6;
const insn = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ opcode, dst, src, off, imm });
const mov0 = insn(0xb7);
const exit = insn(0x95);

/** The log of a load; what the kernel thinks of the program does not matter, it lists the insns before it judges them. */
function logOf(insns: readonly Insn[]): string {
  try {
    const { fd, log } = loadProg({ type: 'xdp', insns: encodeInsns(insns), logLevel: 2 });
    closeFd(fd);
    return log;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return error.log;
  }
}

/** The listing's lines by pc; the log itself when there is no listing. */
function listing(insns: readonly Insn[]): Map<number, string> | string {
  const log = logOf(insns);
  // In a loop the number of its strongly connected component comes first.
  // In a loop, the number of its strongly connected component stands before the pc.
  const lines = [...log.matchAll(/^ +(?:\d+ +)?(\d+): [.\d]{10} (\([0-9a-f]{2}\) .*)$/gm)];
  return lines.length === 0 ? log : new Map(lines.map(([, pc, text]) => [Number(pc), text.trimEnd()]));
}

const AT = 12;

/** The insn at pc 12, where it may jump to 10, to the next insn or one further, or call a subprogram. */
function around(slots: readonly Insn[], row: IsaRow): Insn[] {
  const subprog = row.meaning.kind === 'call_local' || (row.meaning.kind === 'lddw' && row.meaning.value === 'func');
  return [
    ...Array.from({ length: 10 }, (_, register) => insn(0xb7, register)),
    mov0,
    insn(0x15, 0, 0, slots.length),
    ...slots,
    mov0,
    exit,
    ...(subprog ? [mov0, exit] : []),
  ];
}

/** Operands that must exist: jump targets within the program, a map, a kfunc. */
function fitted(slots: readonly Insn[], row: IsaRow, mapFd: number, kfunc: number, n: number): Insn[] {
  const [first, ...rest] = slots;
  const holes = holesOf(row);
  const distance = [0, 1, -3][n % 3];
  if (holes.includes('to')) return [{ ...first, off: distance }];
  if (row.meaning.kind === 'ja') return [{ ...first, imm: distance }];
  if (row.meaning.kind === 'call_local') return [{ ...first, imm: 2 }];
  if (row.meaning.kind === 'call_kfunc') return [{ ...first, imm: kfunc, off: 0 }];
  if (row.meaning.kind !== 'lddw') return [first];
  switch (row.meaning.value) {
    case 'func':
      return [{ ...first, imm: 3 }, ...rest];
    case 'map_fd':
      return [{ ...first, imm: mapFd }, ...rest];
    case 'map_value':
      return [
        { ...first, imm: mapFd },
        { ...rest[0], imm: n },
      ];
    default:
      return [first, ...rest];
  }
}

/** Needs an fd array or a kernel variable; the kernel prints the address it found, as for the two fd forms. */
const UNLISTED = ['btf_id', 'map_idx', 'map_idx_value'];
const ADDRESSES = ['map_fd', 'map_value'];
const KFUNC = 'bpf_rdonly_cast';

describeKernel('disassembly against the verifier log', () => {
  let mapFd = -1;
  let kfunc = 0;
  beforeAll(() => {
    mapFd = createMap({ type: 'array', keySize: 4, valueSize: 64, maxEntries: 1 });
    const btf = parseBtf(new Uint8Array(readFileSync('/sys/kernel/btf/vmlinux')));
    kfunc = btf.types.findIndex((type) => type.kind === 'func' && type.name === KFUNC);
  });
  afterAll(() => closeFd(mapFd));

  const options: DisasmOptions = { opcode: true, wide: 'log', kfuncName: () => KFUNC };

  function compare(row: IsaRow): string[] {
    const samples = fc.sample(insnOf(row), { seed: SEED, numRuns: SAMPLES });
    return samples.flatMap((sample, n) => {
      const slots = fitted(sample, row, mapFd, kfunc, n);
      const lines = listing(around(slots, row));
      const kernel = typeof lines === 'string' ? lines : lines.get(AT);
      const value = row.meaning.kind === 'lddw' ? row.meaning.value : '';
      const ours = disasmInsn(slots[0], slots[1], AT, options);
      const same = ADDRESSES.includes(value)
        ? /^\(18\) r\d+ = 0xffff[0-9a-f]{12}$/.test(kernel ?? '') && kernel?.startsWith(ours.split('0x')[0])
        : kernel === ours;
      return same ? [] : [`${rowName(row)}: the kernel has ${kernel}, we have ${ours}`];
    });
  }

  const rows = isaTable().filter(({ meaning }) => meaning.kind !== 'lddw' || !UNLISTED.includes(meaning.value));

  test(`${rows.length} rows, ${SAMPLES} operands each`, () => {
    expect(rows.length).toBe(isaTable().length - UNLISTED.length);
    expect(kfunc).toBeGreaterThan(0);
    expect(rows.flatMap(compare)).toEqual([]);
  });

  test('the names of all helpers', () => {
    const calls = helperNames().map((_, helper) => insn(0x85, 0, 0, 0, helper));
    const lines = listing([...calls, insn(0x85, 0, 0, 0, 999), mov0, exit]) as Map<number, string>;
    const ours = [...calls, insn(0x85, 0, 0, 0, 999)].map((call, pc) => disasmInsn(call, undefined, pc, options));
    expect(ours).toEqual(ours.map((_, pc) => lines.get(pc)));
  });
});
