/**
 * Classic BPF on JavaScript numbers, straight from Documentation/networking/filter.rst: slow, and independent of src/cbpf. Packet and metadata
 * are plain values. The offsets below SKF_NET_OFF and SKF_LL_OFF are those of linux/filter.h.
 */
export interface InterpInsn {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export interface InterpPacket {
  /** From the link header on. */
  readonly bytes: Uint8Array;
  /** Where offsets from 0 on count from, and where the network header begins. */
  readonly data: number;
  readonly network: number;
  readonly length: number;
  /** Ancillary fields by their distance from SKF_AD_OFF, in the host's order. */
  readonly ancillary: Readonly<Record<number, number>>;
}

/** Outside the packet, or a division by X = 0: the filter ends with 0. */
class Ended {}

function load(packet: InterpPacket, offset: number, size: number): number {
  let at = offset + packet.data;
  if (offset < -0x200000) throw new Ended();
  if (offset < -0x100000) at = offset + 0x200000;
  else if (offset < 0) at = offset + 0x100000 + packet.network;
  if (at + size > packet.bytes.length) throw new Ended();
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + (packet.bytes[at + i] as number);
  return value;
}

function alu(op: number, a: number, b: number): number {
  switch (op) {
    case 0x00:
      return (a + b) >>> 0;
    case 0x10:
      return (a - b) >>> 0;
    case 0x20:
      return Math.imul(a, b) >>> 0;
    case 0x30:
      if (b === 0) throw new Ended();
      return Math.floor(a / b);
    case 0x40:
      return (a | b) >>> 0;
    case 0x50:
      return (a & b) >>> 0;
    case 0x60:
      return (a << b) >>> 0;
    case 0x70:
      return a >>> b;
    case 0x80:
      return -a >>> 0;
    case 0x90:
      if (b === 0) throw new Ended();
      return a % b;
    default:
      return (a ^ b) >>> 0;
  }
}

function holds(op: number, a: number, b: number): boolean {
  switch (op) {
    case 0x10:
      return a === b;
    case 0x20:
      return a > b;
    case 0x30:
      return a >= b;
    default:
      return (a & b) !== 0;
  }
}

const SIZES: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1 };

class Machine {
  private a = 0;
  private x = 0;
  private readonly m = new Uint32Array(16);
  private readonly packet: InterpPacket;

  constructor(packet: InterpPacket) {
    this.packet = packet;
  }

  run(insns: readonly InterpInsn[]): number {
    for (let pc = 0; ; pc++) {
      const insn = insns[pc] as InterpInsn;
      const kind = insn.code & 7;
      if (kind === 6) return (insn.code & 0x18) === 0x10 ? this.a : insn.k >>> 0;
      if (kind === 5) pc += this.jump(insn);
      else this.step(insn, kind);
    }
  }

  private jump({ code, jt, jf, k }: InterpInsn): number {
    if ((code & 0xf0) === 0) return k;
    return holds(code & 0xf0, this.a, (code & 8) !== 0 ? this.x : k >>> 0) ? jt : jf;
  }

  private step({ code, k }: InterpInsn, kind: number): void {
    if (kind === 0) this.a = this.value(code, k);
    else if (kind === 1) this.x = (code & 0xe0) === 0xa0 ? 4 * (load(this.packet, k | 0, 1) & 15) : this.value(code, k);
    else if (kind === 2) this.m[k] = this.a;
    else if (kind === 3) this.m[k] = this.x;
    else if (kind === 4) this.a = alu(code & 0xf0, this.a, (code & 8) !== 0 ? this.x : k >>> 0);
    else if ((code & 0xf8) === 0) this.x = this.a;
    else this.a = this.x;
  }

  /** What `ld` and `ldx` load. */
  private value(code: number, k: number): number {
    const size = SIZES[code & 0x18] as number;
    switch (code & 0xe0) {
      case 0x00:
        return k >>> 0;
      case 0x20: {
        const offset = k | 0;
        if (offset < -0x1000 || offset >= 0) return load(this.packet, offset, size);
        if (offset === -0x1000 + 40) return (this.a ^ this.x) >>> 0;
        return this.packet.ancillary[offset + 0x1000] as number;
      }
      case 0x40:
        return load(this.packet, (this.x + k) | 0, size);
      case 0x60:
        return this.m[k] as number;
      default:
        return this.packet.length;
    }
  }
}

/** What a filter that keeps the rules returns. */
export function interpret(insns: readonly InterpInsn[], packet: InterpPacket): number {
  try {
    return new Machine(packet).run(insns);
  } catch (ended) {
    if (ended instanceof Ended) return 0;
    throw ended;
  }
}
