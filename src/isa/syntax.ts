/** The templates of the table's `syntax` column: literal text with holes for operands, as `{rd} = *(u32 *)({rs} {off})`. */

/** Fields of an insn that an operand fills; `next` is imm of the second slot of `ld_imm64`. */
export type Field = 'dst' | 'src' | 'off' | 'imm' | 'next';

/** Each hole: the fields it fills, and what the assembler's messages call it. */
export const HOLES = {
  rd: { fields: ['dst'], expected: 'a register r0 to r10' },
  rs: { fields: ['src'], expected: 'a register r0 to r10' },
  wd: { fields: ['dst'], expected: 'a register w0 to w10' },
  ws: { fields: ['src'], expected: 'a register w0 to w10' },
  /** Byte offset of an access, always with its sign. */
  off: { fields: ['off'], expected: 'an offset from -32768 to +32767' },
  /** Sign-extended to 64 bits, so that 0xffffffff would not be what it says. */
  imm: { fields: ['imm'], expected: 'an integer from -2147483648 to 2147483647 (`ll` after it takes 64 bits)' },
  /** Of a 32-bit operation: signed or unsigned. */
  imm32: { fields: ['imm'], expected: 'an integer from -2147483648 to 4294967295' },
  /** What the kernel prints as unsigned hex, though 64-bit comparisons sign-extend it. */
  hex: { fields: ['imm'], expected: 'an integer from -2147483648 to 0xffffffff' },
  /** Address spaces of a cast, the one it leads to first: imm has them in its halves. */
  spaces: { fields: ['imm'], expected: 'address spaces `0, 1` or `1, 0`' },
  imm64: { fields: ['imm', 'next'], expected: 'an integer of 64 bits' },
  next: { fields: ['next'], expected: 'an integer of 32 bits' },
  /** Index of the BTF module in the fd array. */
  module: { fields: ['off'], expected: 'an integer from -32768 to 32767' },
  to: { fields: ['off'], expected: 'pc+N with N from -32768 to 32767, or a label' },
  tol: { fields: ['imm'], expected: 'pc+N or a label' },
  rel: { fields: ['imm'], expected: '+N or a label' },
  helper: { fields: ['imm'], expected: 'a helper (bpf_map_lookup_elem#1)' },
  /** Index of a map in the list that the assembler was given. */
  name: { fields: ['imm'], expected: 'the name of a map that the assembler was given' },
} as const satisfies Record<string, { readonly fields: readonly Field[]; readonly expected: string }>;

/** imm of addr_space_cast: from address space 1, the arena's, to 0, and back. */
export const CAST_TO_KERNEL = 1;
export const CAST_TO_USER = 1 << 16;
export const CASTS: readonly number[] = [CAST_TO_KERNEL, CAST_TO_USER];

export type Hole = keyof typeof HOLES;
export type Part = { readonly text: string } | { readonly hole: Hole };

export function templateParts(syntax: string): Part[] {
  return syntax
    .split(/(\{\w+\})/)
    .filter((piece) => piece !== '')
    .map((piece) => (piece.startsWith('{') ? { hole: piece.slice(1, -1) as Hole } : { text: piece }));
}

/** The fields that a template's operands fill. */
export function fieldsOf(syntax: string): Field[] {
  return templateParts(syntax).flatMap((part) => ('hole' in part ? [...HOLES[part.hole].fields] : []));
}
