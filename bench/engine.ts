/**
 * This engine as its users run it: the module's batch loop over context records, each of a packet of its own, laid out as a
 * replay of a capture lays them (packets where the file's bytes lie, 16 bytes of record header between them).
 */
import { CTX_SIZE } from '../assembly/abi.ts';
import { Engine, loadObject, type Prog } from '../src/index.ts';
import { runBatch } from '../src/runtime/batch.ts';
import { readContext, writeContext } from '../src/runtime/packet.ts';
import type { BenchCase } from './cases.ts';
import type { Contender, Outcome } from './contender.ts';
import { readProjectFile } from './project.ts';

/** Packets in a batch: some thousand, so that V8 gets to replace the loop's code between calls. */
export const BATCH_PACKETS = 2048;
const RECORD_HEADER = 16;
/** Half of a common first-level data cache. */
const CACHED_BYTES = 16384;

/** The ways a user can have a program compiled. */
export const ENGINES = {
  bpf2wasm: { checked: false, optimize: false },
  'bpf2wasm-checked': { checked: true, optimize: false },
  'bpf2wasm-optimized': { checked: false, optimize: true },
} as const;
export type EngineName = keyof typeof ENGINES;

export async function engineContender(name: EngineName, source: BenchCase): Promise<Contender> {
  const engine = await Engine.create();
  const loaded = await engine.load(loadObject(readProjectFile(source.object)), ENGINES[name]);
  for (const { map, index, prog } of source.slots) loaded.map(map).set(index, loaded.prog(prog));
  const prog = loaded.prog(source.prog);
  const stride = (RECORD_HEADER + source.packet.length + 3) & ~3;
  const ctx = engine.alloc(BATCH_PACKETS * CTX_SIZE, 'context records');
  const packets = engine.alloc(BATCH_PACKETS * stride + RECORD_HEADER, 'packets') + RECORD_HEADER;
  const { memory } = engine;
  // The kernel repeats one packet, so its bytes come from the first cache; here as many take turns as stay in it.
  const timed = Math.min(BATCH_PACKETS, Math.max(1, Math.floor(CACHED_BYTES / stride)));

  /** Lays the records out over `distinct` packets that they take turns with. */
  const reset = (distinct: number) => {
    for (let i = 0; i < BATCH_PACKETS; i++) {
      const data = packets + (i % distinct) * stride;
      const dataEnd = data + source.packet.length;
      memory.u8.set(source.packet, data);
      const bounds = { data, dataEnd, dataMeta: data, hardStart: data, hardEnd: dataEnd };
      writeContext(memory.view, ctx + i * CTX_SIZE, { ...bounds, timeNs: 1n, wireLength: source.packet.length });
    }
  };
  const batch = (of: Prog, count: number) =>
    runBatch(engine, of, { ctx, count }, (violation) => {
      throw new Error(`${source.name}: ${name} ended a run: ${JSON.stringify(violation, bigintText)}`);
    });
  const run = () => batch(prog, BATCH_PACKETS);
  const outcome = (times: number): Outcome => {
    reset(BATCH_PACKETS);
    for (let i = 0; i < times; i++) run();
    const results = Array.from({ length: BATCH_PACKETS }, (_, i) => readContext(memory.view, ctx + i * CTX_SIZE));
    const [first] = results;
    const packet = memory.u8.slice(first.data, first.dataEnd);
    const odd = results.findIndex((result) => result.returnValue !== first.returnValue);
    if (odd >= 0) throw new Error(`${source.name}: ${name} treats packet ${odd} unlike the first, which is the same`);
    reset(timed);
    return { returnValue: first.returnValue, packet };
  };
  reset(timed);
  const { fill } = source;
  for (let left = fill?.runs ?? 0; fill !== undefined && left > 0; left -= BATCH_PACKETS)
    batch(loaded.prog(fill.prog), Math.min(left, BATCH_PACKETS));
  return { engine: name, packets: BATCH_PACKETS, outcome, run, close: () => engine.close() };
}

const bigintText = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
