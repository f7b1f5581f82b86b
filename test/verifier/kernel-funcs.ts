// The kernel's functions by their ids in /sys/kernel/btf/vmlinux: what a kfunc call's imm says. Documentation/bpf/btf.rst.

import { readFileSync } from 'node:fs';

const KIND_FUNC = 12;

/** Ids of the kernel's functions in its BTF, by name. */
export function kernelFuncs(): ReadonlyMap<string, number> {
  const bytes = new Uint8Array(readFileSync('/sys/kernel/btf/vmlinux'));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [header, typesAt, typesSize, stringsAt] = [4, 8, 12, 16].map((at) => view.getUint32(at, true));
  const text = (offset: number): string => {
    const at = header + stringsAt + offset;
    return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
  };
  // Bytes behind `struct btf_type`, by kind: of the whole type, and for each of its vlen parts.
  const fixed: Readonly<Record<number, number>> = { 1: 4, 3: 12, 14: 4, 17: 4 };
  const parts: Readonly<Record<number, number>> = { 4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12 };
  const found = new Map<string, number>();
  let id = 0;
  for (let at = header + typesAt; at < header + typesAt + typesSize; ) {
    id++;
    const info = view.getUint32(at + 4, true);
    const kind = (info >>> 24) & 31;
    if (kind === KIND_FUNC) found.set(text(view.getUint32(at, true)), id);
    at += 12 + (fixed[kind] ?? 0) + (parts[kind] ?? 0) * (info & 0xffff);
  }
  return found;
}
