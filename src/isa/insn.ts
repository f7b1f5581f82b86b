/**
 * One BPF instruction slot as RFC 9669 section 3 encodes it: 8 bytes, little-endian.
 *
 *     | opcode:8 | dst:4 src:4 (dst in the low half) | off:16 signed | imm:32 signed |
 *
 * `ld_imm64` takes two slots; the second holds the upper 32 bits in `imm` and is zero otherwise.
 */
export interface Insn {
  readonly opcode: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
}
