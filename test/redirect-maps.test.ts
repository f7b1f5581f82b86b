/**
 * Random operations on devmaps, cpumaps and xskmaps: here, in a model, and in the kernel's own maps, in a network namespace with devices of its own.
 * BPF2WASM_FUZZ_RUNS and BPF2WASM_FUZZ_SEED make a longer or another walk.
 */
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { BpfError } from '../src/errors/index.ts';
import type { Loaded } from '../src/loader.ts';
import type { Device } from '../src/runtime/device.ts';
import type { RedirectMap } from '../src/runtime/redirect-map.ts';
import type { XskSocket } from '../src/runtime/xsk.ts';
import { mapSpec } from './engines.cases.ts';
import { Random } from './fuzz/verifier-item.ts';
import * as bpf from './kernel/bpf.ts';
import { errnoName, KernelError } from './kernel/errno.ts';
import { inNamespace, ip, ipShow, namespaceReason } from './kernel/netns.ts';
import { KernelSide, openObject } from './kernel/sides.ts';
import * as model from './redirect-maps.model.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 4000);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
const OPS_PER_MAP = 40;
const CPUS = 2;
const NO_PROG = 9999;
const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const wordAt = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

/** A side: maps are made, and operations give answers. */
interface Side {
  readonly name: string;
  create(shape: model.Shape): SideMap;
}
interface SideMap {
  apply(op: model.Op): model.Answer;
  close(): void;
}

/** The value of an update: `numberOf` gives what names a program there. */
function valueBytes(
  op: model.Op & { op: 'update' },
  { valueSize }: model.Shape,
  numberOf: (name: string) => number,
): Uint8Array {
  if (valueSize === 4) return words(op.target);
  const { prog } = op;
  const number = prog === '' ? 0 : prog === 'unknown' ? NO_PROG : prog === 'negative' ? 0xffffffff : numberOf(prog);
  return words(op.target, number);
}

class Ours implements Side {
  readonly name = 'ours';
  private readonly engine: Engine;
  private readonly loaded: Loaded;
  private readonly sockets: readonly XskSocket[];

  constructor(engine: Engine, loaded: Loaded) {
    this.engine = engine;
    this.loaded = loaded;
    const device = engine.devices[0] as Parameters<Engine['openXsk']>[0];
    this.sockets = Array.from({ length: model.SOCKETS + 1 }, () => engine.openXsk(device));
    this.sockets.at(-1)?.close();
  }

  create(shape: model.Shape): SideMap {
    const spec = { ...mapSpec('map', { ...shape, type: 'hash', keySize: 4 }), type: shape.type };
    const map = this.engine.createMap(spec) as RedirectMap;
    const answer = (body: () => model.Answer): model.Answer => {
      try {
        return body();
      } catch (error) {
        if (!(error instanceof BpfError)) throw error;
        if (error.code === 'RUN_PROG_TYPE') return 'PROG';
        if (error.code === 'RUN_MAP_INPUT' && shape.type === model.XSKMAP) return 'SOCKET';
        return errnoName(error.fields.errno as number);
      }
    };
    return { apply: (op) => answer(() => this.apply(map, op, shape)), close: () => map.close() };
  }

  private apply(map: RedirectMap, op: model.Op, shape: model.Shape): model.Answer {
    if (op.op === 'all')
      return [...map.rawKeys()]
        .map((key) => wordAt(key, 0))
        .sort((a, b) => a - b)
        .join();
    const key = words(op.key);
    if (op.op === 'delete') return map.delete(key) ? 'ok' : 'ENOENT';
    if (op.op === 'update') {
      const value =
        shape.type === model.XSKMAP
          ? this.sockets[op.target]
          : valueBytes(op, shape, (name) => this.loaded.prog(name).id);
      map.set(key, value, { flags: op.flags });
      return 'ok';
    }
    if (op.op === 'lookup') return this.lookup(map, key);
    if (shape.type === model.DEVMAP_HASH) return '';
    const { memory, runtime } = this.engine;
    const at = this.engine.scratch(8);
    memory.u8.set(key, at);
    const result = runtime.map_next_key(map.address, at, at + 4);
    return result < 0 ? errnoName(-result) : `${memory.u32(at + 4)}`;
  }

  private lookup(map: RedirectMap, key: Uint8Array): model.Answer {
    const raw = map.get(key, { raw: true });
    const entry = map.get(key);
    expect(entry === undefined).toBe(raw === undefined);
    if (raw === undefined || entry === undefined) return 'ENOENT';
    if (entry.socket !== undefined) return `${this.sockets.findIndex(({ id }) => id === entry.socket?.id)}`;
    const { prog } = entry;
    expect([wordAt(raw, 0), raw.length > 4 ? wordAt(raw, 4) : 0]).toEqual([
      entry.ifindex ?? entry.qsize,
      prog?.id ?? 0,
    ]);
    return `${wordAt(raw, 0)}${prog === undefined ? '' : ` ${prog.name}`}`;
  }
}

class Kernel implements Side {
  readonly name = 'kernel';
  private readonly progs: ReadonlyMap<string, number>;
  private readonly names: ReadonlyMap<number, string>;
  private readonly sockets: readonly number[];

  constructor(progs: ReadonlyMap<string, number>) {
    this.progs = progs;
    this.names = new Map([...progs].map(([name, fd]) => [bpf.progInfo(fd).id, name]));
    const socket = createRequire(import.meta.url)('koffi')
      .load(null)
      .func('int socket(int, int, int)');
    const [AF_XDP, SOCK_RAW] = [44, 3];
    this.sockets = Array.from({ length: model.SOCKETS }, () => socket(AF_XDP, SOCK_RAW, 0) as number);
    expect(Math.min(...this.sockets)).toBeGreaterThan(0);
  }

  close(): void {
    for (const fd of this.sockets) bpf.closeFd(fd);
  }

  create(shape: model.Shape): SideMap {
    const fd = bpf.createMap({ keySize: 4, ...shape });
    return { apply: (op) => this.apply(fd, op, shape), close: () => bpf.closeFd(fd) };
  }

  private apply(fd: number, op: model.Op, shape: model.Shape): model.Answer {
    try {
      return this.answer(fd, op, shape);
    } catch (error) {
      if (error instanceof KernelError) return error.code;
      throw error;
    }
  }

  private answer(fd: number, op: model.Op, shape: model.Shape): model.Answer {
    if (op.op === 'all')
      return allKeys(fd)
        .sort((a, b) => a - b)
        .join();
    const key = words(op.key);
    if (op.op === 'delete') bpf.deleteElem(fd, key);
    if (op.op === 'update') {
      const value =
        shape.type === model.XSKMAP
          ? words(this.sockets[op.target] ?? NO_PROG)
          : valueBytes(op, shape, (name) => this.progs.get(name) as number);
      bpf.updateElem(fd, key, value, op.flags);
    }
    if (op.op === 'next') return shape.type === model.DEVMAP_HASH ? '' : `${wordAt(bpf.nextKey(fd, key, 4), 0)}`;
    if (op.op !== 'lookup') return 'ok';
    const value = bpf.lookupElem(fd, key, shape.valueSize);
    const id = shape.valueSize === 8 ? wordAt(value, 4) : 0;
    return `${wordAt(value, 0)}${id === 0 ? '' : ` ${this.names.get(id)}`}`;
  }
}

function allKeys(fd: number): number[] {
  const keys: number[] = [];
  try {
    for (let key: Uint8Array | undefined; ; keys.push(wordAt(key, 0))) key = bpf.nextKey(fd, key, 4);
  } catch (error) {
    if (error instanceof KernelError && error.code === 'ENOENT') return keys;
    throw error;
  }
}

/** What Linux answers where the model says why: lookups of sockets are for programs, and sockets and programs that do not fit have errnos. */
function kernelAnswer(answer: model.Answer, op: model.Op, { type }: model.Shape): model.Answer {
  if (type === model.XSKMAP && op.op === 'lookup') return 'EOPNOTSUPP';
  if (answer === 'SOCKET') return 'EBADF';
  return answer === 'PROG' ? (type === model.CPUMAP ? 'ENOMEM' : 'EINVAL') : answer;
}

/** One map's life on all sides. */
function walk(seed: number, sides: readonly Side[], ifindexes: readonly number[]): Set<string> {
  const random = new Random(seed);
  const shape = model.randomShape(random);
  const ideal = new model.Model(shape, CPUS);
  const maps = sides.map((side) => [side, side.create(shape)] as const);
  const answers = new Set<string>();
  try {
    for (let i = 0; i < OPS_PER_MAP; i++) {
      const op = model.randomOp(random, shape, ifindexes);
      const answer = ideal.apply(op, ifindexes);
      for (const [side, map] of maps) {
        const expected = side.name === 'kernel' ? kernelAnswer(answer, op, shape) : answer;
        const found = map.apply(op);
        if (found !== expected)
          expect.fail(
            `seed ${seed}, op ${i}, ${side.name}: ${JSON.stringify({ shape, op })}: ${found}, not ${expected}`,
          );
      }
      answers.add(`${shape.type} ${op.op} ${answer.split(/[ ,]/)[0]}`);
    }
  } finally {
    for (const [, map] of maps) map.close();
  }
  return answers;
}

async function ours(ifindexes: readonly number[]): Promise<{ engine: Engine; side: Ours }> {
  const engine = await Engine.create({ cpus: CPUS });
  for (const ifindex of ifindexes) engine.addDevice(`dev${ifindex}`, { ifindex });
  return { engine, side: new Ours(engine, await engine.load(openObject('test/data/helpers/redirect').object)) };
}

/** Every kind of answer was seen. */
function expectVariety(answers: ReadonlySet<string>): void {
  for (const type of [model.DEVMAP, model.DEVMAP_HASH, model.CPUMAP])
    for (const answer of ['ok', 'EINVAL', 'E2BIG', 'EEXIST', 'PROG'])
      expect(answers).toContain(`${type} update ${answer}`);
  for (const answer of ['EOVERFLOW', 'ENODEV', 'ENOMEM']) expect(answers).toContain(`${model.CPUMAP} update ${answer}`);
  for (const answer of ['ok', 'EINVAL', 'E2BIG', 'EEXIST', 'ENOENT', 'SOCKET'])
    expect(answers).toContain(`${model.XSKMAP} update ${answer}`);
}

function walks(sides: readonly Side[], ifindexes: readonly number[]): void {
  const answers = new Set<string>();
  for (let i = 0; i < RUNS / OPS_PER_MAP; i++) for (const one of walk(SEED + i, sides, ifindexes)) answers.add(one);
  if (RUNS >= 4000) expectVariety(answers);
}

/** Devices go, and the entries about them. */
function dropDevices(sides: readonly Side[], ifindexes: readonly number[], drop: () => void): void {
  const shapes = [model.DEVMAP, model.DEVMAP_HASH].flatMap((type) =>
    [4, 8].map((valueSize) => ({ type, valueSize, maxEntries: 6 })),
  );
  const all = shapes.map((shape) => ({
    shape,
    maps: sides.map((side) => side.create(shape)),
    ideal: new model.Model(shape, CPUS),
  }));
  const ask = (op: model.Op) => {
    for (const { ideal, maps } of all) {
      const answer = ideal.apply(op, ifindexes);
      expect(maps.map((map) => map.apply(op))).toEqual(maps.map(() => answer));
    }
  };
  const keys = [0, 1, 2, 3, 4, 5];
  for (const key of keys) {
    const target = ifindexes[key % ifindexes.length] as number;
    ask({ op: 'update', key, target, prog: '', flags: 0 });
  }
  drop();
  for (const ifindex of ifindexes) if (ifindex !== LO) for (const { ideal } of all) ideal.dropDevice(ifindex);
  for (const key of keys) ask({ op: 'lookup', key });
  ask({ op: 'all' });
  for (const { maps } of all) for (const map of maps) map.close();
}

const LO = 1;
const LONG = 3_600_000;

test(
  `${RUNS} operations on redirect maps, from seed ${SEED}: as the model`,
  async () => {
    const ifindexes = [1, 2, 7];
    const { engine, side } = await ours(ifindexes);
    walks([side], ifindexes);
    engine.close();
  },
  LONG,
);

const reason = await namespaceReason();
if (reason !== undefined) console.warn(`SKIPPED: redirect maps in the kernel: ${reason}`);

describe.skipIf(reason !== undefined)('redirect maps in the kernel', () => {
  test(
    `${RUNS} operations, from seed ${SEED}`,
    () =>
      inNamespace(async () => {
        ip(['link add va type veth peer name vb']);
        const links = JSON.parse(ipShow('-j', 'link')) as { ifindex: number }[];
        const ifindexes = links.map(({ ifindex }) => ifindex);
        expect(ifindexes.length).toBe(3);
        const kernel = new KernelSide();
        kernel.load(openObject('test/data/helpers/redirect'));
        const theirs = new Kernel(kernel.progs);
        const { engine, side } = await ours(ifindexes);
        walks([side, theirs], ifindexes);
        dropDevices([side, theirs], ifindexes, () => {
          // Both ends of the pair go.
          ip(['link del va']);
          for (const ifindex of ifindexes) if (ifindex !== LO) engine.removeDevice(engine.device(ifindex) as Device);
        });
        engine.close();
        theirs.close();
        kernel.close();
      }),
    LONG,
  );
});
