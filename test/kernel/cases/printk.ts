// trace_printk and trace_vprintk: formats, arguments, what they return and the text they print.
// Observed on Linux 6.18 and kept as data, since most machines let nobody read the trace.

import type { Item } from './asm.ts';
import { alu64, asm, call, exit, lddw, lddwMapValue, mov, movr, stx } from './asm.ts';
import { u32 } from './bytes.ts';
import type { Case } from './types.ts';

/** A number, or bytes in memory whose address is the argument (text is NUL-terminated). */
export type PrintArg = bigint | string | Uint8Array;

export interface PrintkSpec {
  readonly format: string;
  readonly args: readonly PrintArg[];
  /** Leave the format's NUL out. */
  readonly bare?: boolean;
}

const encoder = new TextEncoder();
const ipv4 = Uint8Array.of(192, 0, 2, 33);
const ipv6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1f);
const ipv6Mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 33);
const mac = Uint8Array.of(0, 0x11, 0x22, 0xaa, 0xbb, 0xcc);
const zeros16 = new Uint8Array(16);
const MINUS_ONE = -1n;
const BIG = 0x1234_5678_9abc_def0n;
const MIN32 = 0x8000_0000n;
const MIN64 = 1n << 63n;

const table: readonly (readonly [format: string, ...args: PrintArg[]])[] = [
  [''],
  ['\n'],
  ['plain'],
  ['plain\n'],
  ['two\nlines\n'],
  ['a\tb'],
  ['a\x07b'],
  ['a\x01b'],
  ['a\x0bb'],
  ['a\x0cb'],
  ['a\rb'],
  ['a\x1bb'],
  ['a\x7fb'],
  ['a\x80b'],
  ['héé'],
  ['%%'],
  ['100%% sure'],
  ['%'],
  ['abc %'],
  ['%d', 0n],
  ['%d', 1n],
  ['%d', MINUS_ONE],
  ['%d', BIG],
  ['%d', MIN32],
  ['%d', 0xffff_ffffn],
  ['%d', 0x7fff_ffffn],
  ['%i', MINUS_ONE],
  ['%i', BIG],
  ['%u', 0n],
  ['%u', MINUS_ONE],
  ['%u', BIG],
  ['%u', MIN32],
  ['%x', 0n],
  ['%x', MINUS_ONE],
  ['%x', BIG],
  ['%X', BIG],
  ['%X', MINUS_ONE],
  ['%o', 8n],
  ['%hd', BIG],
  ['%hhd', 0xffn],
  ['%hu', BIG],
  ['%ld', MINUS_ONE],
  ['%ld', MIN64],
  ['%lu', MINUS_ONE],
  ['%lx', BIG],
  ['%lX', BIG],
  ['%li', MINUS_ONE],
  ['%lld', MINUS_ONE],
  ['%lld', MIN64],
  ['%llu', MINUS_ONE],
  ['%llx', BIG],
  ['%llX', BIG],
  ['%lli', MIN64],
  ['%Ld', 1n],
  ['%zd', 1n],
  ['%zu', 1n],
  ['%jd', 1n],
  ['%td', 1n],
  ['%llld', 1n],
  ['%c', 65n],
  ['%c', 0x141n],
  ['%c', 10n],
  ['%c', 0n],
  ['x%cy', 0n],
  ['%c%c%c', 65n, 66n, 67n],
  ['%5c|', 65n],
  ['%-5c|', 65n],
  ['%lc', 65n],
  ['%5d|', 42n],
  ['%-5d|', 42n],
  ['%05d|', 42n],
  ['%+d', 42n],
  ['% d', 42n],
  ['%+5d|', 42n],
  ['%+d', MINUS_ONE],
  ['%0-5d|', 42n],
  ['%5d|', MINUS_ONE],
  ['%05d|', MINUS_ONE],
  ['%20lld|', MIN64],
  ['%025llu|', MINUS_ONE],
  ['%8x|', 0xbeefn],
  ['%08x', 0xbeefn],
  ['%-8x|', 0xbeefn],
  ['%#x', 0xbeefn],
  ['%#x', 0n],
  ['%#X', 0xbeefn],
  ['%#08x', 0xbeefn],
  ['%#llx', BIG],
  ['%016llx', 0xbeefn],
  ['%1d', 12345n],
  ['%30d|', 1n],
  ['%100d|', 1n],
  ['%600d', 1n],
  ['%1000d|', 1n],
  ['%2000d|', 1n],
  ['%.5d', 42n],
  ['%5.3d', 42n],
  ['%.d', 42n],
  ['%*d', 5n, 42n],
  ['%.*d', 5n, 42n],
  ["%'d", 42n],
  ['%s', 'text'],
  ['%s', ''],
  ['[%s]', 'a b'],
  ['%10s|', 'text'],
  ['%-10s|', 'text'],
  ['%.2s|', 'text'],
  ['%10.2s|', 'text'],
  ['%2s|', 'text'],
  ['%s %s', 'one', 'two'],
  ['%s=%d', 'n', 3n],
  ['%s', 0n],
  ['%s', 1n],
  ['%s', MINUS_ONE],
  ['%s', 'x'.repeat(200)],
  ['%s%s%s', 'x'.repeat(200), 'y'.repeat(200), 'z'.repeat(200)],
  ['%s', 'new\nline'],
  ['%s', 'caf\xe9'],
  ['%pI4', ipv4],
  ['%pi4', ipv4],
  ['%pI6', ipv6],
  ['%pi6', ipv6],
  ['%pI6', ipv6Mapped],
  ['%pI6', zeros16],
  ['%pI4 %pI6', ipv4, ipv6],
  ['%pI4', 0n],
  ['%pI6', 0n],
  ['%pI6c', ipv6],
  ['%pI4h', ipv4],
  ['%pIS', ipv4],
  ['%pI5', ipv4],
  ['%pI', ipv4],
  ['%pM', mac],
  ['%pm', mac],
  ['%20pI4|', ipv4],
  ['%-20pI4|', ipv4],
  ['%p', 0n],
  ['%p', BIG],
  ['%p ', BIG],
  ['%px', BIG],
  ['%px', 0n],
  ['%pK', BIG],
  ['%pK', 0n],
  ['%pB', 0n],
  ['%ps', 0n],
  ['%pS', 0n],
  ['%20px|', BIG],
  ['%pX', BIG],
  ['%pa', BIG],
  ['%pd', BIG],
  ['%pks', 'text'],
  ['%pus', 0n],
  ['%puk', 0n],
  ['%p.', BIG],
  ['%p,', 0n],
  ['%pu', BIG],
  ['%pk', BIG],
  ['%f', 1n],
  ['%g', 1n],
  ['%e', 1n],
  ['%n', 1n],
  ['%y', 1n],
  ['%q', 1n],
  ['%a', 1n],
  ['%b', 1n],
  ['%C', 1n],
  ['%S', 'x'],
  ['%D', 1n],
  ['%U', 1n],
  ['%l', 1n],
  ['%ll', 1n],
  ['%5', 1n],
  ['%-', 1n],
  ['%l%', 1n],
  ['%5%', 1n],
  ['% %', 1n],
  ['%-%', 1n],
  ['%d'],
  ['%d %d', 1n],
  ['%d %d %d', 1n, 2n, 3n],
  ['%d %d %d %d', 1n, 2n, 3n],
  ['plain', 1n],
  ['%d', 1n, 2n],
  ['%d%d%d', 1n, MINUS_ONE, BIG],
  ['%%%d%%', 7n],
  ['%lld %llx %llu', MIN64, BIG, MINUS_ONE],
];

/** Formats of three arguments at most: for trace_printk. */
export const printkSpecs: readonly PrintkSpec[] = [
  ...table.map(([format, ...args]) => ({ format, args })),
  { format: 'no NUL', args: [], bare: true },
  { format: '%d', args: [1n], bare: true },
  { format: 'early\0late', args: [] },
  { format: 'early\0late %q', args: [1n] },
  { format: '\0', args: [] },
];

const numbers = (count: number): bigint[] => Array.from({ length: count }, (_, i) => BigInt(i + 1));

/** The same and more arguments, for trace_vprintk. */
export const vprintkSpecs: readonly PrintkSpec[] = [
  { format: 'plain', args: [] },
  { format: '%d', args: [MINUS_ONE] },
  ...[4, 5, 11, 12, 13].map((count) => ({ format: Array(count).fill('%d').join(' '), args: numbers(count) })),
  { format: '%d', args: [] },
  { format: '%d %d', args: [1n] },
  { format: '%d', args: [1n, 2n, 3n] },
  { format: '%s %pI4 %pI6 %c %llx %5d|%s', args: ['one', ipv4, ipv6, 66n, BIG, 42n, 'two'] },
  { format: 'plain', args: numbers(12) },
  { format: '%q', args: numbers(2) },
  { format: 'no NUL', args: [], bare: true },
  { format: '%s%s%s%s', args: ['x'.repeat(150), 'y'.repeat(150), 'z'.repeat(150), 'w'.repeat(150)] },
  ...[510, 511, 512, 513].map((length) => ({ format: '%s', args: ['a'.repeat(length)] })),
  ...[507, 508, 506, 503, 502].flatMap((length) =>
    ['%s%d|', '%s%lld|', '%s%c|', '%s%s|', '%s%pI4|', '%s%pi4|', '%s%px|'].map((format) => ({
      format,
      args: ['a'.repeat(length), format.includes('%s%s') ? 'text' : format.includes('4') ? ipv4 : 65n],
    })),
  ),
  { format: '%c%d%c%lld%s', args: [65n, 1n, 66n, 2n, 'b'.repeat(510)] },
  { format: '%pI4%pI6%s', args: [ipv4, ipv6, 'b'.repeat(510)] },
  { format: '%pI4%d%pI6%s', args: [ipv4, 1n, ipv6, 'b'.repeat(510)] },
  { format: '%s%s%s%s%s%s%s%s', args: Array(8).fill('v'.repeat(150)) as string[] },
];

const MEMORY = 2048;

/** Where each argument in memory lies in map 1, and map 1's bytes. */
function layout(args: readonly PrintArg[]): { offsets: number[]; memory: Uint8Array } {
  const memory = new Uint8Array(MEMORY);
  let used = 0;
  const offsets = args.map((arg) => {
    if (typeof arg === 'bigint') return -1;
    const bytes = typeof arg === 'string' ? encoder.encode(`${arg}\0`) : arg;
    memory.set(bytes, used);
    const offset = used;
    used = (used + bytes.length + 7) & ~7;
    return offset;
  });
  return { offsets, memory };
}

const argument = (reg: number, arg: PrintArg, offset: number): Item =>
  typeof arg === 'bigint' ? lddw(reg, arg) : lddwMapValue(reg, 1, offset);

function printCase(
  name: string,
  spec: PrintkSpec,
  body: (fmtSize: number, offsets: readonly number[]) => Item[],
): Case {
  const format = encoder.encode(spec.bare === true ? spec.format : `${spec.format}\0`);
  const { offsets, memory } = layout(spec.args);
  return {
    name,
    maps: [
      { type: 'array', keySize: 4, valueSize: format.length, maxEntries: 1, init: [[u32(0), format]] },
      { type: 'array', keySize: 4, valueSize: MEMORY, maxEntries: 1, init: [[u32(0), memory]] },
    ],
    progs: [{ name: 'print', type: 'xdp', insns: asm([...body(format.length, offsets), exit()]) }],
    steps: [{ op: 'run', data: new Uint8Array(64) }],
  };
}

const show = (spec: PrintkSpec): string =>
  [
    JSON.stringify(spec.format) + (spec.bare === true ? ' without NUL' : ''),
    ...spec.args.map((arg) =>
      typeof arg === 'bigint' ? `${arg}` : typeof arg === 'string' ? JSON.stringify(arg) : `[${arg}]`,
    ),
  ].join(', ');

export const printkCase = (spec: PrintkSpec): Case =>
  printCase(`trace_printk(${show(spec)})`, spec, (fmtSize, offsets) => [
    lddwMapValue(1, 0),
    mov(2, fmtSize),
    ...spec.args.map((arg, i) => argument(3 + i, arg, offsets[i]!)),
    ...[3, 4, 5].slice(spec.args.length).map((reg) => mov(reg, 0)),
    call('trace_printk'),
  ]);

/** The arguments are an array of u64 on the stack. */
export const vprintkCase = (spec: PrintkSpec): Case =>
  printCase(`trace_vprintk(${show(spec)})`, spec, (fmtSize, offsets) => {
    const base = -8 * Math.max(spec.args.length, 1);
    return [
      ...spec.args.flatMap((arg, i) => [argument(6, arg, offsets[i]!), stx('dw', 10, 6, base + i * 8)]),
      lddwMapValue(1, 0),
      mov(2, fmtSize),
      ...(spec.args.length === 0 ? [mov(3, 0)] : [movr(3, 10), alu64('add', 3, base)]),
      mov(4, spec.args.length * 8),
      call('trace_vprintk'),
    ];
  });

/** A data length which is no multiple of 8, and one beyond the limit of 12 arguments. */
export const vprintkLengthCases: readonly Case[] = [1, 4, 7, 12, 96, 104].map((length) => ({
  ...printCase(`trace_vprintk: ${length} bytes of arguments`, { format: 'plain', args: [] }, (fmtSize) => [
    mov(6, 0),
    ...Array.from({ length: 13 }, (_, i) => stx('dw', 10, 6, -8 * (i + 1))),
    lddwMapValue(1, 0),
    mov(2, fmtSize),
    movr(3, 10),
    alu64('add', 3, -104),
    mov(4, length),
    call('trace_vprintk'),
  ]),
}));
