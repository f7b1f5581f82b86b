import { describe, expect, it } from 'vitest';
import { BpfError, ObjectError } from '../src/errors/index.ts';
import { link } from '../src/link/link.ts';
import { dataMapName } from '../src/object/data-maps.ts';
import { findMap, findProg, setKconfig, setMaxEntries } from '../src/object/edit.ts';
import { loadObject } from '../src/object/load.ts';
import { SECTION_DEFS, sectionMeaning } from '../src/object/sections.ts';
import type { BpfObject } from '../src/object/types.ts';
import { getVariable, setVariable, variables } from '../src/object/variables.ts';
import { fixture, Patch } from './data/patch.ts';

function load(name: string): BpfObject {
  return loadObject(fixture(`object/${name}.o`), { name });
}

function errorOf(what: () => unknown): BpfError {
  try {
    what();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('programs and subprograms', () => {
  it.each(['subprogs', 'subprogs-clang16-v2', 'subprogs-clang14-v1'])('%s', (name) => {
    const object = load(name);
    expect(object.progs.map((p) => [p.name, p.section, p.type, p.frags, p.autoload])).toEqual([
      ['first', 'xdp', 'xdp', false, true],
      ['second', 'tc', 'sched_cls', false, true],
      ['third', '?xdp.frags', 'xdp', true, false],
    ]);
    expect(object.subprogs.map((s) => [s.name, s.global])).toEqual([
      ['twice', true],
      ['clamp', false],
      ['step', false],
      ['beside', false],
    ]);
    expect([object.license, object.gplCompatible, object.kernVersion]).toEqual(['Dual MIT/GPL', true, 0x060102]);
  });

  it('a static function that nothing calls is a program', () => {
    const object = load('sections');
    expect(object.progs.map((p) => [p.name, p.type, p.expectedAttachType, p.attachTo, p.global])).toEqual([
      ['static_prog', 'sched_cls', -1, 'tail', false],
      ['untyped', 'unspec', -1, '', true],
      ['egress', 'cgroup_skb', 1, '', true],
      ['probe', 'kprobe', -1, 'do_sys_open', true],
    ]);
    expect([object.license, object.gplCompatible]).toEqual(['', false]);
  });

  it('symbols without a type are functions when they are global', () => {
    const object = load('old_style');
    expect(object.progs.map((p) => [p.name, p.offset, p.size])).toEqual([
      ['old_first', 0, 32],
      ['old_second', 32, 16],
    ]);
  });

  it('the same bytes give the same object', () => {
    expect(load('maps')).toEqual(load('maps'));
  });
});

describe('section names', () => {
  it.each([
    ['xdp', 'xdp', 37, '', ''],
    ['xdp.frags', 'xdp', 37, '', 'frags'],
    ['xdp/devmap', 'xdp', 33, '', ''],
    ['xdp.frags/cpumap', 'xdp', 35, '', 'frags'],
    ['xdp/anything', 'xdp', 37, 'anything', ''],
    ['xdp1', 'xdp', 37, '', ''],
    ['?xdp', 'xdp', 37, '', 'off'],
    ['tc', 'sched_cls', -1, '', ''],
    ['tc/ingress', 'sched_cls', 46, '', ''],
    ['tcx/egress', 'sched_cls', 47, '', ''],
    ['classifier', 'sched_cls', -1, '', ''],
    ['action', 'sched_act', -1, '', ''],
    ['socket', 'socket_filter', -1, '', ''],
    ['socket1', 'socket_filter', -1, '', ''],
    ['cgroup_skb/ingress', 'cgroup_skb', 0, '', ''],
    ['cgroup/skb', 'cgroup_skb', -1, '', ''],
    ['cgroup/connect6', 'cgroup_sock_addr', 11, '', ''],
    ['cgroup/getsockname_unix', 'cgroup_sock_addr', 53, '', ''],
    ['lwt_seg6local', 'lwt_seg6local', -1, '', ''],
    ['sk_skb/stream_verdict', 'sk_skb', 5, '', ''],
    ['sk_reuseport/migrate', 'sk_reuseport', 40, '', ''],
    ['sk_lookup', 'sk_lookup', 36, '', ''],
    ['flow_dissector', 'flow_dissector', 17, '', ''],
    ['netfilter', 'netfilter', 45, '', ''],
    ['kprobe/do_sys_open', 'kprobe', -1, 'do_sys_open', ''],
    ['kprobe.multi/tcp_*', 'kprobe', 42, 'tcp_*', ''],
    ['tracepoint/syscalls/sys_enter_open', 'tracepoint', -1, 'syscalls/sys_enter_open', ''],
    ['fentry.s/func', 'tracing', 24, 'func', 'sleepable'],
    ['lsm/file_open', 'lsm', 27, 'file_open', ''],
    ['struct_ops.s/init', 'struct_ops', 44, 'init', 'sleepable'],
    ['syscall', 'syscall', -1, '', 'sleepable'],
    ['sockops/aya_name', 'sock_ops', 3, 'aya_name', ''],
    ['cgroup_skb/egress/aya_name', 'cgroup_skb', 1, 'aya_name', ''],
    ['from-netdev', 'unspec', -1, '', ''],
    ['2/7', 'unspec', -1, '', ''],
    ['', 'unspec', -1, '', ''],
  ])('%s', (section, type, expectedAttachType, attachTo, flags) => {
    const meaning = sectionMeaning(section);
    expect(meaning).toEqual({
      type,
      expectedAttachType,
      attachTo,
      sleepable: flags === 'sleepable',
      frags: flags === 'frags',
      autoload: flags !== 'off',
    });
  });

  it('no row hides another', () => {
    const hidden = SECTION_DEFS.filter((def) => {
      const meaning = sectionMeaning(def.name);
      const same = meaning.type === def.type && meaning.expectedAttachType === def.attachType;
      return !same || meaning.frags !== def.frags || meaning.sleepable !== def.sleepable;
    });
    expect(hidden).toEqual([]);
  });
});

describe('maps', () => {
  it.each(['maps', 'maps-clang14-v2'])('%s: BTF-defined', (name) => {
    const object = load(name);
    expect(findMap(object, 'flows')).toMatchObject({
      type: 1,
      keySize: 12,
      valueSize: 24,
      maxEntries: 1024,
      flags: 1,
      pinning: 1,
      numaNode: 1,
      mapExtra: 3n,
    });
    expect(findMap(object, 'per_cpu')).toMatchObject({ type: 6, keySize: 4, valueSize: 8, maxEntries: 4, pinning: 0 });
    expect(findMap(object, 'outer')).toMatchObject({
      type: 12,
      valueSize: 4,
      initialSlots: ['inner_a', undefined, 'inner_b'],
      innerMap: { name: 'outer.inner', type: 2, keySize: 4, valueSize: 8, maxEntries: 1 },
    });
    const jumps = findMap(object, 'jumps');
    expect(jumps).toMatchObject({ type: 3, keySize: 4, valueSize: 4, maxEntries: 8 });
    expect(jumps.initialSlots).toEqual([undefined, undefined, undefined, undefined, undefined, 'leaf']);
    const { btf } = object;
    expect(btf!.types[findMap(object, 'flows').btfKeyTypeId]).toMatchObject({ kind: 'struct', name: 'flow' });
  });

  it.each(['legacy', 'legacy-g0', 'legacy-28'])('%s: struct bpf_map_def', (name) => {
    const [counters, jumps] = load(name).maps;
    expect(counters).toMatchObject({ name: 'counters', type: 2, keySize: 4, valueSize: 8, maxEntries: 2, offset: 0 });
    expect(jumps).toMatchObject({ name: 'jumps', type: 3, maxEntries: 3, offset: name === 'legacy-28' ? 28 : 20 });
  });

  it("iproute2's maps name their inner map by id", () => {
    const outer = findMap(load('iproute2'), 'outer');
    expect(outer).toMatchObject({
      type: 12,
      pinning: 2,
      innerMap: { type: 2, valueSize: 8 },
      initialSlots: ['inner'],
    });
  });

  it.each([
    ['tail_call', '.rodata', 'tail_cal.rodata'],
    ['a', '.bss', 'a.bss'],
    ['tail-call', '.data', 'tail_cal.data'],
    ['long_object', '.kconfig', 'long_ob.kconfig'],
    ['tail_call', '.data.config', '.data.config'],
  ])('%s %s is named %s', (object, section, name) => {
    expect(dataMapName(object, section)).toBe(name);
  });

  it('data sections are maps of one element', () => {
    const object = load('subprogs');
    expect(object.maps.map((m) => [m.name, m.dataKind, m.valueSize, m.maxEntries, m.flags])).toEqual([
      ['subprogs.rodata', 'rodata', 20, 1, 0x480],
      ['subprogs.data', 'data', 10, 1, 0x400],
      ['subprogs.bss', 'bss', 4, 1, 0x400],
    ]);
    expect(findMap(object, '.bss').initialValue).toEqual(new Uint8Array(4));
    expect(load('sections').maps.map((m) => m.name)).toEqual(
      expect.arrayContaining(['.data.tuned', '.rodata.fixed', '.bss.zeroes']),
    );
  });
});

describe('editing between open and load', () => {
  it('globals are read and written by name', () => {
    const object = load('subprogs');
    expect(variables(object).map((v) => [v.name, v.map.dataKind, v.offset, v.size])).toEqual([
      ['limit', 'rodata', 0, 4],
      ['greeting', 'rodata', 4, 16],
      ['total', 'data', 0, 8],
      ['pair', 'data', 8, 2],
      ['calls', 'bss', 0, 4],
    ]);
    setVariable(object, 'limit', 7);
    setVariable(object, 'greeting', 'bye');
    expect([getVariable(object, 'limit'), getVariable(object, 'greeting')]).toEqual([7, 'bye']);
    expect([...findMap(object, '.rodata').initialValue!.subarray(0, 8)]).toEqual([7, 0, 0, 0, 0x62, 0x79, 0x65, 0]);
    // The next one opened from the same file is as the compiler wrote it.
    expect(getVariable(load('subprogs'), 'limit')).toBe(100);
  });

  it('maps and programs', () => {
    const object = load('maps');
    setMaxEntries(object, 'flows', 9);
    expect(findMap(object, 'flows').maxEntries).toBe(9);
    findProg(object, 'leaf').autoload = false;
    expect(object.progs.map((p) => p.autoload)).toEqual([false, true]);
  });

  it('kconfig values', () => {
    const object = load('externs');
    expect(object.externs.map((e) => [e.name, e.kind, e.weak, e.resolved])).toEqual([
      ['LINUX_KERNEL_VERSION', 'kconfig', false, true],
      ['CONFIG_BPF_SYSCALL', 'kconfig', false, true],
      ['CONFIG_NOT_THERE', 'kconfig', true, false],
      ['strong_kfunc', 'kfunc', false, false],
      ['weak_kfunc', 'kfunc', true, false],
      ['weak_symbol', 'ksym', true, false],
      ['strong_symbol', 'ksym', false, false],
    ]);
    setKconfig(object, 'LINUX_KERNEL_VERSION', 0x061300);
    setKconfig(object, 'CONFIG_BPF_SYSCALL', true);
    expect([...findMap(object, '.kconfig').initialValue!]).toEqual([0, 19, 6, 0, 0, 0, 0, 0, 1, ...Array(11).fill(0)]);
    expect(getVariable(object, 'CONFIG_BPF_SYSCALL')).toBe(true);
  });

  it.each([
    ['CONFIG_BPF_SYSCALL', 'y', true],
    ['CONFIG_BPF_SYSCALL', 'n', false],
    ['LINUX_KERNEL_VERSION', '0x61300', 0x061300],
    ['LINUX_KERNEL_VERSION', '17', 17],
  ])('%s=%s, as a configuration file has it', (name, text, value) => {
    const object = load('externs');
    setKconfig(object, name, text);
    expect(getVariable(object, name)).toBe(value);
  });

  it.each([
    ['findProg', () => findProg(load('maps'), 'x'), "no program 'x'; it has leaf, entry"],
    ['findMap', () => findMap(load('maps'), 'x'), "no map 'x'; it has inner_a"],
    ['setMaxEntries', () => setMaxEntries(load('maps'), 'flows', -1), 'max_entries cannot be -1; it is a u32'],
    ['setMaxEntries of data', () => setMaxEntries(load('subprogs'), '.data', 2), 'a data section is one element'],
    ['setVariable', () => setVariable(load('subprogs'), 'x', 1), "no variable 'x'; it has limit"],
    ['setVariable range', () => setVariable(load('subprogs'), 'limit', -1), 'holds 0 to 4294967295'],
    ['setKconfig', () => setKconfig(load('externs'), 'x', 1), "no kconfig extern 'x'"],
  ])('%s refuses', (_, what, message) => {
    expect(errorOf(what).message).toContain(message);
  });
});

describe('what loaders of other projects rely on', () => {
  it('slots from iproute2 sections, maps of 28 bytes and in sections of their own', () => {
    const object = load('short-elf-map');
    const shown = object.maps.map((m) => [m.name, m.type, m.maxEntries, m.pinning, m.initialSlots]);
    expect(shown).toEqual([
      ['jumps', 3, 4, 0, [undefined, 'slot_one', undefined, 'slot_three']],
      ['shared', 1, 16, 2, []],
      ['counters', 2, 2, 0, []],
    ]);
    expect(link(object, findProg(object, 'trapped')).kfuncs).toEqual(['__bpf_trap']);
  });

  it('slots that name static maps and programs', () => {
    const object = load('static-slots');
    expect(findMap(object, 'outer').initialSlots).toEqual(['second', 'first']);
    expect(findMap(object, 'jumps').initialSlots).toEqual(['two', 'one']);
  });

  it('slots from declaration tags, constants by name, unknown pinning', () => {
    const object = load('tagged');
    expect(object.progs.map((p) => [p.name, p.type, p.global])).toEqual([
      ['tail_five', 'xdp', false],
      ['tail_two', 'xdp', false],
      ['entry', 'xdp', true],
    ]);
    const calls = findMap(object, 'calls');
    expect(calls.pinning).toBe(16);
    expect(calls.initialSlots).toEqual([undefined, undefined, 'tail_two', undefined, undefined, 'tail_five']);
    setVariable(object, 'answer', 42);
    setVariable(object, '__globals', { host_ip: 0x0a000001, port: 80, name: 'wep', jumps: [9, 8, 7, 6] });
    expect(getVariable(object, 'answer')).toBe(42);
    expect(getVariable(object, '__globals')).toMatchObject({ port: 80, jumps: [9, 8, 7, 6] });
    expect([...findMap(object, '.rodata').initialValue!.subarray(0, 6)]).toEqual([1, 0, 0, 10, 80, 0]);
  });

  it('an arena, and its variables', () => {
    const object = load('arena');
    expect(object.maps.map((m) => [m.name, m.type, m.mapExtra])).toEqual([['arena', 33, 1n << 44n]]);
    const { insns, maps } = link(object, object.progs[0]);
    expect(maps.map((m) => m.name)).toEqual(['arena']);
    // The map, then the address of its first variable.
    expect([insns[1] >> 4, insns[17] >> 4]).toEqual([5, 6]);
  });
});

describe('objects that are refused', () => {
  const RULES: [what: string, file: string, patch: (p: Patch) => Patch, code: string, message: string][] = [
    ['no BTF for .maps', 'maps-g0', (p) => p, 'OBJECT_MAPS_NO_BTF', 'compile with -g'],
    ['code size', 'core', (p) => p.header('xdp', 'size', 12), 'OBJECT_SECTION_SIZE', 'section xdp has 12 bytes'],
    ['function offset', 'core', (p) => p.setSymbol('plain', 'value', 4), 'OBJECT_FUNC', 'a multiple of 8'],
    ['function outside', 'core', (p) => p.setSymbol('plain', 'value', 64), 'OBJECT_FUNC', 'offset is 0x40'],
    ['function size', 'core', (p) => p.setSymbol('plain', 'size', 9), 'OBJECT_FUNC', 'size is 9'],
    ['function end', 'core', (p) => p.setSymbol('plain', 'size', 800), 'OBJECT_FUNC', 'end is 0x320'],
    ['functions overlap', 'subprogs', (p) => p.setSymbol('twice', 'size', 32), 'OBJECT_FUNC', "'clamp' begins"],
    ['one name twice', 'core', (p) => p.setSymbol('probe', 'name', nameOf(p, 'plain')), 'OBJECT_DUPLICATE', "'plain'"],
    ['version size', 'subprogs', (p) => p.header('version', 'size', 3), 'OBJECT_SECTION_SIZE', '4, a u32'],
    ['map type 0', 'legacy-g0', (p) => p.content('maps', 0, 4, 0), 'OBJECT_MAP', 'type is 0'],
    ['map stride', 'legacy-g0', (p) => p.header('maps', 'size', 39), 'OBJECT_LEGACY_MAPS', 'the same size'],
    ['small maps', 'legacy-g0', (p) => p.header('maps', 'size', 24), 'OBJECT_LEGACY_MAPS', 'has 16 bytes at least'],
    ['map offset', 'legacy-g0', (p) => p.setSymbol('jumps', 'value', 4), 'OBJECT_MAP', 'offset is 0x4'],
    ['inner id', 'iproute2', (p) => p.content('maps', 36 + 28, 4, 8), 'OBJECT_MAP', 'inner_id is 8'],
    ['slot type', 'maps', (p) => p.content('.rel.maps', 8, 4, 3), 'OBJECT_MAP_RELOC', 'R_BPF_64_ABS32'],
    ['slot offset', 'maps', (p) => p.content('.rel.maps', 0, 8, 65), 'OBJECT_MAP_RELOC', 'not at one of the values'],
    ['slot outside', 'maps', (p) => p.content('.rel.maps', 0, 8, 1), 'OBJECT_MAP_RELOC', 'which has no __array'],
    ['slot of nothing', 'maps', (p) => p.content('.rel.maps', 12, 4, 0), 'OBJECT_MAP_RELOC', 'names no map'],
    ['map too long', 'maps', (p) => p.header('.maps', 'size', 200), 'ELF_RELOC_OFFSET|OBJECT_MAP', 'section'],
  ];
  it.each(RULES)('%s (%s)', (_, file, patch, code, message) => {
    const error = errorOf(() => loadObject(patch(new Patch(`object/${file}.o`)).bytes));
    expect(code.split('|')).toContain(error.code);
    expect(error.message).toContain(message);
  });

  it('an error carries its fields', () => {
    const error = errorOf(() => loadObject(fixture('object/maps-g0.o')));
    expect(error).toBeInstanceOf(ObjectError);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ stage: 'object', code: 'OBJECT_MAPS_NO_BTF' });
  });

  it('without programs it is an object all the same: it may declare maps for others', () => {
    expect(loadObject(fixture('object/empty.o')).progs).toEqual([]);
  });
});

/** Offset of a symbol's name in the string table. */
function nameOf(patch: Patch, symbol: string): number {
  const at = patch.section('.symtab').offset + 24 * patch.symbol(symbol).index;
  return new DataView(patch.bytes.buffer).getUint32(at, true);
}
