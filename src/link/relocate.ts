/**
 * Resolves what instructions refer to (Documentation/bpf/llvm_reloc.rst): maps, data, functions and externs become the
 * kernel's pseudo forms. The addend is in the instruction: of `ld_imm64` its imm, of a call (imm + 1) * 8.
 */
import {
  BPF_CALL,
  BPF_DW,
  BPF_IMM,
  BPF_INSN_SIZE,
  BPF_JMP,
  BPF_LD,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
} from '../../assembly/isa.ts';
import type { Btf } from '../btf/types.ts';
import { R_BPF_64_32, R_BPF_64_64, RELOC_NAMES, SHN_UNDEF } from '../elf/consts.ts';
import type { ElfRelocation, ElfSection, ElfSymbol } from '../elf/types.ts';
import { type FieldsOf, LinkError } from '../errors/index.ts';
import type { LINK_ERRORS } from '../errors/link.ts';
import type { BpfObject, ExternSpec, MapSpec } from '../object/types.ts';
import { copyBytes, hex, viewOf } from '../util/bytes.ts';
import { kernelFuncs } from './kernel-funcs.ts';
import type { Lookup } from './lookup.ts';
import { within } from './records.ts';
import type { Layout, PlacedFunc } from './subprogs.ts';

const LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW;
const CALL = BPF_JMP | BPF_CALL;
const TRAP = '__bpf_trap';
const POINTER_SIZE = 8;

/** Fields of an error that say where; the rest is the row's own. */
type Rest<C extends keyof typeof LINK_ERRORS> = Omit<FieldsOf<typeof LINK_ERRORS, C>, 'prog' | 'section' | 'offset'>;

/** Collects a program's references while its functions are relocated one after the other. */
export class Relocator {
  /** What the instructions refer to, each with its index. */
  readonly maps = new Map<MapSpec, number>();
  readonly kfuncs = new Map<string, number>();
  private readonly object: BpfObject;
  private readonly prog: string;
  private readonly layout: Layout;
  private readonly lookup: Lookup;
  private readonly target: Btf | 'local';
  private func!: PlacedFunc;
  private view!: DataView;
  /** Byte offset of the current instruction in its function. */
  private at = 0;

  /** `target`: what CO-RE is resolved against. */
  constructor(object: BpfObject, prog: string, layout: Layout, lookup: Lookup, target: Btf | 'local') {
    this.target = target;
    this.object = object;
    this.prog = prog;
    this.layout = layout;
    this.lookup = lookup;
  }

  /**
   * The function's instructions with every reference resolved. A function that is reached for the first time is placed in the layout and
   * yielded: the caller relocates it before this one goes on.
   */
  *relocate(func: PlacedFunc): Generator<PlacedFunc, Uint8Array, void> {
    const { offset, size } = func.spec;
    const section = this.object.elf.sections[func.spec.sectionIndex];
    const insns = copyBytes(section.data, offset, offset + size);
    const view = viewOf(insns);
    this.enter(func, view, 0);
    const relocs = this.relocationsOf(section);
    for (let at = 0; at < size; at += BPF_INSN_SIZE) {
      this.at = at;
      const reloc = relocs.get(at);
      const wide = this.opcode() === LD_IMM64 && at + 2 * BPF_INSN_SIZE <= size;
      const placed = this.layout.funcs.length;
      if (reloc !== undefined) this.apply(reloc, wide);
      else this.applyLocal();
      if (this.layout.funcs.length > placed) {
        yield this.layout.funcs[placed];
        this.enter(func, view, at);
      }
      if (!wide) continue;
      at += BPF_INSN_SIZE;
      this.at = at;
      const second = relocs.get(at);
      if (second !== undefined) this.refuseInsn(second);
    }
    return insns;
  }

  private enter(func: PlacedFunc, view: DataView, at: number): void {
    this.func = func;
    this.view = view;
    this.at = at;
  }

  /** The current function's relocations, by offset in it. */
  private relocationsOf(section: ElfSection): ReadonlyMap<number, ElfRelocation> {
    const { spec } = this.func;
    const relocs = new Map<number, ElfRelocation>();
    for (const reloc of within(section.relocations, (r) => r.offset, spec)) {
      this.at = reloc.offset - spec.offset;
      if (this.at % BPF_INSN_SIZE !== 0 || relocs.has(this.at)) this.refuseInsn(reloc);
      relocs.set(this.at, reloc);
    }
    return relocs;
  }

  private apply(reloc: ElfRelocation, wide: boolean): void {
    const symbol = this.object.elf.symbols[reloc.symbol];
    if (reloc.type === R_BPF_64_64) {
      if (!wide) this.refuseInsn(reloc);
      this.applyAddress(symbol);
    } else if (reloc.type === R_BPF_64_32) {
      if (this.opcode() !== CALL) this.refuseInsn(reloc);
      this.applyCall(symbol);
    } else {
      const type = RELOC_NAMES[reloc.type] ?? `${reloc.type}`;
      this.fail('LINK_RELOC_TYPE', { type, symbol: this.nameOf(symbol) });
    }
  }

  /** Calls within a section carry no relocation; everything else that refers to something must. */
  private applyLocal(): void {
    const opcode = this.opcode();
    if (opcode === CALL && this.src() === BPF_PSEUDO_CALL) {
      this.callFunc(this.func.spec.sectionIndex, this.sectionOffset() + (this.imm() + 1) * BPF_INSN_SIZE);
    } else if (opcode === LD_IMM64 && this.src() !== 0) {
      this.fail('LINK_UNRESOLVED', { found: `the address of something (ld_imm64 with src ${this.src()})` });
    } else if (opcode === CALL && this.src() === BPF_PSEUDO_KFUNC_CALL) {
      this.fail('LINK_UNRESOLVED', { found: 'a kfunc call' });
    }
  }

  private applyCall(symbol: ElfSymbol): void {
    if (symbol.section === SHN_UNDEF) {
      this.callKfunc(symbol);
      return;
    }
    if (!this.lookup.code.has(symbol.section)) this.failTarget(symbol, 'is called, and that is no code');
    this.callFunc(symbol.section, symbol.value + (this.imm() + 1) * BPF_INSN_SIZE);
  }

  private callFunc(sectionIndex: number, offset: number): void {
    const target = this.layout.reach(sectionIndex, offset);
    if (target === undefined) {
      const name = this.object.elf.sections[sectionIndex].name;
      this.fail('LINK_CALL_TARGET', { target: `offset ${hex(offset)} of section ${name}` });
    }
    this.setSrc(BPF_PSEUDO_CALL);
    this.setImm(0, target.start - (this.pc() + 1));
  }

  private callKfunc(symbol: ElfSymbol): void {
    // Recent LLVM calls it where code cannot be reached, whether or not BTF has it.
    const extern = symbol.name === TRAP ? { kind: 'kfunc', name: TRAP } : this.extern(symbol);
    if (extern.kind !== 'kfunc') this.failTarget(symbol, 'is a call, and that is no function');
    this.setSrc(BPF_PSEUDO_KFUNC_CALL);
    this.setImm(0, indexIn(this.kfuncs, extern.name));
  }

  private applyAddress(symbol: ElfSymbol): void {
    const offset = symbol.value + this.imm();
    if (symbol.section === SHN_UNDEF) {
      this.addressOfExtern(symbol);
    } else if (this.lookup.code.has(symbol.section)) {
      this.addressOfFunc(symbol.section, offset);
    } else if (this.lookup.arena?.section === symbol.section) {
      this.setReference(BPF_PSEUDO_MAP_IDX_VALUE, indexIn(this.maps, this.lookup.arena.map), offset);
    } else {
      const target = this.lookup.mapSection(symbol.section);
      if (target === undefined) this.failTarget(symbol, 'is neither map, data nor code');
      else if (target === 'maps') this.addressOfMap(symbol, offset);
      else this.addressOfData(target, offset);
    }
  }

  private addressOfMap(symbol: ElfSymbol, offset: number): void {
    const map = this.lookup.map(symbol.section, offset);
    if (map === undefined) this.failTarget(symbol, `is at offset ${hex(offset)}, where no map begins`);
    this.setReference(BPF_PSEUDO_MAP_IDX, indexIn(this.maps, map), 0);
  }

  private addressOfFunc(sectionIndex: number, offset: number): void {
    const target = this.layout.reach(sectionIndex, offset);
    if (target === undefined) {
      const name = this.object.elf.sections[sectionIndex].name;
      this.fail('LINK_CALL_TARGET', { target: `offset ${hex(offset)} of section ${name}` });
    }
    this.setReference(BPF_PSEUDO_FUNC, target.start - (this.pc() + 1), 0);
  }

  private addressOfData(map: MapSpec, offset: number): void {
    if (offset < 0 || offset >= map.valueSize)
      this.fail('LINK_DATA_RANGE', { map: map.name, found: `${offset}`, size: map.valueSize });
    const section = this.object.elf.sections[map.sectionIndex];
    // Other data of the section is good all the same.
    const pointer = section.relocations.find((reloc) => offset >= reloc.offset && offset < reloc.offset + POINTER_SIZE);
    if (pointer !== undefined) {
      const symbol = this.nameOf(this.object.elf.symbols[pointer.symbol]);
      const fields = { prog: this.prog, section: this.sectionName(), data: section.name };
      throw new LinkError('LINK_DATA_RELOC', { ...fields, offset: hex(pointer.offset), symbol });
    }
    this.setReference(BPF_PSEUDO_MAP_IDX_VALUE, indexIn(this.maps, map), offset);
  }

  private addressOfExtern(symbol: ElfSymbol): void {
    const extern = this.extern(symbol);
    if (extern.kind === 'kfunc') {
      // Programs compare it with NULL before they call it. What kernel this will run on is known by its BTF alone.
      const id = this.target === 'local' ? undefined : kernelFuncs(this.target).get(extern.name);
      if (id !== undefined) {
        this.setReference(BPF_PSEUDO_BTF_ID, id, 0);
        return;
      }
    }
    if (extern.kind !== 'kconfig') {
      // A weak kernel symbol that is not there is NULL, and programs check for it.
      if (!extern.weak) this.fail('LINK_KSYM', { name: extern.name });
      this.setReference(0, 0, 0);
      return;
    }
    if (!extern.resolved && !extern.weak) this.fail('LINK_KCONFIG', { name: extern.name });
    const map = this.lookup.kconfig;
    if (map === undefined) this.fail('LINK_EXTERN', { name: extern.name });
    const offset = this.imm();
    if (offset < 0 || offset >= extern.size)
      this.fail('LINK_DATA_RANGE', { map: extern.name, found: `${offset}`, size: extern.size });
    this.setReference(BPF_PSEUDO_MAP_IDX_VALUE, indexIn(this.maps, map), extern.offset + offset);
  }

  private extern(symbol: ElfSymbol): ExternSpec {
    const extern = this.lookup.externs.get(symbol.name);
    return extern ?? this.fail('LINK_EXTERN', { name: this.nameOf(symbol) });
  }

  private opcode(): number {
    return this.view.getUint8(this.at);
  }
  private src(): number {
    return this.view.getUint8(this.at + 1) >> 4;
  }
  private imm(): number {
    return this.view.getInt32(this.at + 4, true);
  }
  /** Slot of the current instruction in the linked program. */
  private pc(): number {
    return this.func.start + this.at / BPF_INSN_SIZE;
  }
  private setSrc(src: number): void {
    this.view.setUint8(this.at + 1, (this.view.getUint8(this.at + 1) & 0xf) | (src << 4));
  }
  private setImm(slot: 0 | 1, imm: number): void {
    this.view.setInt32(this.at + slot * BPF_INSN_SIZE + 4, imm, true);
  }
  private setReference(src: number, first: number, second: number): void {
    this.setSrc(src);
    this.setImm(0, first);
    this.setImm(1, second);
  }

  private sectionOffset(): number {
    return this.func.spec.offset + this.at;
  }
  private sectionName(): string {
    return this.object.elf.sections[this.func.spec.sectionIndex].name;
  }
  private nameOf(symbol: ElfSymbol): string {
    return symbol.name || this.object.elf.sections[symbol.section]?.name || `symbol ${symbol.index}`;
  }

  private refuseInsn(reloc: ElfRelocation): never {
    const symbol = this.nameOf(this.object.elf.symbols[reloc.symbol]);
    const expected = reloc.type === R_BPF_64_32 ? 'a call' : 'the first half of ld_imm64, once';
    const found = `an instruction with opcode ${hex(this.view.getUint8(this.at))} (byte ${this.at % BPF_INSN_SIZE} of its slot)`;
    return this.fail('LINK_RELOC_INSN', { symbol, found, expected });
  }

  private failTarget(symbol: ElfSymbol, why: string): never {
    const section = this.object.elf.sections[symbol.section]?.name ?? 'no section';
    return this.fail('LINK_RELOC_TARGET', { symbol: this.nameOf(symbol), target: section, why });
  }

  private fail<C extends keyof typeof LINK_ERRORS>(code: C, rest: Rest<C>): never {
    const where = { prog: this.prog, section: this.sectionName(), offset: hex(this.sectionOffset()) };
    throw new LinkError(code, { ...where, ...rest } as FieldsOf<typeof LINK_ERRORS, C>);
  }
}

function indexIn<T>(indices: Map<T, number>, item: T): number {
  const index = indices.get(item) ?? indices.size;
  indices.set(item, index);
  return index;
}
