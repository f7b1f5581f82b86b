// The least BTF the kernel wants before it lets a subprogram tail-call: `int main(void *)`, `int sub1(void *)`, ...
// Documentation/bpf/btf.rst: header, BTF_KIND_INT, _PTR, _FUNC_PROTO, _FUNC; and bpf_func_info records.

const BTF_MAGIC = 0xeb9f;
const BTF_HEADER_SIZE = 24;
const KIND_INT = 1;
const KIND_PTR = 2;
const KIND_FUNC = 12;
const KIND_FUNC_PROTO = 13;
const OP_CALL = 0x85;
const PSEUDO_CALL = 1;

/** Slots where functions begin: 0 and every target of a BPF_PSEUDO_CALL. */
export function subprogStarts(insns: Uint8Array): number[] {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.length);
  const starts = new Set([0]);
  for (let at = 0; at < insns.length; at += 8) {
    if (insns[at] === OP_CALL && insns[at + 1]! >> 4 === PSEUDO_CALL)
      starts.add(at / 8 + 1 + view.getInt32(at + 4, true));
    if (insns[at] === 0x18) at += 8;
  }
  return [...starts].sort((a, b) => a - b);
}

export interface SubprogBtf {
  readonly btf: Uint8Array;
  readonly funcInfo: Uint8Array;
}

/** BTF and func_info for `insns`; undefined when it has no subprogram. */
export function subprogBtf(insns: Uint8Array): SubprogBtf | undefined {
  const starts = subprogStarts(insns);
  if (starts.length === 1) return undefined;
  const names = ['', 'int', 'ctx', ...starts.map((_, i) => (i === 0 ? 'main' : `sub${i}`))];
  const offsets = names.map((_, i) => names.slice(0, i).reduce((sum, name) => sum + name.length + 1, 0));
  const info = (kind: number, vlen = 0): number => (kind << 24) | vlen;
  const types = [
    [offsets[1]!, info(KIND_INT), 4, (1 << 24) | 32],
    [0, info(KIND_PTR), 0],
    [0, info(KIND_FUNC_PROTO, 1), 1, offsets[2]!, 2],
    ...starts.map((_, i) => [offsets[i + 3]!, info(KIND_FUNC), 3]),
  ].flat();
  const strings = new TextEncoder().encode(names.map((name) => `${name}\0`).join(''));
  const btf = new Uint8Array(BTF_HEADER_SIZE + types.length * 4 + strings.length);
  const header = [BTF_HEADER_SIZE, 0, types.length * 4, types.length * 4, strings.length];
  new DataView(btf.buffer).setUint16(0, BTF_MAGIC, true);
  btf[2] = 1;
  btf.set(new Uint8Array(Uint32Array.from([...header, ...types]).buffer), 4);
  btf.set(strings, BTF_HEADER_SIZE + types.length * 4);
  return { btf, funcInfo: new Uint8Array(Uint32Array.from(starts.flatMap((pc, i) => [pc, 4 + i])).buffer) };
}
