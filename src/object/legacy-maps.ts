/**
 * Legacy maps (sections `maps` and `maps/NAME`): arrays of C structs, one symbol each. Two structs are in use:
 *
 *     struct bpf_map_def  from 16 bytes: | type | key_size | value_size | max_entries | map_flags | zeros ... |
 *     struct bpf_elf_map  28, 36 bytes:  | type | key | value | max | flags | id | pinning | inner_id | inner_idx |
 *
 * The second is iproute2's; aya and older Rust loaders write its first 28 bytes. All fields are u32.
 */
import { STT_FUNC, STT_SECTION } from '../elf/consts.ts';
import type { ElfFile, ElfSection, ElfSymbol } from '../elf/types.ts';
import { ObjectError } from '../errors/index.ts';
import { hex, viewOf } from '../util/bytes.ts';
import { firstBy } from '../util/group.ts';
import { isMapInMap, newMap } from './map-spec.ts';
import { fillSlot } from './slots.ts';
import type { MapSpec } from './types.ts';

const MAPS_SECTION = 'maps';
/** Without map_flags, as the oldest loaders have it. */
const SHORTEST_MAP_DEF_SIZE = 16;
const BPF_MAP_DEF_SIZE = 20;
const BPF_ELF_MAP_SIZE = 36;
/** Without inner_id and inner_idx. */
const SHORT_ELF_MAP_SIZE = 28;

/** A map, with the id by which iproute2's map-in-maps name each other. */
interface LegacyMap {
  readonly spec: MapSpec;
  readonly id: number;
  readonly innerId: number;
  /** Slot of it in the map whose inner_id is its id; -1 as a u32 for none. */
  readonly innerIndex?: number;
}

export function collectLegacyMaps(elf: ElfFile): MapSpec[] {
  return elf.sections.flatMap((section) => {
    const isMaps = section.name === MAPS_SECTION || section.name.startsWith(`${MAPS_SECTION}/`);
    return isMaps && section.size > 0 ? mapsOf(elf, section) : [];
  });
}

function mapsOf(elf: ElfFile, section: ElfSection): MapSpec[] {
  const symbols = elf.symbols.filter(
    (s) => s.section === section.index && s.type !== STT_SECTION && s.type !== STT_FUNC && s.name !== '',
  );
  const stride = strideOf(section, symbols.length);
  const maps = symbols.map((symbol) => readMap(section, symbol, stride)).sort((a, b) => a.spec.offset - b.spec.offset);
  const byId = firstBy(
    maps.filter((m) => !isMapInMap(m.spec.type)),
    (m) => m.id,
  );
  for (const { spec, innerId } of maps) {
    if (!isMapInMap(spec.type) || innerId === 0) continue;
    const inner = byId.get(innerId);
    if (inner === undefined)
      throw new ObjectError('OBJECT_MAP', {
        map: spec.name,
        section: section.name,
        offset: hex(spec.offset),
        field: 'inner_id',
        found: `${innerId}`,
        expected: 'the id of another map of the section',
      });
    spec.innerMap = { ...inner.spec, name: `${spec.name}.inner`, offset: -1 };
    for (const one of maps) {
      if (one.id !== innerId || isMapInMap(one.spec.type)) continue;
      if (one.innerIndex !== undefined) fillSlot(spec, one.innerIndex, one.spec.name);
    }
  }
  return maps.map((m) => m.spec);
}

function strideOf(section: ElfSection, count: number): number {
  const refuse = (why: string): never => {
    throw new ObjectError('OBJECT_LEGACY_MAPS', { section: section.name, size: section.size, count, why });
  };
  if (count === 0) refuse('there is no symbol to name them');
  if (section.data.length === 0) refuse('the section has no content in the file');
  const stride = section.size / count;
  if (!Number.isInteger(stride)) refuse('all of them must have the same size');
  if (stride < SHORTEST_MAP_DEF_SIZE) refuse(`struct bpf_map_def has ${SHORTEST_MAP_DEF_SIZE} bytes at least`);
  return stride;
}

function readMap(section: ElfSection, symbol: ElfSymbol, stride: number): LegacyMap {
  const { name, value: offset } = symbol;
  const refuse = (field: string, found: string, expected: string): never => {
    const where = { map: name, section: section.name, offset: hex(offset) };
    throw new ObjectError('OBJECT_MAP', { ...where, field, found, expected });
  };
  if (offset % stride !== 0 || offset + stride > section.size)
    refuse('offset', hex(offset), `a multiple of the size of one map, ${stride}, inside the section`);
  const view = viewOf(section.data);
  const u32 = (index: number): number => view.getUint32(offset + index * 4, true);
  const spec = newMap(name, section.index, offset);
  [spec.type, spec.keySize, spec.valueSize, spec.maxEntries] = [u32(0), u32(1), u32(2), u32(3)];
  if (stride >= BPF_MAP_DEF_SIZE) spec.flags = u32(4);
  if (spec.type === 0) refuse('type', '0', 'a map type');
  const extra = section.data.subarray(offset + BPF_MAP_DEF_SIZE, offset + stride);
  const isZero = extra.every((byte) => byte === 0);
  if (stride === BPF_ELF_MAP_SIZE || (stride === SHORT_ELF_MAP_SIZE && !isZero)) {
    spec.pinning = u32(6);
    const id = u32(5);
    return {
      spec: { ...spec, legacyId: id },
      id,
      ...(stride === BPF_ELF_MAP_SIZE ? { innerId: u32(7), innerIndex: u32(8) } : { innerId: 0 }),
    };
  }
  extra.forEach((byte, at) => {
    if (byte !== 0)
      refuse(`byte ${BPF_MAP_DEF_SIZE + at} of its definition`, hex(byte), '0: no meaning is known for it');
  });
  return { spec, id: 0, innerId: 0 };
}
