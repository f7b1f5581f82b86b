/** `RUNTIME published.js ROOT FILE`: the package as it is published (a file of dist/lib), on the example. Prints what a packet gets, and packets of a capture from two workers. */
import { readFileSync } from 'node:fs';

const [root = '.', file = 'index.js'] = process.argv.slice(2);
// From dist/test/runtimes to dist/lib.
const { Engine, loadObject, replay }: typeof import('../../src/index.ts') = await import(
  new URL(`../../lib/${file}`, import.meta.url).href
);
const engine = await Engine.create();
const loaded = await engine.load(loadObject(new Uint8Array(readFileSync(`${root}/examples/tail_call.o`))));
const { verdict } = loaded.prog('main_prog').run(new Uint8Array(64));

const shared = await Engine.create({ workers: 2 });
const onWorkers = await shared.load(loadObject(new Uint8Array(readFileSync(`${root}/examples/tail_call.o`))));
const capture = new Uint8Array(readFileSync(`${root}/examples/traffic.pcap`));
const { packets, verdicts } = await replay(shared, onWorkers.prog('main_prog'), capture, { workers: 2 });
shared.close();
console.log(JSON.stringify({ verdict, progs: [...loaded.progs.keys()], packets, verdicts }));
