// Checked accesses: what a program may touch, byte by byte around every edge, and the record of a violation.
import { describe, expect, test } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import * as isa from '../../assembly/isa.ts';
import { type Harness, harness, prng } from './harness.ts';

const { BPF_MAP_TYPE_ARRAY: ARRAY, BPF_MAP_TYPE_HASH: HASH } = isa;
const { BPF_MAP_TYPE_PERCPU_ARRAY: PERCPU, BPF_MAP_TYPE_PROG_ARRAY: PROGS } = isa;

type Row = readonly [address: number | bigint, size: number, read: boolean, write: boolean];

function checkRows(h: Harness, rows: readonly Row[]): void {
  for (const [address, size, read, write] of rows) {
    const a = BigInt(address);
    const seen = [h.rt.check_mem(a, size, 0), h.rt.check_mem(a, size, 1)];
    expect(seen, `[${a.toString(16)}, +${size})`).toEqual([read ? 1 : 0, write ? 1 : 0]);
  }
}

/** Rows around [low, high): what begins, ends or reaches outside is refused. */
function edges(low: number, high: number, read: boolean, write: boolean): Row[] {
  const size = high - low;
  return [
    [low, 1, read, write],
    [high - 1, 1, read, write],
    [low, size, read, write],
    [low - 1, 1, false, false],
    [low - 1, 2, false, false],
    [high, 1, false, false],
    [high - 1, 2, false, false],
    [low, size + 1, false, false],
    [low, 0xffffffff, false, false],
    [BigInt(low) + (1n << 32n), 1, false, false],
    [BigInt(low) | (1n << 63n), 1, false, false],
  ];
}

describe('check_mem', () => {
  test('stack', async () => {
    const h = await harness();
    checkRows(h, edges(abi.STACK_BASE, abi.STACK_TOP, true, true));
  });

  test('nothing at the ends of the address space', async () => {
    const h = await harness();
    const rows: Row[] = [0n, 1n, 7n, 65535n, 65536n, 0xffffffffn, 0xfffffff8n, 0x100000000n, (1n << 64n) - 1n].flatMap(
      (a) => [1, 8, 65536].map((size): Row => [a, size, false, false]),
    );
    checkRows(h, rows);
    h.packet(new Uint8Array(64));
    checkRows(h, rows);
  });

  test('the current packet with its metadata, and the context for reading', async () => {
    const h = await harness();
    const { ctx, data } = h.packet(new Uint8Array(60));
    h.mem.setU32(ctx + abi.XDP_MD_DATA_META, data - 8);
    checkRows(h, edges(data - 8, data + 60, true, true));
    checkRows(h, edges(ctx, ctx + abi.XDP_MD_SIZE, true, false));
    const other = h.packet(new Uint8Array(60));
    checkRows(h, [
      [data, 1, false, false],
      [ctx, 4, false, false],
      [other.data, 60, true, true],
    ]);
  });

  test.each([
    ['array', ARRAY, 0, true, true],
    ['array for reading', ARRAY, isa.BPF_F_RDONLY_PROG, true, false],
    ['array for writing', ARRAY, isa.BPF_F_WRONLY_PROG, false, true],
    ['per-CPU array', PERCPU, 0, true, true],
  ])('%s: each value, not what pads it', async (_, type, flags, read, write) => {
    const h = await harness();
    const map = h.map({ type, value: 13, max: 3, flags, cpus: 2 });
    const values = type === PERCPU ? 6 : 3;
    for (let i = 0; i < values; i++) {
      const low = map + abi.MAP_DATA + 16 * i;
      checkRows(h, edges(low, low + 13, read, write));
    }
    checkRows(h, [
      [map, 4, false, false],
      [map + abi.MAP_DATA - 1, 2, false, false],
      [map + abi.MAP_DATA + 16 * values, 1, false, false],
    ]);
  });

  test('prog array: never', async () => {
    const h = await harness();
    const map = h.map({ type: PROGS, value: 4, max: 4 });
    checkRows(h, [
      [map, 4, false, false],
      [map + abi.MAP_DATA, 4, false, false],
    ]);
  });

  test.each([0, isa.BPF_F_NO_PREALLOC])('hash with flags %i: values, not keys or links', async (flags) => {
    const h = await harness();
    const map = h.map({ type: HASH, key: 5, value: 13, max: 200, flags });
    const key = (i: number) => h.key(Uint8Array.of(i, i, i, i, i));
    for (let i = 0; i < 200; i++) expect(h.rt.map_update(map, key(i), h.value(i), 0)).toBe(0);
    for (let i = 0; i < 200; i++) {
      const low = h.rt.map_lookup_elem(map, key(i)) >>> 0;
      checkRows(h, edges(low, low + 13, true, true));
    }
    checkRows(h, [
      [map, 4, false, false],
      [map + abi.MAP_DATA, 8, false, false],
      [h.mem.u32(map + abi.MAP_IMPL), 4, false, false],
    ]);
  });

  test('a destroyed map is gone, also for the address last looked up', async () => {
    const h = await harness();
    const map = h.map({ type: ARRAY });
    checkRows(h, [[map + abi.MAP_DATA, 8, true, true]]);
    h.rt.map_destroy(map);
    checkRows(h, [[map + abi.MAP_DATA, 8, false, false]]);
  });

  test('among a thousand maps that come and go', async () => {
    const h = await harness();
    const random = prng(77);
    const live: number[] = [];
    const dead: number[] = [];
    for (let i = 0; i < 1500; i++) {
      if (live.length > 0 && random() % 3 === 0) {
        const [map] = live.splice(random() % live.length, 1);
        h.rt.map_destroy(map);
        dead.push(map);
      } else {
        live.push(h.map({ type: random() % 2 ? ARRAY : HASH, max: 1 + (random() % 8) }));
      }
    }
    for (const map of live) {
      expect(h.rt.check_map(BigInt(map))).toBe(1);
      expect(h.rt.check_map(BigInt(map + abi.MAP_DATA))).toBe(0);
      if (h.mem.u32(map) === ARRAY)
        checkRows(h, edges(map + abi.MAP_DATA, map + abi.MAP_DATA + 8, true, true).slice(0, 5));
    }
    for (const map of dead) if (!live.includes(map)) expect(h.rt.check_map(BigInt(map))).toBe(0);
    expect(h.rt.check_map(BigInt(live[0]) + (1n << 32n))).toBe(0);
    expect(h.rt.check_map(0n)).toBe(0);
  });
});

test('trap leaves its record and ends the call', async () => {
  const h = await harness();
  expect(() => h.rt.trap(abi.TRAP_ACCESS, 7, 42, 0xdeadbeef12345678n, 8, 1)).toThrow(WebAssembly.RuntimeError);
  const at = abi.VM_BASE + abi.VM_TRAP;
  expect(
    [abi.TRAP_CODE, abi.TRAP_PROG, abi.TRAP_PC, abi.TRAP_SIZE, abi.TRAP_WRITE].map((o) => h.mem.u32(at + o)),
  ).toEqual([abi.TRAP_ACCESS, 7, 42, 8, 1]);
  expect(h.mem.u64(at + abi.TRAP_ADDR)).toBe(0xdeadbeef12345678n);
});
