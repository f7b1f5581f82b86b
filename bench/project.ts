// Where the project's files are, from its sources and from its build.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json above this file. */
function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** @param path from the project's root */
export function projectPath(path: string): string {
  return join(projectRoot(), path);
}

export function readProjectFile(path: string): Uint8Array {
  return new Uint8Array(readFileSync(projectPath(path)));
}
