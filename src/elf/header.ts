/** The ELF header (System V ABI, chapter 4): is this a relocatable ELF64 little-endian BPF object, and where are its sections? */
import { ElfError } from '../errors/index.ts';
import { inRange, u64, viewOf } from '../util/bytes.ts';
import {
  ELF_HEADER_SIZE,
  EM_BPF,
  EM_NONE,
  ET_REL,
  FILE_TYPES,
  MACHINES,
  SECTION_HEADER_SIZE,
  SHN_LORESERVE,
  SHN_XINDEX,
} from './consts.ts';

export interface ElfHeader {
  readonly machine: number;
  /** File offset of the section header table. */
  readonly sectionTable: number;
  readonly sectionCount: number;
  /** Index of the section that holds section names. */
  readonly nameSection: number;
}

export function parseHeader(bytes: Uint8Array): ElfHeader {
  checkMagic(bytes);
  if (bytes.length < ELF_HEADER_SIZE)
    throw new ElfError('ELF_TRUNCATED', { what: 'ELF header', offset: 0, needed: 64, size: bytes.length });
  const view = viewOf(bytes);
  checkIdent(view);
  const machine = view.getUint16(18, true);
  // LLVM gave objects machine 0 before BPF had a number.
  if (machine !== EM_BPF && machine !== EM_NONE)
    throw new ElfError('ELF_MACHINE', { machine: machineName(machine), found: machine });
  const type = view.getUint16(16, true);
  if (type !== ET_REL) throw new ElfError('ELF_TYPE', { found: FILE_TYPES[type] ?? `an ELF file of type ${type}` });
  const version = view.getUint32(20, true);
  if (version !== 1) throw new ElfError('ELF_VERSION', { offset: 20, found: version });
  return { machine, ...sectionTable(bytes, view) };
}

function checkMagic(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new ElfError('ELF_EMPTY', {});
  const magic = [0x7f, 0x45, 0x4c, 0x46];
  if (magic.every((byte, i) => bytes[i] === byte)) return;
  if (bytes[0] === 0x42 && bytes[1] === 0x43 && bytes[2] === 0xc0 && bytes[3] === 0xde)
    throw new ElfError('ELF_LLVM_BITCODE', {});
  const found = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  throw new ElfError('ELF_MAGIC', { found });
}

function checkIdent(view: DataView): void {
  const order = view.getUint8(5);
  // Before the class: a 32-bit big-endian machine's object should name the machine.
  if (order === 2) throw new ElfError('ELF_BIG_ENDIAN', { machine: machineName(view.getUint16(18, false)) });
  if (order !== 1) throw new ElfError('ELF_BYTE_ORDER', { found: order });
  const elfClass = view.getUint8(4);
  if (elfClass !== 2) {
    const machine = machineName(view.getUint16(18, true));
    const found = elfClass === 1 ? `a 32-bit object, for ${machine}` : `class ${elfClass}`;
    throw new ElfError('ELF_CLASS', { found });
  }
  const version = view.getUint8(6);
  if (version !== 1) throw new ElfError('ELF_VERSION', { offset: 6, found: version });
}

function sectionTable(bytes: Uint8Array, view: DataView): Omit<ElfHeader, 'machine'> {
  const sectionTable = u64(view, 40);
  const entrySize = view.getUint16(58, true);
  const sectionCount = view.getUint16(60, true);
  const nameSection = view.getUint16(62, true);
  if (sectionTable === 0 && sectionCount === 0)
    throw new ElfError('ELF_HEADER', { field: 'e_shoff', offset: 40, found: 0, expected: 'a section header table' });
  if (sectionCount === 0) throw new ElfError('ELF_EXTENDED', { field: 'e_shnum', offset: 60 });
  if (nameSection === SHN_XINDEX) throw new ElfError('ELF_EXTENDED', { field: 'e_shstrndx', offset: 62 });
  if (sectionCount >= SHN_LORESERVE)
    throw new ElfError('ELF_HEADER', {
      field: 'e_shnum',
      offset: 60,
      found: sectionCount,
      expected: 'less than 65280 sections',
    });
  if (entrySize !== SECTION_HEADER_SIZE)
    throw new ElfError('ELF_HEADER', { field: 'e_shentsize', offset: 58, found: entrySize, expected: '64' });
  const needed = sectionCount * SECTION_HEADER_SIZE;
  if (!inRange(sectionTable, needed, bytes.length))
    throw new ElfError('ELF_TRUNCATED', {
      what: 'section header table',
      offset: sectionTable,
      needed,
      size: bytes.length,
    });
  if (nameSection >= sectionCount)
    throw new ElfError('ELF_HEADER', {
      field: 'e_shstrndx',
      offset: 62,
      found: nameSection,
      expected: `a section below ${sectionCount}`,
    });
  return { sectionTable, sectionCount, nameSection };
}

function machineName(machine: number): string {
  if (machine === EM_BPF) return 'BPF';
  return MACHINES[machine] ?? (machine === EM_NONE ? 'no machine' : `machine ${machine}`);
}
