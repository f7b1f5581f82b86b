// What a case is: data alone, so that the kernel and every engine of ours run the same table.

import type { MapType, ProgType } from '../uapi.ts';

export interface CaseMap {
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  /** Set before the first step. A prog array's values are indices into `progs`. */
  readonly init?: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
}

export interface CaseProg {
  readonly name: string;
  readonly type: ProgType;
  /** Maps are named by `lddw` with BPF_PSEUDO_MAP_IDX (src 5) or _IDX_VALUE (src 6): imm is the index in `maps`. */
  readonly insns: Uint8Array;
}

/** What is done to the loaded programs and maps, in order. */
export type Step =
  | { readonly op: 'run'; readonly prog?: number; readonly data: Uint8Array; readonly ctx?: Uint8Array }
  | {
      readonly op: 'update';
      readonly map: number;
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly flags?: number | bigint;
    }
  | { readonly op: 'delete'; readonly map: number; readonly key: Uint8Array }
  | { readonly op: 'lookup'; readonly map: number; readonly key: Uint8Array; readonly flags?: number }
  /** Close the program's handle; what else holds it keeps it. Nothing later names it. */
  | { readonly op: 'closeProg'; readonly prog: number }
  /** The key after `key`, or the first. */
  | { readonly op: 'next'; readonly map: number; readonly key?: Uint8Array }
  /** Put program number `prog` into a prog array. */
  | {
      readonly op: 'setProg';
      readonly map: number;
      readonly key: Uint8Array;
      readonly prog: number;
      readonly flags?: number;
    };

export interface Case {
  readonly name: string;
  readonly maps?: readonly CaseMap[];
  /** The first is the one that steps run unless they say otherwise. */
  readonly progs: readonly CaseProg[];
  readonly steps: readonly Step[];
}

/** What one step gave: an errno name, or what the step returns. */
export type StepResult =
  | { readonly error: string }
  | { readonly retval: number; readonly data: Uint8Array; readonly ctx?: Uint8Array }
  | { readonly value: Uint8Array }
  | { readonly key: Uint8Array }
  | Record<string, never>;

/** What a case did. `maps` has every map's entries by key order; prog arrays are left out (undefined). */
export interface Observation {
  /** Set when the case could not be loaded: the errno name of the map or the program. */
  readonly refused?: string;
  readonly steps: readonly StepResult[];
  readonly maps: readonly (readonly (readonly [key: string, value: string])[] | undefined)[];
}

export interface IsaInput {
  readonly dst: bigint;
  readonly src: bigint;
}

/**
 * An insn under test: an XDP program which reads two u64 from the packet (dst at 0, src at 8), executes the insn, and
 * writes results back (from offset 16). Each input is one run, its packet made by `isaPacket`.
 */
export interface IsaCase {
  readonly name: string;
  /** Class and operation, for the model: e.g. `alu64 add`, `jmp32 jsgt`. */
  readonly group: 'alu' | 'jmp' | 'other';
  readonly insns: Uint8Array;
  readonly inputs: readonly IsaInput[];
  /** The result the standard asks for (u64 at offset 16 of the packet), where a simple independent model exists. */
  readonly model?: (dst: bigint, src: bigint) => bigint;
  /** As `model`, for what the source register holds afterwards (u64 at offset 24). */
  readonly modelSrc?: (dst: bigint, src: bigint) => bigint;
  /** As `model`, for r0 (u64 at offset 32). */
  readonly modelR0?: (dst: bigint, src: bigint) => bigint;
}
