/** Plays a graph on the kernel and on our engine, and says what differs: verdicts, return values, the trace, statistics of tail calls. */
import { Engine } from '../../src/engine.ts';
import type { ProgStats } from '../../src/runtime/prog.ts';
import { VerifierInstance } from '../../src/verifier/instance.ts';
import { linkedProg, mapSpec } from '../engines.cases.ts';
import { graphProgs, type TracePlace, tracePlaces } from '../kernel/cases/tail-graph.ts';
import type { CaseProg } from '../kernel/cases/types.ts';
import { ourAnswer, possibleCpus } from '../verifier/answer.ts';
import type { Graph, GraphStep } from './tail-graph-model.ts';
import { EngineSide, type EngineWay, graphMaps, KernelSide, type Side } from './tail-graph-sides.ts';

const VERIFY = { cpus: possibleCpus() };
/** Graphs of one engine: code of programs that tail-call stays in V8's memory for as long as their engine. */
const ENGINE_GRAPHS = 400;

const WAYS: readonly EngineWay[] = [
  { name: 'checked', options: () => ({ checked: true, verify: VERIFY }), apart: false, batched: false },
  { name: 'unchecked', options: () => ({ verify: VERIFY }), apart: false, batched: true },
];
/** Ways that are dear: every so many graphs. */
const RARE_WAYS: readonly (EngineWay & { readonly every: number })[] = [
  { name: 'apart', options: (i) => ({ checked: i % 2 === 0, verify: VERIFY }), apart: true, batched: true, every: 4 },
  { name: 'binaryen', options: () => ({ optimize: true, verify: VERIFY }), apart: false, batched: false, every: 200 },
];

export interface Counts {
  graphs: number;
  progs: number;
  refused: number;
  runs: number;
  tailCalls: number;
}

/** Whether a step can be done without the programs that were refused. */
function possible(step: GraphStep, refused: ReadonlyMap<number, string>): boolean {
  return !('prog' in step) || !refused.has(step.prog);
}

function play(graph: Graph, side: Side, refused: ReadonlyMap<number, string>): string[] {
  graph.arrays.forEach(({ slots }, array) => {
    slots.forEach((prog, slot) => {
      if (prog >= 0 && !refused.has(prog)) side.set(array, slot, prog);
    });
  });
  return graph.steps.map((step, i) => `${i}: ${possible(step, refused) ? doStep(step, side) : 'not done'}`);
}

function doStep(step: GraphStep, side: Side): string {
  switch (step.op) {
    case 'set':
      side.set(step.array, step.slot, step.prog);
      return 'set';
    case 'clear':
      return `clear ${side.clear(step.array, step.slot)}`;
    case 'words':
      side.words(step.words);
      return 'words';
    case 'close':
      side.close(step.prog);
      return 'close';
    case 'run': {
      const values = side.run(step.prog, step.packets);
      return `run p${step.prog} -> ${values} trace ${[...side.trace()].map((word) => word.toString(16))}`;
    }
  }
}

/** What is wrong with the statistics of one program, whose counts the trace has. */
function wrongStats(stats: ProgStats, place: TracePlace, trace: BigUint64Array): string | undefined {
  const runs = Number(trace[place.func]);
  if (stats.runs !== runs) return `${stats.runs} runs, not ${runs}`;
  if (stats.tailCalls.length !== place.sites) return `${stats.tailCalls.length} tail calls, not ${place.sites}`;
  for (const [i, { pc, taken, missed }] of stats.tailCalls.entries()) {
    const reached = Number(trace[place.site + 2 * i]);
    const fell = Number(trace[place.site + 2 * i + 1]);
    if (taken !== reached - fell || missed !== fell)
      return `pc ${pc}: ${taken} taken and ${missed} missed, not ${reached - fell} and ${fell}`;
  }
  return undefined;
}

export class Player {
  private engine: Engine | undefined;
  private engineGraphs = 0;
  private readonly instance = new VerifierInstance();
  readonly counts: Counts = { graphs: 0, progs: 0, refused: 0, runs: 0, tailCalls: 0 };

  /** What differs in each of some graphs, compiled at the same time; undefined where nothing does. */
  async differ(graphs: readonly Graph[]): Promise<(string | undefined)[]> {
    if (this.engineGraphs >= ENGINE_GRAPHS) this.close();
    this.engineGraphs += graphs.length;
    this.engine ??= await Engine.create({ seed: 7, clock: () => 5n, insnBudget: 1 << 26 });
    const { engine } = this;
    return Promise.all(graphs.map((graph) => this.differs(engine, graph)));
  }

  private async differs(engine: Engine, graph: Graph): Promise<string | undefined> {
    const progs = graphProgs(graph.progs);
    const { places, words } = tracePlaces(graph.progs);
    const shapes = graphMaps(
      words,
      graph.arrays.map(({ size }) => size),
    );
    const kernel = new KernelSide(shapes, progs);
    try {
      const verdict = this.verdicts(progs, shapes, kernel.refused);
      if (verdict !== undefined) return verdict;
      const ways = [...WAYS, ...RARE_WAYS.filter(({ every }) => this.counts.graphs % every === 0)];
      const wanted = play(graph, kernel, kernel.refused);
      const trace = kernel.trace();
      const odd = this.count(graph, kernel.refused, places, trace);
      if (odd !== undefined) return odd;
      const kept = progs.filter((_, i) => !kernel.refused.has(i));
      for (const way of kept.length === 0 ? [] : ways) {
        const side = await EngineSide.create(engine, shapes, kept, way);
        if (typeof side === 'string') return `${way.name}: ${side}`;
        try {
          const found = compare(play(graph, side, kernel.refused), wanted) ?? checkStats(side.stats(), places, trace);
          if (found !== undefined) return `${way.name}: ${found}`;
        } finally {
          side.end();
        }
      }
      return undefined;
    } finally {
      kernel.end();
    }
  }

  private verdicts(
    progs: readonly CaseProg[],
    shapes: ReturnType<typeof graphMaps>,
    refused: ReadonlyMap<number, string>,
  ): string | undefined {
    const specs = shapes.map((shape, i) => mapSpec(`map${i}`, shape));
    for (const [i, prog] of progs.entries()) {
      // Programs that the kernel takes are verified when they are loaded.
      const theirs = refused.get(i);
      if (theirs === undefined) continue;
      const ours = ourAnswer(this.instance, linkedProg(prog, specs), VERIFY);
      if (ours.verdict === 'accept') return `p${i} is refused by the kernel only: ${theirs}`;
      if (!theirs.includes(ours.message)) return `p${i}: ${ours.message}, not ${theirs}`;
    }
    return undefined;
  }

  private count(
    graph: Graph,
    refused: ReadonlyMap<number, string>,
    places: readonly TracePlace[],
    trace: BigUint64Array,
  ): string | undefined {
    const { counts } = this;
    const runs = graph.steps.reduce(
      (sum, step) => sum + (step.op === 'run' && possible(step, refused) ? step.packets.length : 0),
      0,
    );
    const entered = places.reduce((sum, { func }) => sum + Number(trace[func]), 0);
    counts.graphs++;
    counts.progs += places.length;
    counts.refused += refused.size;
    counts.runs += runs;
    counts.tailCalls += entered - runs;
    const taken = places.reduce((sum, { site, sites }) => sum + takenAt(trace, site, sites), 0);
    return taken === entered - runs ? undefined : `kernel: ${entered} programs in ${runs} runs by ${taken} tail calls`;
  }

  close(): void {
    this.engine?.close();
    this.engine = undefined;
    this.engineGraphs = 0;
  }
}

/** Tail calls that were reached and not fallen through, of the sites from `site` on. */
function takenAt(trace: BigUint64Array, site: number, sites: number): number {
  let taken = 0;
  for (let i = 0; i < sites; i++) taken += Number(trace[site + 2 * i]) - Number(trace[site + 2 * i + 1]);
  return taken;
}

function compare(ours: readonly string[], kernel: readonly string[]): string | undefined {
  const at = ours.findIndex((line, i) => line !== kernel[i]);
  return at < 0 ? undefined : `step ${ours[at]}\n  kernel: ${kernel[at]}`;
}

function checkStats(
  stats: ReadonlyMap<number, ProgStats>,
  places: readonly TracePlace[],
  trace: BigUint64Array,
): string | undefined {
  for (const [index, one] of stats) {
    const wrong = wrongStats(one, places[index]!, trace);
    if (wrong !== undefined) return `statistics of p${index}: ${wrong}`;
  }
  return undefined;
}
