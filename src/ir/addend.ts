/**
 * Finds base registers that are sums of two others which still hold their values: `rX = rA; rX += rB; ... *(rX + off)`. An address has 32 bits, so the
 * JIT may add the low halves itself; engines then need no extra insn to cut a 64-bit sum, and often drop that sum.
 */
import type { Op } from '../isa/op.ts';
import type { Ops } from './block.ts';
import type { Cfg } from './cfg.ts';
import { successors } from './cfg.ts';
import { reversePostorder } from './order.ts';

/** By pc of a load or store: the registers whose sum its base is. */
export type Addends = ReadonlyMap<number, readonly [number, number]>;

interface Sum {
  readonly a: number;
  readonly aVersion: number;
  readonly b: number;
  readonly bVersion: number;
}

/** Versions count the writes of each register on the one way to a block. */
interface Versions {
  readonly version: number[];
  readonly copyOf: ({ readonly reg: number; readonly version: number } | undefined)[];
  readonly sum: (Sum | undefined)[];
}

function fresh(): Versions {
  return { version: new Array(11).fill(0), copyOf: new Array(11).fill(undefined), sum: new Array(11).fill(undefined) };
}

const copy = (v: Versions): Versions => ({ version: v.version.slice(), copyOf: v.copyOf.slice(), sum: v.sum.slice() });

function write(v: Versions, reg: number): void {
  v.version[reg]++;
  v.copyOf[reg] = undefined;
  v.sum[reg] = undefined;
}

function step(v: Versions, op: Op): void {
  switch (op.kind) {
    case 'alu': {
      const from = op.width === 64 && op.src?.kind === 'reg' ? op.src.reg : undefined;
      const source = v.copyOf[op.dst];
      const other = from === undefined ? undefined : v.copyOf[from];
      write(v, op.dst);
      if (from === undefined || from === op.dst) return;
      if (op.op === 'mov') {
        v.copyOf[op.dst] = { reg: from, version: v.version[from] };
      } else if (op.op === 'add' && source !== undefined && source.reg !== op.dst && other?.reg !== op.dst) {
        v.sum[op.dst] = { a: source.reg, aVersion: source.version, b: from, bVersion: v.version[from] };
      }
      return;
    }
    case 'movsx':
    case 'cast_user':
    case 'swap':
    case 'load':
    case 'lddw':
      write(v, op.dst);
      return;
    case 'atomic':
      for (const reg of [0, op.src, op.dst]) write(v, reg);
      return;
    case 'call':
    case 'call_local':
    case 'call_kfunc':
    case 'ldabs':
    case 'ldind':
      for (let r = 0; r <= 5; r++) write(v, r);
      return;
    default:
      return;
  }
}

function baseOf(op: Op): number | undefined {
  if (op.kind === 'load') return op.src;
  return op.kind === 'store' ? op.dst : undefined;
}

function scan(v: Versions, ops: Ops, start: number, end: number, found: Map<number, readonly [number, number]>): void {
  for (let pc = start; pc < end; pc++) {
    const op = ops[pc];
    if (op === undefined) continue;
    const base = baseOf(op);
    const sum = base === undefined ? undefined : v.sum[base];
    if (sum !== undefined && v.version[sum.a] === sum.aVersion && v.version[sum.b] === sum.bVersion) {
      found.set(pc, [sum.a, sum.b]);
    }
    step(v, op);
  }
}

export function findAddends(ops: Ops, cfg: Cfg): Addends {
  const { blocks } = cfg;
  const ways = new Int32Array(blocks.length);
  ways[0] = 1;
  for (const block of blocks) for (const to of successors(block.term)) ways[to]++;
  const found = new Map<number, readonly [number, number]>();
  const inherited: (Versions | undefined)[] = new Array(blocks.length).fill(undefined);
  for (const b of reversePostorder(blocks)) {
    const v = inherited[b] ?? fresh();
    inherited[b] = undefined;
    scan(v, ops, blocks[b].start, blocks[b].end, found);
    // With one way in, what held at the end of the block before still holds.
    const heirs = successors(blocks[b].term).filter((to) => ways[to] === 1);
    heirs.forEach((to, i) => {
      inherited[to] = i === heirs.length - 1 ? v : copy(v);
    });
  }
  return found;
}
