/** Functions of the code sections: which are programs, and which are subprograms that programs call. */
import { BPF_CALL, BPF_JMP, BPF_PSEUDO_CALL } from '../../assembly/isa.ts';
import {
  RELOC_CODE_TYPES,
  SHF_EXECINSTR,
  SHT_PROGBITS,
  STB_LOCAL,
  STT_FUNC,
  STT_NOTYPE,
  STV_DEFAULT,
} from '../elf/consts.ts';
import type { ElfFile, ElfSection, ElfSymbol } from '../elf/types.ts';
import { ObjectError } from '../errors/index.ts';
import { hex, viewOf } from '../util/bytes.ts';
import { groupBy } from '../util/group.ts';
import { sectionMeaning } from './sections.ts';
import type { ProgSpec, SubprogSpec } from './types.ts';

const INSN_SIZE = 8;

export interface Functions {
  readonly progs: ProgSpec[];
  readonly subprogs: SubprogSpec[];
}

/**
 * In `.text` every function is a subprogram. In a named section, global functions are programs; a static function is a
 * subprogram when something calls it or takes its address, and otherwise a program: newer Cilium declares its tail calls so.
 */
export function collectFunctions(elf: ElfFile): Functions {
  const code = elf.sections.filter(isCode);
  const called = calledOffsets(elf, code);
  const symbols = groupBy(elf.symbols, (s) => s.section);
  const progs: ProgSpec[] = [];
  const subprogs: SubprogSpec[] = [];
  for (const section of code) {
    const meaning = sectionMeaning(section.name);
    for (const func of functionsOf(section, symbols.get(section.index) ?? [])) {
      const key = codeKey(section.index, func.offset);
      const isSubprog = section.name === '.text' || (!func.global && called.has(key));
      if (isSubprog) subprogs.push(func);
      else progs.push({ ...meaning, section: section.name, ...func });
    }
  }
  refuseDuplicates(progs);
  return { progs, subprogs };
}

export function isCode(section: ElfSection): boolean {
  return section.type === SHT_PROGBITS && Math.floor(section.flags / SHF_EXECINSTR) % 2 === 1 && section.size > 0;
}

function codeKey(sectionIndex: number, offset: number): string {
  return `${sectionIndex}:${offset}`;
}

function functionsOf(section: ElfSection, inSection: readonly ElfSymbol[]): SubprogSpec[] {
  if (section.size % INSN_SIZE !== 0)
    throw new ObjectError('OBJECT_SECTION_SIZE', {
      section: section.name,
      size: section.size,
      expected: 'a multiple of 8, as it holds instructions',
    });
  const symbols = functionSymbols(inSection).sort((a, b) => a.value - b.value || a.index - b.index);
  return symbols.map((symbol, i) => functionOf(section, symbol, symbols[i + 1]));
}

/** Before LLVM 12 function symbols had no type: then every global label of the section is a function. */
function functionSymbols(inSection: readonly ElfSymbol[]): ElfSymbol[] {
  const typed = inSection.filter((s) => s.type === STT_FUNC);
  if (typed.length > 0) return typed;
  return inSection.filter((s) => s.type === STT_NOTYPE && s.binding !== STB_LOCAL && s.name !== '');
}

function functionOf(section: ElfSection, symbol: ElfSymbol, next: ElfSymbol | undefined): SubprogSpec {
  const refuse = (field: string, found: string, expected: string): never => {
    const where = { section: section.name, func: symbol.name, offset: hex(symbol.value) };
    throw new ObjectError('OBJECT_FUNC', { ...where, field, found, expected });
  };
  const { value: offset } = symbol;
  if (offset % INSN_SIZE !== 0) refuse('offset', hex(offset), 'a multiple of 8');
  if (offset >= section.size) refuse('offset', hex(offset), `below the section's size ${hex(section.size)}`);
  // Symbols without a type have no size either: they reach to the next one.
  const size = symbol.size > 0 ? symbol.size : (next?.value ?? section.size) - offset;
  if (size === 0 || size % INSN_SIZE !== 0) refuse('size', `${size}`, 'a multiple of 8 above 0');
  if (size > section.size - offset)
    refuse('end', hex(offset + size), `at most the section's size ${hex(section.size)}`);
  const alias = next?.value === offset && (next.size === symbol.size || symbol.size === 0);
  if (next !== undefined && !alias && next.value < offset + size)
    refuse('end', hex(offset + size), `at most ${hex(next.value)}, where '${next.name}' begins`);
  return {
    name: symbol.name,
    sectionIndex: section.index,
    offset,
    size,
    global: symbol.binding !== STB_LOCAL,
    hidden: symbol.visibility !== STV_DEFAULT,
  };
}

/** Where calls and function addresses point: section and offset of each target. */
function calledOffsets(elf: ElfFile, code: readonly ElfSection[]): Set<string> {
  const called = new Set<string>();
  for (const section of code) {
    const view = viewOf(section.data);
    const relocated = new Set<number>();
    for (const { offset, type, symbol: index } of section.relocations) {
      relocated.add(offset);
      const symbol = elf.symbols[index];
      if (!RELOC_CODE_TYPES.includes(type) || offset + INSN_SIZE > section.size) continue;
      const imm = view.getInt32(offset + 4, true);
      const isCall = section.data[offset] === (BPF_JMP | BPF_CALL);
      called.add(codeKey(symbol.section, symbol.value + (isCall ? (imm + 1) * INSN_SIZE : imm)));
    }
    for (let at = 0; at + INSN_SIZE <= section.size; at += INSN_SIZE) {
      const isCall = section.data[at] === (BPF_JMP | BPF_CALL) && section.data[at + 1] >> 4 === BPF_PSEUDO_CALL;
      if (isCall && !relocated.has(at))
        called.add(codeKey(section.index, at + (view.getInt32(at + 4, true) + 1) * INSN_SIZE));
    }
  }
  return called;
}

function refuseDuplicates(progs: readonly ProgSpec[]): void {
  const byName = new Map<string, ProgSpec>();
  for (const prog of progs) {
    const first = byName.get(prog.name);
    if (first !== undefined)
      throw new ObjectError('OBJECT_DUPLICATE', {
        what: 'programs',
        name: prog.name,
        first: `section ${first.section} at offset ${hex(first.offset)}`,
        second: `section ${prog.section} at offset ${hex(prog.offset)}`,
      });
    byName.set(prog.name, prog);
  }
}
