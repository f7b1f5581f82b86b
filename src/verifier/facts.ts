/** What is known of registers at a pc, so that the JIT can choose and leave out checks. Types only. */

export type RegFact =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'const'; readonly value: number }
  /** R10 of this function plus `off`; `undefined` for an offset that is not constant. */
  | { readonly kind: 'stack'; readonly off: number | undefined }
  | { readonly kind: 'ctx'; readonly off: number }
  /** Below 2^32; or not negative and far from wrapping (below 2^62). */
  | { readonly kind: 'scalar'; readonly bound: 'u32' | 'u62' }
  /** Derived from ctx->data or data_meta. Without `base` nothing is known of where it points. */
  | { readonly kind: 'packet'; readonly base?: PacketBase }
  /** ctx->data_end. */
  | { readonly kind: 'packet_end' }
  /** The address of `LinkedProg.maps[map]` itself. */
  | { readonly kind: 'map'; readonly map: number }
  /** A value of `LinkedProg.maps[map]` plus `off`; may be NULL plus `off` unless `nonNull`. `size`: a ring buffer's record of so many bytes. */
  | {
      readonly kind: 'map_value';
      readonly map: number;
      readonly off: number;
      readonly nonNull: boolean;
      readonly size?: number;
    };

/**
 * A pointer is `off` bytes behind a base that is not below the packet's start. Registers with one `id` share the base's value.
 */
export interface PacketBase {
  /** Pc that made the base's value, or a number of a block's own for what joins there. */
  readonly id: number;
  readonly off: number;
  /** Bytes behind the base that a comparison with data_end has shown to be inside the packet. */
  readonly range: number;
  /** The base is below 2^33, so that a large scalar may be added to it once. */
  readonly small: boolean;
}

/** Facts of one linked program, by pc. */
export interface Facts {
  /** Load, store, atomic: the base register. */
  readonly base: readonly (RegFact | undefined)[];
  /** Helper calls: R1..R5. */
  readonly args: readonly (readonly RegFact[] | undefined)[];
}
