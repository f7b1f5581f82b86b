/** Kfunc prototypes as the verifier's module reads them: rows of KF_SIZE (assembly/verifier/abi.ts, "Kfuncs"). */
import * as abi from '../../../assembly/verifier/abi.ts';
import type { PacketType } from './helpers-row.ts';
import { argKind, ITERATORS, iteratorOf, kernelStruct, kfuncAllowed, kfuncRow, retKind } from './kfuncs.ts';
import type { KfuncFlag, KfuncRow } from './kfuncs-row.ts';

const FLAG_BITS: Partial<Readonly<Record<KfuncFlag, number>>> = {
  ACQUIRE: abi.KFF_ACQUIRE,
  RELEASE: abi.KFF_RELEASE,
  RET_NULL: abi.KFF_RET_NULL,
  TRUSTED_ARGS: abi.KFF_TRUSTED_ARGS,
  SLEEPABLE: abi.KFF_SLEEPABLE,
  DESTRUCTIVE: abi.KFF_DESTRUCTIVE,
  RCU: abi.KFF_RCU,
  RCU_PROTECTED: abi.KFF_RCU_PROTECTED,
  ITER_NEW: abi.KFF_ITER_NEW,
  ITER_NEXT: abi.KFF_ITER_NEXT,
  ITER_DESTROY: abi.KFF_ITER_DESTROY,
  FASTCALL: abi.KFF_FASTCALL,
};

/** KFUNC_ constants by the kfunc's name without `bpf_` and `_impl`. */
const KINDS: ReadonlyMap<string, number> = new Map(
  Object.entries(abi).filter(([name]) => /^KFUNC_[A-Z_]+$/.test(name) && name !== 'KFUNC_PLAIN'),
);

/** KF_KIND of a kfunc: KFUNC_PLAIN when it has no rules of its own. */
export function kfuncKind(name: string): number {
  if (name === '__bpf_trap') return abi.KFUNC_TRAP;
  if (kfuncRow(name)?.flags.has('CHANGES_PKT') === true) return abi.KFUNC_MOVES_PACKET;
  return KINDS.get(`KFUNC_${name.replace(/^bpf_|_impl$/g, '').toUpperCase()}`) ?? abi.KFUNC_PLAIN;
}

/** Structs that the prototypes of these kfuncs name, each once. */
export function kfuncStructs(names: readonly string[], progType: PacketType): readonly string[] {
  const found = names.flatMap((name) => {
    const row = kfuncRow(name);
    if (row === undefined) return [];
    return [...row.args.map((_arg, i) => argKind(row, i, progType).struct), retKind(row).struct];
  });
  return [...new Set(found.filter((name) => name !== undefined))];
}

function flagsOf(row: KfuncRow, progType: PacketType): number {
  let flags = kfuncAllowed(row, progType) ? abi.KFF_ALLOWED : 0;
  for (const flag of row.flags) flags |= FLAG_BITS[flag] ?? 0;
  const iterator = iteratorOf(row);
  const maker = iterator === undefined ? undefined : kfuncRow(`${iterator}_new`);
  return maker?.flags.has('RCU_PROTECTED') === true ? flags | abi.KFF_ITER_RCU : flags;
}

function writeRow(view: DataView, at: number, row: KfuncRow, options: Required<EncodeKfuncOptions>): void {
  const { progType, structIndex } = options;
  const struct = (name: string | undefined): number => (name === undefined ? -1 : structIndex(name));
  const ret = retKind(row);
  const iterator = iteratorOf(row);
  view.setUint32(at + abi.KF_KIND, kfuncKind(row.name), true);
  view.setUint32(at + abi.KF_FLAGS, flagsOf(row, progType), true);
  view.setUint32(at + abi.KF_ARG_COUNT, row.args.length, true);
  view.setUint32(at + abi.KF_RET, ret.kind, true);
  view.setInt32(at + abi.KF_RET_STRUCT, struct(ret.struct), true);
  view.setUint32(at + abi.KF_RET_BYTES, ret.bytes, true);
  if (iterator !== undefined) {
    view.setUint32(at + abi.KF_ITER_SLOTS, (kernelStruct(iterator)?.size ?? 0) / 8, true);
    view.setUint32(at + abi.KF_ITER_ID, ITERATORS.indexOf(iterator) + 1, true);
  }
  row.args.forEach((_arg, i) => {
    const arg = argKind(row, i, progType);
    const where = at + abi.KF_ARGS + i * abi.KA_SIZE;
    view.setUint32(where + abi.KA_KIND, arg.kind, true);
    view.setUint32(where + abi.KA_FLAGS, arg.flags, true);
    view.setInt32(where + abi.KA_STRUCT, struct(arg.struct), true);
    view.setUint32(where + abi.KA_BYTES, arg.bytes, true);
  });
}

export interface EncodeKfuncOptions {
  readonly progType: PacketType;
  /** Row of INPUT_STRUCTS that a struct is at; -1 for one that is not there. */
  readonly structIndex?: (name: string) => number;
}

/** The table for INPUT_KFUNCS of a program that calls these kfuncs, in this order. Names that nobody may call have a row of zeros. */
export function encodeKfuncs(names: readonly string[], options: EncodeKfuncOptions): Uint8Array {
  const bytes = new Uint8Array(names.length * abi.KF_SIZE);
  const view = new DataView(bytes.buffer);
  const structIndex = options.structIndex ?? (() => -1);
  for (const [i, name] of names.entries()) {
    const row = kfuncRow(name);
    if (row !== undefined) writeRow(view, i * abi.KF_SIZE, row, { progType: options.progType, structIndex });
  }
  return bytes;
}
