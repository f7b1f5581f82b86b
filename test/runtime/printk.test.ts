// trace_printk and trace_vprintk: return values and texts against the kernel's, and the trace buffer.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MAP_DATA, VM_BASE, VM_TRACE_ON } from '../../assembly/abi.ts';
import { BPF_MAP_TYPE_ARRAY, EINVAL } from '../../assembly/isa.ts';
import { type PrintkSpec, printkCase, printkSpecs, vprintkCase, vprintkSpecs } from '../kernel/cases/printk.ts';
import { type Harness, harness } from './harness.ts';

interface Observed {
  name: string;
  returns: string;
  text: string[] | null;
}

const ERRNO: Record<string, number> = { '-EINVAL': -22, '-ENOSPC': -28 };
const encoder = new TextEncoder();

const observed = new Map(
  readFileSync(new URL('../kernel/observed/printk.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Observed)
    .map((o) => [o.name, o]),
);

/** A map value that holds these bytes: memory that programs may read. */
function readable(h: Harness, data: Uint8Array): number {
  const map = h.map({ type: BPF_MAP_TYPE_ARRAY, value: Math.max(1, data.length), max: 1 });
  h.mem.write(map + MAP_DATA, data);
  return map + MAP_DATA;
}

function run(h: Harness, spec: PrintkSpec, vararg: boolean): bigint {
  const format = encoder.encode(spec.bare === true ? spec.format : `${spec.format}\0`);
  const args = spec.args.map((arg) => {
    if (typeof arg === 'bigint') return arg;
    return BigInt(readable(h, typeof arg === 'string' ? encoder.encode(`${arg}\0`) : arg));
  });
  const fmt = h.bytes(format);
  if (!vararg) return h.rt.trace_printk(fmt, format.length, args[0] ?? 0n, args[1] ?? 0n, args[2] ?? 0n);
  const at = h.bytes(new Uint8Array(BigUint64Array.from(args.map((a) => BigInt.asUintN(64, a))).buffer));
  return h.rt.trace_vprintk(fmt, format.length, args.length === 0 ? 0 : at, args.length * 8);
}

describe.each([
  ['trace_printk', printkSpecs, printkCase, false],
  ['trace_vprintk', vprintkSpecs, vprintkCase, true],
] as const)('%s as the kernel', (_, specs, toCase, vararg) => {
  test.each(specs.map((spec) => [toCase(spec).name.slice(0, 120), spec] as const))('%s', async (_name, spec) => {
    const kernel = observed.get(toCase(spec).name);
    expect(kernel).toBeDefined();
    const h = await harness();
    h.listen(8192);
    const result = Number(run(h, spec, vararg));
    expect(result).toBe(ERRNO[kernel!.returns] ?? Number(kernel!.returns));
    const lines = h.drain();
    if (result < 0) expect(lines).toEqual([]);
    else expect(lines).toHaveLength(1);
    if (kernel!.text !== null && kernel!.text.length > 0 && kernel!.text[0] !== 'hashed') {
      expect(lines).toEqual(kernel!.text);
    }
  });
});

const ipv6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1f);

test.each<[string, PrintkSpec['args'], string]>([
  ['port %d', [-1n], 'port -1'],
  ['%u %u', [-1n, 1n << 32n], '4294967295 0'],
  ['%lld|%llx|%lX', [-1n, -1n, 0xabcn], '-1|ffffffffffffffff|ABC'],
  ['%5d|%-5d|%05d', [42n, 42n, -42n], '   42|42   |-0042'],
  ['%+d|% d|%+u', [1n, 1n, 1n], '+1| 1|1'],
  ['%0-5d|', [42n], '42   |'],
  ['%c%5c|%-3c|', [65n, 66n, 67n], 'A    B|C  |'],
  ['x%cy', [0n], 'x'],
  ['%s|%6s|%-6s|', ['abc', 'def', 'ghi'], 'abc|   def|ghi   |'],
  ['%px %p', [0x1234n, 0n], '0000000000001234 0000000000000000'],
  ['%20px|', [0xabn], '                  ab|'],
  ['%pS', [0xabcn], '0xabc'],
  ['%pI4', [Uint8Array.of(192, 0, 2, 33)], '192.0.2.33'],
  ['%pi4.', [Uint8Array.of(192, 0, 2, 33)], '192.000.002.033.'],
  ['%pI6c|', [ipv6], '2001:0db8:0000:0000:0000:0000:0000:001f|'],
  ['%pi6', [ipv6], '20010db800000000000000000000001f'],
  ['%pI4 %pI6', [0n, 1n << 40n], '0.0.0.0 0000:0000:0000:0000:0000:0000:0000:0000'],
  ['[%s]', [5n], '[]'],
  ['100%%', [], '100%'],
  ['line\n', [], 'line\n'],
])('%s', async (format, args, text) => {
  const h = await harness();
  h.listen();
  run(h, { format, args }, false);
  expect(h.drain()).toEqual([text]);
});

test('a string that leaves readable memory prints as empty', async () => {
  const h = await harness();
  h.listen();
  const at = readable(h, encoder.encode('unended!'));
  const fmt = h.bytes(encoder.encode('[%s]\0'));
  expect(h.rt.trace_printk(fmt, 5, BigInt(at), 0n, 0n)).toBe(2n);
  expect(h.rt.trace_printk(fmt, 5, BigInt(at) | (1n << 32n), 0n, 0n)).toBe(2n);
  h.mem.write(at + 7, Uint8Array.of(0));
  expect(h.rt.trace_printk(fmt, 5, BigInt(at), 0n, 0n)).toBe(9n);
  expect(h.drain()).toEqual(['[]', '[]', '[unended]']);
});

test('lines end at 1023 bytes, the result does not', async () => {
  const h = await harness();
  h.listen();
  expect(run(h, { format: '%2000d|', args: [7n] }, false)).toBe(2001n);
  expect(run(h, { format: '%999999999999d', args: [7n] }, false)).toBe(8388607n);
  expect(h.drain().map((line) => line.length)).toEqual([1023, 1023]);
});

test('a full buffer is handed over before the next record; one too small loses it', async () => {
  const h = await harness();
  h.listen(128);
  for (let i = 0; i < 10; i++) run(h, { format: 'record number %d', args: [BigInt(i)] }, false);
  expect(h.traceFulls).toBeGreaterThan(2);
  expect(h.drain()).toEqual(Array.from({ length: 10 }, (_, i) => `record number ${i}`));
  h.listen(32);
  expect(run(h, { format: 'too long for it', args: [] }, false)).toBe(15n);
  expect(h.drain()).toEqual([]);
});

test('when no one listens nothing is recorded, and the result is the same', async () => {
  const h = await harness();
  h.listen();
  h.mem.setU32(VM_BASE + VM_TRACE_ON, 0);
  expect(run(h, { format: '%d', args: [123n] }, false)).toBe(3n);
  expect(run(h, { format: '%q', args: [1n] }, false)).toBe(BigInt(-EINVAL));
  const fmt = h.bytes(encoder.encode('x\0'));
  h.rt.trace_printk_void(fmt, 2, 0n, 0n, 0n);
  expect(h.drain()).toEqual([]);
  h.mem.setU32(VM_BASE + VM_TRACE_ON, 1);
  h.rt.trace_printk_void(fmt, 2, 0n, 0n, 0n);
  expect(h.drain()).toEqual(['x']);
});
