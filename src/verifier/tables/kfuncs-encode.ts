/** Kfunc prototypes as the verifier's module reads them: rows of KF_SIZE (assembly/verifier/abi.ts, "Kfunc prototypes"). */
import * as abi from '../../../assembly/verifier/abi.ts';
import type { PacketType } from './helpers-row.ts';
import { argKind, kfuncAllowed, kfuncRow, retKind } from './kfuncs.ts';
import type { KfuncFlag, KfuncRow } from './kfuncs-row.ts';

const FLAG_BITS: Readonly<Record<KfuncFlag, number>> = {
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
  CHANGES_PKT: abi.KFF_CHANGES_PKT,
};

/** KFUNC_ constants by the kfunc's name. */
const SPECIALS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(abi)
    .filter(([name]) => name.startsWith('KFUNC_'))
    .map(([name, id]): [string, number] => [`bpf_${name.slice('KFUNC_'.length)}`, id as number]),
  ['__bpf_trap', abi.KFUNC_trap],
]);

/** KF_SPECIAL of a kfunc; 0 when it has no rules of its own. */
export function kfuncSpecial(name: string): number {
  return SPECIALS.get(name) ?? 0;
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

function writeRow(view: DataView, at: number, row: KfuncRow, options: Required<EncodeKfuncOptions>): void {
  const { progType, structIndex } = options;
  const detail = (size: number, struct: string | undefined): number =>
    struct === undefined ? size : structIndex(struct);
  row.args.forEach((_arg, i) => {
    const { kind, size, struct } = argKind(row, i, progType);
    view.setUint32(at + abi.KF_ARGS + i * abi.KF_ARG_SIZE, kind, true);
    view.setInt32(at + abi.KF_ARGS + i * abi.KF_ARG_SIZE + 4, detail(size, struct), true);
  });
  const ret = retKind(row);
  view.setUint32(at + abi.KF_ARG_COUNT, row.args.length, true);
  view.setUint32(at + abi.KF_RET, ret.kind, true);
  view.setInt32(at + abi.KF_RET_DETAIL, detail(ret.size, ret.struct), true);
  let flags = kfuncAllowed(row, progType) ? abi.KFF_ALLOWED : 0;
  for (const flag of row.flags) flags |= FLAG_BITS[flag];
  view.setUint32(at + abi.KF_FLAGS, flags, true);
  view.setUint32(at + abi.KF_SPECIAL, kfuncSpecial(row.name), true);
}

export interface EncodeKfuncOptions {
  readonly progType: PacketType;
  /** Row of INPUT_STRUCTS that a struct is at; -1 for one that is not there. */
  readonly structIndex?: (name: string) => number;
}

/** The table for INPUT_KFUNCS of a program that calls these kfuncs, in this order. */
export function encodeKfuncs(names: readonly string[], options: EncodeKfuncOptions): Uint8Array {
  const bytes = new Uint8Array(names.length * abi.KF_SIZE);
  const view = new DataView(bytes.buffer);
  const structIndex = options.structIndex ?? (() => -1);
  for (const [i, name] of names.entries()) {
    const row = kfuncRow(name);
    if (row === undefined) view.setUint32(i * abi.KF_SIZE + abi.KF_FLAGS, abi.KFF_UNKNOWN, true);
    else writeRow(view, i * abi.KF_SIZE, row, { progType: options.progType, structIndex });
  }
  return bytes;
}
