/**
 * BPF in BigInt, straight from RFC 9669: slow, independent of src/ir and src/jit, and with its own decoder. It runs on the memory of a twin
 * engine, so that addresses are the same as in the engine under test and memory can be compared byte for byte; the helpers it calls
 * are the twin's runtime, but whether their arguments may be touched is judged here.
 */
import {
  MAP_DATA,
  MAP_KEY_SIZE,
  MAP_MAX_ENTRIES,
  MAP_TYPE,
  MAP_VALUE_SIZE,
  STACK_BASE,
  STACK_TOP,
  VM_CTX,
  XDP_MD_SIZE,
} from '../../assembly/abi.ts';
import type { Engine } from '../../src/engine.ts';
import { HELPER_BY_ID, type HelperProto, wasmArg } from '../../src/isa/helpers.ts';
import type { BpfMap } from '../../src/runtime/map.ts';
import { alu, byteOrder, condition, type Width } from './semantics.ts';

export interface InterpProg {
  readonly id: number;
  readonly type: 'xdp' | 'socket_filter';
  readonly insns: Uint8Array;
}

export interface InterpHost {
  readonly engine: Engine;
  readonly maps: readonly BpfMap[];
  /** By program id, for tail calls. */
  readonly progs: ReadonlyMap<number, InterpProg>;
  readonly stepLimit: number;
}

export type Outcome =
  | { readonly kind: 'exit'; readonly r0: bigint }
  | {
      readonly kind: 'violation';
      readonly code: 'access' | 'argument';
      readonly progId: number;
      readonly pc: number;
      readonly address: bigint;
      readonly size: number;
      readonly write: boolean;
    }
  /** More steps than the host allows. */
  | { readonly kind: 'limit' }
  /** Something that engines may answer either way: the stack outside of the function's own frame. */
  | { readonly kind: 'ambiguous' };

const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
const u32 = (x: bigint): number => Number(BigInt.asUintN(32, x));
const SIZES: Record<number, number> = { 0: 4, 8: 2, 16: 1, 24: 8 };
const MAX_STACK = 512;
const MAX_TAIL_CALLS = 33;
const MAX_LOOPS = 8388608;
/** Further than a small hash reaches. */
const HASH_REGION = 4096;
const MAX_SIZE = 1n << 29n;

/** Ends the run. */
class Stop {
  readonly outcome: Outcome;
  constructor(outcome: Outcome) {
    this.outcome = outcome;
  }
}

interface Frame {
  readonly regs: bigint[];
  readonly back: number;
  prog: InterpProg;
  loops: number;
}

export class Interp {
  private readonly host: InterpHost;
  private readonly ctx: number;
  private prog: InterpProg;
  private regs: bigint[];
  private pc = 0;
  private tailCalls = 0;
  private steps = 0;
  private loops = 0;
  private readonly frames: Frame[] = [];

  constructor(host: InterpHost, prog: InterpProg, ctx: number) {
    this.host = host;
    this.prog = prog;
    this.ctx = ctx;
    this.regs = this.entryRegs(STACK_TOP);
  }

  private entryRegs(fp: number): bigint[] {
    const regs = new Array<bigint>(11).fill(0n);
    regs[1] = BigInt(this.ctx);
    regs[10] = BigInt(fp);
    return regs;
  }

  /** Insns executed so far. */
  get stepCount(): number {
    return this.steps;
  }

  private get view(): DataView {
    return this.host.engine.memory.view;
  }

  run(): Outcome {
    this.host.engine.memory.setU32(this.host.engine.vm + VM_CTX, this.ctx);
    try {
      for (;;) {
        if (this.steps++ > this.host.stepLimit) return { kind: 'limit' };
        if (this.step()) return { kind: 'exit', r0: this.regs[0] as bigint };
      }
    } catch (stop) {
      if (stop instanceof Stop) return stop.outcome;
      throw stop;
    }
  }

  private violate(code: 'access' | 'argument', address: bigint, size: number, write: boolean): never {
    throw new Stop({ kind: 'violation', code, progId: this.prog.id, pc: this.pc, address, size, write });
  }

  /** Where programs may go: the stack, the context, the packet with its metadata, one value of a map. */
  private allowed(address: bigint, size: number, write: boolean): boolean {
    const { view, ctx } = this;
    const end = address + BigInt(size);
    const inside = (from: number, to: number) => address >= BigInt(from) && end <= BigInt(to);
    if (inside(STACK_BASE, STACK_TOP)) {
      const fp = Number(this.regs[10]);
      if (!inside(fp - MAX_STACK, fp)) throw new Stop({ kind: 'ambiguous' });
      return true;
    }
    if (inside(view.getUint32(ctx + 8, true), view.getUint32(ctx + 4, true))) return true;
    if (!write && inside(ctx, ctx + XDP_MD_SIZE)) return this.prog.type === 'xdp';
    if (this.host.maps.some((map) => insideValue(this.host.engine, map, address, size, write))) return true;
    // An element of a hash that is free, or was deleted or replaced, is still memory of its map: an engine may let programs there.
    for (const map of this.host.maps) {
      if (map.spec.type === 1 && inside(map.address + MAP_DATA, map.address + HASH_REGION)) {
        throw new Stop({ kind: 'ambiguous' });
      }
    }
    return false;
  }

  private load(address: bigint, size: number, signed: boolean): bigint {
    if (!this.allowed(address, size, false)) this.violate('access', address, size, false);
    let value = 0n;
    const { u8 } = this.host.engine.memory;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(u8[Number(address) + i] as number);
    return signed ? u64(BigInt.asIntN(size * 8, value)) : value;
  }

  private store(address: bigint, size: number, value: bigint): void {
    if (!this.allowed(address, size, true)) this.violate('access', address, size, true);
    const { u8 } = this.host.engine.memory;
    for (let i = 0; i < size; i++) u8[Number(address) + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }

  /** One insn; true when the program is done. */
  private step(): boolean {
    const { insns } = this.prog;
    const view = new DataView(insns.buffer, insns.byteOffset, insns.length);
    const at = this.pc * 8;
    const opcode = insns[at] as number;
    const dst = (insns[at + 1] as number) & 15;
    const src = (insns[at + 1] as number) >> 4;
    const off = view.getInt16(at + 2, true);
    const imm = view.getInt32(at + 4, true);
    const insn = { opcode, dst, src, off, imm };
    const width: Width = (opcode & 7) === 7 || (opcode & 7) === 5 ? 64 : 32;
    switch (opcode & 7) {
      case 4:
      case 7:
        this.alu(insn, width);
        break;
      case 5:
      case 6:
        return this.jump(insn, width);
      case 0:
        return this.wideOrPacket(insn, opcode === 0x18 ? view.getInt32(at + 12, true) : 0);
      case 1:
        this.regs[dst] = this.load(this.address(src, off), SIZES[opcode & 0x18] as number, (opcode & 0xe0) === 0x80);
        break;
      default:
        this.storeClass(insn);
    }
    this.pc++;
    return false;
  }

  private address(reg: number, off: number): bigint {
    return u64((this.regs[reg] as bigint) + BigInt(off));
  }

  private alu(insn: Insn, width: Width): void {
    const { opcode, dst, src, off, imm } = insn;
    const a = this.regs[dst] as bigint;
    const b = (opcode & 8) !== 0 ? (this.regs[src] as bigint) : BigInt(imm);
    if ((opcode & 0xf0) === 0xd0) this.regs[dst] = byteOrder(imm, width === 64 || (opcode & 8) !== 0, a);
    else this.regs[dst] = alu(opcode & 0xf0, width, off, a, b);
  }

  private jump(insn: Insn, width: Width): boolean {
    const { opcode, dst, src, off, imm } = insn;
    const code = opcode & 0xf0;
    if (code === 0x80) return this.call(insn);
    if (code === 0x90) return this.exit();
    if (code === 0x00) this.pc += 1 + (width === 64 ? off : imm);
    else if (code === 0xe0) this.pc += 1 + (this.loops++ < MAX_LOOPS ? 0 : off);
    else {
      const b = (opcode & 8) !== 0 ? (this.regs[src] as bigint) : BigInt(imm);
      this.pc += 1 + (condition(code, width, this.regs[dst] as bigint, b) ? off : 0);
    }
    return false;
  }

  private exit(): boolean {
    const frame = this.frames.pop();
    if (frame === undefined) return true;
    const r0 = this.regs[0] as bigint;
    this.regs = frame.regs;
    this.regs[0] = r0;
    this.pc = frame.back;
    this.prog = frame.prog;
    this.loops = frame.loops;
    return false;
  }

  private wideOrPacket(insn: Insn, high: number): boolean {
    const { opcode, dst, src, imm } = insn;
    if (opcode !== 0x18) return this.packetLoad(insn);
    const map = this.host.maps[imm];
    if (src === 0) this.regs[dst] = u64((BigInt(high) << 32n) | BigInt(imm >>> 0));
    else if (src === 5) this.regs[dst] = BigInt(map?.address as number);
    else this.regs[dst] = BigInt((map?.address as number) + MAP_DATA + high);
    this.pc += 2;
    return false;
  }

  /** RFC 9669 section 5.5, with the kernel's offsets. */
  private packetLoad(insn: Insn): boolean {
    const size = SIZES[insn.opcode & 0x18] as number;
    const index = (insn.opcode & 0xe0) === 0x40 ? (this.regs[insn.src] as bigint) : 0n;
    const offset = Number(BigInt.asIntN(32, index + BigInt(insn.imm)));
    const base = offset >= 0 ? (this.prog.type === 'xdp' ? 0 : 14) : offset >= -0x100000 ? 0x10000e : 0x200000;
    const from = offset + base;
    const data = this.view.getUint32(this.ctx, true);
    if (from < 0 || from + size > this.view.getUint32(this.ctx + 4, true) - data) {
      this.regs[0] = 0n;
      return this.exit();
    }
    const { u8 } = this.host.engine.memory;
    this.regs[0] = u8.slice(data + from, data + from + size).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    this.pc++;
    return false;
  }

  private storeClass(insn: Insn): void {
    const { opcode, dst, src, off, imm } = insn;
    const size = SIZES[opcode & 0x18] as number;
    if ((opcode & 7) === 2) this.store(this.address(dst, off), size, u64(BigInt(imm)));
    else if ((opcode & 0xe0) === 0x60) this.store(this.address(dst, off), size, this.regs[src] as bigint);
    else this.atomic(insn, size);
  }

  private atomic({ dst, src, off, imm }: Insn, size: number): void {
    if (imm === 0x100) {
      this.regs[dst] = this.load(this.address(src, off), size, false);
      return;
    }
    const at = this.address(dst, off);
    const value = this.regs[src] as bigint;
    // An atomic is a store for those who may not write.
    if (!this.allowed(at, size, true)) this.violate('access', at, size, true);
    if (imm === 0x110) {
      this.store(at, size, value);
      return;
    }
    const old = this.load(at, size, false);
    const operand = BigInt.asUintN(size * 8, value);
    if (imm === 0xf1) {
      if (BigInt.asUintN(size * 8, this.regs[0] as bigint) === old) this.store(at, size, operand);
      this.regs[0] = old;
      return;
    }
    const results: Record<number, bigint> = {
      0: old + operand,
      64: old | operand,
      80: old & operand,
      160: old ^ operand,
      224: operand,
    };
    this.store(at, size, u64(results[imm & 0xf0] as bigint));
    if ((imm & 1) !== 0) this.regs[src] = old;
  }

  private call({ src, imm }: Insn): boolean {
    if (src === 1) {
      const callee = new Array<bigint>(11).fill(0n);
      for (let r = 1; r <= 5; r++) callee[r] = this.regs[r] as bigint;
      callee[10] = (this.regs[10] as bigint) - BigInt(MAX_STACK);
      this.frames.push({ regs: this.regs, back: this.pc + 1, prog: this.prog, loops: this.loops });
      this.regs = callee;
      this.loops = 0;
      this.pc += 1 + imm;
      return false;
    }
    const proto = HELPER_BY_ID.get(imm) as HelperProto;
    this.checkArgs(proto);
    if (proto.name === 'tail_call') this.tailCall();
    else {
      this.callHelper(proto);
      this.pc++;
    }
    return false;
  }

  private callHelper(proto: HelperProto): void {
    const args = proto.args.map((arg, i) => {
      const value = this.regs[i + 1] as bigint;
      return wasmArg(arg) === 'i64' ? BigInt.asIntN(64, value) : u32(value) | 0;
    });
    const helpers = this.host.engine.runtime as unknown as Record<string, (...args: unknown[]) => number | bigint>;
    const result = helpers[proto.name]?.(...args) as number | bigint;
    if (proto.ret !== 'void') this.regs[0] = typeof result === 'bigint' ? u64(result) : BigInt(result >>> 0);
  }

  private checkArgs(proto: HelperProto): void {
    const bad = (reg: number, size = 0, write = false) =>
      this.violate('argument', this.regs[reg] as bigint, size, write);
    const reg = (r: number) => this.regs[r] as bigint;
    proto.args.forEach((arg, i) => {
      if ((arg === 'size' || arg === 'size_or_zero') && reg(i + 1) >= MAX_SIZE) bad(i + 1);
      if (arg === 'size' && reg(i + 1) === 0n) bad(i + 1);
    });
    proto.args.forEach((arg, i) => {
      const r = i + 1;
      const memory = (size: number, write = false) => {
        if (size > 0 && !this.allowed(reg(r), size, write)) bad(r, size, write);
      };
      if (arg === 'ctx' && reg(r) !== BigInt(this.ctx)) bad(r);
      else if (arg === 'const_map_ptr' && !this.mayUse(reg(r), proto.name)) bad(r);
      else if (arg === 'map_key') memory(this.view.getUint32(u32(reg(1)) + MAP_KEY_SIZE, true));
      else if (arg === 'map_value') memory(this.view.getUint32(u32(reg(1)) + MAP_VALUE_SIZE, true));
      else if (arg === 'mem' || arg === 'mem_or_null') memory(u32(reg(r + 1)));
      else if (arg === 'uninit_mem') memory(u32(reg(r + 1)), true);
    });
  }

  /** A map whose values programs may not write is not updated by them either. */
  private mayUse(address: bigint, helper: string): boolean {
    const map = this.host.maps.find((one) => BigInt(one.address) === address);
    if (map === undefined) return false;
    const denied = helper === 'map_lookup_elem' ? 256 : helper === 'tail_call' ? 0 : 128;
    return (map.spec.flags & denied) === 0;
  }

  private tailCall(): void {
    const { view } = this;
    const map = u32(this.regs[2] as bigint);
    const index = u32(this.regs[3] as bigint);
    if (view.getUint32(map + MAP_TYPE, true) !== 3) this.violate('argument', this.regs[2] as bigint, 0, false);
    const id =
      index < view.getUint32(map + MAP_MAX_ENTRIES, true) ? view.getUint32(map + MAP_DATA + index * 4, true) : 0;
    if (id === 0 || this.tailCalls >= MAX_TAIL_CALLS) {
      this.pc++;
      return;
    }
    this.tailCalls++;
    this.prog = this.host.progs.get(id) as InterpProg;
    this.regs = this.entryRegs(Number(this.regs[10]));
    this.pc = 0;
    this.loops = 0;
  }
}

interface Insn {
  readonly opcode: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
}

/** Where a map's values lie, found by lookups alone. */
export function* valueAddresses(engine: Engine, map: BpfMap): Generator<number> {
  for (const key of map.rawKeys()) {
    const keyAt = engine.scratch(64);
    engine.memory.write(keyAt, key);
    yield engine.runtime.map_lookup(map.address, keyAt) >>> 0;
  }
}

function insideValue(engine: Engine, map: BpfMap, address: bigint, size: number, write: boolean): boolean {
  const denied = write ? 128 : 256; // BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG
  if (map.spec.type === 3 || (map.spec.flags & denied) !== 0) return false;
  for (const value of valueAddresses(engine, map)) {
    if (address >= BigInt(value) && address + BigInt(size) <= BigInt(value + map.spec.valueSize)) return true;
  }
  return false;
}
