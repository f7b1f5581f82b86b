/** Who holds what, and who gives it back: loads, slots, maps, devices, links, traces, statistics. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { BpfError } from '../src/errors/index.ts';
import type { Loaded } from '../src/loader.ts';
import { setMaxEntries } from '../src/object/edit.ts';
import { loadObject } from '../src/object/load.ts';
import type { BpfMap } from '../src/runtime/map.ts';
import type { ProgArray } from '../src/runtime/prog-array.ts';
import { type BareProg, Bench, linkedProg, mapSpec, newEngine } from './engines.cases.ts';
import {
  asm,
  call,
  exit,
  type Item,
  ja,
  label,
  lddwMap,
  lddwMapValue,
  ldx,
  mov,
  movr,
  raw,
  stx,
} from './kernel/cases/asm.ts';

const packet = new Uint8Array(64);
const returns = (value: number): Uint8Array => asm([mov(0, value), exit()]);
const jumps = (slot: number, otherwise: number): Uint8Array =>
  asm([lddwMap(2, 0), mov(3, slot), call('tail_call'), mov(0, otherwise), exit()]);
const progArray = { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 3 } as const;
const array = { type: 'array', keySize: 4, valueSize: 8, maxEntries: 2 } as const;

/** The code of what `body` throws. */
function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof BpfError) return error.code;
    throw error;
  }
  return 'nothing';
}

async function rejected(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing',
    (error: unknown) => (error instanceof BpfError ? error.code : String(error)),
  );
}

/** An engine whose own buffers are there already, and what it uses then. */
async function settled(): Promise<{ engine: Engine; used: number }> {
  const engine = await newEngine();
  engine.scratch(4096);
  engine.frames(8192);
  new Bench(engine, [array]).close();
  return { engine, used: engine.runtime.mem_used() };
}

const example = () => loadObject(new Uint8Array(readFileSync(new URL('../examples/tail_call.o', import.meta.url))));

describe('closing', () => {
  test('gives back memory and table slots, in any order and more than once', async () => {
    const { engine, used } = await settled();
    for (let round = 0; round < 3; round++) {
      const bench = new Bench(engine, [progArray, array]);
      const loaded = await bench.load(
        [
          { name: 'a', insns: jumps(0, 7) },
          { name: 'b', insns: returns(2) },
        ],
        {},
      );
      bench.maps[0]!.set(0, loaded.prog('b'));
      expect(engine.table.used).toBe(3);
      expect(engine.runtime.mem_used()).toBeGreaterThan(used);
      if (round === 1) for (const map of bench.maps) map.close();
      loaded.close();
      loaded.close();
      bench.close();
      expect(engine.table.used).toBe(0);
      expect(engine.runtime.mem_used()).toBe(used);
    }
  });

  test('an object leaves nothing behind', async () => {
    const { engine, used } = await settled();
    const loaded = await engine.load(example());
    loaded.close();
    expect(engine.runtime.mem_used()).toBe(used);
    expect(engine.table.used).toBe(0);
    expect(engine.progs).toEqual([]);
  });

  test('table ranges are used again', async () => {
    const { engine } = await settled();
    const make = () => engine.createMap(mapSpec('p', progArray)) as ProgArray;
    const [a, b, c] = [make(), make(), make()];
    const bases = [a, b, c].map((map) => map.tableBase);
    a.close();
    b.close();
    const wide = engine.createMap(mapSpec('wide', { ...progArray, maxEntries: 6 })) as ProgArray;
    expect(wide.tableBase).toBe(bases[0]);
    const { length } = engine.table.table;
    wide.close();
    expect(make().tableBase).toBe(bases[0]);
    expect(engine.table.table.length).toBe(length);
  });

  test('what is closed refuses to work', async () => {
    const { engine } = await settled();
    const bench = new Bench(engine, [array]);
    const loaded = await bench.load([{ name: 'a', insns: returns(1) }], {});
    const prog = loaded.prog('a');
    bench.close();
    expect(codeOf(() => prog.run(packet))).toBe('RUN_CLOSED');
    expect(codeOf(() => bench.maps[0]!.get(new Uint8Array(4)))).toBe('RUN_CLOSED');
    engine.close();
    engine.close();
    expect(codeOf(() => engine.createMap(mapSpec('m', array)))).toBe('RUN_CLOSED');
    expect(await rejected(engine.load(example()))).toBe('RUN_CLOSED');
  });
});

describe('prog arrays', () => {
  /** `entry` jumps to slot 0 of a map of its own. */
  async function withSlot(): Promise<{ engine: Engine; bench: Bench; entry: Loaded; leaf: Loaded; used: number }> {
    const { engine, used } = await settled();
    const bench = new Bench(engine, [progArray]);
    const entry = await bench.load([{ name: 'entry', insns: jumps(0, 7) }], {});
    const leaf = await bench.load([{ name: 'leaf', insns: returns(2) }], {});
    bench.maps[0]!.set(0, leaf.prog('leaf'));
    return { engine, bench, entry, leaf, used };
  }

  test('keep a program whose handle was closed, until the slot lets go', async () => {
    const { bench, entry, leaf, engine } = await withSlot();
    leaf.close();
    expect(entry.prog('entry').run(packet).returnValue).toBe(2);
    const before = engine.runtime.mem_used();
    expect(bench.maps[0]!.delete(0)).toBe(true);
    expect(engine.runtime.mem_used()).toBeLessThan(before);
    expect(entry.prog('entry').run(packet).returnValue).toBe(7);
  });

  test('are emptied with their last user, though programs still refer to them', async () => {
    const { bench, entry, leaf, engine, used } = await withSlot();
    bench.maps[0]!.close();
    expect(entry.prog('entry').run(packet).returnValue).toBe(7);
    leaf.close();
    entry.close();
    expect(engine.runtime.mem_used()).toBe(used);
    expect(engine.table.used).toBe(0);
  });

  test('that hold a program which jumps through them are freed all the same', async () => {
    const { engine, used } = await settled();
    const bench = new Bench(engine, [progArray]);
    const loaded = await bench.load([{ name: 'self', insns: jumps(0, 7) }], {});
    bench.maps[0]!.set(0, loaded.prog('self'));
    expect(loaded.prog('self').run(packet).returnValue).toBe(7);
    expect(loaded.prog('self').stats).toMatchObject({ runs: 34, tailCalls: [{ pc: 3, taken: 33, missed: 1 }] });
    bench.close();
    expect(engine.runtime.mem_used()).toBe(used);
  });

  test('take programs of one type only, of this engine only, and only programs', async () => {
    const { engine, bench, leaf } = await withSlot();
    const filter = await bench.load([{ name: 'filter', insns: returns(1), type: 'socket_filter' }], {});
    expect(codeOf(() => bench.maps[0]!.set(1, filter.prog('filter')))).toBe('RUN_PROG_TYPE');
    expect(codeOf(() => bench.maps[0]!.set(1, 5))).toBe('RUN_MAP_INPUT');
    // Linux compares attach type and frags as well.
    for (const [name, more] of [
      ['devmap', { expectedAttachType: 33 }],
      ['frags', { frags: true }],
    ] as const) {
      const one = await engine.loadLinked([{ ...linkedProg({ name, insns: returns(1) }, []), ...more }], new Map());
      expect(codeOf(() => bench.maps[0]!.set(1, one.prog(name)))).toBe('RUN_PROG_TYPE');
    }
    const before = engine.runtime.mem_used();
    const jump = { name: 'f', insns: jumps(0, 1), type: 'socket_filter' } as const;
    expect(await rejected(bench.load([jump], {}))).toBe('RUN_PROG_TYPE');
    expect(engine.runtime.mem_used()).toBe(before);
    const other = await settled();
    const foreign = new Bench(other.engine, [progArray]);
    expect(codeOf(() => foreign.maps[0]!.set(0, leaf.prog('leaf')))).toBe('RUN_FOREIGN');
    leaf.close();
    expect(codeOf(() => bench.maps[0]!.set(1, leaf.prog('leaf')))).toBe('RUN_CLOSED');
  });
});

describe('a load that fails leaves nothing behind', () => {
  const failing: readonly { readonly name: string; readonly code: string; readonly bad: Omit<BareProg, 'name'> }[] = [
    { name: 'insns that are none', code: 'VERIFIER_REFUSED', bad: { insns: Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0) } },
    { name: 'no exit', code: 'VERIFIER_REFUSED', bad: { insns: asm([mov(0, 1)]) } },
    { name: 'an unknown helper', code: 'VERIFIER_REFUSED', bad: { insns: asm([raw(0x85, 0, 0, 0, 9999), exit()]) } },
    { name: 'a type that is not run', code: 'VERIFIER_TYPE', bad: { insns: returns(0), type: 'kprobe' } },
    {
      name: 'a function beyond what Wasm engines take',
      code: 'COMPILE_TOO_LARGE',
      bad: { insns: asm([mov(0, 1), ...Array.from({ length: 150_000 }, (): Item => raw(0xd7, 0, 0, 0, 64)), exit()]) },
    },
  ];
  test.each(failing)('$name', async ({ code, bad }) => {
    const { engine, used } = await settled();
    const bench = new Bench(engine, [progArray, array]);
    const with2 = engine.runtime.mem_used();
    const both = [
      { name: 'good', insns: returns(1) },
      { name: 'bad', ...bad },
    ];
    expect(await rejected(bench.load(both, {}))).toBe(code);
    expect(engine.runtime.mem_used()).toBe(with2);
    expect(engine.progs).toEqual([]);
    bench.close();
    expect(engine.runtime.mem_used()).toBe(used);
    expect(engine.table.used).toBe(0);
  });

  test('two programs of one name', async () => {
    const { engine, used } = await settled();
    const two = [linkedProg({ name: 'a', insns: returns(1) }), linkedProg({ name: 'a', insns: returns(2) })];
    expect(await rejected(engine.loadLinked(two, new Map()))).toBe('COMPILE_DUPLICATE');
    expect(engine.runtime.mem_used()).toBe(used);
  });

  test('a map that cannot be made, after others that were', async () => {
    const { engine, used } = await settled();
    const object = example();
    object.maps.at(-1)!.maxEntries = 0;
    expect(await rejected(engine.load(object))).toBe('RUN_MAP_CREATE');
    expect(engine.runtime.mem_used()).toBe(used);
    expect(engine.table.used).toBe(0);
  });

  test('a program that is not there', async () => {
    const { engine, used } = await settled();
    expect(await rejected(engine.load(example(), { progs: ['nobody'] }))).toBe('RUN_NO_PROG');
    expect(engine.runtime.mem_used()).toBe(used);
  });
});

test('two objects share a map by reuse; it lives until the last one closes', async () => {
  const { engine, used } = await settled();
  const first = await engine.load(example());
  const { name } = [...first.maps.values()].find((map) => map.spec.dataKind === '')!;
  const shared = first.map(name);
  const second = await engine.load(example(), { reuse: { [name]: shared } });
  expect(second.map(name)).toBe(shared);
  first.close();
  expect([...shared.entries({ raw: true })]).toEqual([]);
  second.close();
  expect(engine.runtime.mem_used()).toBe(used);
  const other = engine.createMap(mapSpec(name, array));
  expect(await rejected(engine.load(example(), { reuse: { [name]: other } }))).toBe('RUN_MAP_CREATE');
});

test('a slot that the map has no room for is an error of load, as the size may be set before', async () => {
  const { engine } = await settled();
  const object = loadObject(new Uint8Array(readFileSync('test/data/object/tagged.o')));
  setMaxEntries(object, 'calls', 5);
  const error = await engine.load(object).catch((e: unknown) => e);
  expect(String(error)).toContain('calls');
  expect(String(error)).toContain('E2BIG');
  setMaxEntries(object, 'calls', 6);
  const loaded = await engine.load(object);
  expect([...loaded.map('calls').entries()].map(([slot]) => slot)).toEqual([2, 5]);
});

test('only open maps of the same engine are reused or pinned', async () => {
  const { engine } = await settled();
  const foreign = await Engine.create();
  const map = [...(await foreign.load(example())).maps.values()].find(({ spec }) => spec.dataKind === '')!;
  const { name } = map;
  const reusing = (reuse: Record<string, unknown>) =>
    rejected(engine.load(example(), { reuse: reuse as Record<string, BpfMap> }));
  expect(await reusing({ [name]: map })).toBe('RUN_FOREIGN');
  expect(await reusing({ [name]: null })).toBe('RUN_OPTION');
  expect(await reusing({ nosuch: engine.createMap(mapSpec('nosuch', array)) })).toBe('RUN_NO_MAP');
  expect(() => engine.pin(map)).toThrow('belongs to another engine');
  expect(() => engine.pin(null as unknown as BpfMap)).toThrow('option map: null is not a BpfMap');
  const closed = engine.createMap(mapSpec(name, array));
  closed.close();
  expect(await reusing({ [name]: closed })).toBe('RUN_CLOSED');
  foreign.close();
});

test('programs are judged by what the maps they are given hold', async () => {
  const { engine } = await settled();
  const values = mapSpec('values', { type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 });
  // An index that is a constant for the verifier, and then the byte it picks.
  const insns = asm([
    lddwMapValue(1, 0, 0),
    ldx('w', 1, 1, 0),
    lddwMapValue(2, 1, 0),
    raw(0x0f, 2, 1),
    ldx('b', 0, 2, 0),
    exit(),
  ]);
  const constant = (index: number) => {
    const own = mapSpec('ro', { type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 });
    const spec = {
      ...own,
      flags: 128,
      dataKind: 'rodata' as const,
      initialValue: new Uint8Array(Uint32Array.of(index).buffer),
    };
    const map = engine.createMap(spec);
    map.set(0, spec.initialValue);
    return { spec, map };
  };
  const [three, far, open] = [constant(3), constant(0x700000), constant(3)];
  three.map.freeze();
  far.map.freeze();
  const load = (given: { map: (typeof three)['map'] }) => {
    const prog = linkedProg({ name: 'pick', insns }, [three.spec, values]);
    return engine.loadLinked(
      [prog],
      new Map([
        [three.spec, given.map],
        [values, live],
      ]),
    );
  };
  const live = engine.createMap(values);
  expect((await load(three)).prog('pick').run(packet).returnValue).toBe(0);
  expect(await rejected(load(far))).toBe('VERIFIER_REFUSED');
  // What JavaScript may still change is no constant.
  expect(await rejected(load(open))).toBe('VERIFIER_REFUSED');
  const writable = engine.createMap({ ...three.spec, flags: 0 });
  expect(await rejected(load({ map: writable }))).toBe('RUN_MAP_CREATE');
});

describe('devices and links', () => {
  test('attach, EBUSY, detach, attach again', async () => {
    const { engine, used } = await settled();
    const device = engine.addDevice('veth0');
    expect(codeOf(() => engine.addDevice('veth0'))).toBe('RUN_DEVICE_EXISTS');
    const bench = new Bench(engine, []);
    const loaded = await bench.load(
      [
        { name: 'drop', insns: returns(1) },
        { name: 'tx', insns: returns(3) },
      ],
      {},
    );
    const link = loaded.prog('drop').attach(device);
    expect(codeOf(() => loaded.prog('tx').attach(device))).toBe('RUN_DEVICE_BUSY');
    expect(device.receive(packet).verdict).toBe('XDP_DROP');
    link.close();
    link.close();
    expect(device.receive(packet).verdict).toBe('XDP_PASS');
    loaded.prog('tx').attach(device);
    loaded.close();
    expect(device.receive(packet).verdict).toBe('XDP_TX');
    expect(device.stats).toMatchObject({ received: 3, bytes: 192, verdicts: { XDP_DROP: 1, XDP_PASS: 1, XDP_TX: 1 } });
    engine.close();
    expect(engine.runtime.mem_used()).toBeLessThanOrEqual(used);
  });

  test('the program sees the device it receives from', async () => {
    const { engine } = await settled();
    const bench = new Bench(engine, []);
    const loaded = await bench.load([{ name: 'ifindex', insns: asm([ldx('w', 0, 1, 12), exit()]) }], {});
    const device = engine.addDevice('eth7', { ifindex: 77 });
    loaded.prog('ifindex').attach(device);
    expect(device.receive(packet).returnValue).toBe(77);
    const filter = await bench.load([{ name: 'filter', insns: returns(1), type: 'socket_filter' }], {});
    expect(codeOf(() => filter.prog('filter').attach(engine.addDevice('eth8')))).toBe('RUN_ATTACH_TYPE');
  });
});

test('trace lines come in order, by drain and by iteration', async () => {
  const { engine } = await settled();
  const bench = new Bench(engine, [{ ...array, valueSize: 8, maxEntries: 1 }]);
  bench.maps[0]!.set(new Uint8Array(4), new TextEncoder().encode('n=%d\0\0\0\0'));
  const insns = asm([ldx('w', 3, 1, 12), lddwMapValue(1, 0), mov(2, 5), call('trace_printk'), mov(0, 2), exit()]);
  const prog = (await bench.load([{ name: 'print', insns }], {})).prog('print');
  prog.run(packet, { ctx: { ingressIfindex: 1 } });
  expect(engine.trace.drain()).toEqual([]);
  for (const ingressIfindex of [2, 3]) prog.run(packet, { ctx: { ingressIfindex } });
  expect(engine.trace.drain().map((line) => line.replace(/.*bpf_trace_printk: /, ''))).toEqual(['n=2', 'n=3']);
  const lines: string[] = [];
  const reading = (async () => {
    for await (const line of engine.trace) lines.push(line.replace(/.*bpf_trace_printk: /, ''));
  })();
  prog.run(packet, { ctx: { ingressIfindex: 4 } });
  engine.close();
  await reading;
  expect(lines).toEqual(['n=4']);
});

test('statistics count runs and tail calls, and start again', async () => {
  const { engine } = await settled();
  const bench = new Bench(engine, [progArray]);
  const loaded = await bench.load(
    [
      { name: 'a', insns: jumps(1, 7) },
      { name: 'b', insns: returns(2) },
    ],
    {},
  );
  const [a, b] = [loaded.prog('a'), loaded.prog('b')];
  a.run(packet);
  bench.maps[0]!.set(1, b);
  a.run(packet, { repeat: 3 });
  expect(a.stats).toMatchObject({ runs: 4, tailCalls: [{ taken: 3, missed: 1 }] });
  expect(b.stats.runs).toBe(3);
  expect(a.stats.timeNs).toBeGreaterThan(0);
  a.resetStats();
  expect(a.stats).toMatchObject({ runs: 0, timeNs: 0, tailCalls: [{ taken: 0, missed: 0 }] });
});

test('a run sees nothing of the run before', async () => {
  const { engine } = await settled();
  const bench = new Bench(engine, []);
  const push = asm([
    movr(6, 1),
    mov(2, -8),
    call('xdp_adjust_head'),
    ldx('w', 1, 6, 0),
    ldx('dw', 0, 1, 0),
    mov(2, -1),
    stx('dw', 1, 2, 0),
    exit(),
  ]);
  const prog = (await bench.load([{ name: 'push', insns: push }], { checked: true, unverified: true })).prog('push');
  for (let i = 0; i < 3; i++) expect(prog.run(packet)).toMatchObject({ returnValue: 0 });
});

test('options out of range are refused', async () => {
  for (const options of [{ cpus: 0 }, { cpus: 1, cpu: 1 }, { maximumPages: 1 }, { insnBudget: 0 }]) {
    expect(await rejected(Engine.create(options))).toBe('RUN_OPTION');
  }
  const { engine } = await settled();
  const bench = new Bench(engine, []);
  const prog = (
    await bench.load([{ name: 'loop', insns: asm([label('l'), ja('l')]) }], { checked: true, unverified: true })
  ).prog('loop');
  expect(codeOf(() => prog.run(new Uint8Array(1 << 20)))).toBe('RUN_PACKET_SIZE');
  expect(codeOf(() => prog.run(packet, { repeat: 0 }))).toBe('RUN_OPTION');
  expect(codeOf(() => prog.run(packet, { metadata: new Uint8Array(3) }))).toBe('RUN_CTX');
  expect(prog.run(packet)).toMatchObject({ verdict: 'XDP_ABORTED', violation: { code: 'budget', prog: 'loop' } });
});
