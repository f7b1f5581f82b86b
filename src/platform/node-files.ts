// Files and pipes as chunks for the stages that read streams. Node only; Deno and Bun provide the same modules.
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { CaptureError } from '../errors/index.ts';
import type { CaptureFile } from '../replay/capture.ts';

const DEFAULT_CHUNK_BYTES = 1 << 20;

export interface ReadChunksOptions {
  /** 1 MiB unless given. A pipe gives what it has, without waiting for a full chunk. */
  chunkBytes?: number;
  /** Reads every chunk of a file into the same buffer: faster, for readers that are done with a chunk when they ask for the next. */
  reuse?: boolean;
}

/** `no such file or directory` out of Node's `ENOENT: no such file or directory, open 'x'`. */
export function systemReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^[A-Z0-9]+: /, '').replace(/, \w+( '.*')?$/, '');
}

function unreadable(path: string, error: unknown): CaptureError {
  const reason = systemReason(error);
  return new CaptureError('CAPTURE_UNREADABLE', { path: path === '-' ? 'standard input' : path, reason });
}

async function* stdinChunks(): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of process.stdin) yield chunk as Uint8Array;
  } catch (error) {
    throw unreadable('-', error);
  }
}

/** The bytes of a file, or of standard input when `path` is `-`. A file that cannot be opened or read is a `CaptureError`. */
export async function* readChunks(path: string, options: ReadChunksOptions = {}): AsyncGenerator<Uint8Array> {
  if (path === '-') {
    yield* stdinChunks();
    return;
  }
  const chunkBytes = options.chunkBytes ?? DEFAULT_CHUNK_BYTES;
  const fail = (error: unknown) => {
    throw unreadable(path, error);
  };
  const file = await open(path, 'r').catch(fail);
  try {
    let buffer = new Uint8Array(chunkBytes);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, null).catch(fail);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      if (options.reuse !== true) buffer = new Uint8Array(chunkBytes);
    }
  } finally {
    await file.close();
  }
}

/**
 * A file as a capture that is read at once whenever bytes are wanted, straight to where they are needed: what a replay reads fastest. A pipe would keep the whole
 * process waiting: `readChunks` reads those.
 * @throws CaptureError CAPTURE_UNREADABLE, here and when it is read
 */
export function openCaptureFile(path: string): CaptureFile {
  const fd = readable(path, () => openSync(path, 'r'));
  return {
    // What is no file of the disk has its bytes for one reader only.
    ...(fstatSync(fd).isFile() && { path }),
    read: (into) => readable(path, () => readSync(fd, into, 0, into.length, null)),
    close: () => closeSync(fd),
  };
}

/** All of a file. @throws CaptureError CAPTURE_UNREADABLE */
export function readCapture(path: string): Uint8Array {
  return readable(path, () => readFileSync(path));
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(path, error);
  }
}
