/**
 * Every JavaScript block of the README, the examples' pages and the verifier's page runs as it stands, on the built package, and prints what its
 * comments say. Commands of the examples' pages run, too.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const examples = readdirSync(join(root, 'examples'))
  .map((name) => `examples/${name}/README.md`)
  .filter((page) => existsSync(join(root, page)));
const pages = ['README.md', 'docs/verifier.md', ...examples];

/** Blocks of one language, and where each stands. */
function blocksOf(of: readonly string[], language: string): (readonly [string, string])[] {
  return of.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const found = [...text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))];
    return found.map(([, code], i) => [`${page}, ${i + 1}`, code as string] as const);
  });
}

const blocks = blocksOf(pages, 'js');
// Inside the package, so that `bpf2wasm` means itself.
const folder = join(root, 'build', 'readme');

/** What a line's comment says it prints, up to the first `:`, brackets and dots left out. */
function promised(code: string): string[] {
  const comments = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text as string);
  return comments.map((text) =>
    /^[[{]/.test(text) ? text.replace(/^\[ (.*) \]$/, '$1') : (text.split(':')[0] as string),
  );
}

describe('README', () => {
  test('has blocks to run', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(3);
  });

  test.each(blocks)('%s', (where, code) => {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${where.replace(/\W+/g, '-')}.mjs`);
    writeFileSync(file, code);
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: root, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    for (const text of promised(code)) {
      for (const part of text.split('...')) expect(stdout).toContain(part.trim().replace(/^'|'$/g, ''));
    }
  });
});

describe('commands of the examples', () => {
  const commands = blocksOf(examples, 'sh').flatMap(([where, code]) =>
    code.split('\n').flatMap((line) => (line.startsWith('npx bpf2wasm ') ? [[where, line] as const] : [])),
  );

  test.each(commands)('%s: %s', (_where, line) => {
    // What npx would start, without its search for it.
    const command = line.replace('npx bpf2wasm', `'${process.execPath}' dist/lib/cli.js`);
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: root, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).not.toBe('');
  });
});
