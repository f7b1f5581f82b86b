/** Kfuncs a program calls -> rows of INPUT_KFUNCS, in the order of `LinkedProg.kfuncs`: a call's imm is the row. */

import type { LinkedProg } from '../link/types.ts';
import { lazy } from '../util/lazy.ts';
import * as abi from './abi.ts';
import { argFlags, argKind, KFUNC_FLAG_BITS, KFUNC_KINDS, numberBehind, UNDER_LOCK } from './kfunc-kinds.ts';
import type { RequestWriter } from './request.ts';
import type { StructTable } from './struct-table.ts';
import type { PacketType } from './tables/helpers-row.ts';
import { type KfuncRow, pointee } from './tables/kfuncs-row.ts';
import { kfuncRows } from './tables/kfuncs-rows.ts';
import { KERNEL_STRUCTS } from './tables/kfuncs-structs.ts';

const rows = lazy((): ReadonlyMap<string, KfuncRow> => new Map(kfuncRows().map((row) => [row.name, row])));
const MAX_ARGS = 5;
const SLOT_BYTES = 8;
const INSN_SIZE = 8;
const INSN_IMM = 4;

/** The kfunc of this name; a flavour (`bpf_dynptr_slice___x`) is the kfunc itself. */
export function kfuncRow(name: string): KfuncRow | undefined {
  return rows().get(name) ?? rows().get(name.replace(/___.*$/, ''));
}

/** Iterator whose kfunc this is: its struct. */
function iterOf(row: KfuncRow): string | undefined {
  const struct = pointee(row.args[0]?.type ?? '');
  return struct?.startsWith('bpf_iter_') === true ? struct : undefined;
}

function flagsOf(row: KfuncRow, type: PacketType): number {
  let flags = row.callers.has(type) ? abi.KFF_ALLOWED : 0;
  for (const flag of row.flags) flags |= KFUNC_FLAG_BITS[flag] ?? 0;
  const iter = iterOf(row);
  const maker = iter === undefined ? undefined : rows().get(`${iter}_new`);
  if (maker?.flags.has('RCU_PROTECTED') === true) flags |= abi.KFF_ITER_RCU;
  if (UNDER_LOCK.test(row.name)) flags |= abi.KFF_UNDER_LOCK;
  if (row.name === 'bpf_get_kmem_cache') flags |= abi.KFF_RET_UNTRUSTED;
  if (row.name.startsWith('bpf_xdp_metadata_')) flags |= abi.KFF_DEVICE_BOUND;
  return flags;
}

/** The kernel's own struct behind each ctx that programs see. */
const KERNEL_CTX: Readonly<Record<string, string>> = {
  __sk_buff: 'sk_buff',
  xdp_md: 'xdp_buff',
  bpf_sock: 'sock',
  bpf_sock_addr: 'bpf_sock_addr_kern',
  bpf_sock_ops: 'bpf_sock_ops_kern',
  sk_msg_md: 'sk_msg',
  bpf_sk_lookup: 'bpf_sk_lookup_kern',
  sk_reuseport_md: 'sk_reuseport_kern',
  bpf_nf_ctx: 'bpf_nf_ctx',
};

function writeRet(view: DataView, at: number, row: KfuncRow, ctx: string, structs: StructTable): void {
  const struct = row.name === 'bpf_cast_to_kern_ctx' ? KERNEL_CTX[ctx] : pointee(row.ret);
  const bytes = numberBehind(row.ret);
  let kind = abi.KRET_SCALAR;
  if (row.ret === 'void') kind = abi.KRET_VOID;
  else if (struct !== undefined) kind = abi.KRET_STRUCT;
  else if (bytes !== undefined) kind = abi.KRET_MEM;
  view.setUint32(at + abi.KF_RET, kind, true);
  view.setInt32(at + abi.KF_RET_STRUCT, struct === undefined ? -1 : structs.kernelStruct(struct), true);
  view.setUint32(at + abi.KF_RET_BYTES, bytes ?? 0, true);
}

/** Prototypes say `__sk_buff`, the ctx of tc; where a program has the kernel's own sk_buff, that is meant. */
function structOf(ctype: string, type: PacketType): string | undefined {
  const name = pointee(ctype);
  return name === '__sk_buff' && type === 'netfilter' ? 'sk_buff' : name;
}

function writeIter(view: DataView, at: number, row: KfuncRow): void {
  const iter = iterOf(row);
  const index = KERNEL_STRUCTS.findIndex((struct) => struct.name === iter);
  if (index < 0) return;
  view.setUint32(at + abi.KF_ITER_SLOTS, KERNEL_STRUCTS[index].size / SLOT_BYTES, true);
  view.setUint32(at + abi.KF_ITER_ID, index + 1, true);
}

function writeRow(
  view: DataView,
  at: number,
  row: KfuncRow,
  type: PacketType,
  ctx: string,
  structs: StructTable,
): void {
  view.setUint32(at + abi.KF_KIND, KFUNC_KINDS.get(row.name) ?? abi.KFUNC_PLAIN, true);
  view.setUint32(at + abi.KF_FLAGS, flagsOf(row, type), true);
  view.setUint32(at + abi.KF_ARG_COUNT, Math.min(row.args.length, MAX_ARGS), true);
  writeRet(view, at, row, ctx, structs);
  writeIter(view, at, row);
  row.args.slice(0, MAX_ARGS).forEach((arg, i) => {
    const to = at + abi.KF_ARGS + i * abi.KA_SIZE;
    const struct = structOf(arg.type, type);
    view.setUint32(to + abi.KA_KIND, argKind(row, arg, ctx), true);
    view.setUint32(to + abi.KA_FLAGS, argFlags(arg), true);
    view.setInt32(to + abi.KA_STRUCT, struct === undefined ? -1 : structs.kernelStruct(struct), true);
    view.setUint32(to + abi.KA_BYTES, numberBehind(arg.type) ?? 0, true);
  });
}

/** Every number an insn holds. */
function constantsOf(insns: Uint8Array): ReadonlySet<number> {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.length);
  const found = new Set<number>();
  for (let at = INSN_IMM; at + 4 <= insns.length; at += INSN_SIZE) found.add(view.getInt32(at, true));
  return found;
}

export function marshalKfuncs(input: RequestWriter, prog: LinkedProg, ctx: string, structs: StructTable): void {
  const bytes = new Uint8Array(prog.kfuncs.length * abi.KF_SIZE);
  const view = new DataView(bytes.buffer);
  prog.kfuncs.forEach((name, i) => {
    // An unknown one keeps a row of zeros: it may not be called.
    const row = kfuncRow(name);
    if (row !== undefined) writeRow(view, i * abi.KF_SIZE, row, prog.type as PacketType, ctx, structs);
  });
  if (prog.kfuncs.some((name) => /^bpf_(percpu_)?obj_new/.test(name))) structs.addAllLocal();
  if (prog.kfuncs.includes('bpf_rdonly_cast')) structs.addNumbered(constantsOf(prog.insns));
  input.table(abi.INPUT_KFUNCS, bytes, abi.INPUT_KFUNC_COUNT, prog.kfuncs.length);
}
