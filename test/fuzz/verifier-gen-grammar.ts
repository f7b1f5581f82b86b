// Random insns that the grammar allows, without a model of what they do: any row of the ISA table with likely operands.

import { type IsaRow, isaTable } from '../../src/isa/table.ts';
import { FUZZ_MAP_NAMES, type FuzzProgType, type Generated, type Item, type Line, Random } from './verifier-item.ts';

const LDDW = 0x18;
const CALL = 0x85;
/** Forms that refer to what only a running kernel has: fds, BTF ids, kfuncs. */
const FOREIGN = (row: IsaRow): boolean => /fd:|btf|kfunc|addr_space/.test(row.syntax);
const ROWS = isaTable().filter((row) => !FOREIGN(row));
const HELPERS = [1, 2, 3, 5, 7, 8, 12, 23, 28, 44, 54, 65, 69, 130, 131, 132, 181, 188, 189];
const IMMS = [0, 1, -1, 2, 4, 8, 16, 31, 32, 63, 64, 255, 0xffff, 0x7fffffff, -0x80000000];

function operands(random: Random, row: IsaRow, labels: number): Item {
  const memory = /\(r|\{off\}/.test(row.syntax);
  const item = {
    op: row.opcode,
    dst: random.chance(memory ? 60 : 3) && /\(\{rd\}|\(u\d+ \*\)\(\{rd\}/.test(row.syntax) ? 10 : random.below(10),
    src: /\{[rw]s\}/.test(row.syntax) ? (random.chance(25) ? random.of([1, 10]) : random.below(10)) : 0,
    off: memory ? -8 * random.between(0, 4) + random.of([0, 0, 0, 4, 1]) : 0,
    imm: /\{(imm|imm32|hex|imm64)\}/.test(row.syntax) ? random.of(IMMS) : 0,
  };
  if (row.opcode === CALL && /\{helper\}/.test(row.syntax)) item.imm = random.of(HELPERS);
  if (row.opcode === LDDW && /map/.test(row.syntax)) item.imm = random.below(FUZZ_MAP_NAMES.length);
  if (row.select !== undefined) item[row.select.field] = row.select.value;
  const jumps = /\{(to|tol|rel)\}/.test(row.syntax) || (row.opcode === LDDW && /subprog/.test(row.syntax));
  const high = row.opcode === LDDW ? { high: /map/.test(row.syntax) ? 0 : random.of([0, 0, -1, 1]) } : {};
  return { ...item, ...high, ...(jumps ? { to: random.below(labels) } : {}) };
}

export function generateGrammar(seed: number): Generated {
  const random = new Random(seed);
  const length = random.of([2, 4, 8, 12, 20]);
  const labels = Math.ceil(length / 4);
  const lines: Line[] = [];
  for (let reg = 0; reg < 10; reg++) {
    if (reg !== 1 && random.chance(75)) lines.push({ op: 0xb7, dst: reg, src: 0, off: 0, imm: random.of(IMMS) });
  }
  const unplaced = Array.from({ length: labels }, (_, label) => label);
  for (let i = 0; i < length; i++) {
    if (unplaced.length > 0 && random.chance(30)) lines.push({ label: unplaced.shift() as number });
    lines.push(operands(random, random.of(ROWS), labels));
  }
  for (const label of unplaced) lines.push({ label });
  if (random.chance(80)) lines.push({ op: 0xb7, dst: 0, src: 0, off: 0, imm: 1 });
  lines.push({ op: 0x95, dst: 0, src: 0, off: 0, imm: 0 });
  return { type: random.of<FuzzProgType>(['xdp', 'xdp', 'socket_filter', 'sched_cls']), lines, testStateFreq: false };
}
