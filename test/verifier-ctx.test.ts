// Context tables: the data, the bytes they are encoded to, and the Wasm side that reads those.

import { beforeAll, describe, expect, test } from 'vitest';
import * as abi from '../src/verifier/abi.ts';
import { ctxStructNames, encodeCtxTable } from '../src/verifier/tables/ctx/encode.ts';
import type { CtxField, CtxStruct, Shape } from '../src/verifier/tables/ctx/field.ts';
import type { CtxConditions } from '../src/verifier/tables/ctx/views.ts';
import { ctxOf, structsOf } from '../src/verifier/tables/ctx/views.ts';
import type { PacketProgType, ProgTypeRow } from '../src/verifier/tables/prog-types.ts';
import { ATTACH_TYPES, PROG_TYPES } from '../src/verifier/tables/prog-types.ts';
import type { CtxExports } from './verifier-ctx-wasm.ts';
import { BLOB, compileCtx, withBlob } from './verifier-ctx-wasm.ts';

const rows: readonly (ProgTypeRow & { readonly type: PacketProgType })[] = PROG_TYPES;

/** Every program type with every attach type it is told apart by. */
const all: readonly [PacketProgType, CtxConditions][] = rows.flatMap((row) =>
  [true, false].flatMap((bpfCapable) =>
    (row.attach ?? (['cgroup_inet_ingress', 'xdp_devmap'] as const)).map((name): [PacketProgType, CtxConditions] => [
      row.type,
      { attach: ATTACH_TYPES[name], bpfCapable },
    ]),
  ),
);

const structIndex = (name: string): number => ['nf_hook_state', 'sk_buff'].indexOf(name);
const wasm: { module?: WebAssembly.Module } = {};

beforeAll(async () => {
  wasm.module = await compileCtx();
});

const instance = async (type: PacketProgType, conditions: CtxConditions): Promise<CtxExports> =>
  withBlob(wasm.module as WebAssembly.Module, encodeCtxTable(type, { ...conditions, structIndex }));

/** The rule of field.ts, said once more without tables. */
function allowed(struct: CtxStruct, field: CtxField, shape: Shape, off: number, width: number): boolean {
  if (struct.anywhere) return off + width <= struct.size;
  if (off === field.offset && (shape.atStart & width) !== 0) return true;
  return (shape.within & width) !== 0 && off % width === 0 && off + width <= field.offset + field.size;
}

test('rows lie in their struct, in order, without overlap', () => {
  for (const [type, conditions] of all) {
    for (const struct of structsOf(type, conditions)) {
      let end = 0;
      for (const field of struct.fields) {
        expect(field.offset, `${struct.name}.${field.name}`).toBeGreaterThanOrEqual(end);
        expect(field.size % field.element).toBe(0);
        end = field.offset + field.size;
      }
      expect(end, struct.name).toBeLessThanOrEqual(struct.size);
    }
  }
});

test('Wasm answers every access as the rows say', async () => {
  const bases = [
    abi.PTR_TO_CTX,
    abi.PTR_TO_FLOW_KEYS,
    abi.PTR_TO_SOCKET,
    abi.PTR_TO_SOCK_COMMON,
    abi.PTR_TO_TCP_SOCK,
    abi.PTR_TO_XDP_SOCK,
  ];
  for (const [type, conditions] of all) {
    const ctx = await instance(type, conditions);
    for (const [i, struct] of structsOf(type, conditions).entries()) {
      const table = ctx.ctxTable(BLOB, bases[i] as number);
      expect(ctx.ctxSize(table)).toBe(struct.size);
      const wrong: string[] = [];
      for (let off = -9; off < struct.size + 9; off++) {
        const index = struct.fields.findIndex((one) => off >= one.offset && off < one.offset + one.size);
        const field = struct.fields[index];
        for (const width of [1, 2, 4, 8]) {
          for (const write of [0, 1]) {
            const row = ctx.ctxAccess(table, off, width, write);
            const want = field !== undefined && allowed(struct, field, write ? field.write : field.read, off, width);
            if ((row !== 0) !== want) wrong.push(`${struct.name} ${off} ${width} ${write}`);
            if (row === 0 || field === undefined) continue;
            if (ctx.rowIndex(row) !== index || ctx.rowOffset(row) !== field.offset) wrong.push(`row of ${off}`);
            if (ctx.rowType(row) !== field.type) wrong.push(`type of ${off}`);
          }
        }
      }
      expect(wrong, type).toEqual([]);
    }
  }
});

describe('what a load gives', () => {
  test('xdp_md.data is a packet pointer, and not narrow, and not to be had with its sign extended', async () => {
    const ctx = await instance('xdp', { attach: 0, bpfCapable: true });
    const table = ctx.ctxTable(BLOB, abi.PTR_TO_CTX);
    const row = ctx.ctxAccess(table, 0, 4, 0);
    expect(ctx.rowType(row)).toBe(abi.PTR_TO_PACKET);
    expect(ctx.isScalar(row)).toBe(0);
    expect(ctx.rowStruct(row)).toBe(-1);
    expect(ctx.ctxLoad(table, 0, 4, 0)).toBe(row);
    expect(ctx.ctxLoad(table, 0, 4, 1)).toBe(0);
    expect(ctx.ctxLoad(table, 12, 4, 1)).not.toBe(0);
    expect(ctx.ctxAccess(table, 20, 4, 0)).toBe(0);
    expect(ctx.ctxAccess(table, 0, 4, 1)).toBe(0);
  });

  test('a byte of __sk_buff.mark is narrow, a word of cb is not', async () => {
    const ctx = await instance('sched_cls', { attach: 0, bpfCapable: true });
    const table = ctx.ctxTable(BLOB, abi.PTR_TO_CTX);
    const mark = ctx.ctxAccess(table, 9, 1, 0);
    expect([ctx.rowOffset(mark), ctx.rowBytes(mark), ctx.isNarrow(mark, 1), ctx.isScalar(mark)]).toEqual([8, 4, 1, 1]);
    expect(ctx.isNarrow(ctx.ctxAccess(table, 52, 4, 0), 4)).toBe(0);
    expect(ctx.isNarrow(ctx.ctxAccess(table, 56, 8, 0), 8)).toBe(0);
  });

  test('bpf_nf_ctx.skb is a trusted pointer to a struct of the kernel', async () => {
    const conditions = { attach: ATTACH_TYPES.netfilter, bpfCapable: true };
    const ctx = await instance('netfilter', conditions);
    const row = ctx.ctxAccess(ctx.ctxTable(BLOB, abi.PTR_TO_CTX), 8, 8, 0);
    expect(ctx.rowType(row)).toBe(abi.PTR_TO_BTF_ID | abi.PTR_TRUSTED);
    expect(ctx.rowStruct(row)).toBe(1);
    expect(ctxStructNames('netfilter', conditions)).toEqual(['nf_hook_state', 'sk_buff']);
    expect(ctxStructNames('xdp', conditions)).toEqual([]);
  });
});

test('without CAP_BPF cgroup_skb has no packet pointers and does not write tstamp', () => {
  const names = (bpfCapable: boolean): string[] =>
    ctxOf('cgroup_skb', { attach: 0, bpfCapable }).fields.map((field) => field.name);
  expect(names(true).filter((name) => !names(false).includes(name))).toEqual(['data', 'data_end']);
  const tstamp = ctxOf('cgroup_skb', { attach: 0, bpfCapable: false }).fields.find((one) => one.name === 'tstamp');
  expect(tstamp).toMatchObject({ read: { within: 8 }, write: { within: 0 } });
});
