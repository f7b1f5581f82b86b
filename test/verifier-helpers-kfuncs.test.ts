// The kfunc table: what rows mean; against the running kernel: prototypes as its BTF has them, who may call which,
// what each argument may be, what comes back. BPF2WASM_SWEEP=1 asks for all program types.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseBtf } from '../src/btf/parse.ts';
import type { Btf } from '../src/btf/types.ts';
import type { Insn } from '../src/isa/insn.ts';
import * as abi from '../src/verifier/abi.ts';
import { KFUNC_KINDS } from '../src/verifier/kfunc-kinds.ts';
import { PACKET_TYPES, type PacketType } from '../src/verifier/tables/helpers-row.ts';
import { hasSuffix, type KfuncArg, type KfuncRow } from '../src/verifier/tables/kfuncs-row.ts';
import { kfuncRows } from '../src/verifier/tables/kfuncs-rows.ts';
import { KERNEL_STRUCTS } from '../src/verifier/tables/kfuncs-structs.ts';
import { describeKernel } from './kernel/available.ts';
import { argKind, kernelStruct, kfuncAllowed, kfuncRow, retKind } from './verifier/kfunc-reading.ts';
import * as k from './verifier-helpers.kernel.ts';

const ALL = process.env.BPF2WASM_SWEEP === '1';
const TYPES: readonly PacketType[] = ALL ? PACKET_TYPES : ['sched_cls', 'xdp', 'netfilter'];
const row = (name: string): KfuncRow => kfuncRow(name) as KfuncRow;

describe('kfunc rows', () => {
  test('have a struct for every name, and five arguments at most', () => {
    for (const one of kfuncRows()) {
      expect(one.args.length, one.name).toBeLessThanOrEqual(5);
      const structs = [retKind(one).struct, ...one.args.map((_arg, i) => argKind(one, i, 'xdp').struct)];
      for (const struct of structs) if (struct !== undefined) expect(kernelStruct(struct), struct).toBeDefined();
    }
    expect(new Set(kfuncRows().map((one) => one.name)).size).toBe(kfuncRows().length);
  });

  test('say what arguments are by type and suffix', () => {
    const kinds = (name: string, type: PacketType): [number, number][] =>
      row(name).args.map((_arg, i) => {
        const { kind, flags } = argKind(row(name), i, type);
        return [kind, flags];
      });
    expect(kinds('bpf_dynptr_slice', 'xdp')).toEqual([
      [abi.KA_DYNPTR, abi.KAF_CONST_DYNPTR],
      [abi.KA_SCALAR, 0],
      [abi.KA_VOID, abi.KAF_OPTIONAL],
      [abi.KA_SCALAR, abi.KAF_CONST_SIZE],
    ]);
    expect(kinds('bpf_rbtree_add_impl', 'xdp').map(([kind]) => kind)).toEqual([
      abi.KA_RB_ROOT,
      abi.KA_RB_NODE,
      abi.KA_CALLBACK,
      abi.KA_IGNORED,
      abi.KA_SCALAR,
    ]);
    expect(kinds('bpf_obj_new_impl', 'xdp')[0]).toEqual([abi.KA_SCALAR, abi.KAF_CONST]);
    expect(kinds('bpf_obj_drop_impl', 'xdp')[0]).toEqual([abi.KA_VOID, abi.KAF_ALLOC]);
    expect(kinds('bpf_dynptr_from_skb', 'sched_cls')[0]?.[0]).toBe(abi.KA_CTX);
    expect(kinds('bpf_dynptr_from_skb', 'netfilter')[0]?.[0]).toBe(abi.KA_STRUCT_PTR);
  });

  test('say what comes back', () => {
    expect(retKind(row('bpf_iter_num_next'))).toEqual({ kind: abi.KRET_MEM, bytes: 4, struct: undefined });
    expect(retKind(row('bpf_xdp_ct_lookup'))).toEqual({ kind: abi.KRET_STRUCT, bytes: 0, struct: 'nf_conn' });
    expect(retKind(row('bpf_dynptr_slice'))).toEqual({ kind: abi.KRET_MEM, bytes: 0, struct: undefined });
    expect(retKind(row('bpf_ct_release')).kind).toBe(abi.KRET_VOID);
  });

  test('with rules of their own have one number each, and every number has a row', () => {
    const kinds = kfuncRows().flatMap((one) => KFUNC_KINDS.get(one.name) ?? []);
    expect(new Set(kinds).size).toBe(kinds.length);
    expect(kinds).toHaveLength(Object.keys(abi).filter((name) => name.startsWith('KFUNC_')).length - 1);
  });
});

/** What the kernel says of a ctx as argument `i`; undefined where it takes one or cannot be asked. */
function refusal(one: KfuncRow, i: number, type: PacketType): RegExp | undefined {
  const { kind, flags, struct } = argKind(one, i, type);
  const scalar = `R${i + 1} is not a scalar`;
  const plain = struct !== undefined && kernelStruct(struct)?.scalars === true;
  const memory = `R${i + 1} type=ctx expected=fp|arg#${i} pointer type UNKNOWN`;
  if ((flags & abi.KAF_ALLOC) !== 0) return new RegExp(`R${i + 1} must be referenced or trusted`);
  if ((flags & abi.KAF_REFCOUNTED) !== 0) return new RegExp(`arg#${i} is neither owning or non-owning ref`);
  const said: Readonly<Record<number, string>> = {
    [abi.KA_SCALAR]: (flags & abi.KAF_SIZE) === 0 ? scalar : `${scalar}|arg#${i - 1} pointer type UNKNOWN`,
    [abi.KA_MEM]: memory,
    [abi.KA_VOID]: memory,
    [abi.KA_STRUCT_PTR]:
      plain || isSized(one.args[i + 1]) ? memory : `arg#${i} pointer type STRUCT ${struct} must point to scalar`,
    [abi.KA_DYNPTR]: `arg#${i} expected pointer to stack or const struct bpf_dynptr`,
    [abi.KA_ITER]: `arg#${i} expected pointer to an iterator on stack`,
    [abi.KA_LIST_HEAD]: `arg#${i} expected pointer to map value or allocated object`,
    [abi.KA_RB_ROOT]: `arg#${i} expected pointer to map value or allocated object`,
    [abi.KA_CONST_STR]: `arg#${i} doesn't point to a const string`,
    [abi.KA_WORKQUEUE]: `arg#${i} doesn't point to a map value`,
    [abi.KA_OTHER]: `arg#${i} doesn't point to a map value`,
    [abi.KA_IRQ_FLAG]: `arg#${i} doesn't point to an irq flag on stack`,
    [abi.KA_RES_LOCK]: `arg#${i} doesn't point to map value or allocated object`,
  };
  const text = said[kind];
  return text === undefined ? undefined : new RegExp(text);
}

const isSized = (arg: KfuncArg | undefined): boolean => hasSuffix(arg, 'sz') || hasSuffix(arg, 'szk');

describeKernel('kfunc prototypes', () => {
  let bench: k.Bench;
  let btf: Btf;
  const ids = new Map<string, number>();
  beforeAll(() => {
    bench = new k.Bench();
    btf = parseBtf(readFileSync('/sys/kernel/btf/vmlinux'));
    for (const tag of btf.types) {
      if (tag.kind !== 'decl_tag' || tag.name !== 'bpf_kfunc') continue;
      const func = btf.types[tag.type];
      if (func?.kind === 'func') ids.set(func.name, tag.type);
    }
  });
  afterAll(() => bench.close());

  const call = (name: string): Insn => k.insn(0x85, 0, 2, 0, ids.get(name));
  const end = [k.mov(0, 1), k.exit];
  /** Rows that this kernel has, seen from a program type that may call them. */
  const cases = (): [KfuncRow, PacketType][] =>
    kfuncRows()
      .filter((one) => ids.has(one.name))
      .flatMap((one) => {
        const types = [...one.callers].sort((a, b) => Number(TYPES.includes(b)) - Number(TYPES.includes(a)));
        return (ALL ? types : types.slice(0, 1)).map((type): [KfuncRow, PacketType] => [one, type]);
      });
  const zeros = Array.from({ length: 32 }, (_, i) => k.insn(0x7a, 10, 0, -8 * (i + 1)));

  /** A good argument `i`, where one is at hand. */
  function good(one: KfuncRow, i: number, type: PacketType): Insn[] | undefined {
    const { kind, flags, struct } = argKind(one, i, type);
    const fresh = (flags & abi.KAF_UNINIT) !== 0 || one.flags.has('ITER_NEW');
    const plain = struct !== undefined && kernelStruct(struct)?.scalars === true;
    switch (kind) {
      case abi.KA_SCALAR:
        return (flags & abi.KAF_CONST_SIZE) !== 0 ? undefined : [k.mov(i + 1, (flags & abi.KAF_SIZE) === 0 ? 0 : 16)];
      case abi.KA_IGNORED:
        return [k.mov(i + 1, 0)];
      case abi.KA_CTX:
        return [k.copy(i + 1, 6)];
      case abi.KA_MEM:
      case abi.KA_VOID:
        return (flags & (abi.KAF_ALLOC | abi.KAF_REFCOUNTED)) !== 0 ? undefined : k.stack(i + 1, k.BUFFER);
      case abi.KA_CONST_STR:
        return k.lddw(i + 1, k.PSEUDO_MAP_VALUE, bench.rodata());
      case abi.KA_ITER:
      case abi.KA_DYNPTR:
        return fresh ? k.stack(i + 1, -32) : undefined;
      default:
        if (plain || (kind === abi.KA_STRUCT_PTR && isSized(one.args[i + 1]))) return k.stack(i + 1, k.BUFFER);
        return struct === 'task_struct' && i === 0 ? [k.call(158), k.copy(1, 0)] : undefined;
    }
  }

  /** The call with good arguments up to `i` and `last` behind them; undefined where good ones are not at hand. */
  function ask(one: KfuncRow, type: PacketType, i: number, last: readonly Insn[], logLevel = 1): string | undefined {
    const args = one.args.slice(0, i).map((_arg, j) => good(one, j, type));
    if (args.includes(undefined)) return undefined;
    const insns = [k.copy(6, 1), ...zeros, ...args.flatMap((insns) => insns ?? []), ...last];
    return bench.load([...insns, ...end], type, { logLevel }).log;
  }

  test('are those of the BTF: names of arguments, and sizes of structs of scalars', () => {
    for (const one of kfuncRows()) {
      const func = btf.types[ids.get(one.name) ?? 0];
      if (func?.kind !== 'func') continue;
      const proto = btf.types[func.type];
      expect(proto?.kind === 'func_proto' && proto.params.map((param) => param.name), one.name).toEqual(
        one.args.map((arg) => arg.name),
      );
    }
    for (const { name, size } of KERNEL_STRUCTS.filter((one) => one.scalars)) {
      const found = btf.types.find((type) => (type.kind === 'struct' || type.kind === 'union') && type.name === name);
      if (found !== undefined) expect('size' in found && found.size, name).toBe(size);
    }
  });

  test('are for the program types that the kernel says, and no other kfunc is for any', () => {
    const lines = [...ids.keys()].flatMap((name) =>
      TYPES.flatMap((type) => {
        const { log } = bench.load([call(name), ...end], type);
        const allowed = !/calling kernel function \S+ is not allowed/.test(log);
        const known = kfuncRow(name);
        return allowed === (known !== undefined && kfuncAllowed(known, type))
          ? []
          : [`${type} ${name}: kernel ${allowed}`];
      }),
    );
    expect(lines).toEqual([]);
  });

  test('are for sleepable programs where the rows say', () => {
    const lines = cases().filter(([one, type]) => {
      const { log } = bench.load([call(one.name), ...end], type);
      return /program must be sleepable/.test(log) !== one.flags.has('SLEEPABLE');
    });
    expect(lines.map(([one]) => one.name)).toEqual([]);
  });

  /** These are refused before their arguments are looked at. */
  const closed = (one: KfuncRow): boolean =>
    one.flags.has('SLEEPABLE') || /metadata|css_task_new|__bpf_trap/.test(one.name);

  test('take what their arguments are', () => {
    let asked = 0;
    const lines = cases().flatMap(([one, type]) => {
      if (closed(one)) return [];
      return one.args.flatMap((_arg, i) => {
        const want = refusal(one, i, type);
        const log = want && ask(one, type, i, [k.copy(i + 1, 6), call(one.name)]);
        if (want === undefined || log === undefined) return [];
        asked++;
        return want.test(log) ? [] : [`${type} ${one.name} arg${i}: ${log.trim().split('\n').slice(-2)[0]}`];
      });
    });
    expect(lines).toEqual([]);
    expect(asked).toBeGreaterThan(100);
  });

  test('refuse NULL where the rows do not allow it', () => {
    // Earlier builds of 6.18 ask only where pointers must be trusted: the iterator's need not be.
    const next = kfuncRow('bpf_iter_num_next') as KfuncRow;
    const always = /Possibly NULL/.test(ask(next, 'xdp', 0, [k.mov(1, 0), call(next.name)]) ?? '');
    const lines = cases().flatMap(([one, type]) => {
      if (closed(one)) return [];
      const trusted = one.flags.has('TRUSTED_ARGS') || one.flags.has('RELEASE') || one.flags.has('RCU');
      return one.args.flatMap((arg, i) => {
        const { kind, flags } = argKind(one, i, type);
        if (!arg.type.endsWith('*') || kind === abi.KA_IGNORED) return [];
        const log = ask(one, type, i, [k.mov(i + 1, 0), call(one.name)]);
        if (log === undefined) return [];
        const refused = /Possibly NULL pointer passed to trusted/.test(log);
        const want = (always || trusted) && (flags & (abi.KAF_NULLABLE | abi.KAF_OPTIONAL)) === 0;
        return refused === want ? [] : [`${type} ${one.name} arg${i}: kernel ${refused}`];
      });
    });
    expect(always ? lines : lines.filter((line) => !/refcount_acquire_impl/.test(line))).toEqual([]);
  });

  test('return what the rows say', () => {
    let asked = 0;
    const lines = cases().flatMap(([one, type]) => {
      const log = closed(one) ? undefined : ask(one, type, one.args.length, [call(one.name), k.copy(9, 0)], 2);
      const got = log && /\(bf\) r9 = r0\s.*?R9(?:_w)?=(\S*)/.exec(log)?.[1];
      if (got === undefined || got === '') return [];
      asked++;
      const { kind, struct } = retKind(one);
      const held = got.includes('ref_obj_id') === one.flags.has('ACQUIRE');
      const nullable = got.includes('or_null') === one.flags.has('RET_NULL');
      const fits =
        kind === abi.KRET_SCALAR
          ? got.startsWith('scalar')
          : struct === undefined || got.includes(`ptr_${one.flags.has('RET_NULL') ? 'or_null_' : ''}${struct}`);
      return held && nullable && fits ? [] : [`${type} ${one.name}: ${got}`];
    });
    expect(lines).toEqual([]);
    expect(asked).toBeGreaterThan(25);
  });

  test('kill packet pointers where the rows say', () => {
    const use = k.insn(0x71, 9, 8);
    for (const name of ['bpf_xdp_pull_data', 'bpf_dynptr_from_xdp', 'bpf_strlen']) {
      const args = row(name).args.flatMap((_arg, i) => good(row(name), i, 'xdp') ?? []);
      const insns = [k.copy(6, 1), ...zeros, ...k.packet('xdp', 8), ...args, call(name), use, ...end];
      const dead = /R8 invalid mem access 'scalar'/.test(bench.load(insns, 'xdp').log);
      expect(dead, name).toBe(row(name).flags.has('CHANGES_PKT'));
    }
  });
});
