// Gadgets of memory: packet pointers and their checks, map values, stack.

import type { JmpOp } from './verifier-emit.ts';
import type { Gadget } from './verifier-gadgets.ts';
import { bound } from './verifier-gadgets-scalar.ts';
import type { Aware } from './verifier-gen-aware.ts';
import type { FuzzMap } from './verifier-item.ts';
import { NONE, type Reg, scalar } from './verifier-model.ts';

const SIZES = [1, 2, 4, 8] as const;
const LENGTHS = [1, 2, 4, 6, 8, 12, 14, 20, 34, 40, 54] as const;
const LOOKUP = 1;

function loadPacket(aware: Aware): void {
  const { random, emit, ctx } = aware;
  const base = aware.find('ctx');
  if (base === undefined || aware.type === 'socket_filter') return;
  const data = aware.fresh();
  const meta = aware.type !== 'cgroup_skb' && random.chance(10);
  aware.keeping([data, base], () => {
    const end = aware.fresh();
    emit.load(end, base, meta ? ctx.data : ctx.end, 4);
    emit.load(data, base, meta ? ctx.meta : ctx.data, 4);
    const id = aware.newId();
    aware.set(end, meta ? { kind: 'pkt', off: 0, size: 0, id } : { kind: 'end', off: 0, size: 0, id });
    aware.set(data, { kind: meta ? 'meta' : 'pkt', off: 0, size: 0, id });
    if (!meta) check(aware, data, end);
  });
}

/** Ways to write `pointer + length is beyond the end`: op, which is first, whether the jump is taken when it is. */
const SHAPES: readonly (readonly [JmpOp, 'pointer' | 'end', boolean])[] = [
  ['gt', 'pointer', true],
  ['gt', 'pointer', true],
  ['ge', 'pointer', true],
  ['lt', 'end', true],
  ['le', 'end', true],
  ['le', 'pointer', false],
  ['lt', 'pointer', false],
  ['ge', 'end', false],
  ['gt', 'end', false],
];

/** Compares data + length with the end, and notes what that proves. */
function check(aware: Aware, pointer: number, end: number): void {
  const { random, emit } = aware;
  const length = random.chance(80) ? random.of(LENGTHS) : random.below(80);
  aware.keeping([pointer, end], () => {
    const tmp = random.chance(15) ? pointer : aware.fresh();
    if (tmp !== pointer) emit.mov(tmp, { reg: pointer });
    const before = aware.get(pointer);
    emit.alu('add', tmp, { imm: length });
    aware.set(tmp, { ...before, off: before.off + length });
    if (random.chance(10) && tmp !== pointer) {
      emit.alu('sub', tmp, { imm: 2 });
      aware.set(tmp, { ...before, off: before.off + length - 2 });
    }
    const [op, first, jumps] = random.of(SHAPES);
    const [a, b] = first === 'pointer' ? [tmp, end] : [end, tmp];
    const proven = aware.get(tmp).off;
    if (jumps) emit.jmp(op, a, { reg: b }, aware.bail);
    else {
      const good = emit.newLabel();
      emit.jmp(op, a, { reg: b }, good);
      emit.goto(aware.bail);
      emit.place(good);
    }
    const { id } = before;
    aware.state.regs = aware.state.regs.map((reg) => {
      return reg.kind === 'pkt' && reg.id === id ? { ...reg, size: Math.max(reg.size, proven) } : reg;
    });
  });
}

function recheck(aware: Aware): void {
  const pointer = aware.find('pkt', 'pkt', 'meta');
  const end = aware.find('end');
  if (pointer !== undefined && end !== undefined && pointer !== end) check(aware, pointer, end);
}

/** Adds a constant or a small scalar to a pointer. */
function advance(aware: Aware): void {
  const { random, emit } = aware;
  const src = aware.find('pkt', 'pkt', 'value', 'fp', 'mem');
  if (src === undefined) return;
  const before = aware.get(src);
  if (aware.pure && before.kind === 'fp') return;
  aware.keeping([src], () => {
    const dst = random.chance(30) && src !== 10 && !aware.locked.has(src) ? src : aware.fresh();
    if (random.chance(50)) {
      const by = random.of([1, 2, 4, 8, 14, -1, -4, -8]);
      if (dst !== src) emit.mov(dst, { reg: src });
      emit.alu(by < 0 && random.chance(50) ? 'sub' : 'add', dst, { imm: by < 0 ? by : by });
      aware.set(dst, { ...before, off: before.off + by });
      return;
    }
    aware.keeping([dst], () => variable(aware, dst, src));
  });
}

function variable(aware: Aware, dst: number, src: number): void {
  const { random, emit } = aware;
  const before = aware.get(src);
  const max = random.of([1, 3, 7, 15, 31, 255]);
  const index = aware.scalarReg();
  if (index === dst || aware.locked.has(index)) return;
  if (aware.get(index).size > max && !aware.careless()) bound(aware, index, max);
  if (random.chance(30)) emit.alu('lsh', index, { imm: random.below(3) });
  if (dst !== src) emit.mov(dst, { reg: src });
  emit.alu('add', dst, { reg: index });
  if (before.kind === 'pkt') {
    aware.set(dst, { ...before, off: 0, size: 0, id: aware.newId() });
    const end = aware.find('end');
    if (end !== undefined && end !== dst) check(aware, dst, end);
    return;
  }
  const room = before.kind === 'value' || before.kind === 'mem' ? before.size - before.off - max : 0;
  aware.set(dst, room > 0 ? { ...before, off: 0, size: room } : NONE);
}

function offsetIn(aware: Aware, reg: Reg, size: number): number | undefined {
  const { random } = aware;
  if (aware.careless()) return random.between(-9, 70);
  const room = reg.size - size;
  const low = reg.kind === 'pkt' || reg.kind === 'value' || reg.kind === 'mem' ? -reg.off : 0;
  const high = room - reg.off;
  if (high < low) return undefined;
  // The last place and one beyond it are the interesting ones.
  if (random.chance(15)) return high + (random.chance(aware.wild * 4) ? 1 : 0);
  return random.between(low, high);
}

function access(aware: Aware): void {
  const { random, emit } = aware;
  const base = aware.find('pkt', 'pkt', 'value', 'value', 'mem', 'record');
  if (base === undefined) return;
  const size = random.of(SIZES);
  const off = offsetIn(aware, aware.get(base), size);
  if (off === undefined) return;
  const writes = random.chance(aware.type === 'xdp' || aware.get(base).kind !== 'pkt' ? 40 : 5);
  if (!writes) {
    const dst = aware.fresh();
    const signed = random.chance(20) && size < 8;
    emit.load(dst, base, off, size, signed);
    aware.set(dst, signed ? scalar() : scalar(2 ** (8 * size) - 1));
  } else if (random.chance(30)) emit.store(base, off, size, { imm: random.below(256) });
  else if (random.chance(75) || size < 4 || aware.get(base).kind === 'pkt')
    emit.store(base, off, size, { reg: aware.scalarReg() });
  else atomic(aware, base, off, size);
}

const ATOMICS = [0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1, 0x100, 0x110] as const;

function atomic(aware: Aware, base: number, off: number, size: number): void {
  const kind = aware.random.of(ATOMICS);
  const operand = aware.scalarReg();
  if (operand === base) return;
  if (kind === 0x100) {
    const dst = aware.fresh();
    aware.emit.raw({ op: size === 8 ? 0xdb : 0xc3, dst, src: base, off, imm: kind });
    aware.set(dst, scalar());
    return;
  }
  if (kind === 0xf1 && aware.get(0).kind !== 'scalar') return;
  if ((kind & 1) === 1 && aware.locked.has(operand)) return;
  aware.emit.atomic(kind, base, off, size, operand);
  if (kind === 0xf1) aware.set(0, scalar());
  else if ((kind & 1) === 1) aware.set(operand, scalar());
}

const slotOf = (off: number): number => Math.floor((-off - 1) / 8);

function spill(aware: Aware): void {
  const { random, emit } = aware;
  const src = aware.find('scalar', 'scalar', 'pkt', 'value', 'null', 'ctx', 'end', 'fp', 'mem');
  if (src === undefined) return;
  const { kind } = aware.get(src);
  const narrow = kind === 'scalar' && !aware.pure;
  const size = narrow || aware.careless() ? random.of(SIZES) : 8;
  const slot = random.chance(80) ? random.below(6) : random.below(64);
  const inside = size < 8 ? random.below(8 / size) * size : 0;
  const off = -8 * (slot + 1) + inside + (aware.careless() ? random.below(8) : 0);
  if (random.chance(15)) emit.store(10, off, size, { imm: random.of([0, 0, 1, -1, 255]) });
  else emit.store(10, off, size, { reg: src });
  aware.state.stack[slotOf(off)] = size === 8 ? aware.get(src) : scalar();
}

function fill(aware: Aware): void {
  const { random, emit } = aware;
  const filled = aware.state.stack.flatMap((slot, i) => (slot.kind === 'none' ? [] : [i]));
  const slot = filled.length > 0 && !aware.careless() ? random.of(filled) : random.below(8);
  if (aware.pure && !filled.includes(slot)) return;
  const dst = aware.fresh();
  const held = aware.state.stack[slot] as Reg;
  const size = random.chance(60) || (held.kind !== 'scalar' && !aware.careless()) ? 8 : random.of(SIZES);
  const signed = size < 8 && random.chance(25);
  emit.load(dst, 10, -8 * (slot + 1) + (size < 8 ? random.below(8 / size) * size : 0), size, signed);
  aware.set(dst, size === 8 && held.kind !== 'none' ? held : scalar(signed ? undefined : 2 ** (8 * size) - 1));
}

function stackAtomic(aware: Aware): void {
  const size = aware.random.of([4, 8]);
  const slot = aware.random.below(6);
  aware.emit.store(10, -8 * (slot + 1), 8, { imm: 0 });
  aware.state.stack[slot] = scalar();
  atomic(aware, 10, -8 * (slot + 1), size);
}

/** A key on the stack; its offset. */
export function putKey(aware: Aware, size: number, max: number): number {
  const { random, emit } = aware;
  const off = -8 * random.between(1, 6);
  const careful = !aware.careless();
  if (random.chance(60)) {
    emit.store(10, off, size === 8 || aware.pure ? 8 : 4, { imm: random.below(max + (random.chance(20) ? 3 : 0)) });
  } else if (careful) emit.store(10, off, size === 8 || aware.pure ? 8 : 4, { reg: aware.scalarReg() });
  aware.state.stack[slotOf(off)] = scalar();
  return off;
}

const LOOKUPS = [
  'array',
  'array',
  'hash',
  'percpu',
  'rodata',
  'lru',
  'data',
  'outer',
] as const satisfies readonly FuzzMap[];

function lookup(aware: Aware): void {
  const { random, emit } = aware;
  if (aware.locked.has(0)) return;
  const name = random.of<FuzzMap>(aware.pure ? ['array', 'array', 'hash', 'rodata', 'data'] : LOOKUPS);
  const key = putKey(aware, name === 'hash' ? 8 : 4, 3);
  emit.mov(2, { reg: 10 });
  emit.alu('add', 2, { imm: key });
  emit.map(1, name);
  emit.helper(LOOKUP);
  const size = aware.valueSize(name);
  const of = name === 'outer' ? 'map' : 'value';
  aware.clobber({ kind: 'null', of, off: 0, size, id: aware.newId() });
  if (random.chance(90)) nullCheck(aware, 0);
  if (aware.get(0).kind === 'value' && random.chance(60)) {
    const dst = random.of([7, 8, 9]);
    if (!aware.locked.has(dst)) {
      emit.mov(dst, { reg: 0 });
      aware.set(dst, aware.get(0));
    }
  }
}

export function nullCheck(aware: Aware, reg: number): void {
  const { random, emit } = aware;
  const before = aware.get(reg);
  const width = random.chance(aware.wild) ? 32 : 64;
  if (random.chance(75)) emit.jmp('eq', reg, { imm: 0 }, aware.bail, width);
  else {
    const good = emit.newLabel();
    emit.jmp('ne', reg, { imm: 0 }, good, width);
    emit.goto(aware.bail);
    emit.place(good);
  }
  const known = (value: Reg): Reg =>
    value.kind === 'null' && value.id === before.id ? { ...value, kind: value.of ?? 'value' } : value;
  aware.state.regs = aware.state.regs.map(known);
  aware.state.stack = aware.state.stack.map((slot) =>
    slot.kind === 'null' && slot.id === before.id ? known(slot) : slot,
  );
}

function lateCheck(aware: Aware): void {
  const reg = aware.find('null');
  if (reg !== undefined && aware.get(reg).kind === 'null') nullCheck(aware, reg);
}

function mapValue(aware: Aware): void {
  const { random, emit } = aware;
  const name = random.of(['data', 'rodata'] as const);
  const off = random.of([0, 0, 4, 8]);
  const dst = aware.fresh();
  emit.mapValue(dst, name, off);
  aware.set(dst, { kind: 'value', off, size: aware.valueSize(name), id: 0 });
}

function ctxAccess(aware: Aware): void {
  const { random, emit } = aware;
  const base = aware.find('ctx');
  if (base === undefined) return;
  if (aware.ctx.stores.length > 0 && random.chance(30)) {
    emit.store(base, random.of(aware.ctx.stores), 4, { reg: aware.scalarReg() });
    return;
  }
  const dst = aware.fresh();
  if (aware.careless()) emit.load(dst, base, random.below(200), random.of(SIZES));
  else emit.load(dst, base, random.of(aware.ctx.words), 4);
  aware.set(dst, scalar(0xffffffff));
}

export const MEMORY_GADGETS: readonly Gadget[] = [
  { weight: 9, run: loadPacket },
  { weight: 5, run: recheck },
  { weight: 8, run: advance },
  { weight: 22, run: access },
  { weight: 9, run: spill },
  { weight: 9, run: fill },
  { weight: 2, run: stackAtomic },
  { weight: 7, run: lookup },
  { weight: 3, run: lateCheck },
  { weight: 2, run: mapValue },
  { weight: 3, run: ctxAccess },
];
