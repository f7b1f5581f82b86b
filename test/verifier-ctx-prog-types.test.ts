// The rows of packet program types against the running kernel: attach types, return codes, packet access, LD_ABS.

import { expect, test } from 'vitest';
import { PTR_TO_PACKET, PTR_TO_PACKET_END } from '../src/verifier/abi.ts';
import { ctxOf } from '../src/verifier/tables/ctx/views.ts';
import type { PacketProgType, ProgTypeRow, RetRange } from '../src/verifier/tables/prog-types.ts';
import { ATTACH_TYPES, effectiveAttachType, PROG_TYPES, retRange } from '../src/verifier/tables/prog-types.ts';
import { describeKernel } from './kernel/available.ts';
import { closeFd, createMap } from './kernel/bpf.ts';
import type { Answer, Asked } from './verifier-ctx-probe.ts';
import { ask, call, exit, insn, load, movImm, movReg, storeImm } from './verifier-ctx-probe.ts';

const rows: readonly (ProgTypeRow & { readonly type: PacketProgType })[] = PROG_TYPES;
const MAX_ATTACH_TYPE = 64;
const BPF_FUNC_map_lookup_elem = 1;

const LD_ABS = insn(0x30, 0);
const LD_IND = insn(0x50, 0x70);

/** An attach type the row accepts, and the R0 every one of them may exit with. */
const loadable = (row: ProgTypeRow): Asked => ({
  type: row.number,
  expectedAttachType: row.attach === undefined ? 0 : ATTACH_TYPES[row.attach[0]!],
});
const end = [movImm(0, 1), exit];

/** What the kernel says of a constant R0 outside the range. */
const refusal = (value: number, { lo, hi }: RetRange): string =>
  `At program exit the register R0 has smin=${value} smax=${value} should have been in [${lo}, ${hi}]`;

/** R2 = data, R3 = data_end, and at least eight bytes between them; undefined when the ctx has no packet. */
function packet(row: ProgTypeRow & { readonly type: PacketProgType }): number[][] | undefined {
  const { fields } = ctxOf(row.type, { attach: loadable(row).expectedAttachType ?? 0, bpfCapable: true });
  const data = fields.find((one) => one.type === PTR_TO_PACKET);
  const dataEnd = fields.find((one) => one.type === PTR_TO_PACKET_END);
  if (data === undefined || dataEnd === undefined) return undefined;
  return [
    load(data.size, 2, 1, data.offset),
    load(dataEnd.size, 3, 1, dataEnd.offset),
    movReg(4, 2),
    insn(0x07, 4, 0, 8),
    insn(0xbd, 4 | 0x30, 2),
    ...end,
  ];
}

const says = (answer: Answer): string => (answer.ok ? 'ok' : (answer.log.trim().split('\n').at(-2) ?? answer.errno));

describeKernel('program types are as in the rows', () => {
  test.each(rows)('$type: expected attach types and return codes', (row) => {
    for (let attach = 0; attach < MAX_ATTACH_TYPE; attach++) {
      const effective = effectiveAttachType(row, attach);
      const prog = { type: row.number, expectedAttachType: attach };
      const label = `attach type ${attach}`;
      expect(ask(prog, end).ok, label).toBe(effective !== undefined);
      if (effective === undefined) continue;
      const range = retRange(row, effective);
      for (const value of [-2147483648, -1, 0, 1, 2, 3, 4, 5, 127, 128, 129, 256, 2147483647]) {
        const inside = range === undefined || (value >= range.lo && value <= range.hi);
        const answer = ask(prog, [movImm(0, value), exit]);
        expect(says(answer), `${label}, R0 ${value}`).toBe(inside ? 'ok' : refusal(value, range as RetRange));
      }
    }
  });

  test.each(rows)('$type: a pointer in R0 at exit', (row) => {
    const range = retRange(row, loadable(row).expectedAttachType ?? 0);
    const answer = says(ask(loadable(row), [movReg(0, 1), exit]));
    expect(answer).toBe(range === undefined ? 'ok' : 'At program exit the register R0 is not a known value (ctx)');
  });

  test.each(rows)('$type: access to the packet', (row) => {
    const prog = loadable(row);
    const before = packet(row);
    if (before === undefined) {
      expect(row.packetAccess).toBe('none');
      return;
    }
    const loads = ask(prog, [...before, load(8, 0, 2, 0), ...end]);
    const stores = ask(prog, [...before, storeImm(8, 2, 0, 0), ...end]);
    expect(says(loads)).toBe('ok');
    expect(says(stores)).toBe(row.packetAccess === 'write' ? 'ok' : 'cannot write into packet');
    const map = createMap({ type: 'hash', keySize: 8, valueSize: 8, maxEntries: 1 });
    try {
      const lookup = [insn(0x18, 1 | 0x10, 0, map), insn(0, 0), call(BPF_FUNC_map_lookup_elem)];
      const helper = says(ask(prog, [...before, ...lookup, ...end]));
      expect(helper).toBe(row.packetAccess === 'none' ? 'helper access to the packet is not allowed' : 'ok');
    } finally {
      closeFd(map);
    }
  });

  test.each(rows)('$type: LD_ABS and LD_IND', (row) => {
    for (const old of [LD_ABS, LD_IND]) {
      const answer = says(ask(loadable(row), [movReg(6, 1), movImm(7, 0), old, ...end]));
      const refused = 'BPF_LD_[ABS|IND] instructions not allowed for this program type';
      expect(answer).toBe(row.ldAbs ? 'ok' : refused);
    }
  });
});

/** Ways R0 is not known to be in [0, 1] (cgroup_skb, ingress), and what the kernel says. */
const UNKNOWN_RETURNS: readonly (readonly [title: string, insns: readonly number[][], message: string])[] = [
  ['u32', [load(4, 0, 1, 0)], 'has smin=0 smax=4294967295'],
  ['u64', [load(8, 0, 1, 48)], 'has unknown scalar value'],
  ['smin alone', [load(8, 0, 1, 48), insn(0x75, 0, 1, 5), movImm(0, 1)], 'has smin=5'],
  ['smax alone', [load(8, 0, 1, 48), insn(0xd5, 0, 1, 5), movImm(0, 1)], 'has smax=5'],
  ['upper half', [insn(0x18, 0, 0, 1), insn(0, 0, 0, 1)], 'has smin=4294967297 smax=4294967297'],
];

describeKernel('what is said of an unknown R0 at exit', () => {
  test.each(UNKNOWN_RETURNS)('%s', (_title, insns, message) => {
    const answer = says(ask({ type: 8 }, [...insns, exit]));
    expect(answer).toBe(`At program exit the register R0 ${message} should have been in [0, 1]`);
  });
});
