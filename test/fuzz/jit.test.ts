/**
 * Random programs: the engine, checked, against an interpreter of the standard (test/conformance/interp.ts) on a twin engine's memory. Verdict,
 * packet, context, stack, maps and violations must be the same. BPF2WASM_FUZZ_RUNS programs, from seed BPF2WASM_FUZZ_SEED on.
 */
import { expect, test } from 'vitest';
import { CTX_SIZE, CTX_VERDICT, STACK_BASE, STACK_TOP } from '../../assembly/abi.ts';
import { Engine } from '../../src/engine.ts';
import { BpfError } from '../../src/errors/index.ts';
import { runBatch } from '../../src/runtime/batch.ts';
import { frameSize, layFrame, writeContext } from '../../src/runtime/packet.ts';
import type { Prog } from '../../src/runtime/prog.ts';
import { describeViolation, type Violation } from '../../src/runtime/trap.ts';
import { Interp, type InterpProg, type Outcome, valueAddresses } from '../conformance/interp.ts';
import { Bench } from '../engines.cases.ts';
import { assemble, fuzzMaps, generate, type Item, prng, without } from './generate.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 1500);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
/** Programs of one module; they reach each other by tail calls. */
const GROUP = 10;
const PACKET = 64;
const STEP_LIMIT = 20_000;
const PROG_ARRAY = 2;
/** Further than generated offsets go. */
const GAP = 4096;

/** An engine with the fuzzer's maps and one packet buffer; two of them have everything at the same addresses. */
class Side {
  readonly bench: Bench;
  readonly ctx: number;
  private readonly frame: number;
  /** End of the memory that both sides must agree on. */
  readonly end: number;

  constructor(engine: Engine) {
    engine.scratch(4096);
    this.bench = new Bench(engine, fuzzMaps, GAP);
    engine.alloc(GAP, 'a gap');
    this.ctx = engine.alloc(CTX_SIZE, 'a context');
    engine.alloc(GAP, 'a gap');
    this.frame = engine.alloc(frameSize(PACKET), 'a packet');
    this.end = engine.alloc(64, 'the end');
  }

  static async create(): Promise<Side> {
    return new Side(await Engine.create({ seed: 7, clock: () => 5n, insnBudget: 1 << 21 }));
  }

  get engine(): Engine {
    return this.bench.engine;
  }

  layPacket(seed: number): void {
    const { memory } = this.engine;
    const frame = layFrame(this.frame, PACKET);
    const random = prng(seed);
    memory.fill(this.frame, frameSize(PACKET));
    for (let i = 0; i < PACKET; i++) memory.u8[frame.data + i] = random();
    writeContext(memory.view, this.ctx, { ...frame, ingressIfindex: 3, timeNs: 77n, wireLength: PACKET });
  }

  /** The stack, and everything from the first map to the packet. */
  get memory(): readonly Uint8Array[] {
    const { memory } = this.engine;
    const first = Math.min(...this.bench.maps.map((map) => map.address), this.ctx);
    return [memory.window(STACK_BASE, STACK_TOP - STACK_BASE), memory.window(first, this.end - first)];
  }

  copyFrom(other: Side): void {
    this.engine.memory.u8.set(other.engine.memory.u8.subarray(0, this.end));
  }
}

interface Result {
  readonly difference: string | undefined;
  readonly outcome: Outcome['kind'];
}

function runEngine(side: Side, prog: Prog): Violation | undefined {
  let found: Violation | undefined;
  runBatch(side.engine, prog, { ctx: side.ctx, count: 1 }, (violation) => {
    found = violation;
  });
  return found;
}

function compareEnds(side: Side, outcome: Outcome, violation: Violation | undefined): string | undefined {
  if (outcome.kind === 'exit') {
    if (violation !== undefined) return `the engine stops: ${describeViolation(violation)}`;
    const verdict = side.engine.memory.u32(side.ctx + CTX_VERDICT);
    const wanted = Number(BigInt.asUintN(32, outcome.r0));
    return verdict === wanted ? undefined : `r0 is ${verdict}, not ${wanted}`;
  }
  if (outcome.kind !== 'violation') return undefined;
  if (violation === undefined) return `the engine runs on; ${outcome.code} at pc ${outcome.pc} is a violation`;
  const same =
    violation.code === outcome.code &&
    violation.pc === outcome.pc &&
    violation.progId === outcome.progId &&
    violation.address === outcome.address &&
    (outcome.code === 'argument' || (violation.size === outcome.size && violation.write === outcome.write));
  if (same) return undefined;
  return `${describeViolation(violation)}, not ${outcome.code} at pc ${outcome.pc}, 0x${outcome.address.toString(16)}`;
}

/** Where two equally long pieces of memory differ. */
function firstDifference(a: readonly Uint8Array[], b: readonly Uint8Array[]): string | undefined {
  for (const [i, piece] of a.entries()) {
    const other = b[i] as Uint8Array;
    if (Buffer.compare(piece, other) === 0) continue;
    const at = piece.findIndex((byte, k) => byte !== other[k]);
    return `${i === 0 ? 'stack' : 'maps and packet'} +${at}: ${piece[at]}, not ${other[at]}`;
  }
  return undefined;
}

class Fuzzer {
  readonly subject: Side;
  readonly twin: Side;

  constructor(subject: Side, twin: Side) {
    this.subject = subject;
    this.twin = twin;
  }

  static async create(): Promise<Fuzzer> {
    return new Fuzzer(await Side.create(), await Side.create());
  }

  /** Runs every program of a group once on each side. */
  async group(programs: readonly (readonly Item[])[], seed: number): Promise<Result[]> {
    const { subject, twin } = this;
    const bare = programs.map((items, i) => ({ name: `fuzz${i}`, insns: assemble(items) }));
    const loaded = await subject.bench.load(bare, { checked: true });
    const progs = [...loaded.progs.values()];
    const known = new Map(
      progs.map((prog, i): [number, InterpProg] => [prog.id, { id: prog.id, type: 'xdp', insns: bare[i]!.insns }]),
    );
    const array = subject.bench.maps[PROG_ARRAY]!;
    for (let slot = 0; slot < 3 && slot < progs.length; slot++) array.set(slot, progs[slot]);
    twin.copyFrom(subject);
    const results = progs.map((prog, i) => this.one(prog, known, seed + i));
    for (let slot = 0; slot < 3; slot++) array.delete(slot);
    loaded.close();
    return results;
  }

  /**
   * A pointer to one element that was moved to another one: the engine stops it where it knows the element it came from, and lets it go
   * where it does not. The interpreter knows addresses only.
   */
  private neighbour(outcome: Outcome, violation: Violation | undefined): boolean {
    if (violation === undefined || (outcome.kind === 'violation' && outcome.pc === violation.pc)) return false;
    if (violation.code !== 'access' && violation.code !== 'argument') return false;
    const { engine } = this.subject;
    return this.subject.bench.maps.some((map) => {
      if (map.spec.maxEntries === 1) return false;
      const values = [...valueAddresses(engine, map)].map(BigInt);
      return values.some(
        (value) => violation.address >= value && violation.address < value + BigInt(map.spec.valueSize),
      );
    });
  }

  private one(prog: Prog, known: ReadonlyMap<number, InterpProg>, seed: number): Result {
    const { subject, twin } = this;
    subject.layPacket(seed);
    twin.layPacket(seed);
    const host = { engine: twin.engine, maps: twin.bench.maps, progs: known, stepLimit: STEP_LIMIT };
    const outcome = new Interp(host, known.get(prog.id) as InterpProg, twin.ctx).run();
    const violation = runEngine(subject, prog);
    if (this.neighbour(outcome, violation)) {
      twin.copyFrom(subject);
      return { difference: undefined, outcome: 'ambiguous' };
    }
    let difference = compareEnds(subject, outcome, violation);
    if (outcome.kind === 'exit' || outcome.kind === 'violation') {
      // The verdict and the status are the engine's to write.
      const { view } = twin.engine.memory;
      view.setUint32(twin.ctx + CTX_VERDICT, subject.engine.memory.u32(subject.ctx + CTX_VERDICT), true);
      view.setUint32(twin.ctx + 52, subject.engine.memory.u32(subject.ctx + 52), true);
      difference ??= firstDifference(subject.memory, twin.memory);
    }
    if (difference !== undefined || outcome.kind === 'limit' || outcome.kind === 'ambiguous') twin.copyFrom(subject);
    return { difference, outcome: outcome.kind };
  }
}

/** Drops items as long as the group's program still differs. */
async function shrink(
  fuzzer: Fuzzer,
  group: readonly (readonly Item[])[],
  index: number,
  seed: number,
): Promise<Item[]> {
  let items = [...group[index]!];
  for (let i = items.length - 1; i >= 0; i--) {
    if (items[i]?.fixed === true) continue;
    const fewer = without(items, i);
    const trial = group.map((other, k) => (k === index ? fewer : other));
    try {
      const results = await fuzzer.group(trial, seed);
      if (results[index]?.difference !== undefined) items = fewer;
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
    }
  }
  return items;
}

const show = (items: readonly Item[]): string =>
  items
    .map(
      (item, i) =>
        `${i}: ${Object.entries(item)
          .map(([k, v]) => `${k} ${v}`)
          .join(', ')}`,
    )
    .join('\n');

test(`${RUNS} random programs from seed ${SEED} do what the standard says`, { timeout: 3_600_000 }, async () => {
  const fuzzer = await Fuzzer.create();
  const outcomes: Record<string, number> = {};
  for (let from = SEED; from < SEED + RUNS; from += GROUP) {
    const group = Array.from({ length: Math.min(GROUP, SEED + RUNS - from) }, (_, i) => generate(from + i));
    const results = await fuzzer.group(group, from);
    for (const { outcome } of results) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    const bad = results.findIndex((result) => result.difference !== undefined);
    if (bad < 0) continue;
    const { difference } = results[bad]!;
    const least = await shrink(await Fuzzer.create(), group, bad, from);
    expect.fail(`seed ${from + bad}: ${difference}\n${show(least)}`);
  }
  console.log(`programs from seed ${SEED}: ${JSON.stringify(outcomes)}`);
  // Both kinds of ends are common, and little is left unjudged.
  expect(outcomes.exit).toBeGreaterThan(RUNS / 5);
  expect(outcomes.violation).toBeGreaterThan(RUNS / 20);
  expect((outcomes.limit ?? 0) + (outcomes.ambiguous ?? 0)).toBeLessThan(RUNS / 5);
});

test('random bytes as insns give a typed error or run to an end', async () => {
  const side = await Side.create();
  const random = prng(SEED);
  const codes: Record<string, number> = {};
  for (let i = 0; i < 2 * RUNS; i++) {
    const insns = Uint8Array.from({ length: 8 * (1 + (random() % 12)) }, () => random());
    // Mostly known opcodes, so that more than the first insn is looked at.
    for (let at = 0; at < insns.length; at += 8) {
      if (random() % 4 > 0)
        insns.set([[0xb7, 0x0f, 0x61, 0x55, 0x95, 0x05, 0x85, 0x18][random() % 8]!, 0, 0, 0, 0, 0, 0, 0], at);
      if (random() % 4 > 0) insns[at + 4] = random() % 12;
    }
    try {
      const loaded = await side.bench.load([{ name: 'garbage', insns }], { checked: true });
      side.layPacket(i);
      runEngine(side, loaded.prog('garbage'));
      loaded.close();
      codes.ran = (codes.ran ?? 0) + 1;
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      codes[error.code] = (codes[error.code] ?? 0) + 1;
    }
  }
  expect(codes.ran).toBeGreaterThan(0);
  expect(Object.keys(codes).length).toBeGreaterThan(5);
});
