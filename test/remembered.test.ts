/** What is remembered of programs that were loaded before, and that nobody can tell but by the time it takes. */
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Btf } from '../src/btf/types.ts';
import { Engine } from '../src/engine.ts';
import { link } from '../src/link/link.ts';
import type { LinkedProg } from '../src/link/types.ts';
import { loadObject } from '../src/object/load.ts';
import { rememberedModules } from '../src/runtime/prog-module.ts';
import { Recent, sameBytes } from '../src/util/recent.ts';
import { explain } from '../src/verifier/explain.ts';
import { rememberedVerdicts } from '../src/verifier/remembered.ts';
import { isRefused, Verifier, type VerifyOptions } from '../src/verifier/verify.ts';
import { buildCase } from './verifier/asm.ts';
import type { CaseMap } from './verifier/case.ts';

const HASH: CaseMap = { type: 'hash', key: 4, value: 16, entries: 8 };
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
const REFUSED = LOOKUP.replace('if r0 == 0 goto +1\n', '');

const prog = (insns = LOOKUP, hash: CaseMap = HASH, more: object = {}): LinkedProg =>
  buildCase({ name: 'p', insns, verdict: 'accept', maps: { hash }, ...more }).prog;

const verified = (one: LinkedProg, options: VerifyOptions = {}) =>
  new Verifier({ remember: true }).verify(one, options);
const proofOf = (one: LinkedProg, options?: VerifyOptions) => verified(one, options).proof;

const object = () => loadObject(new Uint8Array(readFileSync('examples/tail_call.o')));
const refusedObject = () => loadObject(new Uint8Array(readFileSync('test/data/verify/refused.o')));

beforeEach(() => {
  rememberedVerdicts().clear();
  rememberedModules().clear();
});

describe('a list of what was used recently', () => {
  const key = (...bytes: number[]): Uint8Array => new Uint8Array(bytes);

  test('finds what is the same byte for byte', () => {
    const recent = new Recent<string>({ entries: 4, bytes: 1000 });
    recent.add(key(1, 2, 3, 4, 5), 'five', 0);
    expect(recent.find(key(1, 2, 3, 4, 5))).toBe('five');
    for (const other of [key(1, 2, 3, 4), key(1, 2, 3, 4, 6), key(0, 2, 3, 4, 5), key(1, 2, 3, 4, 5, 0), key()])
      expect(recent.find(other)).toBeUndefined();
  });

  test('compares bytes wherever they lie', () => {
    const bytes = new Uint8Array(64).map((_, i) => i);
    for (let start = 0; start < 8; start++) {
      const moved = new Uint8Array(80);
      moved.set(bytes, start);
      const view = moved.subarray(start, start + 64);
      expect(sameBytes(view, bytes)).toBe(true);
      for (let at = 0; at < 64; at++) {
        view[at] ^= 0x80;
        expect(sameBytes(view, bytes)).toBe(false);
        view[at] ^= 0x80;
      }
    }
  });

  test('keeps a copy of the key', () => {
    const recent = new Recent<string>({ entries: 4, bytes: 1000 });
    const given = key(1, 2);
    recent.add(given, 'both', 0);
    given[0] = 9;
    expect(recent.find(key(1, 2))).toBe('both');
    expect(recent.find(key(9, 2))).toBeUndefined();
  });

  test('lets go of what was used least recently', () => {
    const recent = new Recent<number>({ entries: 3, bytes: 1000 });
    for (let i = 0; i < 3; i++) recent.add(key(i), i, 10);
    expect(recent.find(key(0))).toBe(0);
    recent.add(key(3), 3, 10);
    expect([0, 1, 2, 3].map((i) => recent.find(key(i)))).toEqual([0, undefined, 2, 3]);
    expect(recent.size).toEqual({ entries: 3, bytes: 33 });
  });

  test('keeps no more bytes than it may', () => {
    const recent = new Recent<number>({ entries: 100, bytes: 100 });
    for (let i = 0; i < 9; i++) recent.add(key(i), i, 29);
    expect(recent.size).toEqual({ entries: 3, bytes: 90 });
    recent.add(key(9), 9, 100);
    expect(recent.find(key(9))).toBeUndefined();
    expect(recent.find(key(8))).toBe(8);
  });
});

describe('the verdict of an equal program', () => {
  test('is shared, whoever asks and whatever it is called', () => {
    const first = verified(prog());
    const second = verified({ ...prog(), name: 'q' });
    expect(second.proof).toBe(first.proof);
    expect(second.stats).toBe(first.stats);
    expect(second.prog.name).toBe('q');
    expect(second.ops).toEqual(first.ops);
  });

  test('does not depend on what was judged in between', () => {
    const first = proofOf(prog());
    for (const call of [5, 7, 8]) proofOf(prog(`call ${call}\nr0 = 0\nexit`));
    expect(proofOf(prog())).toBe(first);
  });

  test('is not shared unless that was asked for', () => {
    const first = proofOf(prog());
    expect(new Verifier().verify(prog()).proof).not.toBe(first);
    const { entries } = rememberedVerdicts().size;
    new Verifier().verify(prog('r0 = 1\nexit'));
    expect(rememberedVerdicts().size.entries).toBe(entries);
  });

  const changed: Readonly<Record<string, LinkedProg>> = {
    'a constant': prog(LOOKUP.replace('r0 = 0\n', 'r0 = 1\n')),
    'an offset': prog(LOOKUP.replace('r0 + 8', 'r0 + 0')),
    'a key size': prog(LOOKUP, { ...HASH, key: 2 }),
    'a value size': prog(LOOKUP, { ...HASH, value: 24 }),
    'a number of entries': prog(LOOKUP, { ...HASH, entries: 9 }),
    'map flags': prog(LOOKUP, { ...HASH, flags: 1 }),
    'a map type': prog(LOOKUP, { ...HASH, type: 'lru_hash' }),
    'another type': { ...prog(), type: 'socket_filter' },
    'another licence': { ...prog(), gplCompatible: !prog().gplCompatible },
    fragments: { ...prog(), frags: true },
    'a device': { ...prog(), deviceBound: true },
  };
  test.each(Object.entries(changed))('is none behind a change of %s', (_, one) => {
    const first = proofOf(prog());
    const found = proofOf(one);
    expect(found).not.toBe(first);
    expect(proofOf(one)).toBe(found);
    expect(proofOf(prog())).toBe(first);
  });

  test('is none where what a frozen map holds differs', () => {
    const rodata = (byte: number): LinkedProg => {
      const one = prog();
      const [map] = one.maps;
      const spec = { ...map, type: 2, maxEntries: 1, dataKind: 'rodata' as const, flags: 128 };
      return { ...one, maps: [{ ...spec, initialValue: new Uint8Array(16).fill(byte) }] };
    };
    expect(proofOf(rodata(0))).toBe(proofOf(rodata(0)));
    expect(proofOf(rodata(1))).not.toBe(proofOf(rodata(0)));
  });

  const options: readonly VerifyOptions[] = [
    { strictAlignment: true },
    { anyAlignment: true },
    { testStateFreq: true },
    { tailCallRanges: true },
    { cpus: 4 },
    { memoryLimit: 1 << 24 },
    { limits: { insns: 4096 } },
    { limits: { processed: 1000 } },
  ];
  test.each(options)('is none with %o', (one) => {
    const first = proofOf(prog());
    expect(proofOf(prog(), one)).not.toBe(first);
    expect(proofOf(prog(), one)).toBe(proofOf(prog(), one));
  });

  test('is none without rights', () => {
    const filter = { ...prog(), type: 'socket_filter' as const };
    expect(proofOf(filter, { unprivileged: true })).not.toBe(proofOf(filter));
  });

  test('is found with the types of a kernel as well', () => {
    const btf = loadObject(new Uint8Array(readFileSync('test/data/object/core-target.o'))).btf as Btf;
    const one = prog('r1 = r10\nr0 = 0\nexit');
    const withTypes = proofOf(one, { btf });
    expect(proofOf(one, { btf })).toBe(withTypes);
  });
});

describe('what is said of a program', () => {
  const judge = (remember: boolean, options: VerifyOptions) => new Verifier({ remember }).judge(prog(), options);

  test.each([1, 2, 3])('a log of level %i is written each time', (logLevel) => {
    judge(true, {});
    const { log } = judge(false, { logLevel });
    expect(log).toContain('processed 10 insns');
    expect(judge(true, { logLevel }).log).toBe(log);
    expect(judge(true, { logLevel }).log).toBe(log);
    let sunk = '';
    const logSink = (text: string): void => {
      sunk += text;
    };
    expect(judge(true, { logLevel, logSink }).ok).toBe(true);
    expect(sunk).toBe(log);
  });

  test('a refusal is the same when it is repeated, with its log and its explanation', () => {
    const said = (remember: boolean) => {
      const verdict = new Verifier({ remember }).judge(prog(REFUSED));
      if (verdict.ok) throw new Error('accepted');
      const { error } = verdict;
      return { message: error.message, fields: error.fields, log: error.log, explained: explain(error).text };
    };
    const plain = said(false);
    expect(plain.message).toContain("R0 invalid mem access 'map_value_or_null'");
    expect(said(true)).toEqual(plain);
    expect(said(true)).toEqual(plain);
    expect(rememberedVerdicts().size.entries).toBe(0);
  });

  test('a refusal names the map of the program that is refused', () => {
    const named = (name: string) => {
      const one = prog(REFUSED);
      const verdict = new Verifier({ remember: true }).judge({ ...one, maps: [{ ...one.maps[0], name }] });
      return verdict.ok ? '' : verdict.error.fields.registers.map(({ text }) => text).join();
    };
    expect(named('first')).not.toBe('');
    expect(named('other')).toBe(named('first').replaceAll('first', 'other'));
  });

  test('a log that is taken may verify another program meanwhile', () => {
    const inner = new Verifier().judge(prog('r0 = 7\nexit'), { logLevel: 2 }).log;
    const seen: string[] = [];
    const logSink = (): void => {
      seen.push(new Verifier().judge(prog('r0 = 7\nexit'), { logLevel: 2 }).log);
    };
    const whole = new Verifier().judge(prog(), { logLevel: 2 });
    expect(new Verifier().judge(prog(), { logLevel: 2, logSink }).stats.insns).toBe(whole.stats.insns);
    expect(new Set(seen)).toEqual(new Set([inner]));
  });
});

describe('engines', () => {
  /** An Ethernet frame with IPv4 and TCP to port 8080 (0x1f90). */
  const tcp = (): Uint8Array => {
    const packet = new Uint8Array(64);
    packet.set([8, 0, 0x45], 12);
    packet[23] = 6;
    packet.set([0x1f, 0x90], 36);
    return packet;
  };

  const facts = async (engine: Engine, checked: boolean) => {
    const loaded = await engine.load(object(), { checked });
    const verdicts = [...loaded.progs.values()].map((one) => one.run(tcp()).verdict);
    loaded.close();
    return { verdicts, wasm: loaded.wasm };
  };

  test.each([false, true])('load the same, checked: %s', async (checked) => {
    const plain = await Engine.create({ remember: false });
    const expected = await facts(plain, checked);
    expect(rememberedVerdicts().size.entries + rememberedModules().size.entries).toBe(0);
    for (const _ of [1, 2, 3]) {
      const engine = await Engine.create();
      expect(await facts(engine, checked)).toEqual(expected);
      expect((await facts(engine, checked)).verdicts).toEqual(expected.verdicts);
      engine.close();
    }
    expect(rememberedVerdicts().size.entries).toBe(object().progs.length);
  });

  test('have maps of their own', async () => {
    const counted = async () => {
      const engine = await Engine.create();
      const map = engine.createMap({ ...prog().maps[0], name: 'counts', type: 2, maxEntries: 1, valueSize: 8 });
      const loaded = await engine.loadInsns(
        `*(u32 *)(r10 - 4) = 0
        r2 = r10
        r2 += -4
        r1 = map[counts]
        call 1
        if r0 == 0 goto +2
        r1 = 1
        lock *(u64 *)(r0 + 0) += r1
        r0 = 2
        exit`,
        { type: 'xdp', maps: [map] },
      );
      return { run: () => loaded.run(tcp()), count: () => map.get(0, { raw: true })?.[0] };
    };
    const [one, other] = [await counted(), await counted()];
    one.run();
    one.run();
    other.run();
    expect([one.count(), other.count()]).toEqual([2, 1]);
  });

  test('refuse what another has refused', async () => {
    const refusal = async () => {
      const engine = await Engine.create();
      return engine.load(refusedObject()).then(
        () => undefined,
        (error: unknown) => (isRefused(error) ? error.message : String(error)),
      );
    };
    const first = await refusal();
    expect(first).toBeDefined();
    expect(await refusal()).toBe(first);
  });
});

test('objects of the bench are judged alike when they are remembered', () => {
  const remembering = new Verifier({ remember: true });
  const plain = new Verifier();
  for (const name of ['checksum', 'flow', 'nat', 'chain']) {
    const read = () => loadObject(new Uint8Array(readFileSync(`bench/programs/${name}.o`)));
    for (const round of [1, 2]) {
      const found = read();
      for (const spec of found.progs) {
        const linked = link(found, spec);
        const [a, b] = [remembering.verify(linked), plain.verify(linked)];
        expect({ ...a.stats, durationUs: 0 }, `${name} ${spec.name} ${round}`).toEqual({ ...b.stats, durationUs: 0 });
        expect(a.proof).toEqual(b.proof);
      }
    }
  }
});
