// The helper tables as data: complete, in order, of one meaning with the engine's list, and encoded as the verifier reads them.

import { describe, expect, test } from 'vitest';
import { helpers } from '../src/isa/helpers.ts';
import * as abi from '../src/verifier/abi.ts';
import { helperGate, helperName, helperRow, helperStructs } from '../src/verifier/tables/helpers.ts';
import { encodeHelpers } from '../src/verifier/tables/helpers-encode.ts';
import { MAP_HELPERS, MAP_TYPES, mapMask } from '../src/verifier/tables/helpers-maps.ts';
import { PACKET_TYPES } from '../src/verifier/tables/helpers-row.ts';
import { helperRows, helperVariants } from '../src/verifier/tables/helpers-rows.ts';

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer);
const flagsOf = (bytes: Uint8Array, id: number): number => view(bytes).getUint32(id * abi.HP_SIZE + abi.HP_FLAGS, true);

describe('rows', () => {
  test('stand at their ids, each once', () => {
    expect(helperRows().map((row) => row.id)).toEqual(Array.from({ length: abi.HELPER_COUNT }, (_, i) => i));
    expect(new Set(helperRows().map((row) => row.name)).size).toBe(helperRows().length);
    for (const row of helperVariants()) expect(helperName(row.id)).toBe(row.name);
  });

  test('name every helper that the engine has, and what it says of it is the same', () => {
    for (const helper of helpers()) {
      const row = helperRow(helper.id, 'xdp');
      expect(row?.name).toBe(helper.name);
      expect(row?.flags.has('gpl')).toBe(helper.gplOnly);
      expect(row?.flags.has('moves')).toBe(helper.changesPacket);
    }
  });

  test('have sizes where memory has a fixed size, and a size behind memory that has none', () => {
    for (const row of [...helperRows(), ...helperVariants()]) {
      row.args.forEach((arg, i) => {
        expect(arg.size > 0, row.name).toBe((arg.word & abi.MEM_FIXED_SIZE) !== 0);
        if ((arg.word & abi.BASE_MASK) !== abi.ARG_PTR_TO_MEM || arg.size > 0) return;
        expect([abi.ARG_CONST_SIZE, abi.ARG_CONST_SIZE_OR_ZERO], row.name).toContain(row.args[i + 1]?.word);
      });
    }
  });

  test('of maps name helpers that there are', () => {
    const names = new Set(helperRows().map((row) => row.name));
    for (const list of Object.values(MAP_HELPERS)) {
      for (const name of list.split(' ')) expect(names).toContain(name);
    }
  });
});

describe('gates', () => {
  test('ask for program type, attach type and rights', () => {
    const gate = (id: number, ...rest: Parameters<typeof helperGate> extends [unknown, ...infer R] ? R : never) =>
      helperGate(helperRow(id, rest[0]) as NonNullable<ReturnType<typeof helperRow>>, ...rest);
    expect(gate(44, 'xdp')).toBe('ok');
    expect(gate(44, 'sched_cls')).toBe('type');
    expect(gate(64, 'cgroup_sock_addr', { attachType: 10 })).toBe('ok');
    expect(gate(64, 'cgroup_sock_addr', { attachType: 8 })).toBe('type');
    expect(gate(6, 'xdp', { perfmon: false })).toBe('perfmon');
    expect(gate(6, 'socket_filter', { bpf: false, perfmon: false })).toBe('bpf');
    expect(gate(181, 'socket_filter', { bpf: false, perfmon: false })).toBe('bpf');
    expect(gate(1, 'socket_filter', { bpf: false, perfmon: false })).toBe('ok');
  });

  test('know where a prototype differs', () => {
    expect(helperRow(124, 'sk_lookup')?.args[1]?.word).toBe(abi.ARG_PTR_TO_SOCKET | abi.PTR_MAYBE_NULL);
    expect(helperRow(124, 'sched_cls')?.args[1]?.word).toBe(abi.ARG_PTR_TO_BTF_ID_SOCK_COMMON);
    expect(helperRow(17, 'xdp')?.args).toEqual([]);
    expect(helperRow(17, 'sched_cls')?.args).toHaveLength(1);
  });
});

describe('encoded', () => {
  test('row by row: words, sizes, structs, flags, maps', () => {
    const structs = helperStructs();
    const bytes = encodeHelpers('xdp', { structIndex: (name) => structs.indexOf(name) });
    expect(bytes).toHaveLength(abi.HELPER_COUNT * abi.HP_SIZE);
    const at = 205 * abi.HP_SIZE;
    expect(view(bytes).getUint32(at + abi.HP_ARGS, true)).toBe(
      abi.ARG_PTR_TO_MEM | abi.MEM_RDONLY | abi.MEM_FIXED_SIZE,
    );
    expect(view(bytes).getUint32(at + abi.HP_ARG_SIZES, true)).toBe(40);
    expect(view(bytes).getInt32(at + abi.HP_ARG_STRUCTS, true)).toBe(-1);
    expect(flagsOf(bytes, 205)).toBe(abi.HPF_ALLOWED | abi.HPF_GPL_ONLY | abi.HPF_PKT_ACCESS);
    const skc = 137 * abi.HP_SIZE;
    expect(view(bytes).getUint32(skc + abi.HP_RET, true)).toBe(abi.RET_PTR_TO_BTF_ID | abi.PTR_MAYBE_NULL);
    expect(structs[view(bytes).getInt32(skc + abi.HP_RET_STRUCT, true)]).toBe('tcp_sock');
    expect(view(bytes).getBigUint64(abi.HP_SIZE + abi.HP_MAPS_LO, true)).toBe(mapMask('map_lookup_elem', 'xdp'));
  });

  test('with the bits of who may call', () => {
    expect(flagsOf(encodeHelpers('sched_cls'), 44) & abi.HPF_ALLOWED).toBe(0);
    expect(flagsOf(encodeHelpers('xdp'), 44)).toBe(abi.HPF_ALLOWED | abi.HPF_CHANGES_PKT);
    expect(flagsOf(encodeHelpers('xdp', { perfmon: false }), 6)).toBe(abi.HPF_LACKS_PERFMON | abi.HPF_GPL_ONLY);
    expect(flagsOf(encodeHelpers('xdp'), 4)).toBe(0);
  });

  test('the same for the same arguments', () => {
    for (const type of PACKET_TYPES) expect(encodeHelpers(type)).toEqual(encodeHelpers(type));
  });

  test('maps: only those that the helper takes', () => {
    const bit = (name: (typeof MAP_TYPES)[number]): bigint => 1n << BigInt(MAP_TYPES.indexOf(name));
    expect(mapMask('tail_call', 'xdp')).toBe(bit('prog_array'));
    expect(mapMask('redirect_map', 'xdp')).toBe(bit('devmap') | bit('cpumap') | bit('xskmap') | bit('devmap_hash'));
    expect(mapMask('map_update_elem', 'sk_skb') & bit('sockmap')).toBe(0n);
    expect(mapMask('map_update_elem', 'xdp') & bit('sockmap')).toBe(bit('sockmap'));
    expect(mapMask('map_lookup_elem', 'xdp') & bit('prog_array')).toBe(0n);
  });
});
