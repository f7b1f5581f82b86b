/** What `inspect` prints for people. */
import type { MapInfo, ObjectInfo, ProgInfo } from './inspect.ts';
import { plural, table } from './output.ts';

export function inspectLines(object: ObjectInfo): string[] {
  const licence = object.license === '' ? 'no licence' : `licence ${object.license}`;
  const gpl = object.gplCompatible
    ? 'GPL compatible'
    : 'not GPL compatible: helpers that are for GPL programs only are refused';
  return [
    `object ${object.name}: ${licence} (${gpl})`,
    '',
    ...programs(object.programs),
    ...maps(object.maps),
    ...variables(object),
    ...externs(object),
    '',
    ...sections(object),
    '',
    btf(object),
  ];
}

function programs(progs: readonly ProgInfo[]): string[] {
  const rows = progs.map((prog) => [
    prog.name + (prog.autoload ? '' : ' (not loaded by default)'),
    prog.section,
    prog.type,
    String(prog.insns),
    prog.maps.join(' ') || '-',
    prog.tailCalls.map(({ pc, map }) => `${map ?? '?'}@${pc}`).join(' ') || '-',
    prog.subprograms.join(' ') || '-',
  ]);
  const refused = progs.flatMap((prog) => (prog.error === undefined ? [] : [`  ${prog.error.message}`]));
  return [
    ...table(['program', 'section', 'type', '>insns', 'maps', 'tail calls', 'subprograms'], rows),
    ...(refused.length > 0 ? ['', 'cannot be loaded:', ...refused] : []),
  ];
}

function maps(all: readonly MapInfo[]): string[] {
  if (all.length === 0) return [];
  const rows = all.map((map) => [
    map.name,
    map.type,
    `${map.keySize}${map.key === undefined ? '' : ` ${map.key}`}`,
    `${map.valueSize}${map.value === undefined ? '' : ` ${map.value}`}`,
    String(map.maxEntries),
    `0x${map.flags.toString(16)}`,
    map.slots?.map((slot) => slot ?? '-').join(' ') ?? '',
  ]);
  const withSlots = all.some((map) => map.slots !== undefined);
  const titles = ['map', 'type', 'key', 'value', '>max entries', '>flags', ...(withSlots ? ['slots'] : [])];
  return ['', ...table(titles, withSlots ? rows : rows.map((row) => row.slice(0, -1)))];
}

function variables({ variables: all }: ObjectInfo): string[] {
  if (all.length === 0) return [];
  const rows = all.map(({ map, type, size }) => [type, map, String(size)]);
  return ['', ...table(['variable', 'map', '>bytes'], rows)];
}

function externs({ externs: all }: ObjectInfo): string[] {
  if (all.length === 0) return [];
  return [
    '',
    ...table(
      ['extern', 'kind', 'weak'],
      all.map(({ name, kind, weak }) => [name, kind, weak ? 'yes' : 'no']),
    ),
  ];
}

/** Debug information is not BPF's. */
function sections(object: ObjectInfo): string[] {
  const rows = object.sections
    .filter(({ name }) => name !== '' && !/^\.(debug|rel|symtab|strtab|shstrtab|llvm)/.test(name))
    .map(({ name, size, relocations }) => [name, String(size), String(relocations)]);
  return table(['section', '>bytes', '>relocations'], rows);
}

function btf({ btf: info }: ObjectInfo): string {
  if (info === null) return 'no BTF';
  const kinds = Object.entries(info.kinds).map(([kind, count]) => `${count} ${kind}`);
  return `BTF: ${plural(info.types, 'type')} (${kinds.join(', ')})`;
}
