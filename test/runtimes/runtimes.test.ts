/** The built package in Deno and Bun gives what it gives in Node. */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type SmokeResult, smoke } from './smoke.ts';

const root = resolve(import.meta.dirname, '../..');
const script = join(root, 'dist/test/runtimes/main.js');
const require = createRequire(import.meta.url);

/** A binary of an npm package; where install scripts are not run it is still in the package of the platform. */
function binary(files: readonly (readonly [pkg: string, path: string])[]): string | undefined {
  for (const [pkg, path] of files) {
    try {
      const file = join(dirname(require.resolve(`${pkg}/package.json`)), path);
      // What install scripts have not filled in yet is a few bytes of text.
      if (existsSync(file) && statSync(file).size > 1 << 20) return file;
    } catch {
      // Not the package of this platform.
    }
  }
  return undefined;
}

const x64 = process.arch === 'x64';
const exe = process.platform === 'win32' ? '.exe' : '';
const denoPackage =
  { linux: `linux-${process.arch}-glibc` }[process.platform as string] ?? `${process.platform}-${process.arch}`;
const bunPackage = `${process.platform === 'win32' ? 'windows' : process.platform}-${x64 ? 'x64' : 'aarch64'}`;
const RUNTIMES = [
  {
    name: 'deno',
    file: binary([
      [`@deno/${denoPackage}`, `deno${exe}`],
      ['deno', `deno${exe}`],
    ]),
    args: ['run', '--no-config', '--allow-read', script],
  },
  {
    name: 'bun',
    file: binary([
      [`@oven/bun-${bunPackage}`, `bin/bun${exe}`],
      ['bun', 'bin/bun.exe'],
    ]),
    args: ['run', script],
  },
];

describe.each(RUNTIMES)('$name', ({ name, file, args }) => {
  if (file === undefined) console.warn(`SKIPPED: ${name} has no binary for ${process.platform} ${process.arch}`);

  test.skipIf(file === undefined)('runs the example and the ISA table as Node does', async () => {
    expect(existsSync(script), 'run `npm run build` first').toBe(true);
    const here = await smoke(root);
    expect(here.wrong).toEqual([]);
    expect(here.runs).toBeGreaterThan(10_000);
    expect(here.trace['bpf_trace_printk: Packet to port 8080 processed']).toBe(169);
    expect(here.trace['bpf_trace_printk: Packet to port 22 processed']).toBe(145);
    expect(here.replayed).toMatchObject(here.verdicts);
    const { stdout, stderr, status } = spawnSync(file as string, [...args, root], { encoding: 'utf8', cwd: root });
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout) as SmokeResult).toEqual(here);
  });

  test.skipIf(file === undefined)('loads what is published', () => {
    const published = script.replace('main.js', 'published.js');
    const wanted = {
      verdict: 'XDP_PASS',
      progs: ['main_prog', 'port8080_prog', 'port22_prog'],
      packets: 1508,
      verdicts: expect.objectContaining({ XDP_ABORTED: 67, XDP_PASS: 1441 }),
    };
    const play = (flags: readonly string[], lib: string) => {
      const done = spawnSync(file as string, [...flags, published, root, lib], { encoding: 'utf8', cwd: root });
      expect(done.status, done.stderr).toBe(0);
      return JSON.parse(done.stdout) as unknown;
    };
    const flags = args.slice(0, -1);
    expect(play(flags, 'standalone.js')).toEqual(wanted);
    // It asks package.json where its Wasm is.
    expect(
      play(
        flags.filter((flag) => flag !== '--no-config'),
        'index.js',
      ),
    ).toEqual(wanted);
  });
});
