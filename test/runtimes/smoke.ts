/**
 * What every JavaScript runtime must do alike: the example object with its capture's packets, and the ISA table. A plain program with no test
 * framework: it prints one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { Engine } from '../../src/engine.ts';
import { loadObject } from '../../src/object/load.ts';
import { packets } from '../../src/replay/capture.ts';
import { replay } from '../../src/replay/replay.ts';
import { Bench } from '../engines.cases.ts';
import { isaCases, isaMaps, isaPacket, RESULT_DST, RESULT_R0, RESULT_SRC } from '../kernel/cases/isa/index.ts';
import type { IsaCase, IsaInput } from '../kernel/cases/types.ts';

/** Every n-th case of the table: a smoke test. */
const EVERY = 7;
const MODULE = 50;

export interface SmokeResult {
  readonly verdicts: Readonly<Record<string, number>>;
  readonly trace: Readonly<Record<string, number>>;
  /** The same capture in batches. */
  readonly replayed: Readonly<Record<string, number>>;
  readonly runs: number;
  readonly wrong: readonly string[];
}

async function example(root: string) {
  const engine = await Engine.create({ trace: true });
  const skel = await engine.load(loadObject(readFileSync(`${root}/examples/tail_call.o`)));
  skel.map('prog_array').set(0, skel.prog('port8080_prog'));
  skel.map('prog_array').set(1, skel.prog('port22_prog'));
  const device = engine.addDevice('eth0');
  skel.prog('main_prog').attach(device);
  const trace: Record<string, number> = {};
  for await (const packet of packets(readFileSync(`${root}/examples/traffic.pcap`))) {
    device.receive(packet.data);
    for (const line of engine.trace.drain()) {
      const text = line.slice(line.indexOf('bpf_trace_printk: '));
      trace[text] = (trace[text] ?? 0) + 1;
    }
  }
  const { verdicts } = device.stats;
  const report = await replay(engine, skel.prog('main_prog'), readFileSync(`${root}/examples/traffic.pcap`));
  engine.close();
  return { verdicts, trace, replayed: report.verdicts };
}

function isRight(one: IsaCase, input: IsaInput, packet: Uint8Array): boolean {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const models = [
    [RESULT_DST, one.model],
    [RESULT_SRC, one.modelSrc],
    [RESULT_R0, one.modelR0],
  ] as const;
  return models.every(
    ([at, model]) => model === undefined || view.getBigUint64(at, true) === model(input.dst, input.src),
  );
}

async function isa() {
  const cases = isaCases.filter((_, i) => i % EVERY === 0);
  const wrong: string[] = [];
  let runs = 0;
  const engine = await Engine.create();
  for (let from = 0; from < cases.length; from += MODULE) {
    const some = cases.slice(from, from + MODULE);
    const bench = new Bench(engine, isaMaps);
    const loaded = await bench.load(
      some.map((one, i) => ({ name: `isa${i}`, insns: one.insns })),
      {},
    );
    some.forEach((one, i) => {
      const prog = loaded.prog(`isa${i}`);
      for (const input of one.inputs) {
        if (!isRight(one, input, prog.run(isaPacket(input)).packet)) wrong.push(one.name);
      }
      runs += prog.stats.runs;
    });
    bench.close();
  }
  engine.close();
  return { runs, wrong };
}

export async function smoke(root: string): Promise<SmokeResult> {
  return { ...(await example(root)), ...(await isa()) };
}
