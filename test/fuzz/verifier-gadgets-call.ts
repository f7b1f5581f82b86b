// Gadgets of calls: helpers with their arguments, functions, callbacks, tail calls.

import type { Gadget } from './verifier-gadgets.ts';
import { nullCheck, putKey } from './verifier-gadgets-memory.ts';
import { bound } from './verifier-gadgets-scalar.ts';
import type { Aware } from './verifier-gen-aware.ts';
import { type FuzzMap, mapIndex } from './verifier-item.ts';
import { NONE, type Reg, scalar } from './verifier-model.ts';

const H = {
  ...{ update: 2, delete: 3, prandom: 7, tailCall: 12, redirect: 23, csumDiff: 28, adjustHead: 44, adjustTail: 65 },
  ...{ adjustMeta: 54, skbLoadBytes: 26, xdpLoadBytes: 189, forEach: 164, loop: 181, reserve: 131, submit: 132 },
  ...{ discard: 133, output: 130, query: 134, strtol: 105, fib: 69 },
} as const;

function stackPointer(aware: Aware, reg: number, off: number): void {
  aware.emit.mov(reg, { reg: 10 });
  aware.emit.alu('add', reg, { imm: off });
  aware.set(reg, { kind: 'fp', off, size: 0, id: 0 });
}

/** `size` bytes of the stack are written. */
function fillStack(aware: Aware, off: number, size: number): void {
  for (let at = off; at < off + size; at += 8) {
    aware.emit.store(10, at, 8, { imm: 0 });
    aware.state.stack[Math.floor((-at - 1) / 8)] = scalar();
  }
}

function update(aware: Aware): void {
  if (aware.locked.has(0)) return;
  const { random, emit } = aware;
  const name = random.of<FuzzMap>(aware.pure ? ['array', 'hash', 'data'] : ['array', 'hash', 'lru', 'percpu']);
  const key = putKey(aware, name === 'hash' ? 8 : 4, 3);
  const size = aware.valueSize(name);
  const value = random.chance(30) ? aware.find('value', 'pkt', 'mem') : undefined;
  stackPointer(aware, 2, key);
  if (value !== undefined && value > 2 && aware.get(value).size - aware.get(value).off >= size) {
    emit.mov(3, { reg: value });
  } else {
    const off = -8 * Math.ceil(size / 8) - 8 * random.below(3) - 48;
    if (!aware.careless()) fillStack(aware, off, size);
    stackPointer(aware, 3, off);
  }
  emit.map(1, name);
  if (!aware.careless()) emit.mov(4, { imm: 0 });
  emit.helper(H.update);
  aware.clobber(scalar());
}

function remove(aware: Aware): void {
  if (aware.locked.has(0)) return;
  const name = aware.random.of<FuzzMap>(aware.pure ? ['hash'] : ['hash', 'lru', 'array']);
  const key = putKey(aware, name === 'hash' ? 8 : 4, 3);
  stackPointer(aware, 2, key);
  aware.emit.map(1, name);
  aware.emit.helper(H.delete);
  aware.clobber(scalar());
}

/** Memory and a size: constant, or a bounded scalar. */
function memoryPair(aware: Aware, pointer: number, size: number): void {
  const { random, emit } = aware;
  const source = aware.find('pkt', 'value', 'mem');
  const known = source === undefined || source < 1 ? NONE : aware.get(source);
  const room = known.size - known.off;
  let bytes = random.of([4, 8, 16, 12]);
  if (source !== undefined && source !== pointer && source !== size && room >= 4 && random.chance(60)) {
    emit.mov(pointer, { reg: source });
    bytes = Math.min(bytes, room & ~3);
  } else {
    const off = -8 * random.between(2, 5) - 16;
    if (aware.pure || random.chance(85)) fillStack(aware, off, 16);
    stackPointer(aware, pointer, off);
  }
  aware.set(pointer, NONE);
  if (random.chance(65)) {
    emit.mov(size, { imm: aware.careless() ? random.between(-1, 80) : bytes });
    return;
  }
  const index = aware.state.regs.findIndex((reg, i) => reg.kind === 'scalar' && i >= 6 && i < 10);
  if (index < 0) {
    emit.mov(size, { imm: bytes });
    return;
  }
  emit.mov(size, { reg: index });
  aware.keeping([pointer, size], () => bound(aware, size, bytes >= 8 ? 7 : 3));
}

function csumDiff(aware: Aware): void {
  if (aware.locked.has(0) || [1, 2, 3, 4, 5].some((reg) => aware.locked.has(reg))) return;
  const { random, emit } = aware;
  if (random.chance(40)) {
    emit.mov(1, { imm: 0 });
    emit.mov(2, { imm: 0 });
  } else memoryPair(aware, 1, 2);
  aware.keeping([1, 2], () => memoryPair(aware, 3, 4));
  emit.mov(5, { imm: 0 });
  emit.helper(H.csumDiff);
  aware.clobber(scalar());
}

/** Packet pointers end here. */
function adjust(aware: Aware): void {
  const ctx = aware.find('ctx');
  if (ctx === undefined || aware.locked.has(0) || aware.type !== 'xdp') return;
  const { random, emit } = aware;
  if (ctx !== 1) emit.mov(1, { reg: ctx });
  emit.mov(2, { imm: random.of([0, -8, 8, -16, 4]) });
  emit.helper(random.of([H.adjustHead, H.adjustTail, H.adjustMeta]));
  const gone = (reg: Reg): Reg => (['pkt', 'end', 'meta'].includes(reg.kind) ? NONE : reg);
  if (!aware.careless()) {
    aware.state.regs = aware.state.regs.map(gone);
    aware.state.stack = aware.state.stack.map(gone);
  }
  aware.clobber(scalar());
}

function loadBytes(aware: Aware): void {
  const ctx = aware.find('ctx');
  if (ctx === undefined || aware.locked.has(0)) return;
  const { random, emit } = aware;
  const size = aware.pure ? 8 : random.of([1, 4, 8, 12]);
  const off = -8 * random.between(2, 6);
  // A call that fails leaves the buffer alone, and what was there before differs between machines.
  if (aware.pure) fillStack(aware, off, size);
  if (ctx !== 1) emit.mov(1, { reg: ctx });
  emit.mov(2, { imm: random.below(32) });
  stackPointer(aware, 3, off);
  emit.mov(4, { imm: size });
  emit.helper(aware.type === 'xdp' ? H.xdpLoadBytes : H.skbLoadBytes);
  if (!aware.pure || size >= 8) aware.state.stack[Math.floor((-off - 1) / 8)] = scalar();
  aware.clobber(scalar());
}

function tailCall(aware: Aware): void {
  const ctx = aware.find('ctx');
  if (ctx === undefined || aware.locked.has(0)) return;
  const { random, emit } = aware;
  const index = random.chance(30) ? aware.find('scalar') : undefined;
  if (index !== undefined && index > 3) emit.mov(3, { reg: index });
  else emit.mov(3, { imm: random.below(5) });
  if (ctx !== 1) emit.mov(1, { reg: ctx });
  emit.map(2, aware.careless() ? 'array' : 'progs');
  emit.helper(H.tailCall);
  aware.clobber(scalar());
}

function ringbuf(aware: Aware): void {
  if (aware.locked.has(0) || aware.nested) return;
  const { random, emit } = aware;
  const size = random.of([8, 16, 24, 1]);
  emit.map(1, 'ringbuf');
  emit.mov(2, { imm: size });
  emit.mov(3, { imm: 0 });
  emit.helper(H.reserve);
  aware.clobber({ kind: 'null', of: 'record', off: 0, size, id: aware.newId() });
  if (!aware.careless()) nullCheck(aware, 0);
  const keep = random.of([6, 7, 8, 9].filter((reg) => !aware.locked.has(reg) && aware.get(reg).kind !== 'ctx'));
  if (keep === undefined) return;
  emit.mov(keep, { reg: 0 });
  aware.set(keep, aware.get(0));
  aware.keeping([keep], () => {
    if (random.chance(50)) emit.store(keep, 0, 1, { imm: 1 });
    if (random.chance(30)) aware.body(1);
  });
  if (aware.careless()) return;
  emit.mov(1, { reg: keep });
  emit.mov(2, { imm: 0 });
  emit.helper(random.of([H.submit, H.discard]));
  aware.state.regs = aware.state.regs.map((reg) => (reg.kind === 'record' ? NONE : reg));
  aware.clobber(NONE);
}

/** Arguments that are in R1 to R5 already, and what the function knows of them. */
function argumentsOf(aware: Aware): Reg[] {
  const args: Reg[] = [];
  for (let reg = 1; reg <= 5; reg++) {
    const { kind } = aware.get(reg);
    if (kind === 'none') break;
    args.push(kind === 'fp' ? { ...aware.get(reg), kind: 'mem', size: 0 } : aware.get(reg));
  }
  return args;
}

function callFunction(aware: Aware): void {
  if (aware.locked.has(0)) return;
  const { random, emit } = aware;
  const ctx = aware.find('ctx');
  if (ctx !== undefined && ctx !== 1 && random.chance(70)) {
    emit.mov(1, { reg: ctx });
    aware.set(1, aware.get(ctx));
  }
  if (random.chance(50)) {
    const off = -8 * random.between(1, 4);
    fillStack(aware, off, 8);
    stackPointer(aware, 2, off);
    aware.set(2, { kind: 'mem', off: 0, size: 8, id: 0 });
  } else {
    const value = aware.find('value', 'pkt', 'scalar');
    if (value !== undefined && value > 2) {
      emit.mov(2, { reg: value });
      aware.set(2, aware.get(value));
    }
  }
  const known = argumentsOf(aware);
  emit.call(aware.function(known));
  aware.clobber(scalar());
}

function callback(aware: Aware): void {
  if (aware.locked.has(0)) return;
  const { random, emit } = aware;
  const off = -8 * random.between(1, 4);
  fillStack(aware, off, 8);
  const stack: Reg = { kind: 'mem', off: 0, size: 8, id: 0 };
  if (random.chance(60)) {
    emit.mov(1, { imm: random.of([0, 1, 3, 16, 1000]) });
    emit.func(2, aware.function([scalar(), stack], true));
    stackPointer(aware, 3, off);
    emit.mov(4, { imm: 0 });
    emit.helper(H.loop);
  } else {
    const name = random.of<FuzzMap>(['array', 'hash', 'lru']);
    const map: Reg = { kind: 'map', off: 0, size: 0, id: mapIndex(name) };
    const key: Reg = { kind: 'mem', off: 0, size: name === 'hash' ? 8 : 4, id: 0 };
    const value: Reg = { kind: 'value', off: 0, size: aware.valueSize(name), id: 0 };
    emit.map(1, name);
    emit.func(2, aware.function([map, key, value, stack], true));
    stackPointer(aware, 3, off);
    emit.mov(4, { imm: 0 });
    emit.helper(H.forEach);
  }
  aware.state.stack[Math.floor((-off - 1) / 8)] = scalar();
  aware.clobber(scalar());
}

export const CALL_GADGETS: readonly Gadget[] = [
  { weight: 3, run: update },
  { weight: 1, run: remove },
  { weight: 4, run: csumDiff },
  { weight: 2, run: adjust },
  { weight: 2, run: loadBytes },
  { weight: 2, run: tailCall },
  { weight: 2, run: ringbuf, nests: true, impure: true },
  { weight: 3, run: callFunction },
  { weight: 1, run: callback, impure: true },
];
