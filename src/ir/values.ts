/**
 * Values of a function: static single assignment over its variables. Each write makes a value, and so does each block where several
 * values of a variable that is still read come together. A variable holds one value at a time, so values of one variable never need
 * to be kept side by side: code made from this writes each to its variable's own local, whatever is known of it.
 */
import type { Block } from './cfg.ts';
import { successors } from './cfg.ts';
import type { Effects } from './effects.ts';
import { type Order, orderBlocks } from './order.ts';

export interface Values {
  readonly effects: Effects;
  readonly order: Order;
  readonly count: number;
  /** By value: the pc that makes it; -1 where values join, and for what the function is entered with. */
  readonly pcOf: Int32Array;
  /** By value: its variable. */
  readonly varOf: Int8Array;
  /** Values that join in value v: `joins.list[joins.from[v] .. joins.from[v + 1])`; none for the others. */
  readonly joins: { readonly from: Int32Array; readonly list: Int32Array };
  /** Value of each variable where a block begins, -1 if nothing reads it: `[block * variables + variable]`. */
  readonly entry: Int32Array;
  /** The value that an insn makes, by pc - start, or -1. */
  readonly made: Int32Array;
  /** What the function is entered with, by variable: values, or -1. */
  readonly initial: Int32Array;
  /** Block of each value that joins or is initial, else -1. */
  readonly blockOf: Int32Array;
}

/** Variables that are read before they are written, at each block's begin. */
function liveIn(blocks: readonly Block[], order: Order, { start, reads, writes }: Effects): Int32Array {
  const n = blocks.length;
  const used = new Int32Array(n);
  const written = new Int32Array(n);
  blocks.forEach((block, b) => {
    let use = 0;
    let kill = 0;
    for (let i = block.start - start; i < block.end - start; i++) {
      use |= reads[i] & ~kill;
      if (writes[i] >= 0) kill |= 1 << writes[i];
    }
    used[b] = use;
    written[b] = kill;
  });
  const live = used.slice();
  const { from, list } = order.preds;
  const queued = new Uint8Array(n).fill(1);
  // Last blocks first: the stack's top is its end.
  const work = Array.from(order.rpo);
  for (let b = work.pop(); b !== undefined; b = work.pop()) {
    queued[b] = 0;
    let out = 0;
    for (const to of successors(blocks[b].term)) out |= live[to];
    const now = used[b] | (out & ~written[b]);
    if (now === live[b]) continue;
    live[b] = now;
    for (let p = from[b]; p < from[b + 1]; p++) {
      if (queued[list[p]] === 1) continue;
      queued[list[p]] = 1;
      work.push(list[p]);
    }
  }
  return live;
}

class Builder {
  readonly pcOf: number[] = [];
  readonly varOf: number[] = [];
  readonly blockOf: number[] = [];
  readonly entry: Int32Array;
  readonly exit: Int32Array;
  readonly made: Int32Array;
  readonly initial: Int32Array;
  /** Values that blocks make of several. */
  readonly phis: number[] = [];
  private readonly blocks: readonly Block[];
  private readonly order: Order;
  private readonly effects: Effects;
  private readonly live: Int32Array;

  constructor(blocks: readonly Block[], order: Order, effects: Effects) {
    this.blocks = blocks;
    this.order = order;
    this.effects = effects;
    this.live = liveIn(blocks, order, effects);
    const vars = effects.count;
    this.entry = new Int32Array(blocks.length * vars).fill(-1);
    this.exit = new Int32Array(blocks.length * vars).fill(-1);
    this.made = new Int32Array(effects.reads.length).fill(-1);
    this.initial = new Int32Array(vars).fill(-1);
  }

  private value(pc: number, variable: number, block: number): number {
    this.pcOf.push(pc);
    this.varOf.push(variable);
    this.blockOf.push(block);
    return this.pcOf.length - 1;
  }

  run(): void {
    const vars = this.effects.count;
    for (let v = 0; v < vars; v++) if ((this.live[0] & (1 << v)) !== 0) this.initial[v] = this.value(-1, v, 0);
    for (const b of this.order.rpo) {
      this.enter(b);
      this.walk(b);
    }
  }

  /** What is live at a block's begin: one value of all ways there, or a new one. */
  private enter(b: number): void {
    const vars = this.effects.count;
    const { from, list } = this.order.preds;
    const { position } = this.order;
    for (let v = 0; v < vars; v++) {
      if ((this.live[b] & (1 << v)) === 0) continue;
      let only = b === 0 ? this.initial[v] : -1;
      let joins = false;
      for (let p = from[b]; p < from[b + 1]; p++) {
        const pred = list[p];
        const value = position[pred] >= position[b] ? -1 : this.exit[pred * vars + v];
        if (value < 0 || (only >= 0 && only !== value)) joins = true;
        only = value;
      }
      if (joins) {
        only = this.value(-1, v, b);
        this.phis.push(only);
      }
      this.entry[b * vars + v] = only;
    }
  }

  private walk(b: number): void {
    const { start, writes, count } = this.effects;
    const at = b * count;
    for (let v = 0; v < count; v++) this.exit[at + v] = this.entry[at + v];
    const block = this.blocks[b];
    for (let i = block.start - start; i < block.end - start; i++) {
      if (writes[i] < 0) continue;
      this.made[i] = this.value(i + start, writes[i], b);
      this.exit[at + writes[i]] = this.made[i];
    }
  }

  /** Values that come together in the join `value`. */
  operands(value: number): number[] {
    const b = this.blockOf[value];
    const v = this.varOf[value];
    const { from, list } = this.order.preds;
    const found: number[] = b === 0 ? [this.initial[v]] : [];
    for (let p = from[b]; p < from[b + 1]; p++) found.push(this.exit[list[p] * this.effects.count + v]);
    return found;
  }
}

/** Joins of one value with itself are that value: loops that do not write a variable begin with such joins. */
function findCopies(builder: Builder, operands: readonly (readonly number[])[]): Int32Array {
  const same = Int32Array.from({ length: builder.pcOf.length }, (_, v) => v);
  const find = (v: number): number => {
    let root = v;
    while (same[root] !== root) root = same[root];
    for (let x = v; same[x] !== root; ) {
      const next = same[x];
      same[x] = root;
      x = next;
    }
    return root;
  };
  for (let again = true; again; ) {
    again = false;
    builder.phis.forEach((phi, i) => {
      if (same[phi] !== phi) return;
      let only = -1;
      for (const operand of operands[i]) {
        const value = find(operand);
        if (value === phi || value === only) continue;
        if (only >= 0) return;
        only = value;
      }
      if (only < 0) return;
      same[phi] = only;
      again = true;
    });
  }
  for (let v = 0; v < same.length; v++) find(v);
  return same;
}

export function findValues(blocks: readonly Block[], effects: Effects, order: Order = orderBlocks(blocks)): Values {
  const builder = new Builder(blocks, order, effects);
  builder.run();
  const operands = builder.phis.map((phi) => builder.operands(phi));
  const same = findCopies(builder, operands);
  const count = builder.pcOf.length;
  const from = new Int32Array(count + 1);
  const list: number[] = [];
  let next = 0;
  for (let v = 0; v < count; v++) {
    from[v] = list.length;
    if (builder.phis[next] !== v) continue;
    if (same[v] === v) for (const operand of operands[next]) list.push(same[operand]);
    next++;
  }
  from[count] = list.length;
  const { entry, made, initial } = builder;
  for (let i = 0; i < entry.length; i++) if (entry[i] >= 0) entry[i] = same[entry[i]];
  return {
    effects,
    order,
    count,
    pcOf: Int32Array.from(builder.pcOf),
    varOf: Int8Array.from(builder.varOf),
    blockOf: Int32Array.from(builder.blockOf),
    joins: { from, list: Int32Array.from(list) },
    entry,
    made,
    initial,
  };
}
