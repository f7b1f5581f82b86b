/**
 * Programs that do what they may not, compiled with checks: each ends with XDP_ABORTED and a violation that says where and what, the next
 * packet of the batch runs as if nothing had been, and no byte changes that the program was not given.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CTX_SIZE, CTX_VERDICT, MAP_DATA, STACK_BASE, STACK_TOP, VM_BASE, VM_SIZE } from '../../assembly/abi.ts';
import type { Engine } from '../../src/engine.ts';
import { runBatch } from '../../src/runtime/batch.ts';
import { frameSize, layFrame, writeContext } from '../../src/runtime/packet.ts';
import type { Violation } from '../../src/runtime/trap.ts';
import { Bench, newEngine } from '../engines.cases.ts';
import {
  alu64,
  alu64r,
  asm,
  atomic,
  call,
  callSubprog,
  exit,
  type Item,
  ja,
  jmp,
  label,
  lddw,
  lddwMap,
  lddwMapValue,
  ldx,
  mov,
  movr,
  type Size,
  st,
  stx,
} from '../kernel/cases/asm.ts';

const PACKET = 64;
const BYTES: Record<Size, number> = { b: 1, h: 2, w: 4, dw: 8 };
const SIZES = Object.keys(BYTES) as Size[];

/** Maps by index: array of 3 values of 24 bytes, read-only array, hash, prog array, ring buffer. */
const maps = [
  { type: 'array', keySize: 4, valueSize: 24, maxEntries: 3 },
  { type: 'array', keySize: 4, valueSize: 16, maxEntries: 1, flags: 128 },
  { type: 'hash', keySize: 8, valueSize: 8, maxEntries: 2 },
  { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 2 },
  { type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 },
] as const;

interface Place {
  readonly ctx: number;
  readonly data: number;
  readonly maps: readonly number[];
}

interface Row {
  readonly name: string;
  readonly items: readonly Item[];
  readonly code: Violation['code'];
  /** Of the insn that may not be, in slots. */
  readonly pc: number;
  readonly address?: (at: Place) => bigint;
  readonly size?: number;
  readonly write?: boolean;
}

const slots = (items: readonly Item[]): number =>
  items.reduce((sum, item) => sum + ('label' in item ? 0 : item.high === undefined ? 1 : 2), 0);

/** `before`, then the insn that violates, then a normal end that must not be reached. */
function row(name: string, before: Item[], bad: Item, expected: Partial<Row>): Row {
  return {
    name,
    items: [...before, bad, mov(0, 2), exit()],
    code: 'access',
    pc: slots(before),
    ...expected,
  };
}

/** `base` is put into r2 by `before`; the access goes to base + off. */
function accesses(
  what: string,
  before: Item[],
  offs: (size: number) => readonly number[],
  base: (at: Place) => number,
  kinds = 'rwia',
): Row[] {
  return SIZES.flatMap((size) =>
    offs(BYTES[size]).flatMap((off) => {
      const expected = { address: (at: Place) => BigInt(base(at) + off), size: BYTES[size] };
      const title = `${what}: ${BYTES[size]} bytes at ${off}`;
      const rows: Row[] = [];
      if (kinds.includes('r'))
        rows.push(row(`${title}, load`, before, ldx(size, 3, 2, off), { ...expected, write: false }));
      if (kinds.includes('w'))
        rows.push(row(`${title}, store`, before, stx(size, 2, 1, off), { ...expected, write: true }));
      if (kinds.includes('i'))
        rows.push(row(`${title}, store imm`, before, st(size, 2, off, -1), { ...expected, write: true }));
      if (kinds.includes('a') && (size === 'w' || size === 'dw')) {
        rows.push(row(`${title}, atomic`, before, atomic(size, 0x01, 2, 1, off), { ...expected, write: true }));
      }
      return rows;
    }),
  );
}

/** The same pointer in r2 by ways that hide from the compiler where it comes from. */
const hidden = (before: Item[]): Item[] => [...before, lddw(4, 0x5555_5555n), alu64r('xor', 2, 4), alu64r('xor', 2, 4)];

const packet: Item[] = [ldx('w', 2, 1, 0)];
const value: Item[] = [lddwMapValue(2, 0)];
const lookup = (map: number, key: number): Item[] => [
  stx('dw', 10, 1, -16),
  st('dw', 10, -8, key),
  lddwMap(1, map),
  movr(2, 10),
  alu64('add', 2, -8),
  call('map_lookup_elem'),
  movr(2, 0),
  ldx('dw', 1, 10, -16),
];
const VALUE = MAP_DATA;

const accessRows: readonly Row[] = [
  ...accesses(
    'stack above the frame',
    [movr(2, 10)],
    (size) => [0, 1 - size, 100].filter((off) => off + size > 0),
    () => STACK_TOP,
  ),
  ...accesses(
    'stack below the frame',
    [movr(2, 10)],
    () => [-513, -520],
    () => STACK_TOP,
  ),
  ...accesses(
    'stack, computed, above',
    hidden([movr(2, 10)]),
    (size) => [1 - size + 0, 0].filter((off) => off + size > 0),
    () => STACK_TOP,
  ),
  ...accesses(
    'packet end',
    packet,
    (size) => [PACKET - size + 1, PACKET, 1000],
    (at) => at.data,
  ),
  ...accesses(
    'packet start',
    packet,
    () => [-1, -8, -300],
    (at) => at.data,
  ),
  ...accesses(
    'packet end, computed',
    hidden(packet),
    (size) => [PACKET - size + 1, PACKET],
    (at) => at.data,
  ),
  ...accesses(
    'packet start, computed',
    hidden(packet),
    () => [-1],
    (at) => at.data,
  ),
  ...accesses(
    'below data_meta',
    [ldx('w', 2, 1, 8)],
    () => [-1, -4],
    (at) => at.data,
  ),
  ...accesses(
    'behind a value, and in the next one',
    value,
    (size) => [24 - size + 1, 24, 32],
    (at) => at.maps[0]! + VALUE,
  ),
  ...accesses(
    'before a value',
    value,
    () => [-1, -64],
    (at) => at.maps[0]! + VALUE,
  ),
  ...accesses(
    'across two values, computed',
    hidden(value),
    (size) => (size > 1 ? [24 - size + 1] : []),
    (at) => at.maps[0]! + VALUE,
  ),
  ...accesses(
    'behind a value that was looked up',
    [...lookup(0, 1)],
    (size) => [24 - size + 1],
    (at) => at.maps[0]! + VALUE + 24,
  ),
  ...accesses(
    'read-only value',
    [lddwMapValue(2, 1)],
    () => [0, 8],
    (at) => at.maps[1]! + VALUE,
    'wia',
  ),
  ...accesses(
    'read-only value, computed',
    hidden([lddwMapValue(2, 1)]),
    () => [0],
    (at) => at.maps[1]! + VALUE,
    'wia',
  ),
  ...accesses(
    'context',
    [movr(2, 1)],
    () => [0, 8, 16],
    (at) => at.ctx,
    'wia',
  ),
  ...accesses(
    'behind the context',
    [movr(2, 1)],
    (size) => [25 - size, 24, 40],
    (at) => at.ctx,
    'r',
  ),
  ...accesses(
    'context, computed',
    hidden([movr(2, 1)]),
    () => [0],
    (at) => at.ctx,
    'wia',
  ),
  ...accesses(
    'NULL',
    [mov(2, 0)],
    () => [0, 8],
    () => 0,
  ),
  ...accesses(
    'NULL of a lookup',
    lookup(2, 77),
    () => [0],
    () => 0,
  ),
  ...accesses(
    'a map itself',
    [lddwMap(2, 0)],
    () => [0, 24],
    (at) => at.maps[0]!,
  ),
  ...accesses(
    'the runtime, the tables, the code',
    [mov(2, 65536)],
    () => [0, 100],
    () => 65536,
  ),
];

/** Addresses whose low half would be fine. */
const wildRows: readonly Row[] = [0x1_0000_0000n, 0xdead_beef_0000_0000n, 0xffff_ffff_0000_0000n, 1n << 63n].flatMap(
  (high) =>
    [
      ['stack', [movr(2, 10), alu64('add', 2, -8)], () => STACK_TOP - 8],
      ['packet', packet, (at: Place) => at.data],
      ['value', value, (at: Place) => at.maps[0]! + VALUE],
      ['context', [movr(2, 1)], (at: Place) => at.ctx],
    ].map(([what, before, base]) =>
      row(
        `${what} with high bits ${high.toString(16)}`,
        [...(before as Item[]), lddw(3, high), alu64r('add', 2, 3)],
        ldx('w', 3, 2, 0),
        { address: (at) => BigInt((base as (at: Place) => number)(at)) + high, size: 4, write: false },
      ),
    ),
);

const argument = (name: string, before: Item[], helper: Parameters<typeof call>[0]): Row =>
  row(name, before, call(helper), { code: 'argument' });
const key: Item[] = [st('dw', 10, -8, 1), movr(2, 10), alu64('add', 2, -8)];

const argumentRows: readonly Row[] = [
  argument('key across the end of the frame', [lddwMap(1, 0), movr(2, 10), alu64('add', 2, -3)], 'map_lookup_elem'),
  argument('key below the frame', [lddwMap(1, 0), movr(2, 10), alu64('add', 2, -514)], 'map_lookup_elem'),
  argument('key at NULL', [lddwMap(1, 0), mov(2, 0)], 'map_lookup_elem'),
  argument('key behind the packet', [ldx('w', 2, 1, 4), alu64('add', 2, -3), lddwMap(1, 0)], 'map_lookup_elem'),
  argument(
    'value across the end',
    [...key, movr(3, 10), alu64('add', 3, -23), mov(4, 0), lddwMap(1, 0)],
    'map_update_elem',
  ),
  argument(
    'value with high bits',
    [...key, lddwMapValue(3, 0), lddw(4, 1n << 40n), alu64r('add', 3, 4), mov(4, 0), lddwMap(1, 0)],
    'map_update_elem',
  ),
  argument('map that is none', [...key, mov(1, 4096)], 'map_lookup_elem'),
  argument('map that is the context', key, 'map_lookup_elem'),
  argument('map inside another one', [...key, lddwMapValue(1, 0)], 'map_lookup_elem'),
  argument('map with high bits', [...key, lddwMap(1, 0), lddw(3, 1n << 32n), alu64r('add', 1, 3)], 'map_lookup_elem'),
  argument(
    'update of a read-only map',
    [...key, movr(3, 10), alu64('add', 3, -24), mov(4, 0), lddwMap(1, 1)],
    'map_update_elem',
  ),
  argument(
    'update of a read-only map, computed',
    [
      ...key,
      movr(3, 10),
      alu64('add', 3, -24),
      mov(4, 0),
      lddwMap(1, 1),
      lddw(5, 9n),
      alu64r('xor', 1, 5),
      alu64r('xor', 1, 5),
    ],
    'map_update_elem',
  ),
  argument('wrong context', [movr(1, 10)], 'xdp_get_buff_len'),
  argument('context of another packet', [alu64('add', 1, CTX_SIZE), mov(2, 0)], 'xdp_adjust_head'),
  argument('context with high bits', [lddw(3, 1n << 32n), alu64r('add', 1, 3), mov(2, 0)], 'xdp_adjust_tail'),
  argument('buffer beyond the frame', [mov(2, 0), movr(3, 10), alu64('add', 3, -15), mov(4, 16)], 'xdp_load_bytes'),
  argument('buffer in read-only memory', [mov(2, 0), lddwMapValue(3, 1), mov(4, 8)], 'xdp_load_bytes'),
  argument('buffer in the context', [mov(2, 0), movr(3, 1), mov(4, 8)], 'xdp_load_bytes'),
  argument('negative size', [mov(2, 0), movr(3, 10), alu64('add', 3, -16), mov(4, -1)], 'xdp_load_bytes'),
  argument('size 0 of memory that is nowhere', [mov(2, 0), lddw(3, 0xffff_fff0n), mov(4, 0)], 'xdp_load_bytes'),
  argument('huge size', [mov(2, 0), movr(3, 10), alu64('add', 3, -16), lddw(4, 1n << 33n)], 'xdp_store_bytes'),
  argument(
    'checksum of what is behind a value',
    [lddwMapValue(1, 0, 16), mov(2, 12), mov(3, 0), mov(4, 0), mov(5, 0)],
    'csum_diff',
  ),
  argument('format beyond its map', [lddwMapValue(1, 1, 8), mov(2, 9), mov(3, 0)], 'trace_printk'),
  argument('tail call through an array', [lddwMap(2, 0), mov(3, 0)], 'tail_call'),
  argument(
    'tail call through an array, computed',
    [lddwMap(2, 0), lddw(5, 9n), alu64r('xor', 2, 5), alu64r('xor', 2, 5), mov(3, 0)],
    'tail_call',
  ),
  argument('tail call with a wrong context', [movr(1, 10), lddwMap(2, 3), mov(3, 0)], 'tail_call'),
];

/** `levels` functions that each call the next one `calls` times: no loop, and no end. */
const callTree = (levels: number, calls: number): Item[] =>
  Array.from({ length: levels }, (_, i): Item[] => [
    label(`f${i}`),
    ...(i + 1 < levels ? Array.from({ length: calls }, () => callSubprog(`f${i + 1}`)) : []),
    mov(0, 2),
    exit(),
  ]).flat();

const loopRows: readonly Row[] = [
  { name: 'eight levels of a hundred calls', items: callTree(8, 100), code: 'budget', pc: -1 },
  { name: 'a loop of one insn', items: [label('l'), ja('l')], code: 'budget', pc: 0 },
  {
    name: 'a loop on a condition',
    items: [mov(2, 0), label('l'), alu64('add', 3, 1), jmp('jeq', 2, 0, 'l'), exit()],
    code: 'budget',
    pc: 1,
  },
  {
    name: 'an endless loop in a subprogram',
    items: [callSubprog('s'), exit(), label('s'), mov(0, 1), label('l'), alu64('add', 0, 1), ja('l')],
    code: 'budget',
    pc: 3,
  },
  {
    name: 'a loop with two entries',
    items: [
      mov(2, 0),
      jmp('jeq', 2, 0, 'b'),
      label('a'),
      alu64('add', 3, 1),
      label('b'),
      alu64('add', 3, 2),
      jmp('jne', 2, 1, 'a'),
      exit(),
    ],
    code: 'budget',
    pc: -1,
  },
];

/** A batch of three: a packet that runs normally, one on which the program misbehaves, and a normal one. */
describe('a violation', () => {
  let engine: Engine;
  let bench: Bench;
  let ctx: number;
  let frames: readonly number[];

  beforeAll(async () => {
    engine = await newEngine();
    bench = new Bench(engine, maps, 256);
    ctx = engine.alloc(3 * CTX_SIZE, 'contexts');
    engine.alloc(4096, 'a gap');
    frames = [0, 1, 2].map(() => engine.alloc(frameSize(PACKET), 'a frame'));
  });
  afterAll(() => engine.close());

  /** Byte 0 of a packet says whether the program is to misbehave. */
  function layBatch(): void {
    frames.forEach((frame, i) => {
      const at = layFrame(frame, PACKET);
      engine.memory.fill(frame, frameSize(PACKET), 0xee);
      engine.memory.fill(at.data, PACKET, 0x11);
      engine.memory.u8[at.data] = i === 1 ? 1 : 0;
      writeContext(engine.memory.view, ctx + i * CTX_SIZE, { ...at, timeNs: 1n, wireLength: PACKET });
    });
  }

  /** All memory, without what a program may change: its stack, the VM's state, the records' results. */
  function outside(statistics: readonly [number, number]): Uint8Array {
    const copy = engine.memory.u8.slice();
    copy.fill(0, VM_BASE, VM_BASE + VM_SIZE);
    copy.fill(0, STACK_BASE, STACK_TOP);
    for (let i = 0; i < 3; i++) copy.fill(0, ctx + i * CTX_SIZE + CTX_VERDICT, ctx + (i + 1) * CTX_SIZE);
    copy.fill(0, ...statistics);
    return copy;
  }

  /** Where the key that some rows look up is written: that is stack. The statistics lie behind everything else. */
  async function run(one: Row) {
    const guard: Item[] = [
      ldx('w', 9, 1, 0),
      ldx('b', 9, 9, 0),
      jmp('jne', 9, 0, 'bad'),
      mov(0, 2),
      exit(),
      label('bad'),
    ];
    const loaded = await bench.load([{ name: 'bad', insns: asm([...guard, ...one.items]) }], {
      checked: true,
      unverified: true,
    });
    const prog = loaded.prog('bad');
    layBatch();
    const { stats } = (prog as unknown as { parts: { stats: number } }).parts;
    const own = [stats, stats + 64] as const;
    const before = outside(own);
    const found: [Violation, number][] = [];
    runBatch(engine, prog, { ctx, count: 3 }, (violation, index) => found.push([violation, index]));
    const after = outside(own);
    const verdicts = [0, 1, 2].map((i) => engine.memory.u32(ctx + i * CTX_SIZE + CTX_VERDICT));
    const { runs } = prog.stats;
    loaded.close();
    return { found, verdicts, runs, unchanged: Buffer.compare(before, after) === 0, guard: slots(guard) };
  }

  const place = (): Place => ({
    ctx: ctx + CTX_SIZE,
    data: layFrame(frames[1]!, PACKET).data,
    maps: bench.maps.map((map) => map.address),
  });

  async function expectViolation(one: Row): Promise<void> {
    const { found, verdicts, runs, unchanged, guard } = await run(one);
    expect(
      found.map(([, index]) => index),
      one.name,
    ).toEqual([1]);
    const [violation] = found[0]!;
    expect(violation.code, one.name).toBe(one.code);
    expect(violation.prog).toBe('bad');
    if (one.pc >= 0) expect(violation.pc, one.name).toBe(one.pc + guard);
    if (one.address !== undefined) {
      expect(violation.address, one.name).toBe(BigInt.asUintN(64, one.address(place())));
      expect(violation.size, one.name).toBe(one.size);
      expect(violation.write, one.name).toBe(one.write);
    }
    expect(verdicts, one.name).toEqual([2, 0, 2]);
    expect(runs).toBe(3);
    expect(unchanged, `${one.name}: memory outside changed`).toBe(true);
  }

  const tables = { access: accessRows, 'wild addresses': wildRows, arguments: argumentRows, 'endless loops': loopRows };
  test.each(Object.entries(tables))('%s', async (_name, rows) => {
    expect(rows.length).toBeGreaterThan(3);
    for (const one of rows) await expectViolation(one);
  });

  test('accesses right at the edges are none', async () => {
    const edges: Item[] = [
      ...SIZES.flatMap((size): Item[] => [
        stx(size, 10, 1, -BYTES[size]),
        stx(size, 10, 1, -512),
        ldx('w', 2, 1, 0),
        st(size, 2, 0, 1),
        st(size, 2, PACKET - BYTES[size], 1),
        lddwMapValue(2, 0),
        st(size, 2, 24 - BYTES[size], 1),
        lddwMapValue(2, 1),
        ldx(size, 3, 2, 16 - BYTES[size]),
        ldx(size, 3, 1, 24 - BYTES[size]),
      ]),
      mov(0, 2),
      exit(),
    ];
    const { found, verdicts } = await run({ name: 'edges', items: edges, code: 'access', pc: 0 });
    expect(found).toEqual([]);
    expect(verdicts).toEqual([2, 2, 2]);
  });

  test('records of a ring buffer', async () => {
    const reserve = (map: number, size: number): Item[] => [
      ...[lddwMap(1, map), mov(2, size), mov(3, 0), call('ringbuf_reserve'), movr(2, 0)],
    ];
    const end: Item[] = [movr(1, 2), mov(2, 0), call('ringbuf_submit'), mov(0, 2), exit()];
    const tested: Item[] = [jmp('jne', 2, 0, 'some'), mov(0, 2), exit(), label('some')];
    for (const size of SIZES) {
      const bytes = BYTES[size];
      for (const off of [0, 24 - bytes]) {
        const { found } = await run({
          name: '',
          items: [...reserve(4, 24), ...tested, st(size, 2, off, 1), ...end],
          code: 'access',
          pc: 0,
        });
        expect(found, `${bytes} bytes at ${off}`).toEqual([]);
      }
      for (const off of [-1, -8, 25 - bytes, 24]) {
        const before = [...reserve(4, 24), ...tested];
        const { found, guard } = await run({
          name: '',
          items: [...before, st(size, 2, off, 1), ...end],
          code: 'access',
          pc: 0,
        });
        expect(
          found.map(([{ code, pc, write }]) => [code, pc, write]),
          `${bytes} bytes at ${off}`,
        ).toEqual([['access', slots(before) + guard, true]]);
      }
    }
    // No record: the ring buffer is too small, or is none.
    for (const before of [reserve(4, 5000), reserve(0, 24)]) {
      const { found } = await run({ name: '', items: [...before, st('w', 2, 4, 1), ...end], code: 'access', pc: 0 });
      expect(found.map(([{ code, address }]) => [code, address])).toEqual([['access', 4n]]);
    }
  });
});
