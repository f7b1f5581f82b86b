/** What a replay allocates in JavaScript is for slices and pieces, nothing for a packet: asked of V8's sampling of all allocations, collected ones as well. */
import { Session } from 'node:inspector/promises';
import { describe, expect, test } from 'vitest';
import { Engine, PcapWriter, type Prog, type ReplayInput, type ReplayOptions, replay } from '../src/index.ts';
import { assemble } from '../src/isa/asm.ts';
import { encodeInsns } from '../src/isa/decode.ts';
import { concat, payload, pcapHeader, pcapng, pcapRecord } from './data/captures/build.ts';
import { linkedProg } from './engines.cases.ts';

const ROUNDS = 2000;
/** Packets of a round. All are one slice, that of copied packets being the smallest, so that whatever is not for packets is the same. */
const [FEW, MANY, MANY_COPIED] = [4, 250, 64];

interface SampledNode {
  readonly selfSize: number;
  readonly children: readonly SampledNode[];
}

const sizeOf = (node: SampledNode): number => node.children.reduce((sum, one) => sum + sizeOf(one), node.selfSize);

/** Bytes of JavaScript's heap that `what` takes, whether they are in use afterwards or not. */
async function allocated(what: () => Promise<unknown>): Promise<number> {
  const session = new Session();
  session.connect();
  try {
    const all = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
    await session.post('HeapProfiler.startSampling', { samplingInterval: 1024, ...all });
    await what();
    const { profile } = await session.post('HeapProfiler.stopSampling');
    return sizeOf(profile.head);
  } finally {
    session.disconnect();
  }
}

async function program(text: string): Promise<{ engine: Engine; prog: Prog }> {
  const engine = await Engine.create({ seed: 1 });
  const insns = encodeInsns(assemble(text));
  const loaded = await engine.loadLinked([linkedProg({ name: 'prog', insns })], new Map());
  return { engine, prog: loaded.prog('prog') };
}

const PASS = 'w0 = 2\nexit';
const MOVES = 'r2 = 4\ncall bpf_xdp_adjust_head#44\nw0 = 2\nexit';
const packets = (count: number) => Array.from({ length: count }, (_, i) => payload(60 + (i % 40), i));
const pcap = (count: number) =>
  concat(pcapHeader(), ...packets(count).map((data, i) => pcapRecord(data, { seconds: i })));

/** Blocks in a chunk of their own: those that come with a section's header are the parser's. */
function ngChunks(count: number) {
  const ng = pcapng();
  const chunks = [
    concat(ng.shb(), ng.idb()),
    concat(...packets(count).map((data, i) => ng.epb(data, { time: BigInt(i) }))),
  ];
  return async function* () {
    yield* chunks;
  };
}

const written = () => ({ output: new PcapWriter(() => {}, { reuse: true }) });

describe('no allocation for a packet', () => {
  test.each<[string, number, (count: number) => ReplayInput, string, () => ReplayOptions]>([
    ['pcap, in place', MANY, pcap, PASS, () => ({})],
    ['pcap, copied', MANY_COPIED, pcap, MOVES, () => ({})],
    ['pcap, with an output', MANY, pcap, PASS, written],
    ['pcapng', MANY, ngChunks, PASS, () => ({})],
  ])('%s', async (_name, most, input, text, options) => {
    const { engine, prog } = await program(text);
    try {
      const run = (count: number) => replay(engine, prog, input(count), { ...options(), loop: ROUNDS });
      // The first ones compile and fill caches; what is optimised later allocates as well, so the least of some counts.
      await run(most);
      const least = async (count: number) => {
        const times = [await allocated(() => run(count)), await allocated(() => run(count))];
        return Math.min(...times);
      };
      const few = await least(FEW);
      const many = await least(most);
      // The smallest object has 12 bytes.
      expect((many - few) / (ROUNDS * (most - FEW))).toBeLessThan(8);
    } finally {
      engine.close();
    }
  });

  test('one object for each packet would be seen', async () => {
    const kept: unknown[] = [{}];
    const count = ROUNDS * MANY;
    const bytes = await allocated(async () => {
      for (let i = 0; i < count; i++) kept[0] = { i };
    });
    expect(bytes / count).toBeGreaterThan(8);
  });
});
