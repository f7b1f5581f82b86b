/** What one op does to the facts of registers and spilled values. */
import { BPF_FUNC_ringbuf_reserve, FIXED_SIZE, HELPER_BY_ID, isFixedArg } from '../isa/helpers.ts';
import type { Op } from '../isa/op.ts';
import type { RegFact } from '../verifier/facts.ts';
import { ANY_STACK, boundOf, PACKET, PACKET_END, U32, U62, UNKNOWN } from './fact.ts';
import { forgetPacket, retireBase, type State } from './state.ts';

/** Buffers larger than this reach beyond a frame; they count as being anywhere. */
const MAX_BUFFER = 512;

/** Offsets beyond this from a base are not followed. */
const MAX_OFF = 1 << 29;

/** What is known of the whole program. */
export interface TransferOptions {
  /** Start pcs of the functions that may move the packet's ends. */
  readonly movesPacket: ReadonlySet<number>;
  /** The context is a `struct xdp_md`: its first fields are the packet's ends. */
  readonly xdp: boolean;
}

/** A packet pointer plus something that is not negative: a new base, made at `pc`. */
function packetPlus(fact: RegFact & { kind: 'packet' }, by: RegFact, pc: number): RegFact {
  const { base } = fact;
  const bound = boundOf(by);
  if (base === undefined || base.off < 0 || bound === undefined) return PACKET;
  // One addition may add up to 2^62. All others add less than 2^32 each, and a run has fewer than 2^30 insns: no wrapping.
  if (bound === 'u62' && !base.small && base.range === 0) return PACKET;
  return { kind: 'packet', base: { id: pc, off: 0, range: 0, small: false } };
}

function plusConst(fact: RegFact, delta: number): RegFact {
  switch (fact.kind) {
    case 'stack':
      return fact.off === undefined ? ANY_STACK : { kind: 'stack', off: fact.off + delta };
    case 'ctx':
      return { kind: 'ctx', off: fact.off + delta };
    case 'map_value':
      return { ...fact, off: fact.off + delta };
    case 'packet': {
      const { base } = fact;
      if (base === undefined || Math.abs(base.off + delta) > MAX_OFF) return PACKET;
      return { kind: 'packet', base: { ...base, off: base.off + delta } };
    }
    default:
      return UNKNOWN;
  }
}

/** dst + src, 64 bits. */
function add(a: RegFact, b: RegFact, pc: number): RegFact {
  const isNumber = (fact: RegFact) => fact.kind === 'const' || fact.kind === 'scalar' || fact.kind === 'unknown';
  if (isNumber(a) && isNumber(b)) {
    const [first, second] = [boundOf(a), boundOf(b)];
    // At most one of the two may be large: a sum of two large ones could double with every round of a loop.
    return first !== undefined && second !== undefined && (first === 'u32' || second === 'u32') ? U62 : UNKNOWN;
  }
  if (isNumber(a)) return add(b, a, pc);
  if (b.kind === 'const') return plusConst(a, b.value);
  if (a.kind === 'packet') return isNumber(b) ? packetPlus(a, b, pc) : UNKNOWN;
  return a.kind === 'stack' ? ANY_STACK : UNKNOWN;
}

function subtract(a: RegFact, b: RegFact): RegFact {
  if (b.kind === 'const') return plusConst(a, -b.value);
  if (a.kind === 'packet') return b.kind === 'packet' || b.kind === 'packet_end' ? UNKNOWN : PACKET;
  return a.kind === 'stack' ? ANY_STACK : UNKNOWN;
}

function alu(state: State, op: Op & { kind: 'alu' }, pc: number): RegFact {
  const src: RegFact =
    op.src === undefined
      ? UNKNOWN
      : op.src.kind === 'imm'
        ? { kind: 'const', value: op.src.value }
        : state.regs[op.src.reg];
  if (op.width === 32) return op.op === 'mov' && src.kind === 'const' ? { kind: 'const', value: src.value >>> 0 } : U32;
  const dst = state.regs[op.dst];
  switch (op.op) {
    case 'mov':
      return src;
    case 'add':
      return add(dst, src, pc);
    case 'sub':
      return subtract(dst, src);
    case 'and':
      return boundOf(src) === 'u32' || boundOf(dst) === 'u32' ? U32 : UNKNOWN;
    case 'rsh':
      return src.kind === 'const' && (src.value & 63) >= 32 ? U32 : boundOf(dst) === 'u32' ? U32 : UNKNOWN;
    case 'lsh':
      return src.kind === 'const' && src.value >= 0 && src.value < 30 && boundOf(dst) === 'u32' ? U62 : UNKNOWN;
    default:
      return UNKNOWN;
  }
}

function load(state: State, op: Op & { kind: 'load' }, pc: number, xdp: boolean): RegFact {
  const base = state.regs[op.src];
  if (base.kind === 'ctx' && xdp && op.size === 4 && !op.signed) {
    const at = base.off + op.off;
    if (at === 4) return PACKET_END;
    if (at === 0 || at === 8) return { kind: 'packet', base: { id: pc, off: 0, range: 0, small: true } };
  }
  if (base.kind === 'stack' && base.off !== undefined && op.size === 8) {
    return state.slots.get(base.off + op.off) ?? UNKNOWN;
  }
  return op.size < 8 && !op.signed ? U32 : UNKNOWN;
}

/** Forgets what a store of `size` bytes at `base` + `off` may overwrite. */
function clobber(state: State, base: RegFact, off: number, size: number): void {
  if (base.kind === 'packet' || base.kind === 'map_value' || base.kind === 'ctx') return;
  if (base.kind !== 'stack' || base.off === undefined) {
    state.slots.clear();
    return;
  }
  const at = base.off + off;
  for (let slot = at - 7; slot < at + size; slot++) state.slots.delete(slot);
}

function store(state: State, op: Op & { kind: 'store' }): void {
  const base = state.regs[op.dst];
  clobber(state, base, op.off, op.size);
  if (op.size !== 8 || op.src.kind !== 'reg' || base.kind !== 'stack' || base.off === undefined) return;
  const fact = state.regs[op.src.reg];
  if (fact.kind !== 'unknown') state.slots.set(base.off + op.off, fact);
}

function helperResult(state: State, id: number): RegFact {
  const proto = HELPER_BY_ID.get(id);
  const map = state.regs[1];
  if (proto?.ret === 'map_value_or_null' && map.kind === 'map') {
    return { kind: 'map_value', map: map.map, off: 0, nonNull: false };
  }
  // A record stays the ring buffer's when it is submitted, and programs may touch all of a ring buffer's data.
  const size = state.regs[2];
  if (id === BPF_FUNC_ringbuf_reserve && map.kind === 'map' && size.kind === 'const' && size.value > 0) {
    return { kind: 'map_value', map: map.map, off: 0, nonNull: false, size: size.value };
  }
  return UNKNOWN;
}

/**
 * A helper writes to memory that is checked as it runs: whatever is known of the pointer, it may by now point into the stack. Only a buffer
 * that is surely in this frame leaves the slots around it alone.
 */
function clobberBuffer(state: State, buffer: RegFact, size: RegFact): void {
  const bytes = size.kind === 'const' && size.value >= 0 && size.value <= MAX_BUFFER ? size.value : undefined;
  if (buffer.kind === 'stack' && buffer.off !== undefined && bytes !== undefined) clobber(state, buffer, 0, bytes);
  else state.slots.clear();
}

function call(state: State, op: Op & { kind: 'call' }): void {
  const result = helperResult(state, op.helper);
  const proto = HELPER_BY_ID.get(op.helper);
  proto?.args.forEach((arg, i) => {
    if (arg === 'uninit_mem') clobberBuffer(state, state.regs[i + 1], state.regs[i + 2]);
    else if (isFixedArg(arg) && FIXED_SIZE[arg].write)
      clobberBuffer(state, state.regs[i + 1], { kind: 'const', value: FIXED_SIZE[arg].size });
  });
  state.regs[0] = result;
  for (let r = 1; r <= 5; r++) state.regs[r] = UNKNOWN;
  // A callback may do anything to the frames above its own, and to the packet.
  if (proto?.callsBack === true) state.slots.clear();
  if (proto?.changesPacket !== false || proto.callsBack) forgetPacket(state);
}

function wide(op: Op & { kind: 'lddw' }): RegFact {
  const { value } = op;
  if (value.kind === 'map_idx' || value.kind === 'map_fd') return { kind: 'map', map: value.map };
  if (value.kind === 'map_idx_value' || value.kind === 'map_value') {
    return { kind: 'map_value', map: value.map, off: value.offset, nonNull: true };
  }
  return UNKNOWN;
}

/** A register takes a fact; a base made here retires the one that this insn made before. */
function assign(state: State, reg: number, fact: RegFact, pc: number): void {
  if (fact.kind === 'packet' && fact.base?.id === pc) retireBase(state, pc);
  state.regs[reg] = fact;
}

/** Changes `state` to what holds after `op`. */
export function transfer(state: State, op: Op, pc: number, options: TransferOptions): void {
  switch (op.kind) {
    case 'alu':
      assign(state, op.dst, alu(state, op, pc), pc);
      return;
    case 'movsx':
      state.regs[op.dst] = op.width === 32 ? U32 : UNKNOWN;
      return;
    case 'cast_user':
      state.regs[op.dst] = UNKNOWN;
      return;
    case 'swap':
      state.regs[op.dst] = op.bits < 64 ? U32 : UNKNOWN;
      return;
    case 'load':
      assign(state, op.dst, load(state, op, pc, options.xdp), pc);
      return;
    case 'store':
      store(state, op);
      return;
    case 'atomic':
      clobber(state, state.regs[op.dst], op.off, op.size);
      if (op.op === 'load_acq') state.regs[op.dst] = UNKNOWN;
      else if (op.op === 'cmpxchg') state.regs[0] = UNKNOWN;
      else if (op.fetch) state.regs[op.src] = UNKNOWN;
      return;
    case 'lddw':
      state.regs[op.dst] = wide(op);
      return;
    case 'call':
      call(state, op);
      return;
    case 'call_local':
    case 'call_kfunc':
    case 'ldabs':
    case 'ldind':
      if (op.kind === 'call_local' || op.kind === 'call_kfunc') state.slots.clear();
      for (let r = 0; r <= 5; r++) state.regs[r] = UNKNOWN;
      if (op.kind === 'call_kfunc' || (op.kind === 'call_local' && options.movesPacket.has(op.target)))
        forgetPacket(state);
      return;
    case 'ja':
    case 'jcond':
    case 'may_goto':
    case 'exit':
      return;
  }
}
