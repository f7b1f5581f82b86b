// A process that imports the published package, makes an engine and loads one object, and says how long each took. Node's own start is not in it.

import { readFileSync } from 'node:fs';

const [, , file = '', entry = 'bpf2wasm'] = process.argv;
const bytes = new Uint8Array(readFileSync(file));
const start = performance.now();
const { Engine, loadObject }: typeof import('../../src/index.ts') = await import(entry);
const imported = performance.now();
const engine = await Engine.create();
const created = performance.now();
await engine.load(loadObject(bytes));
const loaded = performance.now();
process.stdout.write(
  JSON.stringify({ importMs: imported - start, createMs: created - imported, loadMs: loaded - created }),
);
