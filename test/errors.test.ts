/** Every row of every error table: its text is pinned by docs/errors.md, is made of its fields, and the error carries them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorsPage, errorTemplate } from '../scripts/make-errors.ts';
import * as errors from '../src/errors/index.ts';

const rows = Object.entries(errors.ERROR_TABLES).flatMap(([stage, table]) =>
  Object.keys(table).map((code) => ({ stage, code, table: table as errors.ErrorTable })),
);
const page = 'docs/errors.md';

test('docs/errors.md is up to date (BPF2WASM_BLESS=1 writes it)', () => {
  if (process.env.BPF2WASM_BLESS !== undefined || !existsSync(page)) writeFileSync(page, errorsPage());
  expect(readFileSync(page, 'utf8')).toBe(errorsPage());
});

test('codes are unique, and begin with their stage', () => {
  expect(rows.length).toBeGreaterThan(100);
  expect(new Set(rows.map(({ code }) => code)).size).toBe(rows.length);
  expect(rows.filter(({ stage, code }) => !code.startsWith(`${stage.toUpperCase()}_`))).toEqual([]);
});

describe('the text of', () => {
  test.each(rows.map(({ code, table }) => [code, table] as const))('%s', (code, table) => {
    const text = errorTemplate(table, code);
    expect(text).not.toMatch(/undefined|NaN|\[object|=>/);
    expect(text).toBe(text.trim());
    expect(text.length).toBeGreaterThan(15);
    expect(text.length).toBeLessThan(300);
    expect(text).not.toMatch(/\.$|\n/);
  });
});

test('an error of each stage is a BpfError with its fields, and says so as JSON', () => {
  const made = [
    new errors.ElfError('ELF_VERSION', { offset: 6, found: 2 }),
    new errors.BtfError('BTF_NO_TYPE', { type: 9, types: 4 }),
    new errors.InsnError('INSN_LENGTH', { bytes: 7 }),
    new errors.LinkError('LINK_SIZE', { prog: 'p', insns: 9, limit: 8 }),
    new errors.VerifierError('VERIFIER_FRAME_POINTER', { prog: 'p', pc: 3 }),
    new errors.CompileError('COMPILE_DUPLICATE', { prog: 'p' }),
    new errors.RunError('RUN_MAP_OP', { map: 'm', op: 'update', errno: 7 }),
  ];
  for (const error of made) {
    expect(error).toBeInstanceOf(errors.BpfError);
    expect(error.name).toBe(error.constructor.name);
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: error.name,
      stage: error.stage,
      code: error.code,
      message: error.message,
      fields: error.fields,
    });
  }
  expect(made[6]?.message).toBe('map m: update failed: E2BIG: the map is full, or the index is out of range');
  expect(made[1]?.message).toBe('there is no BTF type 9; the last one is 3');
});
