/** Files the command reads and writes. */
import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { BpfError } from '../errors/index.ts';
import type { BpfObject } from '../object/types.ts';
import { openObject } from '../platform/node.ts';
import { FileError, UsageError } from './errors.ts';

export function readInput(path: string): Uint8Array {
  try {
    // A Buffer has a JSON form of its own.
    const bytes = readFileSync(path === '-' ? 0 : path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  } catch (error) {
    throw new FileError('read', path === '-' ? 'standard input' : path, error);
  }
}

export function writeOutput(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes);
  } catch (error) {
    throw new FileError('write', path, error);
  }
}

/** Which file a path leads to; undefined for none, and for what is no plain file. */
function fileId(path: string): string | undefined {
  try {
    const stat = statSync(path);
    return stat.isFile() ? `${stat.dev}:${stat.ino}` : undefined;
  } catch {
    return undefined;
  }
}

/** Writing would destroy what is read: the output must be none of the inputs, and a file. */
export function checkOutput(option: string, path: string | undefined, inputs: readonly string[]): void {
  if (path === undefined) return;
  if (path === '-') throw new UsageError(`--${option} -: give the name of a file`);
  const id = fileId(path);
  const input = id === undefined ? undefined : inputs.find((one) => fileId(one) === id);
  if (input !== undefined) throw new UsageError(`--${option} ${path}: that is the input ${input}; choose another file`);
}

/** A file that is written piece by piece. */
export class OutputFile {
  private readonly path: string;
  private readonly fd: number;

  constructor(path: string) {
    this.path = path;
    try {
      this.fd = openSync(path, 'w');
    } catch (error) {
      throw new FileError('write', path, error);
    }
  }

  write(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.fd, bytes, done);
    } catch (error) {
      throw new FileError('write', this.path, error);
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** The same error, with what it is about in front of what it says: a file, an option. */
export function saying(what: string, error: unknown): unknown {
  if (error instanceof BpfError && !error.message.includes(what)) error.message = `${what}: ${error.message}`;
  return error;
}

/** Work on a file whose errors name it. */
export async function about<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw saying(path, error);
  }
}

export function readObject(path: string): BpfObject {
  try {
    return openObject(path);
  } catch (error) {
    // What the file holds has errors of its own; this is about reaching it.
    if (error instanceof Error && 'syscall' in error) throw new FileError('read', path, error);
    throw saying(path, error);
  }
}

const HEX = /^(0x)?([0-9a-f]{2}[\s:]*)*$/i;

/** `0a 0b`, `0a:0b`, `0x0a0b`; undefined when it is no hex. */
export function parseHex(text: string): Uint8Array | undefined {
  if (!HEX.test(text)) return undefined;
  const digits = text.replace(/^0x/i, '').replace(/[\s:]/g, '');
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** An argument that is the name of a file, `-`, or hex; `hex:` in front leaves no doubt. */
export function bytesArgument(option: string, text: string): Uint8Array {
  if (text.startsWith('hex:')) {
    const bytes = parseHex(text.slice(4));
    if (bytes !== undefined) return bytes;
    throw new UsageError(`--${option}: '${text}' is no hex: two digits for each byte`);
  }
  if (text === '-' || existsSync(text)) return readInput(text);
  const bytes = parseHex(text);
  if (bytes !== undefined && text !== '') return bytes;
  throw new UsageError(`--${option}: there is no file '${text}', and it is no hex (two digits for each byte)`);
}
