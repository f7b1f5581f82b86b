/** The types of a kernel that a command's programs are linked and verified against. */
import { parseBtf } from '../btf/parse.ts';
import type { Btf } from '../btf/types.ts';
import { parseElf } from '../elf/elf.ts';
import type { BpfObject } from '../object/types.ts';
import { KERNEL_BTF, readKernelBtf } from '../platform/node.ts';
import { UsageError } from './errors.ts';
import { readInput, saying } from './files.ts';

export const BTF_HELP =
  "  --btf kernel|FILE      a kernel's types that CO-RE relocations are resolved against (default: the object's own)";

/** For the linker and the verifier. */
export function withTarget(btf: Btf | undefined): { core?: Btf; verify?: { btf: Btf } } {
  return btf === undefined ? {} : { core: btf, verify: { btf } };
}

/** Has it relocations that only a kernel's types answer? */
export function needsTarget(object: BpfObject): boolean {
  return object.btfExt !== undefined && object.btfExt.coreRelos.size > 0;
}

/**
 * `kernel`: the running one's; `kernel-if-readable`: or none; `none`: undefined; anything else is a file, raw BTF or an object that has
 * a `.BTF` section.
 */
export function targetBtf(from: string): Btf | undefined {
  if (from === 'none') return undefined;
  if (from === 'kernel-if-readable' || from === 'kernel') {
    const found = readKernelBtf();
    if (found !== undefined || from !== 'kernel') return found;
    throw new UsageError(`--btf: there is no ${KERNEL_BTF} to read here; give a file, or none`);
  }
  const bytes = readInput(from);
  try {
    return fromBytes(bytes, from);
  } catch (error) {
    throw saying(`--btf ${from}`, error);
  }
}

function fromBytes(bytes: Uint8Array, from: string): Btf {
  if (bytes[0] !== 0x7f) return parseBtf(bytes);
  const section = parseElf(bytes).sections.find(({ name }) => name === '.BTF');
  if (section === undefined) throw new UsageError(`--btf: ${from} has no .BTF section`);
  return parseBtf(section.data);
}
