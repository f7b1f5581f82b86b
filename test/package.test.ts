// What is published (dist/lib): importing it does no work, it is one package whatever it is imported through, and it loads without files.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const lib = join(root, 'dist/lib');

/** What a script in a process of its own prints, as JSON. */
function run(script: string, ...flags: readonly string[]): unknown {
  const args = [...flags, '--input-type=module', '-e', script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', cwd: root }));
}

/** Files that are read before an entry point is there. */
function staticImports(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const code = readFileSync(file, 'utf8');
  for (const [, name] of code.matchAll(/(?:\bfrom\s*|^import\s*|;import\s*)["']([^"']+)["']/gm)) {
    if (name?.startsWith('.') === true) staticImports(join(dirname(file), name), seen);
    else seen.add(name as string);
  }
  return seen;
}

test('it is built', () => {
  expect(existsSync(join(lib, 'index.js')), 'run `npm run build` first').toBe(true);
});

test('its command can be executed in a checkout, as npx does', () => {
  accessSync(join(root, 'dist/lib/cli.js'), constants.X_OK);
});

test('importing it compiles nothing, decodes nothing, and reads few files', () => {
  const script = `
    const calls = [];
    const watch = (object, name) => {
      const was = object[name];
      object[name] = function (...args) { calls.push(name); return new.target ? new was(...args) : was.apply(this, args); };
    };
    for (const name of ['compile', 'instantiate', 'Module', 'Instance', 'Memory', 'Table']) watch(WebAssembly, name);
    watch(globalThis, 'atob');
    watch(Buffer, 'from');
    const { Engine } = await import('bpf2wasm');
    const before = [...calls];
    await Engine.create();
    console.log(JSON.stringify({ before, after: calls.length }));`;
  const { before, after } = run(script) as { before: string[]; after: number };
  expect(before).toEqual([]);
  // The watch sees what there is to see.
  expect(after).toBeGreaterThan(0);
  for (const entry of ['index.js', 'node.js']) {
    const names = [...staticImports(join(lib, entry))].map((name) => name.replace(/^.*\//, ''));
    expect(names).toContain('#wasm');
    expect(names).not.toContain('binaryen');
    expect(names.length).toBeLessThan(10);
  }
  expect([...staticImports(join(lib, 'index.js'))].length).toBeLessThanOrEqual(4);
});

const LOAD = `
  import { readFileSync } from 'node:fs';
  import { Engine, loadObject, BpfError, verify, link } from 'bpf2wasm';
  import { openObject } from 'bpf2wasm/node';
  const object = loadObject(new Uint8Array(readFileSync('examples/tail_call.o')));
  const linked = link(object, object.progs[0]);
  const insns = verify(linked).stats.insns;
  const engine = await Engine.create();
  const loaded = await engine.load(openObject('examples/tail_call.o'));
  const { verdict } = loaded.prog('main_prog').run(new Uint8Array(64));
  let same = false;
  try { openObject('package.json'); } catch (error) { same = error instanceof BpfError; }
  console.log(JSON.stringify({ insns, verdict, same, progs: [...loaded.progs.keys()].length }));`;
const WANTED = { insns: expect.any(Number), verdict: expect.any(String), same: true, progs: 3 };

test('its entry points share their classes, and its Wasm is read from files in Node', () => {
  const found = run(LOAD);
  expect(found).toEqual(WANTED);
  // Bundlers set the condition `module`: there the Wasm is part of the code.
  expect(run(LOAD, '--conditions=module')).toEqual(found);
});

test('both forms of the Wasm are the built one', async () => {
  for (const name of ['runtime', 'verifier']) {
    const built = readFileSync(join(root, `build/${name}.wasm`));
    const forms = await Promise.all(['files', 'embedded'].map((form) => import(join(lib, `wasm-${form}.js`))));
    for (const form of forms) expect(Buffer.compare(form[`${name}Bytes`](), built)).toBe(0);
  }
});

test('every module has its source map, and functions keep their names', () => {
  const files = readdirSync(lib).filter((name) => name.endsWith('.js'));
  const core = files.find((name) => name.startsWith('core-')) as string;
  expect(readFileSync(join(lib, core), 'utf8')).toMatch(/function decodeInsns\(/);
  const map = JSON.parse(readFileSync(join(lib, `${core}.map`), 'utf8')) as { sources: string[] };
  expect(map.sources.some((source) => source.endsWith('src/engine.ts'))).toBe(true);
});
