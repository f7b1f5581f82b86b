// Type words of helper arguments and returns by short names, for the rows of helpers-rows.ts (assembly/verifier/abi/types.ts has the bits).
import * as abi from '../abi.ts';

export const ANY = abi.ARG_ANYTHING;
export const CTX = abi.ARG_PTR_TO_CTX;
export const MAP = abi.ARG_CONST_MAP_PTR;
export const KEY = abi.ARG_PTR_TO_MAP_KEY;
export const VALUE = abi.ARG_PTR_TO_MAP_VALUE;
/** Memory of the map's value size that the call fills. */
export const VALUE_OUT = abi.ARG_PTR_TO_MAP_VALUE | abi.MEM_UNINIT | abi.MEM_WRITE;
export const VALUE_OR_NULL = abi.ARG_PTR_TO_MAP_VALUE | abi.PTR_MAYBE_NULL;
export const SIZE = abi.ARG_CONST_SIZE;
export const SIZE0 = abi.ARG_CONST_SIZE_OR_ZERO;
export const ALLOC_SIZE = abi.ARG_CONST_ALLOC_SIZE_OR_ZERO;
/** Initialised memory that the call only reads. */
export const MEM = abi.ARG_PTR_TO_MEM | abi.MEM_RDONLY;
export const MEM_OR_NULL = MEM | abi.PTR_MAYBE_NULL;
/** Initialised memory that the call reads and writes. */
export const MEM_INOUT = abi.ARG_PTR_TO_MEM | abi.MEM_WRITE;
/** Memory that the call fills. */
export const MEM_OUT = abi.ARG_PTR_TO_MEM | abi.MEM_UNINIT | abi.MEM_WRITE;
export const SOCK_COMMON = abi.ARG_PTR_TO_SOCK_COMMON;
export const SOCKET_OR_NULL = abi.ARG_PTR_TO_SOCKET | abi.PTR_MAYBE_NULL;
/** Any socket: one the verifier knows as such, or a struct that begins with a sock_common. */
export const ANY_SOCK = abi.ARG_PTR_TO_BTF_ID_SOCK_COMMON;
export const FUNC = abi.ARG_PTR_TO_FUNC;
export const STACK_OR_NULL = abi.ARG_PTR_TO_STACK | abi.PTR_MAYBE_NULL;
export const STR = abi.ARG_PTR_TO_CONST_STR;
export const TIMER = abi.ARG_PTR_TO_TIMER;
export const LOCK = abi.ARG_PTR_TO_SPIN_LOCK;
export const PERCPU = abi.ARG_PTR_TO_PERCPU_BTF_ID;
export const RECORD = abi.ARG_PTR_TO_RINGBUF_MEM | abi.OBJ_RELEASE;
export const DYNPTR = abi.ARG_PTR_TO_DYNPTR;
export const DYNPTR_IN = abi.ARG_PTR_TO_DYNPTR | abi.MEM_RDONLY;

export const INT = abi.RET_INTEGER;
export const VOID = abi.RET_VOID;
export const RET_VALUE = abi.RET_PTR_TO_MAP_VALUE;
export const RET_VALUE_OR_NULL = abi.RET_PTR_TO_MAP_VALUE | abi.PTR_MAYBE_NULL;
export const RET_SOCKET_OR_NULL = abi.RET_PTR_TO_SOCKET | abi.PTR_MAYBE_NULL;
export const RET_SOCK_COMMON_OR_NULL = abi.RET_PTR_TO_SOCK_COMMON | abi.PTR_MAYBE_NULL;
export const RET_TCP_SOCK_OR_NULL = abi.RET_PTR_TO_TCP_SOCK | abi.PTR_MAYBE_NULL;
export const RET_RECORD_OR_NULL = abi.RET_PTR_TO_MEM | abi.MEM_RINGBUF | abi.PTR_MAYBE_NULL;
export const RET_MEM_OR_NULL = abi.RET_PTR_TO_MEM | abi.PTR_MAYBE_NULL;
export const RET_BTF_ID = abi.RET_PTR_TO_BTF_ID;
export const RET_BTF_ID_OR_NULL = abi.RET_PTR_TO_BTF_ID | abi.PTR_MAYBE_NULL;
export const RET_BTF_ID_TRUSTED = abi.RET_PTR_TO_BTF_ID | abi.PTR_TRUSTED;
export const RET_PERCPU = abi.RET_PTR_TO_MEM_OR_BTF_ID | abi.MEM_RDONLY;

/** One argument: a word, or a word with the memory's size or the struct's name. */
export type Arg = number | { readonly word: number; readonly size?: number; readonly struct?: string };

/** Memory of `size` bytes that the call only reads. */
export const fixed = (size: number): Arg => ({ word: MEM | abi.MEM_FIXED_SIZE, size });
/** The same, initialised and written. */
export const fixedInout = (size: number): Arg => ({
  word: MEM_INOUT | abi.MEM_FIXED_SIZE | abi.MEM_ALIGNED,
  size,
});
/** The same, filled. */
export const fixedOut = (size: number): Arg => ({ word: MEM_OUT | abi.MEM_FIXED_SIZE | abi.MEM_ALIGNED, size });
/** Pointer to a kernel struct. */
export const btf = (struct: string, flags = 0): Arg => ({ word: abi.ARG_PTR_TO_BTF_ID | flags, struct });
