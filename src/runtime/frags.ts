/**
 * Packets in several buffers, as xdp.frags programs get them (struct Frags of assembly/abi.ts):
 *
 *     | struct Frags | frame of the linear part | buffer 4096 | buffer 4096 | ...
 *                      ^ data    ^ data_end       ^ the rest of the packet, each buffer full but the last
 */
import {
  CTX_FRAGS,
  CTX_STATUS,
  CTX_STATUS_FRAGS,
  FRAG_ADDR,
  FRAG_BUFFER,
  FRAG_LENGTH,
  FRAG_ROOM,
  FRAG_SIZE,
  FRAGS_COUNT,
  FRAGS_LIST,
  FRAGS_SIZE,
  XDP_MD_DATA,
  XDP_MD_DATA_END,
} from '../../assembly/abi.ts';
import type { Memory } from './memory.ts';

const lines = (bytes: number): number => (bytes + 63) & ~63;

/** Fragments of `rest` bytes. */
function countOf(rest: number): number {
  return Math.ceil(rest / FRAG_BUFFER);
}

/** Bytes that struct Frags needs for `rest` bytes of packet, in cache lines; 0 for none. */
export function fragsHeader(rest: number): number {
  return rest > 0 ? lines(FRAGS_LIST + countOf(rest) * FRAG_SIZE) : 0;
}

/** Bytes of the buffers behind the linear part. */
export function fragBuffers(rest: number): number {
  return countOf(rest) * FRAG_BUFFER;
}

export interface FragsLayout {
  /** Address of the context record, already written. */
  readonly ctx: number;
  /** Of its struct Frags. */
  readonly header: number;
  /** Of the first buffer. */
  readonly buffers: number;
}

/** Writes the fragments that hold `rest`, and names them in the record. */
export function writeFrags(memory: Memory, layout: FragsLayout, rest: Uint8Array): void {
  const { ctx, header, buffers } = layout;
  const { view, u8 } = memory;
  const count = countOf(rest.length);
  view.setUint32(header + FRAGS_COUNT, count, true);
  view.setUint32(header + FRAGS_SIZE, rest.length, true);
  for (let i = 0; i < count; i++) {
    const at = header + FRAGS_LIST + i * FRAG_SIZE;
    const address = buffers + i * FRAG_BUFFER;
    const part = rest.subarray(i * FRAG_BUFFER, (i + 1) * FRAG_BUFFER);
    u8.set(part, address);
    view.setUint32(at + FRAG_ADDR, address, true);
    view.setUint32(at + FRAG_LENGTH, part.length, true);
    view.setUint32(at + FRAG_ROOM, FRAG_BUFFER, true);
  }
  view.setUint32(ctx + CTX_FRAGS, header, true);
  view.setUint32(ctx + CTX_STATUS, view.getUint32(ctx + CTX_STATUS, true) | CTX_STATUS_FRAGS, true);
}

/** Whether the packet of a record began with fragments. */
export function inFragments(view: DataView, ctx: number): boolean {
  return (view.getUint32(ctx + CTX_STATUS, true) & CTX_STATUS_FRAGS) !== 0;
}

/** A copy of the whole packet of a record, without its metadata. */
export function readPacket({ view, u8 }: Memory, ctx: number): Uint8Array<ArrayBuffer> {
  const [data, end] = [view.getUint32(ctx + XDP_MD_DATA, true), view.getUint32(ctx + XDP_MD_DATA_END, true)];
  if (!inFragments(view, ctx)) return u8.slice(data, end);
  const header = view.getUint32(ctx + CTX_FRAGS, true);
  const packet = new Uint8Array(end - data + view.getUint32(header + FRAGS_SIZE, true));
  packet.set(u8.subarray(data, end));
  let at = end - data;
  for (let i = 0; i < view.getUint32(header + FRAGS_COUNT, true); i++) {
    const frag = header + FRAGS_LIST + i * FRAG_SIZE;
    const address = view.getUint32(frag + FRAG_ADDR, true);
    const length = view.getUint32(frag + FRAG_LENGTH, true);
    packet.set(u8.subarray(address, address + length), at);
    at += length;
  }
  return packet;
}
