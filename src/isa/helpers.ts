/**
 * The helpers, one row each: number and prototype as linux/bpf.h documents them. The JIT derives the import's Wasm signature and
 * the checks of an unverified call from the argument kinds; the runtime exports a function of the same name.
 */

/** Kinds of arguments, in the words of the verifier's `enum bpf_arg_type`. */
export type HelperArg =
  | 'ctx'
  /** A map whose address is known. */
  | 'const_map_ptr'
  /** Readable memory of the map's key size. */
  | 'map_key'
  /** Readable memory of the map's value size. */
  | 'map_value'
  /** Readable memory; the next argument is its size. */
  | 'mem'
  /** The same, or NULL when the size is 0. */
  | 'mem_or_null'
  /** Writable memory; the next argument is its size. */
  | 'uninit_mem'
  /** A byte count above 0. */
  | 'size'
  /** A byte count that may be 0. */
  | 'size_or_zero'
  /** Any scalar, 64 bits. */
  | 'anything';

export type HelperRet = 'integer' | 'void' | 'map_value_or_null';

export interface HelperProto {
  readonly id: number;
  /** As in the UAPI enum, without `BPF_FUNC_`. */
  readonly name: string;
  readonly args: readonly HelperArg[];
  readonly ret: HelperRet;
  readonly gplOnly: boolean;
  /** It may move the packet's ends: packet pointers taken before are dead. */
  readonly changesPacket: boolean;
}

function row(id: number, name: string, args: readonly HelperArg[], ret: HelperRet, flags = ''): HelperProto {
  return { id, name, args, ret, gplOnly: flags.includes('gpl'), changesPacket: flags.includes('pkt') };
}

export const HELPERS: readonly HelperProto[] = [
  row(1, 'map_lookup_elem', ['const_map_ptr', 'map_key'], 'map_value_or_null'),
  row(2, 'map_update_elem', ['const_map_ptr', 'map_key', 'map_value', 'anything'], 'integer'),
  row(3, 'map_delete_elem', ['const_map_ptr', 'map_key'], 'integer'),
  row(5, 'ktime_get_ns', [], 'integer'),
  row(6, 'trace_printk', ['mem', 'size', 'anything', 'anything', 'anything'], 'integer', 'gpl'),
  row(7, 'get_prandom_u32', [], 'integer'),
  row(8, 'get_smp_processor_id', [], 'integer'),
  // The JIT lowers it itself; there is no runtime function of this name.
  row(12, 'tail_call', ['ctx', 'const_map_ptr', 'anything'], 'void'),
  row(23, 'redirect', ['anything', 'anything'], 'integer'),
  row(28, 'csum_diff', ['mem_or_null', 'size_or_zero', 'mem_or_null', 'size_or_zero', 'anything'], 'integer'),
  row(44, 'xdp_adjust_head', ['ctx', 'anything'], 'integer', 'pkt'),
  row(54, 'xdp_adjust_meta', ['ctx', 'anything'], 'integer', 'pkt'),
  row(65, 'xdp_adjust_tail', ['ctx', 'anything'], 'integer', 'pkt'),
  row(177, 'trace_vprintk', ['mem', 'size', 'mem_or_null', 'size_or_zero'], 'integer', 'gpl'),
  row(188, 'xdp_get_buff_len', ['ctx'], 'integer'),
  row(189, 'xdp_load_bytes', ['ctx', 'anything', 'uninit_mem', 'size'], 'integer'),
  row(190, 'xdp_store_bytes', ['ctx', 'anything', 'mem', 'size'], 'integer'),
];

export const HELPER_BY_ID: ReadonlyMap<number, HelperProto> = new Map(HELPERS.map((h) => [h.id, h]));
export const HELPER_BY_NAME: ReadonlyMap<string, HelperProto> = new Map(HELPERS.map((h) => [h.name, h]));

export const BPF_FUNC_get_prandom_u32 = 7;
export const BPF_FUNC_get_smp_processor_id = 8;
export const BPF_FUNC_tail_call = 12;

/** Wasm type of an argument: addresses and sizes are i32 (memory is 32-bit), scalars i64. */
export function wasmArg(arg: HelperArg): 'i32' | 'i64' {
  return arg === 'anything' ? 'i64' : 'i32';
}

/** Wasm type of a result: addresses come as i32 and are zero-extended into R0. */
export function wasmRet(ret: HelperRet): 'i32' | 'i64' {
  return ret === 'map_value_or_null' ? 'i32' : 'i64';
}
