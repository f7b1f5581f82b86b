/** Externs: `extern int CONFIG_HZ __kconfig`, `extern const void sym __ksym`, kfuncs. BTF lists them in `.kconfig` and `.ksyms`. */
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG, BPF_MAP_TYPE_ARRAY } from '../../assembly/isa.ts';
import { encodeInto } from '../btf/encode.ts';
import { sizeOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import { SHN_UNDEF, STB_WEAK } from '../elf/consts.ts';
import type { ElfFile } from '../elf/types.ts';
import { ObjectError } from '../errors/index.ts';
import { dataMapName } from './data-maps.ts';
import { type DatasecVar, datasecIds, datasecVars } from './datasec.ts';
import { kconfigDefault } from './kconfig.ts';
import { newMap } from './map-spec.ts';
import type { ExternSpec, MapSpec } from './types.ts';

const KCONFIG_SECTION = '.kconfig';
const KSYMS_SECTION = '.ksyms';
/** Bytes a kconfig value may have: strings are the longest. */
const KCONFIG_VALUE_MAX = 4096;

function defaultBytes(btf: Btf, name: string, id: number, size: number): Uint8Array | undefined {
  const value = kconfigDefault(btf, name, id);
  if (value === undefined) return undefined;
  const bytes = new Uint8Array(size);
  encodeInto(btf, id, value, bytes);
  return bytes;
}

export function collectExterns(elf: ElfFile, btf: Btf | undefined): ExternSpec[] {
  if (btf === undefined) return [];
  const ids = datasecIds(btf);
  const bindings = new Map<string, number>();
  for (const symbol of elf.symbols)
    if (symbol.section === SHN_UNDEF && symbol.name !== '') bindings.set(symbol.name, symbol.binding);
  const isWeak = (name: string): boolean => bindings.get(name) === STB_WEAK;
  // Externs that nothing refers to have no symbol, and nobody needs a value for them.
  const used = (variable: DatasecVar): boolean => bindings.has(variable.name);
  const ksyms = (datasecVars(btf, ids.get(KSYMS_SECTION)) ?? []).filter(used).map(
    ({ name, btfTypeId }): ExternSpec => ({
      name,
      kind: btf.types[btfTypeId].kind === 'func' ? 'kfunc' : 'ksym',
      weak: isWeak(name),
      btfTypeId,
      offset: 0,
      size: 0,
      resolved: false,
    }),
  );
  return [...kconfigExterns(btf, (datasecVars(btf, ids.get(KCONFIG_SECTION)) ?? []).filter(used), isWeak), ...ksyms];
}

/** Kconfig values lie one behind the other, each aligned to its size (at most 8). */
function kconfigExterns(btf: Btf, vars: readonly DatasecVar[], isWeak: (name: string) => boolean): ExternSpec[] {
  let end = 0;
  return vars.map(({ name, type, btfTypeId }) => {
    const size = sizeOf(btf, type);
    if (size === 0 || size > KCONFIG_VALUE_MAX)
      throw new ObjectError('OBJECT_EXTERN', {
        name,
        section: KCONFIG_SECTION,
        why: `has ${size} bytes, where 1 to ${KCONFIG_VALUE_MAX} are expected`,
      });
    const offset = Math.ceil(end / 8) * 8;
    end = offset + size;
    const initial = defaultBytes(btf, name, btfTypeId, size);
    const own = initial === undefined ? {} : { initial };
    return {
      name,
      kind: 'kconfig',
      weak: isWeak(name),
      btfTypeId,
      offset,
      size,
      resolved: initial !== undefined,
      ...own,
    };
  });
}

/** The map that holds the kconfig values; undefined when the object asks for none. */
export function kconfigMap(externs: readonly ExternSpec[], objectName: string): MapSpec | undefined {
  const last = externs.findLast((e) => e.kind === 'kconfig');
  if (last === undefined) return undefined;
  const valueSize = last.offset + last.size;
  const initialValue = new Uint8Array(valueSize);
  for (const { initial, offset } of externs) if (initial !== undefined) initialValue.set(initial, offset);
  return {
    ...newMap(dataMapName(objectName, KCONFIG_SECTION), -1, 0),
    type: BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize,
    maxEntries: 1,
    flags: BPF_F_RDONLY_PROG | BPF_F_MMAPABLE,
    initialValue,
    dataKind: 'kconfig',
  };
}
