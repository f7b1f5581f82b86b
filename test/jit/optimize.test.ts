/** What binaryen is given that it cannot take. */
import { describe, expect, test } from 'vitest';
import { CompileError } from '../../src/errors/index.ts';
import { optimize, toText } from '../../src/jit/optimize.ts';

const HEAD = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** One function of type () -> i32. */
const func = (...body: number[]): Uint8Array =>
  new Uint8Array([...HEAD, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 10, body.length + 3, 1, body.length + 1, 0, ...body]);

const END = 0x0b;
const I32_CONST = 0x41;

const bad: Readonly<Record<string, Uint8Array>> = {
  'a function without its result': func(END),
  'a section that is cut': new Uint8Array([...HEAD, 1, 5]),
  'no module': new Uint8Array([1, 2]),
};

describe.each(Object.entries(bad))('%s', (_, bytes) => {
  test.each([optimize, toText])('is refused, and not for want of binaryen: %o', async (run) => {
    const error: unknown = await run(bytes).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CompileError);
    expect(error).toMatchObject({ code: 'COMPILE_INVALID', fields: { bytes: bytes.length } });
    expect(String(error)).not.toContain('npm install');
  });
});

test('a valid module is taken', async () => {
  expect(await toText(func(I32_CONST, 7, END))).toContain('i32.const 7');
});
