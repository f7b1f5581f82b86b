/** Standard output: text and JSON, with back pressure, quiet when the reader goes away. */
import { EXIT } from './errors.ts';

/** `head` closes the pipe when it has enough: no error, and nothing more to do. */
export function quietWhenClosed(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(EXIT.ok);
    });
  }
}

/** Writes, and waits while the reader is slow. */
export async function print(text: string): Promise<void> {
  if (text === '' || process.stdout.write(text)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}

export async function printLines(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await print(`${lines.join('\n')}\n`);
}

export async function printJson(value: unknown): Promise<void> {
  await print(`${JSON.stringify(value, jsonValue, 2)}\n`);
}

/** What JSON has no form for: bigints are numbers where these are exact, else text; bytes are `hex:`, as `--set` reads them. */
export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return `hex:${hexOf(value)}`;
  return value;
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Columns that are as wide as their widest cell; `>` before a title aligns to the right. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[], indent = ''): string[] {
  const right = titles.map((title) => title.startsWith('>'));
  const head = titles.map((title) => title.replace(/^>/, ''));
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) =>
    (
      indent + cells.map((cell, i) => (right[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ')
    ).trimEnd();
  return [line(head), ...rows.map(line)];
}

/** 1234567 as `1,234,567`. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 12345678 as `12.3 M`: three digits and a factor. */
export function scaled(value: number, unit: string): string {
  const factors = ['', 'k', 'M', 'G', 'T'];
  let at = 0;
  let rest = value;
  for (; rest >= 999.5 && at < factors.length - 1; at++) rest /= 1000;
  const digits = rest >= 99.95 || at === 0 ? 0 : rest >= 9.995 ? 1 : 2;
  return `${rest.toFixed(digits)} ${factors[at]}${unit}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** Bytes as tcpdump -X shows them. */
export function hexDump(bytes: Uint8Array, indent = '\t'): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const words: string[] = [];
    for (let i = 0; i < row.length; i += 2) {
      words.push(
        row
          .slice(i, i + 2)
          .map((byte) => byte.toString(16).padStart(2, '0'))
          .join(''),
      );
    }
    const text = row.map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${indent}0x${at.toString(16).padStart(4, '0')}:  ${words.join(' ').padEnd(39)}  ${text}`);
  }
  return lines;
}
