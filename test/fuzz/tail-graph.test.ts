/**
 * Random graphs of programs that tail-call each other do in our engine what they do in the kernel. BPF2WASM_FUZZ_RUNS sets how many,
 * BPF2WASM_FUZZ_SEED where they start. What differs is shrunk and printed.
 */
import { afterAll, expect, test } from 'vitest';
import { describeKernel } from '../kernel/available.ts';
import { generateGraph } from './tail-graph-generate.ts';
import type { Graph } from './tail-graph-model.ts';
import { Player } from './tail-graph-play.ts';
import { showGraph, shrink } from './tail-graph-shrink.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 200);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
const SHOWN = 3;
/** Graphs that are compiled at the same time. */
const TOGETHER = 8;

describeKernel('graphs of tail calls', () => {
  const player = new Player();
  afterAll(() => player.close());

  test(`${RUNS} from seed ${SEED}: the kernel and our engine do the same`, { timeout: 36_000_000 }, async () => {
    const wrong: string[] = [];
    const differs = async (graph: Graph) => (await player.differ([graph]))[0];
    for (let from = SEED; from < SEED + RUNS; from += TOGETHER) {
      const graphs = Array.from({ length: Math.min(TOGETHER, SEED + RUNS - from) }, (_, i) => generateGraph(from + i));
      for (const [i, found] of (await player.differ(graphs)).entries()) {
        if (found === undefined) continue;
        wrong.push(`seed ${from + i}: ${found}`);
        if (wrong.length > SHOWN) continue;
        const small = await shrink(graphs[i] as Graph, async (trial) => (await differs(trial)) !== undefined);
        console.warn(`seed ${from + i}: ${await differs(small)}\n${showGraph(small)}`);
      }
    }
    const { counts } = player;
    console.log(`from seed ${SEED}: ${wrong.length} differences in ${JSON.stringify(counts)}`);
    expect(wrong).toEqual([]);
    // The graphs are worth the name: most programs are taken, and tail calls are many.
    expect(counts.refused).toBeLessThan(counts.progs / 5);
    expect(counts.tailCalls).toBeGreaterThan(5 * counts.runs);
  });
});
