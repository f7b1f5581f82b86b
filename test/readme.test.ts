/** Every JavaScript block of the README and of the verifier's page runs as it stands, on the built package, and prints what its comments say. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const pages = ['README.md', 'docs/verifier.md'].map((page) => readFileSync(join(root, page), 'utf8'));
const blocks = [...pages.join('\n').matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code as string);
// Inside the package, so that `bpf2wasm` means itself.
const folder = join(root, 'build', 'readme');

/** What a line's comment says it prints, up to the first `:`, brackets and dots left out. */
function promised(code: string): string[] {
  const comments = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text as string);
  return comments.map((text) =>
    text.startsWith('[') ? text.replace(/^\[ (.*) \]$/, '$1') : (text.split(':')[0] as string),
  );
}

describe('README', () => {
  test('has blocks to run', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(3);
  });

  test.each(blocks.map((code, i) => [i + 1, code] as const))('block %i', (i, code) => {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `block-${i}.mjs`);
    writeFileSync(file, code);
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: root, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    for (const text of promised(code)) {
      for (const part of text.split('...')) expect(stdout).toContain(part.trim().replace(/^'|'$/g, ''));
    }
  });
});
