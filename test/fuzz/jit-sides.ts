/**
 * Two engines with everything at the same addresses: one runs compiled programs with checks, the twin's memory is what the interpreter of the
 * standard (test/conformance/interp.ts) works on. Verdict, packet, context, stack, maps and violations must be the same. A third engine
 * runs what is no violation without checks.
 */
import { CTX_SIZE, CTX_VERDICT, STACK_BASE, STACK_TOP, VM_BUDGET_LIMIT } from '../../assembly/abi.ts';
import { Engine } from '../../src/engine.ts';
import { BpfError } from '../../src/errors/index.ts';
import { runBatch } from '../../src/runtime/batch.ts';
import { frameSize, layFrame, writeContext } from '../../src/runtime/packet.ts';
import type { Prog } from '../../src/runtime/prog.ts';
import { describeViolation, type Violation } from '../../src/runtime/trap.ts';
import { Interp, type InterpProg, type Outcome, valueAddresses } from '../conformance/interp.ts';
import { Bench } from '../engines.cases.ts';
import { assemble, fuzzMaps, type Item, prng, without } from './generate.ts';

const PACKET = 64;
/** A loop that can be counted pays for all its rounds, also for those it leaves out: more than the interpreter's steps. */
const BUDGET = 1 << 26;
const STEP_LIMIT = 20_000;
const PROG_ARRAY = 2;
/** Further than generated offsets go. */
const GAP = 4096;

/** An engine with the fuzzer's maps and one packet buffer; two of them have everything at the same addresses. */
export class Side {
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
    return new Side(await Engine.create({ seed: 7, clock: () => 5n, insnBudget: BUDGET }));
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

export interface Result {
  readonly difference: string | undefined;
  /** What the interpreter says. */
  readonly outcome: Outcome['kind'];
  /** The engine stopped the program. */
  readonly stopped: boolean;
  /** It was also run with half of the budget it needs. */
  readonly halved: boolean;
}

export function runEngine(side: Side, prog: Prog): Violation | undefined {
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
    violation.size === outcome.size &&
    violation.write === outcome.write;
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

export class Fuzzer {
  readonly subject: Side;
  readonly twin: Side;
  readonly bare: Side;

  constructor(subject: Side, twin: Side, bare: Side) {
    this.subject = subject;
    this.twin = twin;
    this.bare = bare;
  }

  static async create(): Promise<Fuzzer> {
    return new Fuzzer(await Side.create(), await Side.create(), await Side.create());
  }

  /** Runs every program of a group once on each side; they reach each other by tail calls. */
  async group(programs: readonly Uint8Array[], seed: number): Promise<Result[]> {
    const { subject, twin, bare } = this;
    const insns = programs.map((bytes, i) => ({ name: `fuzz${i}`, insns: bytes }));
    const loaded = await subject.bench.load(insns, { checked: true, unverified: true });
    const unchecked = await bare.bench.load(insns, { checked: false, unverified: true });
    const progs = [...loaded.progs.values()];
    const same = new Map([...unchecked.progs.values()].map((prog, i) => [progs[i] as Prog, prog]));
    const known = new Map(
      progs.map((prog, i): [number, InterpProg] => [prog.id, { id: prog.id, type: 'xdp', insns: insns[i]!.insns }]),
    );
    for (let slot = 0; slot < 3 && slot < progs.length; slot++) {
      subject.bench.maps[PROG_ARRAY]!.set(slot, progs[slot]);
      bare.bench.maps[PROG_ARRAY]!.set(slot, same.get(progs[slot] as Prog));
    }
    twin.copyFrom(subject);
    const results = progs.map((prog, i) => this.one(prog, same.get(prog) as Prog, known, seed + i));
    for (const side of [subject, bare]) for (let slot = 0; slot < 3; slot++) side.bench.maps[PROG_ARRAY]!.delete(slot);
    loaded.close();
    unchecked.close();
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

  private one(prog: Prog, unchecked: Prog, known: ReadonlyMap<number, InterpProg>, seed: number): Result {
    const { subject, twin, bare } = this;
    for (const side of [subject, twin, bare]) side.layPacket(seed);
    bare.copyFrom(subject);
    const host = { engine: twin.engine, maps: twin.bench.maps, progs: known, stepLimit: STEP_LIMIT };
    const interp = new Interp(host, known.get(prog.id) as InterpProg, twin.ctx);
    const outcome = interp.run();
    const overrun = outcome.kind === 'ambiguous' ? undefined : this.overruns(prog, known, interp.stepCount);
    subject.copyFrom(bare);
    if (outcome.kind === 'limit' && overrun !== undefined) {
      twin.copyFrom(subject);
      return { difference: overrun.difference, outcome: 'limit', stopped: true, halved: true };
    }
    const violation = runEngine(subject, prog);
    if (this.neighbour(outcome, violation)) {
      twin.copyFrom(subject);
      return { difference: undefined, outcome: 'ambiguous', stopped: true, halved: false };
    }
    let difference = overrun?.difference ?? compareEnds(subject, outcome, violation);
    if (outcome.kind === 'exit' || outcome.kind === 'violation') {
      // The verdict and the status are the engine's to write.
      const { view } = twin.engine.memory;
      view.setUint32(twin.ctx + CTX_VERDICT, subject.engine.memory.u32(subject.ctx + CTX_VERDICT), true);
      view.setUint32(twin.ctx + 52, subject.engine.memory.u32(subject.ctx + 52), true);
      difference ??= firstDifference(subject.memory, twin.memory);
    }
    if (outcome.kind === 'exit') {
      runEngine(bare, unchecked);
      const other = firstDifference(bare.memory, subject.memory);
      if (other !== undefined) difference ??= `without checks: ${other}`;
    }
    if (difference !== undefined || outcome.kind === 'limit' || outcome.kind === 'ambiguous') twin.copyFrom(subject);
    return { difference, outcome: outcome.kind, stopped: violation !== undefined, halved: overrun !== undefined };
  }

  /**
   * Half of what the interpreter took is not enough: the engine must stop the program. Loops pay at least for what they execute; what is in
   * no loop runs once in every program that a tail call enters.
   */
  private overruns(
    prog: Prog,
    known: ReadonlyMap<number, InterpProg>,
    steps: number,
  ): { difference: string | undefined } | undefined {
    const { engine } = this.subject;
    const straight = (known.get(prog.id) as InterpProg).insns.length / 8;
    const budget = Math.floor((steps - straight) / 2);
    if (budget <= 0) return undefined;
    engine.memory.setU32(engine.vm + VM_BUDGET_LIMIT, budget);
    const violation = runEngine(this.subject, prog);
    engine.memory.setU32(engine.vm + VM_BUDGET_LIMIT, BUDGET);
    const tails = prog.stats.tailCalls.reduce((sum, site) => sum + site.taken, 0);
    if (tails > 0) return undefined;
    const text = `${steps} insns, ${straight} of them straight on, were executed with a budget of ${budget}`;
    return { difference: violation?.code === 'budget' ? undefined : text };
  }
}

/** Drops items as long as the group's program still differs. */
export async function shrink(
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
      const results = await fuzzer.group(trial.map(assemble), seed);
      if (results[index]?.difference !== undefined) items = fewer;
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
    }
  }
  return items;
}

export const show = (items: readonly Item[]): string =>
  items
    .map(
      (item, i) =>
        `${i}: ${Object.entries(item)
          .map(([k, v]) => `${k} ${v}`)
          .join(', ')}`,
    )
    .join('\n');
