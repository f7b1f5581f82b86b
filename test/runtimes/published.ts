/** `RUNTIME published.js ROOT FILE`: the package as it is published (a file of dist/lib), on the example. Prints what a packet gets. */
import { readFileSync } from 'node:fs';

const [root = '.', file = 'index.js'] = process.argv.slice(2);
// From dist/test/runtimes to dist/lib.
const { Engine, loadObject }: typeof import('../../src/index.ts') = await import(
  new URL(`../../lib/${file}`, import.meta.url).href
);
const engine = await Engine.create();
const loaded = await engine.load(loadObject(new Uint8Array(readFileSync(`${root}/examples/tail_call.o`))));
const { verdict } = loaded.prog('main_prog').run(new Uint8Array(64));
console.log(JSON.stringify({ verdict, progs: [...loaded.progs.keys()] }));
