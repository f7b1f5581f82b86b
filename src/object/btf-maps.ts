/**
 * BTF-defined maps (section `.maps`): the attributes are types, not data. `__uint(max_entries, 8)` is a member of type
 * pointer to int[8], `__type(key, T)` one of type pointer to T (bpf_helpers.h; docs.kernel.org/bpf/libbpf).
 */
import { resolve, sizeOf } from '../btf/resolve.ts';
import type { Btf, BtfMember, BtfType } from '../btf/types.ts';
import type { ElfFile, ElfSection } from '../elf/types.ts';
import { ObjectError } from '../errors/index.ts';
import { hex } from '../util/bytes.ts';
import { type DatasecVar, datasecIds, datasecVars } from './datasec.ts';
import { collectSlots } from './map-slots.ts';
import { isMapInMap, newMap } from './map-spec.ts';
import type { MapSpec } from './types.ts';

const MAPS_SECTION = '.maps';

type Composite = Extract<BtfType, { kind: 'struct' | 'union' }>;

/** What a map's definition says, before slots are known. */
interface Definition {
  spec: MapSpec;
  /** Byte offset of the `values` member, -1 without. */
  valuesOffset: number;
}

export function collectBtfMaps(elf: ElfFile, btf: Btf | undefined): MapSpec[] {
  const section = elf.sections.find((s) => s.name === MAPS_SECTION && s.size > 0);
  if (section === undefined) return [];
  const vars = btf && datasecVars(btf, datasecIds(btf).get(MAPS_SECTION));
  if (btf === undefined || vars === undefined) throw new ObjectError('OBJECT_MAPS_NO_BTF', { section: MAPS_SECTION });
  const definitions = vars.map((variable) => new DefinitionReader(btf, section, variable).read());
  const extents = definitions.map(({ spec, valuesOffset }, i) => ({ spec, valuesOffset, size: vars[i].size }));
  const slots = collectSlots(elf, section, extents);
  return definitions.map(({ spec }, i) => ({ ...spec, initialSlots: slots[i] }));
}

class DefinitionReader {
  private readonly btf: Btf;
  private readonly section: ElfSection;
  private readonly variable: DatasecVar;

  constructor(btf: Btf, section: ElfSection, variable: DatasecVar) {
    this.btf = btf;
    this.section = section;
    this.variable = variable;
  }

  read(): Definition {
    const { name, offset, size } = this.variable;
    const definition = this.struct(this.variable.type, 'its type');
    if (size > this.section.size || offset > this.section.size - size)
      this.refuse('end', hex(offset + size), `at most the section's size ${hex(this.section.size)}`);
    if (definition.size > size) this.refuse('size', `${size}`, `at least the ${definition.size} bytes of its type`);
    return this.definition(name, definition, 0);
  }

  private definition(name: string, struct: Composite, nesting: number): Definition {
    const spec = newMap(name, this.section.index, nesting === 0 ? this.variable.offset : -1);
    const typed = { key: 0, value: 0 };
    let valuesOffset = -1;
    let inner: MapSpec | undefined;
    for (const member of struct.members) {
      switch (member.name) {
        case 'type':
          spec.type = this.uint(member);
          break;
        case 'max_entries':
          spec.maxEntries = this.uint(member);
          break;
        case 'map_flags':
          spec.flags = this.uint(member);
          break;
        case 'numa_node':
          spec.numaNode = this.uint(member);
          break;
        case 'pinning':
          if (nesting > 0) this.refuse('inner map', 'pinned', 'no pinning');
          spec.pinning = this.uint(member);
          break;
        case 'map_extra':
          spec.mapExtra = this.ulong(member);
          break;
        case 'key_size':
          spec.keySize = this.agreeing(member.name, this.uint(member), spec.keySize);
          break;
        case 'value_size':
          spec.valueSize = this.agreeing(member.name, this.uint(member), spec.valueSize);
          break;
        case 'key':
          typed.key = this.pointee(member);
          spec.keySize = this.agreeing('size of key', sizeOf(this.btf, typed.key), spec.keySize);
          break;
        case 'value':
          typed.value = this.pointee(member);
          spec.valueSize = this.agreeing('size of value', sizeOf(this.btf, typed.value), spec.valueSize);
          break;
        case 'values':
          if (nesting > 0) this.refuse('inner map', 'one with values', 'a map without `values`: maps nest once');
          valuesOffset = member.bitOffset / 8;
          inner = this.inner(name, member);
          break;
        default:
          this.refuse(`member '${member.name}'`, 'unknown', 'type, key, value, max_entries and the like');
      }
    }
    if (spec.type === 0) this.refuse('type', 'missing', '__uint(type, BPF_MAP_TYPE_...)');
    if (inner !== undefined && !isMapInMap(spec.type))
      this.refuse('values', 'a map template', 'a map of type array_of_maps or hash_of_maps around it');
    // Slots hold ids of maps or programs: a u32.
    if (isMapInMap(spec.type) || valuesOffset >= 0) spec.valueSize = this.agreeing('value_size', 4, spec.valueSize);
    if (inner !== undefined) spec.innerMap = inner;
    return { spec: { ...spec, btfKeyTypeId: typed.key, btfValueTypeId: typed.value }, valuesOffset };
  }

  /** `__array(values, T)`: an array of pointers to a map definition or to a function. */
  private inner(name: string, member: BtfMember): MapSpec | undefined {
    const array = resolve(this.btf, member.type);
    if (array.kind !== 'array') this.refuse('values', `a ${array.kind}`, 'an array of pointers');
    if (member.bitOffset % 64 !== 0) this.refuse('values', `at bit ${member.bitOffset}`, 'a multiple of 64 bits');
    const pointer = resolve(this.btf, array.type);
    if (pointer.kind !== 'ptr') this.refuse('values', `an array of ${pointer.kind}`, 'an array of pointers');
    if (resolve(this.btf, pointer.type).kind === 'func_proto') return undefined;
    return this.definition(`${name}.inner`, this.struct(pointer.type, 'what values point to'), 1).spec;
  }

  private struct(type: number, what: string): Composite {
    const struct = resolve(this.btf, type);
    if (struct.kind === 'struct') return struct;
    return this.refuse(what, `a ${struct.kind}`, 'a struct');
  }

  private pointee(member: BtfMember): number {
    const pointer = resolve(this.btf, member.type);
    if (pointer.kind !== 'ptr')
      this.refuse(member.name, `a ${pointer.kind}`, 'a pointer, as __type and __uint make it');
    return pointer.type;
  }

  private uint(member: BtfMember): number {
    const array = resolve(this.btf, this.pointee(member));
    if (array.kind !== 'array') this.refuse(member.name, `a pointer to ${array.kind}`, 'a pointer to int[N]');
    return array.length;
  }

  /** `__ulong(name, N)` is an enum whose only value is N (in older headers a pointer to one); small ones may be `__uint`. */
  private ulong(member: BtfMember): bigint {
    const own = resolve(this.btf, member.type);
    const target = own.kind === 'ptr' ? resolve(this.btf, own.type) : own;
    if ((target.kind === 'enum' || target.kind === 'enum64') && target.values.length === 1)
      return BigInt.asUintN(64, BigInt(target.values[0].value));
    return BigInt(this.uint(member));
  }

  private agreeing(field: string, size: number, earlier: number): number {
    if (earlier !== 0 && earlier !== size) this.refuse(field, `${size}`, `${earlier}, as said before`);
    return size;
  }

  private refuse(field: string, found: string, expected: string): never {
    const { name: map, offset } = this.variable;
    throw new ObjectError('OBJECT_MAP', { map, section: MAPS_SECTION, offset: hex(offset), field, found, expected });
  }
}
