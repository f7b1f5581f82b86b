// Writes pcapng, little-endian, nanoseconds: one section, its interfaces described first, enhanced packet blocks. The format is drawn in pcapng.ts.
import { CaptureError } from '../errors/index.ts';
import { MAX_SNAPLEN } from './capture-batch.ts';
import { LINKTYPE_ETHERNET } from './capture-format.ts';

const PIECE_BYTES = 1 << 20;
const SHB = 0x0a0d0d0a;
const IDB = 1;
const EPB = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPT_END = 0;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
/** Fixed part of an enhanced packet block, its flags with the end of the options, and the length that closes it. */
const EPB_HEAD = 28;
const EPB_TAIL = 16;
const DIRECTION = { in: 1, out: 2 } as const;

export interface PcapngInterface {
  readonly name: string;
  /** LINKTYPE_ value; Ethernet unless given. */
  readonly linkType?: number;
}

export interface PcapngPacket {
  readonly timestampNs: bigint;
  readonly data: Uint8Array;
  readonly originalLength?: number;
  /** Index of its interface; 0 unless given. */
  readonly interfaceId?: number;
  /** Whether the interface received or sent it. */
  readonly direction?: 'in' | 'out';
}

const pad4 = (length: number): number => (length + 3) & ~3;

export class PcapngWriter {
  private readonly write: (chunk: Uint8Array) => void;
  private readonly interfaces: number;
  private piece = new Uint8Array(PIECE_BYTES);
  private view = new DataView(this.piece.buffer);
  private used = 0;
  private count = 0;

  /** `write` gets each piece once and may keep it; the first one begins with the section header. */
  constructor(write: (chunk: Uint8Array) => void, interfaces: readonly PcapngInterface[]) {
    this.write = write;
    this.interfaces = interfaces.length;
    this.block(SHB, 16, (at) => {
      this.view.setUint32(at, BYTE_ORDER_MAGIC, true);
      this.view.setUint16(at + 4, 1, true);
      // The section's length is not known: -1.
      this.view.setBigInt64(at + 8, -1n, true);
    });
    for (const one of interfaces) this.describe(one);
  }

  /** How many packets were added. */
  get packets(): number {
    return this.count;
  }

  private describe({ name, linkType = LINKTYPE_ETHERNET }: PcapngInterface): void {
    const text = new TextEncoder().encode(name);
    this.block(IDB, 8 + 4 + pad4(text.length) + 8 + 4, (at) => {
      const { view } = this;
      view.setUint16(at, linkType, true);
      view.setUint32(at + 4, MAX_SNAPLEN, true);
      view.setUint16(at + 8, IF_NAME, true);
      view.setUint16(at + 10, text.length, true);
      this.piece.set(text, at + 12);
      const next = at + 12 + pad4(text.length);
      view.setUint16(next, IF_TSRESOL, true);
      view.setUint16(next + 2, 1, true);
      // 10^-9 seconds.
      view.setUint8(next + 4, 9);
      view.setUint16(next + 8, OPT_END, true);
    });
  }

  add(packet: PcapngPacket): void {
    const { timestampNs, data, originalLength = data.length, interfaceId = 0, direction } = packet;
    if (timestampNs < 0n || timestampNs >= 1n << 64n) throw this.refuse('time', `${timestampNs} ns`, '0 to 2^64 - 1');
    if (data.length > MAX_SNAPLEN) throw this.refuse('length', String(data.length), `at most ${MAX_SNAPLEN}`);
    if (!(interfaceId >= 0 && interfaceId < this.interfaces))
      throw this.refuse('interface', String(interfaceId), `below ${this.interfaces}`);
    const padded = pad4(data.length);
    this.block(EPB, EPB_HEAD - 8 + padded + EPB_TAIL - 4, (at) => {
      const { view } = this;
      view.setUint32(at, interfaceId, true);
      view.setUint32(at + 4, Number(timestampNs >> 32n), true);
      view.setUint32(at + 8, Number(timestampNs & 0xffffffffn), true);
      view.setUint32(at + 12, data.length, true);
      view.setUint32(at + 16, originalLength, true);
      this.piece.set(data, at + 20);
      const flags = at + 20 + padded;
      view.setUint16(flags, EPB_FLAGS, true);
      view.setUint16(flags + 2, 4, true);
      view.setUint32(flags + 4, direction === undefined ? 0 : DIRECTION[direction], true);
      view.setUint16(flags + 8, OPT_END, true);
    });
    this.count++;
  }

  /** A block of `body` bytes, which `fill` writes; the area is zero before. */
  private block(type: number, body: number, fill: (at: number) => void): void {
    const total = body + 12;
    if (this.used + total > this.piece.length) this.nextPiece();
    const at = this.used;
    this.view.setUint32(at, type, true);
    this.view.setUint32(at + 4, total, true);
    fill(at + 8);
    this.view.setUint32(at + 8 + body, total, true);
    this.used = at + total;
  }

  private nextPiece(): void {
    const piece = this.piece.subarray(0, this.used);
    this.piece = new Uint8Array(PIECE_BYTES);
    this.view = new DataView(this.piece.buffer);
    this.used = 0;
    this.write(piece);
  }

  /** Hands over what is left. Packets may still be added afterwards; call it again at the end. */
  flush(): void {
    if (this.used > 0) this.nextPiece();
  }

  private refuse(field: string, found: string, expected: string): CaptureError {
    return new CaptureError('CAPTURE_WRITE', { packet: this.count, field, found, expected });
  }
}
