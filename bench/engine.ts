/** This engine as its users run it: the module's batch loop over context records. */

import { Engine, type Loaded, loadObject, type Prog } from '../src/index.ts';
import { runBatch } from '../src/runtime/batch.ts';
import { RingBuf } from '../src/runtime/ringbuf.ts';
import type { BenchCase } from './case.ts';
import type { Contender, MapContents, Outcome } from './contender.ts';
import { BATCH_PACKETS, Layout } from './layout.ts';
import { hex, isCompared } from './maps.ts';
import { readProjectFile } from './project.ts';

/** The ways a user can have a program compiled. */
export const ENGINES = {
  bpf2wasm: { checked: false, optimize: false },
  'bpf2wasm-checked': { checked: true, optimize: false },
  'bpf2wasm-optimized': { checked: false, optimize: true },
} as const;
export type EngineName = keyof typeof ENGINES;

const bigintText = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);

function mapsOf(loaded: Loaded, source: BenchCase): Map<string, MapContents> {
  const maps = new Map<string, MapContents>();
  for (const [name, map] of loaded.maps) {
    if (!isCompared(map.spec, source)) continue;
    maps.set(name, {
      *keys(limit) {
        for (const key of map.rawKeys()) {
          if (limit-- === 0) return;
          yield key;
        }
      },
      get: (key) => {
        const value = map.get(key, { raw: true });
        return value === undefined ? undefined : hex(value).slice(0, 2 * map.spec.valueSize);
      },
    });
  }
  return maps;
}

export async function engineContender(name: EngineName, source: BenchCase): Promise<Contender> {
  const engine = await Engine.create();
  const object = loadObject(readProjectFile(source.object));
  const loaded = await engine.load(object, ENGINES[name]);
  const reuse = Object.fromEntries(loaded.maps);
  const second = source.slots.some((slot) => slot.apart)
    ? await engine.load(object, { ...ENGINES[name], reuse })
    : loaded;
  for (const { map, index, prog, apart } of source.slots)
    loaded.map(map).set(index, (apart ? second : loaded).prog(prog));
  const layout = new Layout(source, engine.memory, (bytes) => engine.alloc(bytes, 'packets of the bench'));
  const prog = loaded.prog(source.prog);
  const ring = source.ring === undefined ? undefined : loaded.map(source.ring);

  const batch = (of: Prog, count: number) => {
    runBatch(engine, of, { ctx: layout.ctx, count }, (violation) => {
      throw new Error(`${source.name}: ${name} ended a run: ${JSON.stringify(violation, bigintText)}`);
    });
    if (ring instanceof RingBuf) ring.passOver();
  };
  layout.cached();
  for (let left = source.fill?.runs ?? 0; left > 0; left -= BATCH_PACKETS)
    batch(loaded.prog(source.fill!.prog), Math.min(left, BATCH_PACKETS));
  layout.cached();
  return {
    engine: name,
    packets: BATCH_PACKETS,
    maps: mapsOf(loaded, source),
    run: () => batch(prog, BATCH_PACKETS),
    outcome(times) {
      layout.first();
      for (let i = 0; i < times; i++) batch(prog, 1);
      const outcome = layout.outcome(0);
      layout.first();
      return outcome;
    },
    batch() {
      layout.fresh();
      batch(prog, BATCH_PACKETS);
      const outcomes: Outcome[] = Array.from({ length: BATCH_PACKETS }, (_, i) => layout.outcome(i));
      layout.cached();
      return outcomes;
    },
    close: () => engine.close(),
  };
}
