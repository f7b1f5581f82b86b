/** Conveniences for Node (and Deno, Bun): objects and captures by the names of their files. */
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { parseBtf } from '../btf/parse.ts';
import type { Btf } from '../btf/types.ts';
import type { Engine } from '../engine.ts';
import { loadObject } from '../object/load.ts';
import type { BpfObject } from '../object/types.ts';
import { type ReplayOptions, type Report, replay } from '../replay/replay.ts';
import type { Prog } from '../runtime/prog.ts';
import { openCaptureFile, readCapture, readChunks } from './node-files.ts';

export { openCaptureFile, type ReadChunksOptions, readChunks } from './node-files.ts';

/** Where Linux shows the types it was compiled with. */
export const KERNEL_BTF = '/sys/kernel/btf/vmlinux';

/** The running kernel's types, to link and verify against; undefined where there is none to read. */
export function readKernelBtf(): Btf | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(KERNEL_BTF);
  } catch {
    return undefined;
  }
  return parseBtf(bytes);
}

/** A file up to this size is read once for several rounds: opening it for each costs more than replaying a small one. */
const KEPT_BYTES = 64 << 20;

/**
 * Opens an object file, as bpf_object__open does; its name is the file's.
 * @throws Node's error when the file cannot be read; a BpfError when it is no object
 */
export function openObject(path: string): BpfObject {
  const name = basename(path).split('.')[0];
  // A Buffer's slice() shares memory, a Uint8Array's copies.
  return loadObject(new Uint8Array(readFileSync(path)), name === '' || name === undefined ? {} : { name });
}

/**
 * Replays the capture file at `path`, or standard input for `-`, as `replay` does. It is read in pieces, as it is replayed. For further rounds a small file is
 * kept in memory and a large one read again; what comes through a pipe comes once and is kept.
 */
export async function replayFile(
  engine: Engine,
  prog: Prog,
  path: string,
  options: ReplayOptions = {},
): Promise<Report> {
  const stat = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) return replay(engine, prog, readChunks(path, { reuse: true }), options);
  let kept: Uint8Array | undefined;
  const keep = (options.loop ?? 1) > 1 && stat.size <= KEPT_BYTES;
  const open = () => {
    if (keep) kept ??= readCapture(path);
    return kept ?? openCaptureFile(path);
  };
  return replay(engine, prog, open, options);
}
