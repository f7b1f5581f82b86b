/** What Linux does with devmaps, cpumaps and xskmaps: written down from its answers, as a model that a random walk compares both sides with. */
import type { Random } from './fuzz/verifier-item.ts';

export const DEVMAP = 14;
export const CPUMAP = 16;
export const XSKMAP = 17;
export const DEVMAP_HASH = 25;

export interface Shape {
  readonly type: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}

/** Programs of test/data/helpers/redirect.c. */
const PROGS = { on_dev: DEVMAP, on_dev_frags: DEVMAP, on_cpu: CPUMAP, to_index: 0 } as const;
export type ProgName = keyof typeof PROGS;

/** `unknown`: a number that is no program's; `negative`: -1, which means none. */
export type ProgWish = ProgName | 'unknown' | 'negative' | '';

export type Op =
  | {
      readonly op: 'update';
      readonly key: number;
      readonly target: number;
      readonly prog: ProgWish;
      readonly flags: number;
    }
  | { readonly op: 'delete' | 'lookup' | 'next'; readonly key: number }
  | { readonly op: 'all' };

/**
 * What an operation answers: `ok`, `ENOENT` and the like, an entry, keys. Two refusals have another name than an errno here: `PROG`, a program that does
 * not fit, and `SOCKET`, what is no open socket.
 */
export type Answer = string;

/** Numbers of sockets: those from SOCKETS on are closed. */
export const SOCKETS = 3;
export const MAX_QUEUE = 16384;

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)] as T;

export function randomShape(random: Random): Shape {
  const type = pick(random, [DEVMAP, DEVMAP, DEVMAP_HASH, DEVMAP_HASH, CPUMAP, XSKMAP]);
  return { type, valueSize: type === XSKMAP ? 4 : pick(random, [4, 8]), maxEntries: random.between(1, 5) };
}

function target(random: Random, type: number, ifindexes: readonly number[]): number {
  if (type === XSKMAP) return random.below(SOCKETS + 1);
  // Each queue that is made costs the kernel a thread.
  if (type === CPUMAP)
    return random.chance(15) ? pick(random, [1, 64]) : pick(random, [0, 0, MAX_QUEUE + 1, 0xffffffff]);
  return random.chance(75) ? pick(random, ifindexes) : pick(random, [0, 4711, 0x7fffffff, 0x80000000, 0xffffffff]);
}

export function randomOp(random: Random, { type, valueSize, maxEntries }: Shape, ifindexes: readonly number[]): Op {
  const key = random.chance(85)
    ? random.below(maxEntries + 2)
    : pick(random, [100, 0x7fffffff, 0x80000000, 0xffffffff]);
  const kind = random.below(20);
  if (kind < 11) {
    const flags = random.chance(60) ? 0 : pick(random, [1, 2, 1, 2, 3, 4, 8, 0x7fffffff]);
    const names: readonly ProgWish[] = [
      'on_dev',
      'on_dev',
      'on_cpu',
      'on_cpu',
      'on_dev_frags',
      'to_index',
      'unknown',
      'negative',
    ];
    const prog = valueSize === 8 && random.chance(50) ? pick(random, names) : '';
    return { op: 'update', key, target: target(random, type, ifindexes), prog, flags };
  }
  if (kind < 14) return { op: 'delete', key };
  if (kind < 17) return { op: 'lookup', key };
  return kind < 19 ? { op: 'next', key } : { op: 'all' };
}

export class Model {
  readonly shape: Shape;
  private readonly cpus: number;
  private readonly entries = new Map<number, string>();
  private frags: boolean | undefined;

  constructor(shape: Shape, cpus: number) {
    this.shape = shape;
    this.cpus = cpus;
  }

  apply(op: Op, ifindexes: readonly number[]): Answer {
    switch (op.op) {
      case 'update':
        return this.update(op, ifindexes);
      case 'delete':
        return this.remove(op.key);
      case 'lookup':
        return this.entries.get(op.key) ?? 'ENOENT';
      case 'next':
        return this.next(op.key);
      case 'all':
        return this.all();
    }
  }

  private update(op: Op & { op: 'update' }, ifindexes: readonly number[]): Answer {
    if (op.flags > 2) return 'EINVAL';
    const { type } = this.shape;
    if (type === DEVMAP_HASH) return this.updateHash(op, ifindexes);
    if (op.key >= this.shape.maxEntries) return 'E2BIG';
    if (type === XSKMAP) return this.updateSocket(op);
    // Every slot is taken for being there.
    if (op.flags === 1) return 'EEXIST';
    if (type === CPUMAP) {
      if (op.target > MAX_QUEUE) return 'EOVERFLOW';
      if (op.key >= this.cpus) return 'ENODEV';
      if (op.target === 0) return this.remove(op.key);
    } else if (op.target === 0) return isNone(op.prog) ? this.remove(op.key) : 'EINVAL';
    else if (!ifindexes.includes(op.target)) return 'EINVAL';
    return this.put(op);
  }

  private updateHash(op: Op & { op: 'update' }, ifindexes: readonly number[]): Answer {
    if (op.target === 0) return 'EINVAL';
    const isThere = this.entries.has(op.key);
    if (isThere && op.flags === 1) return 'EEXIST';
    if (!ifindexes.includes(op.target)) return 'EINVAL';
    const refused = this.refuses(op.prog);
    if (refused !== '') return refused;
    return !isThere && this.entries.size >= this.shape.maxEntries ? 'E2BIG' : this.put(op);
  }

  private updateSocket(op: Op & { op: 'update' }): Answer {
    if (op.target >= SOCKETS) return 'SOCKET';
    const there = this.entries.get(op.key);
    if (there !== `${op.target}`) {
      if (there !== undefined && op.flags === 1) return 'EEXIST';
      if (there === undefined && op.flags === 2) return 'ENOENT';
    }
    return this.put(op);
  }

  private put(op: Op & { op: 'update' }): Answer {
    const refused = this.refuses(op.prog);
    if (refused !== '') return refused;
    this.entries.set(op.key, `${op.target}${isNone(op.prog) ? '' : ` ${op.prog}`}`);
    return 'ok';
  }

  private refuses(prog: ProgWish): Answer {
    if (prog === '' || prog === 'negative') return '';
    if (prog === 'unknown') return this.shape.type === CPUMAP ? 'ENOMEM' : 'EINVAL';
    if (PROGS[prog] !== (this.shape.type === CPUMAP ? CPUMAP : DEVMAP)) return 'PROG';
    const frags = prog.endsWith('frags');
    this.frags ??= frags;
    return this.frags === frags ? '' : 'PROG';
  }

  private remove(key: number): Answer {
    if (this.shape.type === DEVMAP_HASH) return this.entries.delete(key) ? 'ok' : 'ENOENT';
    if (key >= this.shape.maxEntries) return 'EINVAL';
    this.entries.delete(key);
    return 'ok';
  }

  private next(key: number): Answer {
    const { type, maxEntries } = this.shape;
    // A hash has an order of its own: `all` compares its keys.
    if (type === DEVMAP_HASH) return '';
    if (key >= maxEntries) return '0';
    return key === maxEntries - 1 ? 'ENOENT' : `${key + 1}`;
  }

  private all(): Answer {
    const { type, maxEntries } = this.shape;
    const keys = type === DEVMAP_HASH ? [...this.entries.keys()] : Array.from({ length: maxEntries }, (_, i) => i);
    return keys.sort((a, b) => a - b).join();
  }

  /** A device is gone, and with it every entry that it was the target of. */
  dropDevice(ifindex: number): void {
    for (const [key, entry] of this.entries) if (entry.split(' ')[0] === `${ifindex}`) this.entries.delete(key);
  }
}

const isNone = (prog: ProgWish): boolean => prog === '' || prog === 'negative';
