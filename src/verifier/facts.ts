/** What is known of registers at a pc, so that the JIT can choose and leave out checks. Types only. */

export type RegFact =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'const'; readonly value: number }
  /** R10 of this function plus `off`; `undefined` for an offset that is not constant. */
  | { readonly kind: 'stack'; readonly off: number | undefined }
  | { readonly kind: 'ctx'; readonly off: number }
  /** Derived from ctx->data, data_end or data_meta; where it points must still be checked. */
  | { readonly kind: 'packet' }
  /** The address of `LinkedProg.maps[map]` itself. */
  | { readonly kind: 'map'; readonly map: number }
  /** A value of `LinkedProg.maps[map]` plus `off`; may be NULL plus `off` unless `nonNull`. */
  | { readonly kind: 'map_value'; readonly map: number; readonly off: number; readonly nonNull: boolean };

/** Facts of one linked program, by pc. */
export interface Facts {
  /** Load, store, atomic: the base register. */
  readonly base: readonly (RegFact | undefined)[];
  /** Helper calls: R1..R5. */
  readonly args: readonly (readonly RegFact[] | undefined)[];
}
