/** BTF as parsed (Documentation/bpf/btf.rst): every kind as a closed sum type. Type ids are indices into `Btf.types`; 0 is void. */

export interface Btf {
  /** `types[0]` is void. */
  readonly types: readonly BtfType[];
  /** NUL-terminated string table as in the file. */
  readonly strings: Uint8Array;
}

export type BtfType =
  | { readonly kind: 'void'; readonly name: '' }
  | {
      readonly kind: 'int';
      readonly name: string;
      readonly size: number;
      readonly bits: number;
      /** Bit offset inside its storage. */
      readonly bitOffset: number;
      readonly encoding: '' | 'signed' | 'char' | 'bool';
    }
  | { readonly kind: 'ptr'; readonly name: ''; readonly type: number }
  | {
      readonly kind: 'array';
      readonly name: '';
      readonly type: number;
      readonly indexType: number;
      readonly length: number;
    }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly size: number;
      readonly members: readonly BtfMember[];
    }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly values: readonly BtfEnumValue[];
    }
  | {
      readonly kind: 'enum64';
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly values: readonly BtfEnum64Value[];
    }
  | { readonly kind: 'fwd'; readonly name: string; readonly union: boolean }
  | { readonly kind: 'typedef' | 'type_tag'; readonly name: string; readonly type: number }
  | { readonly kind: 'volatile' | 'const' | 'restrict'; readonly name: ''; readonly type: number }
  | {
      readonly kind: 'func';
      readonly name: string;
      readonly type: number;
      readonly linkage: 'static' | 'global' | 'extern';
    }
  | { readonly kind: 'func_proto'; readonly name: ''; readonly type: number; readonly params: readonly BtfParam[] }
  | {
      readonly kind: 'var';
      readonly name: string;
      readonly type: number;
      readonly linkage: 'static' | 'global' | 'extern';
    }
  | { readonly kind: 'datasec'; readonly name: string; readonly size: number; readonly vars: readonly BtfVarSecinfo[] }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  /** `componentIndex` is -1 when the tag is on the type itself. */
  | { readonly kind: 'decl_tag'; readonly name: string; readonly type: number; readonly componentIndex: number };

export interface BtfMember {
  readonly name: string;
  readonly type: number;
  readonly bitOffset: number;
  /** 0 when the member is not a bit-field. */
  readonly bitSize: number;
}
export interface BtfEnumValue {
  readonly name: string;
  readonly value: number;
}
export interface BtfEnum64Value {
  readonly name: string;
  readonly value: bigint;
}
export interface BtfParam {
  readonly name: string;
  readonly type: number;
}
export interface BtfVarSecinfo {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** `.BTF.ext`: records per ELF section name, sorted by insnOffset, which is in bytes from the section's start. */
export interface BtfExt {
  readonly funcs: ReadonlyMap<string, readonly BtfFuncInfo[]>;
  readonly lines: ReadonlyMap<string, readonly BtfLineInfo[]>;
  readonly coreRelos: ReadonlyMap<string, readonly BtfCoreRelo[]>;
}
export interface BtfFuncInfo {
  readonly insnOffset: number;
  readonly type: number;
}
export interface BtfLineInfo {
  readonly insnOffset: number;
  readonly file: string;
  readonly text: string;
  readonly line: number;
  readonly column: number;
}
export interface BtfCoreRelo {
  readonly insnOffset: number;
  readonly type: number;
  readonly access: string;
  /** enum bpf_core_relo_kind */
  readonly kind: number;
}
