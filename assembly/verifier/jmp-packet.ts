// Comparisons with the packet's end: how many bytes behind a pointer are proven to be in the packet.
import { BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT } from '../isa';
import { PTR_TO_PACKET, PTR_TO_PACKET_END, PTR_TO_PACKET_META } from './abi';
import { Frame } from './frame';
import { Insn } from './insn';
import { isSpilled } from './precision';
import { AT_PKT_END, BEYOND_PKT_END, RegState } from './reg-state';
import { State } from './state';

/** No packet is longer: offsets beyond it could wrap. */
const MAX_PACKET_OFF: u64 = 0xffff;

export function isPacketOrEnd(reg: RegState): bool {
  const type = reg.type;
  return type == PTR_TO_PACKET || type == PTR_TO_PACKET_META || type == PTR_TO_PACKET_END;
}

/** The same comparison with its operands exchanged. */
function exchanged(op: u32): u32 {
  switch (op) {
    case BPF_JGT:
      return BPF_JLT;
    case BPF_JLT:
      return BPF_JGT;
    case BPF_JGE:
      return BPF_JLE;
    case BPF_JLE:
      return BPF_JGE;
    default:
      return op;
  }
}

/** A pointer known to be at or beyond the end, compared with the end again. */
export function packetBranchTaken(dst: RegState, src: RegState, op: u32): i32 {
  let pkt = dst;
  if (src.type != PTR_TO_PACKET_END) {
    if (dst.type != PTR_TO_PACKET_END) return -1;
    pkt = src;
    op = exchanged(op);
  }
  if (pkt.range >= 0) return -1;
  if (op == BPF_JLE || op == BPF_JGT) return pkt.range == BEYOND_PKT_END ? <i32>(op == BPF_JGT) : -1;
  if (op == BPF_JLT || op == BPF_JGE) return <i32>(op == BPF_JGE);
  return -1;
}

/** data itself, not moved. */
function isStart(reg: RegState): bool {
  return reg.type == PTR_TO_PACKET && reg.id == 0 && reg.off == 0 && reg.mask == 0 && reg.value == 0;
}

/** `ptr` compared with its limit: packet with packet_end, packet_meta with the packet's start. */
function bounded(ptr: RegState, limit: RegState): bool {
  return (
    (ptr.type == PTR_TO_PACKET && limit.type == PTR_TO_PACKET_END) || (ptr.type == PTR_TO_PACKET_META && isStart(limit))
  );
}

/** Learns from the comparison in both branches: `here` falls through, `there` jumps. False when it is no such comparison. */
export function matchPacketEnd(here: State, there: State, insn: Insn): bool {
  const dst = here.reg(insn.dst);
  const src = here.reg(insn.src);
  let op = insn.op;
  let regno = insn.dst;
  if (!bounded(dst, src)) {
    if (!bounded(src, dst)) return false;
    regno = insn.src;
    op = exchanged(op);
  }
  switch (op) {
    case BPF_JGT:
      learn(here, there, regno, false);
      return true;
    case BPF_JGE:
      learn(here, there, regno, true);
      return true;
    case BPF_JLT:
      learn(there, here, regno, true);
      return true;
    case BPF_JLE:
      learn(there, here, regno, false);
      return true;
    default:
      return false;
  }
}

/** `strict`: in the branch `inside` the pointer is below the end, not only at it, so that one more byte is there. */
function learn(inside: State, outside: State, regno: u32, strict: bool): void {
  markRange(inside, inside.reg(regno), strict);
  const reg = outside.reg(regno);
  if (reg.type == PTR_TO_PACKET) reg.aux = <u32>(strict ? AT_PKT_END : BEYOND_PKT_END);
}

function markRange(state: State, ptr: RegState, strict: bool): void {
  if (ptr.off < 0 || (ptr.off == 0 && strict)) return;
  if (ptr.umax > MAX_PACKET_OFF || ptr.umax + <u64>ptr.off > MAX_PACKET_OFF) return;
  const range = ptr.off + <i32>strict;
  const type = ptr.type;
  const id = ptr.id;
  for (let f: u32 = 0; f <= state.curframe; f++) raise(state.frame(f), type, id, range);
}

function raise(frame: Frame, type: u32, id: u32, range: i32): void {
  for (let i: u32 = 0; i < 11; i++) raiseReg(frame.reg(i), type, id, range);
  for (let i: u32 = 0; i < frame.slots; i++) {
    if (isSpilled(frame.slot(i))) raiseReg(frame.slot(i), type, id, range);
  }
}

function raiseReg(reg: RegState, type: u32, id: u32, range: i32): void {
  if (reg.type == type && reg.id == id && reg.range < range) reg.aux = range;
}
