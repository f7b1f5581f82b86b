/** Helper prototypes as the verifier's module reads them: HELPER_COUNT rows of HP_SIZE (assembly/verifier/abi/helpers.ts). */
import * as abi from '../abi.ts';
import type { HelperOptions } from './helpers.ts';
import { helperGate, helperRow } from './helpers.ts';
import { mapMask } from './helpers-maps.ts';
import type { HelperFlag, HelperRow, PacketType } from './helpers-row.ts';

export interface EncodeHelperOptions extends HelperOptions {
  /** Row of INPUT_STRUCTS that a struct is at; -1 for one that is not there. */
  readonly structIndex?: (name: string) => number;
}

const FLAG_BITS: Partial<Readonly<Record<HelperFlag, number>>> = {
  pkt: abi.HPF_PKT_ACCESS,
  moves: abi.HPF_CHANGES_PKT,
  gpl: abi.HPF_GPL_ONLY,
  fast: abi.HPF_FASTCALL,
  sleep: abi.HPF_MIGHT_SLEEP,
  acquire: abi.HPF_ACQUIRE,
  cast: abi.HPF_PTR_CAST,
  callback: abi.HPF_CALLBACK,
  async: abi.HPF_ASYNC_CALLBACK,
};

const GATE_BITS = {
  ok: abi.HPF_ALLOWED,
  type: 0,
  bpf: abi.HPF_LACKS_BPF,
  perfmon: abi.HPF_LACKS_PERFMON,
} as const;

function flagsOf(row: HelperRow): number {
  let bits = 0;
  for (const flag of row.flags) bits |= FLAG_BITS[flag] ?? 0;
  return bits;
}

function writeRow(view: DataView, at: number, row: HelperRow, structIndex: (name: string) => number): void {
  const struct = (name: string | undefined): number => (name === undefined ? -1 : structIndex(name));
  for (let i = 0; i < 5; i++) {
    const arg = row.args[i];
    view.setUint32(at + abi.HP_ARGS + i * 4, arg?.word ?? abi.ARG_DONTCARE, true);
    view.setUint32(at + abi.HP_ARG_SIZES + i * 4, arg?.size ?? 0, true);
    view.setInt32(at + abi.HP_ARG_STRUCTS + i * 4, struct(arg?.struct), true);
  }
  view.setUint32(at + abi.HP_RET, row.ret, true);
  view.setInt32(at + abi.HP_RET_STRUCT, struct(row.retStruct), true);
}

/** INPUT_HELPERS of programs of one type and of the same rights. Rows are made when a program first calls the helper: most never are. */
export class HelperTable {
  private readonly bytes = new Uint8Array(abi.HELPER_COUNT * abi.HP_SIZE);
  private readonly made = new Set<number>();
  private readonly progType: PacketType;
  private readonly options: EncodeHelperOptions;

  constructor(progType: PacketType, options: EncodeHelperOptions = {}) {
    this.progType = progType;
    this.options = options;
  }

  /** Bytes of a table. */
  get size(): number {
    return this.bytes.length;
  }

  /** Writes the rows of `ids` alone to a table of zeros, whoever asked for others before: the same helpers, the same bytes. */
  write(table: Uint8Array, ids: Iterable<number>): void {
    for (const id of ids) {
      if (id < 0 || id >= abi.HELPER_COUNT) continue;
      this.make(id);
      const at = id * abi.HP_SIZE;
      table.set(this.bytes.subarray(at, at + abi.HP_SIZE), at);
    }
  }

  /** The row of `id`, if there is such a helper and it has none. */
  private make(id: number): void {
    if (this.made.has(id)) return;
    this.made.add(id);
    const row = helperRow(id, this.progType);
    if (row === undefined) return;
    const view = new DataView(this.bytes.buffer);
    const at = id * abi.HP_SIZE;
    writeRow(view, at, row, this.options.structIndex ?? (() => -1));
    view.setUint32(at + abi.HP_FLAGS, flagsOf(row) | GATE_BITS[helperGate(row, this.progType, this.options)], true);
    if (row.args.some((arg) => arg.word === abi.ARG_CONST_MAP_PTR)) {
      view.setBigUint64(at + abi.HP_MAPS_LO, mapMask(row.name, this.progType), true);
    }
  }
}

/** The table with all its rows. Same arguments, same bytes. */
export function encodeHelpers(progType: PacketType, options: EncodeHelperOptions = {}): Uint8Array {
  const table = new HelperTable(progType, options);
  const bytes = new Uint8Array(table.size);
  table.write(
    bytes,
    Array.from({ length: abi.HELPER_COUNT }, (_, id) => id),
  );
  return bytes;
}
