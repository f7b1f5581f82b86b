/** `bpf_core_type_matches` on types made by hand: what a kernel's type must have of the program's. */
import { expect, test } from 'vitest';
import type { Btf, BtfType } from '../src/btf/types.ts';
import { typesMatch } from '../src/link/core/match.ts';

const ROOT = 1;
const btf = (...types: BtfType[]): Btf => ({
  types: [{ kind: 'void', name: '' }, ...types],
  strings: new Uint8Array(),
});
const int = (size: number, encoding: '' | 'signed' = ''): BtfType => {
  return { kind: 'int', name: 'int', size, bits: size * 8, bitOffset: 0, encoding };
};
const enumOf = (size: number, names: readonly string[]): BtfType => {
  return { kind: 'enum', name: 'e', size, signed: false, values: names.map((name, value) => ({ name, value })) };
};
const enum64: BtfType = { kind: 'enum64', name: 'e', size: 8, signed: false, values: [{ name: 'A', value: 0n }] };
const member = (name: string, type: number) => ({ name, type, bitOffset: 0, bitSize: 0 });
const struct = (...members: ReturnType<typeof member>[]): BtfType => ({ kind: 'struct', name: 's', size: 8, members });
const ptr = (type: number): BtfType => ({ kind: 'ptr', name: '', type });
const fwd: BtfType = { kind: 'fwd', name: 's', union: false };

test.each<[string, Btf, Btf, boolean]>([
  ['the same enum', btf(enumOf(4, ['A'])), btf(enumOf(4, ['A', 'B'])), true],
  ['flavours of enumerators', btf(enumOf(4, ['A___x'])), btf(enumOf(4, ['A'])), true],
  ['an enumerator less', btf(enumOf(4, ['A', 'B'])), btf(enumOf(4, ['A'])), false],
  ['an enum of another size', btf(enumOf(4, ['A'])), btf(enumOf(1, ['A'])), false],
  ['an enum of 64 bits for one of 32', btf(enumOf(4, ['A'])), btf(enum64), false],
  ['an enum64 for an enum of 8 bytes', btf(enumOf(8, ['A'])), btf(enum64), true],
  ['a number of another size', btf(int(4)), btf(int(8)), false],
  ['a number with a sign', btf(int(4)), btf(int(4, 'signed')), false],
  ['a member more', btf(struct(member('a', 2)), int(4)), btf(struct(member('b', 2), member('a', 2)), int(4)), true],
  ['a member less', btf(struct(member('a', 2), member('b', 2)), int(4)), btf(struct(member('a', 2)), int(4)), false],
  ['a member of another type', btf(struct(member('a', 2)), int(4)), btf(struct(member('a', 2)), int(8)), false],
  [
    'behind a pointer, a struct without its members',
    btf(ptr(2), fwd),
    btf(ptr(2), struct(member('a', 3)), int(4)),
    true,
  ],
  ['a declaration for a struct', btf(fwd), btf(struct()), false],
])('%s', (_, local, target, expected) => {
  expect(typesMatch(local, ROOT, target, ROOT)).toBe(expected);
});
