/** Kinds of CO-RE relocations (enum bpf_core_relo_kind of linux/bpf.h) and what group each is of. */
export const FIELD_BYTE_OFFSET = 0;
export const FIELD_BYTE_SIZE = 1;
export const FIELD_EXISTS = 2;
export const FIELD_SIGNED = 3;
export const FIELD_LSHIFT_U64 = 4;
export const FIELD_RSHIFT_U64 = 5;
export const TYPE_ID_LOCAL = 6;
export const TYPE_ID_TARGET = 7;
export const TYPE_EXISTS = 8;
export const TYPE_SIZE = 9;
export const ENUMVAL_EXISTS = 10;
export const ENUMVAL_VALUE = 11;
export const TYPE_MATCHES = 12;

/** libbpf's short names, as its logs have them. */
export const CORE_KIND_NAMES = [
  'byte_off',
  'byte_sz',
  'field_exists',
  'signed',
  'lshift_u64',
  'rshift_u64',
  'local_type_id',
  'target_type_id',
  'type_exists',
  'type_size',
  'enumval_exists',
  'enumval_value',
  'type_matches',
] as const;

export type CoreGroup = 'field' | 'type' | 'enumval';

/** Undefined for a kind that is not known. */
export function coreGroup(kind: number): CoreGroup | undefined {
  if (kind <= FIELD_RSHIFT_U64) return 'field';
  if (kind <= TYPE_SIZE || kind === TYPE_MATCHES) return 'type';
  return kind <= ENUMVAL_VALUE ? 'enumval' : undefined;
}
