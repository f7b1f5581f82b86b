// Every helper prototype against the running kernel: who may call it, what each argument may be, what it returns, which maps fit.
// BPF2WASM_SWEEP=1 asks for all program types and maps; otherwise a sample of them.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Insn } from '../src/isa/insn.ts';
import * as abi from '../src/verifier/abi.ts';
import { helperGate, helperRow } from '../src/verifier/tables/helpers.ts';
import { MAP_TYPES, takesMap } from '../src/verifier/tables/helpers-maps.ts';
import { type HelperRow, PACKET_TYPES, type PacketType } from '../src/verifier/tables/helpers-row.ts';
import { describeKernel } from './kernel/available.ts';
import * as k from './verifier-helpers.kernel.ts';

const ALL = process.env.BPF2WASM_SWEEP === '1';
const TYPES: readonly PacketType[] = ALL ? PACKET_TYPES : ['sched_cls', 'xdp', 'cgroup_sock_addr'];
const IDS = Array.from({ length: abi.HELPER_COUNT - 1 }, (_, i) => i + 1);

/** What the kernel lists when a scalar comes instead. */
const MEMORY = 'fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_';
const SOCKS = 'sock_common, sock, tcp_sock, xdp_sock';
const EXPECTED: Readonly<Record<number, string>> = {
  [abi.ARG_CONST_MAP_PTR]: 'map_ptr',
  [abi.ARG_PTR_TO_MAP_KEY]: MEMORY,
  [abi.ARG_PTR_TO_MAP_VALUE]: MEMORY,
  [abi.ARG_PTR_TO_MEM]: MEMORY,
  [abi.ARG_PTR_TO_CTX]: 'ctx',
  [abi.ARG_PTR_TO_SPIN_LOCK]: 'map_value, ptr_',
  [abi.ARG_PTR_TO_SOCK_COMMON]: SOCKS,
  [abi.ARG_PTR_TO_SOCKET]: 'sock',
  [abi.ARG_PTR_TO_BTF_ID]: 'ptr_, trusted_ptr_, rcu_ptr_',
  [abi.ARG_PTR_TO_RINGBUF_MEM]: 'ringbuf_mem',
  [abi.ARG_PTR_TO_BTF_ID_SOCK_COMMON]: `${SOCKS}, ptr_, trusted_ptr_`,
  [abi.ARG_PTR_TO_PERCPU_BTF_ID]: 'percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_',
  [abi.ARG_PTR_TO_FUNC]: 'func',
  [abi.ARG_PTR_TO_STACK]: 'fp',
  [abi.ARG_PTR_TO_CONST_STR]: 'map_value',
  [abi.ARG_PTR_TO_TIMER]: 'map_value',
  [abi.ARG_KPTR_XCHG_DEST]: 'map_value, ptr_',
  [abi.ARG_PTR_TO_DYNPTR]: 'fp, dynptr_ptr',
};

/** What is refused of maps that the table takes: sockets in them, timers of other maps. */
const BEHIND_THE_TABLE = /reference leak|expected=sock_common|timer pointer in R1/;

/** What is refused before the table is asked. */
const BEFORE_THE_TABLE =
  /invalid zero-sized read|expected prog array|write into map forbidden|invalid arg_type for sock|expected=sock_common|timer pointer in R1/;

/** Rows whose well-typed call needs what these programs have not: a per-CPU kernel variable, a kptr, leave to sleep. */
const NOT_CALLED = ['per_cpu_ptr', 'this_cpu_ptr', 'kptr_xchg', 'copy_from_user', 'copy_from_user_task'];

/** Types in which the programs of this test cannot have what the row wants: a socket, a map with a lock. */
function outOfReach(row: HelperRow, type: PacketType): boolean {
  const wants = (...bases: number[]): boolean => row.args.some((arg) => bases.includes(arg.word & abi.BASE_MASK));
  if (type === 'socket_filter') return wants(abi.ARG_PTR_TO_SPIN_LOCK, abi.ARG_PTR_TO_TIMER);
  if (type === 'sk_lookup' && row.name === 'sk_release') return true;
  return type === 'flow_dissector' && wants(abi.ARG_PTR_TO_BTF_ID_SOCK_COMMON, abi.ARG_PTR_TO_SOCK_COMMON);
}

interface Case {
  readonly row: HelperRow;
  readonly type: PacketType;
}

function cases(): Case[] {
  return IDS.flatMap((id) => {
    const callers = PACKET_TYPES.filter((type) => {
      const row = helperRow(id, type);
      return row?.callers.has(type) && !outOfReach(row, type);
    });
    const seen = ALL ? callers : callers.filter((type) => TYPES.includes(type)).slice(0, 1);
    const types = seen.length > 0 ? seen : callers.slice(0, 1);
    return types.map((type) => ({ row: helperRow(id, type) as HelperRow, type }));
  });
}

const sized = (word: number): boolean =>
  [abi.ARG_CONST_SIZE, abi.ARG_CONST_SIZE_OR_ZERO].includes(word & abi.BASE_MASK);
const memory = (word: number): boolean =>
  [abi.ARG_PTR_TO_MAP_KEY, abi.ARG_PTR_TO_MAP_VALUE, abi.ARG_PTR_TO_MEM].includes(word & abi.BASE_MASK);
const end = [k.mov(0, 1), k.exit];

describeKernel('helper prototypes', () => {
  let bench: k.Bench;
  beforeAll(() => {
    bench = new k.Bench();
  });
  afterAll(() => bench.close());

  const callable = (): Case[] => cases().filter(({ row }) => !NOT_CALLED.includes(row.name));

  /** The call with argument `at` (from 0) set by `insns` instead, then the end. */
  function withArg(
    { row, type }: Case,
    at: number,
    insns: readonly Insn[],
    after: readonly Insn[] = [],
    count = 1,
  ): k.Answer {
    const args = bench.args(row, type);
    const own = bench.args(row, type, at).length;
    const rest = args.slice(bench.args(row, type, at + count).length);
    const whole = [...bench.prelude(row, type), ...args.slice(0, own), ...insns, ...rest, k.call(row.id), ...after];
    return bench.load([...whole, ...bench.epilogue(row, type)], type);
  }

  /** The cases that answer otherwise than `want` says, for arguments that `select` picks. */
  function wrong(
    select: (word: number, one: Case) => boolean,
    ask: (one: Case, at: number) => boolean,
    want: (word: number, one: Case) => boolean,
    from = callable(),
  ): string[] {
    return from.flatMap((one) =>
      one.row.args.flatMap(({ word }, at) => {
        if (!select(word, one) || ask(one, at) === want(word, one)) return [];
        return [`${one.type} ${one.row.name} R${at + 1}: want ${want(word, one)}`];
      }),
    );
  }

  function refusal(id: number, type: PacketType, attachType: number, license: string): string {
    const { log } = bench.load([k.call(id), ...end], type, { attachType, license });
    if (/cannot use helper/.test(log)) return 'type';
    if (/(?:unknown|invalid) func/.test(log)) return 'none';
    return /GPL-restricted/.test(log) ? 'gpl' : 'ok';
  }

  function gates(perfmon: boolean): string[] {
    return TYPES.flatMap((type) =>
      k.LOAD_AS[type].slice(1).flatMap((attachType) =>
        IDS.flatMap((id) => {
          const row = helperRow(id, type) as HelperRow;
          const gate = helperGate(row, type, { attachType, perfmon });
          const want = gate !== 'ok' ? 'type' : row.flags.has('gpl') ? 'gpl' : 'ok';
          const got = refusal(id, type, attachType, 'Proprietary');
          return got === want ? [] : [`${type}/${attachType} ${row.name}#${id}: kernel ${got}, table ${want}`];
        }),
      ),
    );
  }

  test('are for the program types, attach types and licences that the kernel says', () => {
    expect(gates(true)).toEqual([]);
    expect(refusal(abi.HELPER_COUNT, 'xdp', 0, 'GPL')).toBe('none');
  });

  test('are for programs without CAP_PERFMON as far as the kernel says', () => {
    expect(k.withoutPerfmon(() => gates(false))).toEqual([]);
  });

  test('have the names that the kernel prints', () => {
    const wrongNames = IDS.filter((id) => {
      const { log } = bench.load([k.call(id), ...end], 'netfilter', { logLevel: 2 });
      return !log.includes(`bpf_${helperRow(id, 'netfilter')?.name}#${id}`);
    });
    expect(wrongNames).toEqual([]);
  });

  test('take as many arguments as the rows say', () => {
    const uncalled = callable().flatMap(({ row, type }) => {
      const { ok, log } = bench.load(
        [...bench.prelude(row, type), ...bench.args(row, type), k.call(row.id), ...bench.epilogue(row, type)],
        type,
      );
      return ok ? [] : [`${type} ${row.name}: ${log.trim().split('\n').slice(-3).join(' / ')}`];
    });
    expect(uncalled).toEqual([]);
    const readable = cases().flatMap(({ row, type }) => {
      if (row.flags.has('sleep')) return [];
      return row.args.flatMap((_arg, i) => {
        if (i === 0 && row.name === 'spin_unlock') return [];
        const { log } = bench.load(
          [...bench.prelude(row, type), ...bench.args(row, type, i), k.call(row.id), ...end],
          type,
        );
        return log.includes(`R${i + 1} !read_ok`) ? [] : [`${type} ${row.name} R${i + 1}: ${log.slice(-200)}`];
      });
    });
    expect(readable.filter((line) => !/this_cpu_ptr|per_cpu_ptr R2|kptr_xchg R2/.test(line))).toEqual([]);
  });

  test('refuse scalars with the list of what the kernel wants', () => {
    const lines = cases().flatMap(({ row, type }) => {
      if (row.flags.has('sleep') || row.name === 'kptr_xchg') return [];
      return row.args.flatMap(({ word }, i) => {
        const want = EXPECTED[word & abi.BASE_MASK];
        if (want === undefined) return [];
        const insns = [
          ...bench.prelude(row, type),
          ...bench.args(row, type, i),
          k.mov(i + 1, 1),
          k.call(row.id),
          ...end,
        ];
        const { log } = bench.load(insns, type);
        const list = /expected=(.*)/.exec(log)?.[1];
        return list === want ? [] : [`${type} ${row.name} R${i + 1}: ${list ?? log.slice(-200)}`];
      });
    });
    expect(lines).toEqual([]);
  });

  test('take pointers for anything, not for sizes', () => {
    const select = (word: number, { row }: Case): boolean =>
      (sized(word) || word === abi.ARG_ANYTHING) && !['get_local_storage', 'tail_call', 'loop'].includes(row.name);
    const ask = (one: Case, at: number): boolean => withArg(one, at, [k.copy(at + 1, 10)]).ok;
    expect(wrong(select, ask, (word) => word === abi.ARG_ANYTHING)).toEqual([]);
  });

  test('take NULL where the rows say', () => {
    const select = (word: number): boolean => EXPECTED[word & abi.BASE_MASK] !== undefined;
    // Of memory whose size may be 0, nothing of nothing.
    const ask = (one: Case, at: number): boolean => {
      const size = one.row.args[at + 1]?.word === abi.ARG_CONST_SIZE_OR_ZERO;
      const insns = [k.mov(at + 1, 0), ...(size ? [k.mov(at + 2, 0)] : [])];
      return !/type=scalar/.test(withArg(one, at, insns, [], size ? 2 : 1).log);
    };
    expect(wrong(select, ask, (word) => (word & abi.PTR_MAYBE_NULL) !== 0)).toEqual([]);
  });

  test('take a size of zero where the rows say', () => {
    const ask = (one: Case, at: number): boolean => withArg(one, at, [k.mov(at + 1, 0)]).ok;
    expect(wrong(sized, ask, (word) => (word & abi.BASE_MASK) === abi.ARG_CONST_SIZE_OR_ZERO)).toEqual([]);
  });

  test('write the memory that the rows say', () => {
    // A zero that the call may have changed could be anything: then the path behind the branch is real, and reads R8.
    const after = [k.load64(9, 10, k.BUFFER), k.insn(0x15, 9, 0, 1), k.copy(9, 8)];
    const ask = (one: Case, at: number): boolean =>
      /R8 !read_ok/.test(withArg(one, at, k.stack(at + 1, k.BUFFER), after).log);
    const alone = (word: number, { row }: Case): boolean =>
      memory(word) &&
      row.args.filter((arg) => memory(arg.word)).length === 1 &&
      row.ret !== abi.RET_VOID &&
      row.name !== 'dynptr_from_mem';
    expect(wrong(alone, ask, (word) => (word & abi.MEM_WRITE) !== 0)).toEqual([]);
  });

  test('take read-only maps where they do not write', () => {
    const rodata = (reg: number): Insn[] => k.lddw(reg, k.PSEUDO_MAP_VALUE, bench.rodata());
    const ask = (one: Case, at: number): boolean => withArg(one, at, rodata(at + 1)).ok;
    expect(wrong(memory, ask, (word) => (word & abi.MEM_WRITE) === 0)).toEqual([]);
  });

  test('take memory that nobody wrote where the rows say, without CAP_PERFMON', () => {
    const able = callable().filter(({ row, type }) => {
      const gate = helperGate(row, type, { perfmon: false, attachType: k.LOAD_AS[type][1] });
      return gate === 'ok' && row.name !== 'dynptr_from_mem';
    });
    const ask = (one: Case, at: number): boolean => withArg(one, at, k.stack(at + 1, k.UNWRITTEN)).ok;
    expect(k.withoutPerfmon(() => wrong(memory, ask, (word) => (word & abi.MEM_UNINIT) !== 0, able))).toEqual([]);
  });

  test('take as many bytes as the rows say, aligned where they say', () => {
    const fixed = (word: number): boolean => (word & abi.MEM_FIXED_SIZE) !== 0;
    const at =
      (back: number) =>
      (one: Case, i: number): boolean =>
        withArg(one, i, k.stack(i + 1, -(one.row.args[i] as { size: number }).size + back)).ok;
    expect(wrong(fixed, at(0), () => true)).toEqual([]);
    expect(wrong(fixed, at(4), () => false)).toEqual([]);
    expect(wrong(fixed, at(-1), (word) => (word & abi.MEM_ALIGNED) === 0)).toEqual([]);
  });

  test('take packet memory where the rows say', () => {
    const select = (word: number, { type }: Case): boolean =>
      memory(word) && k.PACKET_TYPES_WITH_POINTERS.includes(type);
    const ask = (one: Case, at: number): boolean => {
      const packet = [k.copy(6, 1), ...k.packet(one.type, 8), k.copy(1, 6)];
      const args = bench.args(one.row, one.type);
      const own = [...args.slice(0, bench.args(one.row, one.type, at).length), k.copy(at + 1, 8)];
      const rest = args.slice(bench.args(one.row, one.type, at + 1).length);
      const insns = [...packet, ...bench.prelude(one.row, one.type), ...own, ...rest, k.call(one.row.id)];
      return bench.load([...insns, ...bench.epilogue(one.row, one.type)], one.type).ok;
    };
    const wants = (_word: number, { row }: Case): boolean => row.flags.has('pkt');
    expect(wrong(select, ask, wants)).toEqual([]);
  });

  test('kill packet pointers where the rows say', () => {
    const held = callable().filter(({ type }) => k.PACKET_TYPES_WITH_POINTERS.includes(type));
    const lines = held.flatMap(({ row, type }) => {
      const insns = [...bench.prelude(row, type), ...k.packet(type, 8), ...bench.args(row, type), k.call(row.id)];
      const { log } = bench.load([...insns, k.insn(0x71, 9, 8), ...bench.epilogue(row, type)], type);
      const dead = /R8 invalid mem access 'scalar'/.test(log);
      return dead === row.flags.has('moves') ? [] : [`${type} ${row.name}: kernel ${dead}`];
    });
    expect(lines).toEqual([]);
  });

  test('return what the rows say', () => {
    const lines = callable().flatMap(({ row, type }) => {
      const insns = [...bench.prelude(row, type), ...bench.args(row, type), k.call(row.id), k.copy(9, 0)];
      const { log } = bench.load([...insns, ...bench.epilogue(row, type)], type, { logLevel: 2 });
      const got =
        /\(bf\) r9 = r0\s.*?R9(?:_w)?=([a-z_]+[a-z]*[0-9a-z_]*)/.exec(log)?.[1] ??
        (/R0 !read_ok/.test(log) ? 'void' : '?');
      return got === k.returned(row) ? [] : [`${type} ${row.name}: kernel ${got}, table ${k.returned(row)}`];
    });
    expect(lines).toEqual([]);
  });

  test('return references where the rows say', () => {
    // Sockets of xdp programs are references themselves: what a cast returns is the same one.
    const lines = callable().flatMap(({ row, type }) => {
      const insns = [...bench.prelude(row, type), ...bench.args(row, type), k.call(row.id), k.copy(9, 0)];
      const { log } = bench.load([...insns, ...bench.epilogue(row, type)], type, { logLevel: 2 });
      const held = /\(bf\) r9 = r0\s.*?R9(?:_w)?=[a-z_0-9]+\([^)]*ref_obj_id/.test(log);
      const want = row.flags.has('acquire') || (row.flags.has('cast') && type === 'xdp');
      return held === want ? [] : [`${type} ${row.name}: kernel ${held}`];
    });
    expect(lines).toEqual([]);
  });

  test('clobber R0 alone where the rows say: a spill around them needs no stack', () => {
    const [spill, fill] = [k.insn(0x7b, 10, 5, k.UNWRITTEN), k.insn(0x79, 5, 10, k.UNWRITTEN)];
    const lines = callable().flatMap(({ row, type }) => {
      if (row.args.length > 4) return [];
      const before = [...bench.prelude(row, type), ...bench.args(row, type), k.mov(5, 1)];
      const insns = [...before, spill, k.call(row.id), fill, ...bench.epilogue(row, type)];
      const depth = Number(/stack depth (\d+)/.exec(bench.load(insns, type, { logLevel: 4 }).log)?.[1]);
      return depth < -k.UNWRITTEN === row.flags.has('fast') ? [] : [`${type} ${row.name}: stack depth ${depth}`];
    });
    expect(lines).toEqual([]);
  });

  test('take the maps that the tables say', () => {
    const maps = MAP_TYPES.filter((name) => k.canCreate(name));
    const takers = callable().filter(({ row }) => row.args.some((arg) => arg.word === abi.ARG_CONST_MAP_PTR));
    const lines = takers.flatMap(({ row, type }) =>
      maps.flatMap((map) => {
        const insns = [
          ...bench.prelude(row, type),
          ...bench.args(row, type, 5, map),
          k.call(row.id),
          ...bench.epilogue(row, type),
        ];
        const { ok, log } = bench.load(insns, type);
        const want = takesMap(row.name, map, type);
        if (ok || /cannot pass map_type|callback function not allowed for map/.test(log))
          return ok === want ? [] : [`${type} ${row.name} ${map}: kernel ${ok}`];
        // Refused for something else: of the map's own rules, behind the table.
        return (want ? BEHIND_THE_TABLE : BEFORE_THE_TABLE).test(log)
          ? []
          : [`${type} ${row.name} ${map}: ${log.trim().split('\n').slice(-4).join(' / ')}`];
      }),
    );
    expect(lines).toEqual([]);
  });
});
