/** Kernel configuration values: what a configuration file's text, and what nobody said, mean for each type of extern. */
import { expect, test } from 'vitest';
import type { Btf, BtfType } from '../src/btf/types.ts';
import { kconfigDefault, kconfigInput } from '../src/object/kconfig.ts';

const int = (size: number, encoding: '' | 'signed' | 'char' | 'bool' = ''): BtfType => {
  return { kind: 'int', name: 'int', size, bits: size * 8, bitOffset: 0, encoding };
};
const values = [{ name: 'TRI_NO', value: 0 }];
const TYPES: Readonly<Record<string, BtfType>> = {
  u32: int(4),
  s8: int(1, 'signed'),
  char: int(1),
  bool: int(1, 'bool'),
  tristate: { kind: 'enum', name: 'libbpf_tristate', size: 4, signed: false, values },
  enum: { kind: 'enum', name: 'other', size: 4, signed: false, values },
  string: { kind: 'array', name: '', type: 0, indexType: 0, length: 8 },
};

/** The type itself, or behind its variable. */
const btfOf = (type: string, variable: boolean): Btf => {
  const named: BtfType[] = variable ? [{ kind: 'var', name: 'CONFIG_X', type: 2, linkage: 'extern' }] : [];
  return { types: [{ kind: 'void', name: '' }, ...named, TYPES[type]], strings: new Uint8Array() };
};

test.each([
  ['bool', 'y', true],
  ['bool', 'n', false],
  ['bool', 'm', 'm'],
  ['tristate', 'n', 0],
  ['tristate', 'y', 1],
  ['tristate', 'm', 2],
  ['char', 'y', 121],
  ['char', 'm', 109],
  ['u32', '300', 300n],
  ['u32', '0x12C', 300n],
  ['s8', '-5', -5n],
  ['s8', '-0x10', -16n],
  ['u32', 'y', 'y'],
  ['string', 'ext4', 'ext4'],
  ['u32', 7, 7],
])('%s %s is %s', (type, value, expected) => {
  for (const variable of [false, true]) expect(kconfigInput(btfOf(type, variable), 1, value)).toEqual(expected);
});

test.each([
  ['u32', 'LINUX_KERNEL_VERSION', 0x061200],
  ['char', 'LINUX_KERNEL_VERSION', undefined],
  ['bool', 'LINUX_HAS_SYSCALL_WRAPPER', true],
  ['s8', 'CONFIG_PAGE_SHIFT', 12],
  ['s8', 'CONFIG_HZ', undefined],
  ['tristate', 'CONFIG_NET', 1],
  ['enum', 'CONFIG_NET', undefined],
  ['bool', 'CONFIG_NET', true],
  ['char', 'CONFIG_NET', 121],
  ['u32', 'CONFIG_NET', undefined],
  ['string', 'CONFIG_HZ', undefined],
  ['u32', 'CONFIG_NOT_KNOWN', undefined],
])('%s %s is %s unless it is given', (type, name, expected) => {
  for (const variable of [false, true]) expect(kconfigDefault(btfOf(type, variable), name, 1)).toEqual(expected);
});
