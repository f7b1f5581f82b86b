/** What a thread has to tell of its packets of a piece: trace lines and packets for the output, in the order in which it ran them. */
import {
  CTX_CUT,
  CTX_SIZE,
  CTX_TIME,
  CTX_VERDICT,
  TRACE_CPU,
  TRACE_CTX,
  TRACE_LENGTH,
  TRACE_SIZE,
  TRACE_TEXT,
  TRACE_TIME,
  VM_TRACE_BASE,
  VM_TRACE_USED,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
} from '../../../assembly/abi.ts';
import { XDP_PASS, XDP_REDIRECT, XDP_TX } from '../../../assembly/isa.ts';
import { inFragments, readPacket } from '../../runtime/frags.ts';
import type { Memory } from '../../runtime/memory.ts';
import { OUTPUT_HEADER, OUTPUT_LENGTH, OUTPUT_PLACE, OUTPUT_TIME, OUTPUT_WIRE, type TraceLine } from './protocol.ts';

const FIRST_BYTES = 65536;

export class Results {
  private readonly memory: Memory;
  private readonly vm: number;
  private lines: TraceLine[] = [];
  private bytes = new Uint8Array(FIRST_BYTES);
  private view = new DataView(this.bytes.buffer);
  private used = 0;
  /** Of what runs: its first record, and the place in the piece of each. */
  private ctx = 0;
  private places = 0;
  private first = 0;

  constructor(memory: Memory, vm: number) {
    this.memory = memory;
    this.vm = vm;
  }

  /** The packets that run now: records from `ctx` on, and the address of a list of their places in the piece; or they are the whole piece, from record `first` on. */
  begin(ctx: number, places: number | { readonly first: number }): void {
    this.ctx = ctx;
    this.places = typeof places === 'number' ? places : 0;
    this.first = typeof places === 'number' ? 0 : places.first;
  }

  placeOf(ctx: number): number {
    return this.placeAt(this.first + (ctx - this.ctx) / CTX_SIZE);
  }

  /** Of the packet with record `index`. */
  placeAt(index: number): number {
    return this.places === 0 ? index - this.first : this.memory.u32(this.places + 4 * index);
  }

  takeTrace(): void {
    const { memory, vm } = this;
    const base = memory.u32(vm + VM_TRACE_BASE);
    const used = memory.u32(vm + VM_TRACE_USED);
    const decoder = new TextDecoder();
    for (let at = base; at < base + used; at += memory.u32(at + TRACE_SIZE)) {
      this.lines.push({
        place: this.placeOf(memory.u32(at + TRACE_CTX)),
        text: decoder.decode(memory.read(at + TRACE_TEXT, memory.u32(at + TRACE_LENGTH))),
        cpu: memory.u32(at + TRACE_CPU),
        time: memory.u64(at + TRACE_TIME),
      });
    }
    memory.setU32(vm + VM_TRACE_USED, 0);
  }

  /** Copies those of `count` records that ran which the output gets; `times` is 0, or where their times are instead of in the records. */
  takePackets(ctx: number, count: number, times: number): void {
    const { memory } = this;
    for (let i = 0, at = ctx; i < count; i++, at += CTX_SIZE) {
      const verdict = memory.u32(at + CTX_VERDICT);
      if (verdict !== XDP_PASS && verdict !== XDP_TX && verdict !== XDP_REDIRECT) continue;
      this.add(at, memory.u64(times === 0 ? at + CTX_TIME : times + 8 * i));
    }
  }

  private add(ctx: number, time: bigint): void {
    const { memory } = this;
    const data = memory.u32(ctx + XDP_MD_DATA);
    const packet = inFragments(memory.view, ctx)
      ? readPacket(memory, ctx)
      : memory.window(data, memory.u32(ctx + XDP_MD_DATA_END) - data);
    const at = this.used;
    this.reserve(OUTPUT_HEADER + packet.length);
    this.view.setUint32(at + OUTPUT_PLACE, this.placeOf(ctx), true);
    this.view.setUint32(at + OUTPUT_LENGTH, packet.length, true);
    this.view.setUint32(at + OUTPUT_WIRE, packet.length + memory.u32(ctx + CTX_CUT), true);
    this.view.setBigUint64(at + OUTPUT_TIME, time, true);
    this.bytes.set(packet, at + OUTPUT_HEADER);
    this.used = (at + OUTPUT_HEADER + packet.length + 3) & ~3;
  }

  private reserve(size: number): void {
    const needed = this.used + size + 3;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.used));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  /** All of it, as what is left behind is nothing. */
  take(): { readonly lines: readonly TraceLine[]; readonly output: Uint8Array<ArrayBuffer> } {
    const { lines } = this;
    const output = this.bytes.slice(0, this.used);
    this.lines = [];
    this.used = 0;
    return { lines, output };
  }
}
