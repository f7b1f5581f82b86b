/** Programs of bare insns: `engine.loadInsns`, as BPF_PROG_LOAD takes them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { assemble } from '../src/isa/asm.ts';
import { encodeInsns } from '../src/isa/decode.ts';
import { findFuncs, linkInsns } from '../src/link/insns.ts';
import { mapSpec } from './engines.cases.ts';

const packet = new Uint8Array(64);
const PASS = 'r0 = 2\nexit';
const COUNT = `r1 = map[idx:1]
  r2 = r10
  r2 += -4
  *(u32 *)(r10 -4) = 0
  call 1
  if r0 == 0 goto l0
  r1 = *(u64 *)(r0 +0)
  r1 += 1
  *(u64 *)(r0 +0) = r1
  l0: r0 = 2
  exit`;

describe('loadInsns', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.create({ seed: 1 });
  });
  afterAll(() => engine.close());

  test.each([
    ['text', PASS],
    ['structs', assemble(PASS)],
    ['bytes', encodeInsns(assemble(PASS))],
  ])('takes %s', async (_, insns) => {
    using prog = await engine.loadInsns(insns, { type: 'xdp' });
    expect(prog.name).toBe('prog');
    expect(prog.run(packet).verdict).toBe('XDP_PASS');
  });

  test.each([
    ['insns', null, { type: 'xdp' }],
    ['insns', new ArrayBuffer(16), { type: 'xdp' }],
    ['maps', PASS, { type: 'xdp', maps: [null] }],
    ['type', PASS, undefined],
    ['type', PASS, {}],
    ['expectedAttachType', PASS, { type: 'xdp', expectedAttachType: 1.5 }],
  ])('%s that is none: %j', async (option, insns, options) => {
    const error = engine.loadInsns(insns as string, options as { type: 'xdp' });
    await expect(error).rejects.toMatchObject({ code: 'RUN_OPTION', fields: { option } });
  });

  test('what is no insn is refused as one', async () => {
    const error = engine.loadInsns([null] as never, { type: 'xdp' });
    await expect(error).rejects.toMatchObject({ code: 'INSN_RANGE', fields: { pc: 0, field: 'opcode' } });
  });

  test('code that no path reaches may call what is not here', async () => {
    using prog = await engine.loadInsns('r0 = 2\nif r0 == 2 goto l0\ncall 9999\nl0: exit', { type: 'xdp' });
    expect(prog.run(packet).verdict).toBe('XDP_PASS');
  });

  test('two maps of one spec are two', async () => {
    const spec = mapSpec('hits', { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 });
    const maps = [engine.createMap(spec), engine.createMap(spec)];
    using prog = await engine.loadInsns(COUNT, { type: 'xdp', name: 'count', maps, checked: true });
    for (let i = 0; i < 3; i++) prog.run(packet);
    expect(maps.map((map) => map.get(0, { raw: true })?.[0])).toEqual([0, 3]);
    // The program keeps its map when its user lets go.
    for (const map of maps) map.close();
    expect(prog.run(packet).verdict).toBe('XDP_PASS');
  });

  test('a value of a map by its index', async () => {
    const map = engine.createMap(mapSpec('state', { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 }));
    map.set(0, Uint8Array.of(9, 0, 0, 0, 5, 0, 0, 0));
    const text = 'r1 = map[idx:0]+4\nr0 = *(u32 *)(r1 +0)\nexit';
    using prog = await engine.loadInsns(text, { type: 'xdp', maps: [map] });
    expect(prog.run(packet).returnValue).toBe(5);
  });

  test('subprograms and callbacks begin where they are referred to', async () => {
    const text = `call pc+2
      r0 += 1
      exit
      r0 = 41
      exit`;
    using prog = await engine.loadInsns(text, { type: 'xdp' });
    expect(prog.run(packet).returnValue).toBe(42);
    const funcs = findFuncs(assemble('r1 = subprog[pc+3]\nr0 = 0\nexit\nr0 = 1\nexit'), 'main');
    expect(funcs.map(({ name, start, end }) => [name, start, end])).toEqual([
      ['main', 0, 4],
      ['sub4', 4, 6],
    ]);
  });

  test('a license that is not compatible with the GPL closes helpers', async () => {
    const text = 'r1 = r10\nr1 += -8\n*(u64 *)(r10 -8) = 0\nr2 = 8\ncall 6\nr0 = 2\nexit';
    using prog = await engine.loadInsns(text, { type: 'xdp' });
    expect(prog.run(packet).verdict).toBe('XDP_PASS');
    const refused = engine.loadInsns(text, { type: 'xdp', license: 'MIT' });
    await expect(refused).rejects.toMatchObject({ code: 'VERIFIER_REFUSED' });
  });

  test('what the verifier refuses is refused, and nothing stays', async () => {
    const before = engine.progs.length;
    const refused = engine.loadInsns('r0 = r9\nexit', { type: 'xdp' });
    await expect(refused).rejects.toMatchObject({ code: 'VERIFIER_REFUSED' });
    expect(engine.progs.length).toBe(before);
  });

  test('the engine closes what was not closed', async () => {
    const other = await Engine.create();
    const prog = await other.loadInsns(PASS, { type: 'xdp' });
    other.close();
    expect(() => prog.run(packet)).toThrow(/is closed/);
    expect(other.progs).toEqual([]);
  });

  test('maps of another engine are refused', async () => {
    const other = await Engine.create();
    const map = other.createMap(mapSpec('far', { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 }));
    const loading = engine.loadInsns(PASS, { type: 'xdp', maps: [map] });
    await expect(loading).rejects.toThrow('map far belongs to another engine');
    other.close();
  });

  test.each([
    ['', 'LINK_INSNS_EMPTY', "program 'prog' has no insns; it needs an exit at least"],
    ['r1 = map[fd:7]\nexit', 'LINK_INSNS_MAP_FD', 'insn 0 names a map by file descriptor 7, and there are none here'],
    ['r0 = 0\nr1 = map[idx:2]\nexit', 'LINK_INSNS_MAP', 'insn 1 refers to map 2, and the option maps has 0'],
    ['call kfunc[id:77]\nexit', 'LINK_INSNS_KFUNC', 'insn 0 calls the kfunc with BTF type id 77 of some kernel'],
    ['r0 = what', 'INSN_SYNTAX', 'line 1, column 6'],
  ])('%j is refused', async (text, code, words) => {
    const loading = engine.loadInsns(text, { type: 'xdp' });
    await expect(loading).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test('bytes that are no whole insns are refused', () => {
    expect(() => linkInsns(new Uint8Array(9), { type: 'xdp' })).toThrow('9 bytes are no whole number of 8-byte insns');
  });
});
