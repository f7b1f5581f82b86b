/** `verify` and `judge`: what they answer, errors as data, options, what the verifier is told of maps, structs and functions. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { VerifierError } from '../src/errors/index.ts';
import { link } from '../src/link/link.ts';
import type { LinkedProg } from '../src/link/types.ts';
import { loadObject } from '../src/object/load.ts';
import * as abi from '../src/verifier/abi.ts';
import { explain } from '../src/verifier/explain.ts';
import { argFlags, argKind } from '../src/verifier/kfunc-kinds.ts';
import { kfuncRow } from '../src/verifier/marshal-kfuncs.ts';
import { specialFields } from '../src/verifier/special-fields.ts';
import { StructTable } from '../src/verifier/struct-table.ts';
import { kfuncRows } from '../src/verifier/tables/kfuncs-rows.ts';
import { isRefused, Verifier, verify } from '../src/verifier/verify.ts';
import { buildCase } from './verifier/asm.ts';
import type { CaseMap } from './verifier/case.ts';

const verifier = new Verifier();
const maps: Record<string, CaseMap> = { hash: { type: 'hash', key: 4, value: 16, entries: 8 } };
const prog = (insns: string, more: object = {}): LinkedProg =>
  buildCase({ name: 'p', insns, verdict: 'accept', maps, ...more }).prog;

const LOOKUP = `
  *(u32 *)(r10 - 4) = 0
  r2 = r10
  r2 += -4
  r1 = map[hash]
  call 1
  if r0 == 0 goto +1
  r1 = *(u64 *)(r0 + 8)
  r0 = 0
  exit`;

function thrown(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('an accepted program', () => {
  const verified = verify(prog(LOOKUP));

  test('has its insns, its functions and statistics', () => {
    expect(verified.funcs.length).toBe(1);
    expect(verified.ops[0]).toMatchObject({ kind: 'store' });
    expect(verified.stats).toMatchObject({ insns: 10, size: 10, stackDepth: [8] });
    expect(verified.stats.peakMemory).toBeGreaterThan(10_000);
  });

  test('has what was proven of each access and call', () => {
    const { proof } = verified;
    expect(proof.access(0)).toEqual({ region: abi.PTR_TO_STACK, map: undefined, lo: -4, hi: -4 });
    expect(proof.access(7)).toEqual({ region: abi.PTR_TO_MAP_VALUE, map: 0, lo: 8, hi: 8 });
    expect(proof.access(1)).toBeUndefined();
    expect(proof.map(5)).toBe(0);
    expect(proof.reached(9)).toBe(true);
    expect(proof.changesPacket).toBe(false);
  });

  test('stays what it is when others are verified', () => {
    const one = verifier.verify(prog(LOOKUP));
    verifier.verify(prog('r0 = 0\nexit'));
    expect(one.proof.access(7)?.region).toBe(abi.PTR_TO_MAP_VALUE);
  });
});

describe('a refused program', () => {
  const refused = prog(LOOKUP.replace('if r0 == 0 goto +1\n', ''));
  const error = thrown(() => verifier.verify(refused));

  test('is a VerifierError, which is data', () => {
    expect(error).toBeInstanceOf(VerifierError);
    if (!isRefused(error)) throw error;
    expect(error.message).toBe("R0 invalid mem access 'map_value_or_null' (program p, insn 6: r1 = *(u64 *)(r0 +8))");
    expect(error.fields).toMatchObject({
      prog: 'p',
      class: 'safety',
      errno: 'EACCES',
      pc: 6,
      text: "R0 invalid mem access 'map_value_or_null'",
      registers: [
        { name: 'R0', text: 'map_value_or_null(id=1,map=hash,ks=4,vs=16)' },
        { name: 'R10', text: 'fp0' },
        { name: 'fp-8', text: '0000????' },
      ],
    });
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: 'VERIFIER_REFUSED', stage: 'verifier' });
  });

  test('has its log, also where none was asked for', () => {
    if (!isRefused(error)) throw error;
    expect(error.log).toContain("6: (79) r1 = *(u64 *)(r0 +8)\nR0 invalid mem access 'map_value_or_null'\nprocessed ");
  });

  test('is a value for `judge`', () => {
    const verdict = verifier.judge(refused);
    expect(verdict.ok).toBe(false);
    expect(verdict.stats.insns).toBe(6);
    expect(verdict.log).toBe('');
  });

  test('malformed insns are printed as the kernel prints them, and change no verdict', () => {
    // r2 += 1 with an offset, which no path reaches; then one that is reached.
    const bad = (dead: boolean): Uint8Array =>
      Uint8Array.of(
        ...[0xb7, 0, 0, 0, 0, 0, 0, 0, 0x15, 0, 1, 0, dead ? 0 : 1, 0, 0, 0],
        ...[0x07, 0x00, 9, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0],
      );
    const two = prog('r0 = 0\nif r0 == 0 goto +1\nr0 += 1\nexit');
    expect(verifier.judge({ ...two, insns: bad(true) }, { logLevel: 2 })).toMatchObject({ ok: true });
    const verdict = verifier.judge({ ...two, insns: bad(false) }, { logLevel: 2 });
    expect(verdict.log).toMatch(/2: \(07\) r0 \+= 1\nBPF_ALU uses reserved fields\n/);
    expect(verdict.ok ? '' : explain(verdict.error).summary).toBe('BPF_ALU uses reserved fields');
  });

  test('unknown insns are refused, not thrown over', () => {
    const insns = Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
    expect(verifier.judge({ ...prog('r0 = 0\nexit'), insns })).toMatchObject({ ok: false });
  });
});

describe('options', () => {
  test.each([
    [{ logLevel: 8 }, 'option logLevel is 8; expected is an integer from 0 to 7'],
    [{ limits: { insns: 0 } }, 'option limits.insns is 0; expected is an integer from 1 to 4294967295'],
    [{ memoryLimit: 1.5 }, 'option memoryLimit is 1.5; expected is an integer from 1048576 to 4294901760'],
    [{ unprivileged: 'yes' }, 'option unprivileged is yes; expected is true or false'],
  ])('%j', (options, message) => {
    expect(() => verifier.judge(prog('r0 = 0\nexit'), options as never)).toThrow(message);
  });

  test('limits.insns 4096: the limits of old kernels', () => {
    const long = prog('{4096} * r0 = 0\nexit');
    expect(verifier.judge(long).ok).toBe(true);
    const verdict = verifier.judge(long, { limits: { insns: 4096 } });
    expect(verdict.ok ? '' : verdict.error.fields).toMatchObject({ rule: 'PROG_TOO_LONG', errno: 'E2BIG' });
    const loop = prog('r0 = 0\nr0 += 1\nif r0 < 100000 goto -2\nexit');
    const old = verifier.judge(loop, { limits: { insns: 4096 } });
    expect(old.ok ? '' : old.error.fields.text).toBe('BPF program is too large. Processed 131073 insn');
    expect(verifier.judge(loop).ok).toBe(true);
  });

  test('a program type that is no packet type cannot be judged', () => {
    expect(() => verifier.judge({ ...prog('r0 = 0\nexit'), type: 'kprobe' })).toThrow(/only packet program types/);
  });

  test('a small memory limit ends in a refusal', () => {
    const states = prog('{20000} * r0 = 0\nexit');
    const verdict = verifier.judge(states, { memoryLimit: 1 << 20 });
    expect(verdict.ok ? '' : verdict.error.fields.rule).toBe('NO_MEMORY');
  });
});

describe('what the verifier is told', () => {
  test('every kfunc row has a kind for each argument', () => {
    for (const row of kfuncRows()) {
      for (const arg of row.args) expect(argKind(row, arg, 'xdp_md'), `${row.name} ${arg.name}`).toBeGreaterThan(0);
    }
    const slice = kfuncRow('bpf_dynptr_slice___flavour');
    expect(slice?.name).toBe('bpf_dynptr_slice');
    expect(slice?.args.map(argFlags)).toEqual([abi.KAF_CONST_DYNPTR, 0, abi.KAF_OPTIONAL, abi.KAF_CONST_SIZE]);
  });

  const object = loadObject(new Uint8Array(readFileSync('test/data/verify/fields.o')));
  const btf = object.btf;
  if (btf === undefined) throw new Error('fields.o has no BTF');

  test('special fields of map values, by name and by tag', () => {
    const map = object.maps.find((one) => one.name === 'objects');
    const found = specialFields(btf, map?.btfValueTypeId ?? 0);
    expect(found.map(({ kind, offset, bytes }) => [kind, offset, bytes])).toEqual([
      [abi.FIELD_SPIN_LOCK, 0, 4],
      [abi.FIELD_LIST_HEAD, 8, 16],
      [abi.FIELD_RB_ROOT, 24, 16],
      [abi.FIELD_KPTR_REF, 40, 8],
      [abi.FIELD_KPTR_UNREF, 48, 8],
      [abi.FIELD_TIMER, 56, 16],
      [abi.FIELD_TIMER, 72, 16],
    ]);
    expect(found[1]).toMatchObject({ nodeOffset: 8 });
    expect(found[2]).toMatchObject({ nodeOffset: 32 });
    expect(found[3].pointee).toBe('task_struct');
  });

  test("kernel structs by name, the program's own by id", () => {
    const structs = new StructTable(btf, undefined);
    const task = structs.kernelStruct('task_struct');
    expect(structs.kernelStruct('task_struct___flavour')).toBe(task);
    const element = btf.types.findIndex((type) => type.kind === 'struct' && type.name === 'element');
    const own = structs.localStruct(element);
    expect(own).not.toBe(task);
    expect(structs.name(own)).toBe('element');
    expect(structs.fieldStruct({ kind: abi.FIELD_KPTR_REF, offset: 0, bytes: 8, pointee: 'element' })).toBe(own);
  });

  test('they decide: a timer is not written, an object is locked', () => {
    const verdicts = object.progs.map((spec) => {
      const verdict = verifier.judge(link(object, spec, { core: 'local' }));
      return [spec.name, verdict.ok ? '' : verdict.error.text];
    });
    expect(verdicts).toEqual([
      ['locked', ''],
      ['touches_timer', 'bpf_timer cannot be accessed directly by load/store'],
    ]);
  });
});
