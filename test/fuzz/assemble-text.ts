/** Insns of text, as bytes. */
import { assemble } from '../../src/isa/asm.ts';

/** `; ` separates insns as a new line does. */
export function bytesOf(text: string): Uint8Array {
  const insns = assemble(text.replace(/; /g, '\n'));
  const view = new DataView(new ArrayBuffer(insns.length * 8));
  insns.forEach((insn, pc) => {
    view.setUint8(pc * 8, insn.opcode);
    view.setUint8(pc * 8 + 1, (insn.src << 4) | insn.dst);
    view.setInt16(pc * 8 + 2, insn.off, true);
    view.setInt32(pc * 8 + 4, insn.imm, true);
  });
  return new Uint8Array(view.buffer);
}
