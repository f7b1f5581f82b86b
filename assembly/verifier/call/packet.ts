// Calls that may move the packet: every pointer into it is dead behind them, slices of dynptrs on the packet too.
import {
  DYNPTR_TYPE_SKB,
  DYNPTR_TYPE_SKB_META,
  DYNPTR_TYPE_XDP,
  PTR_TO_MEM,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
} from '../abi';
import { Env } from '../env';
import { Frame } from '../frame';
import { isSpilled } from '../precision';
import { RegState } from '../reg-state';
import { kill } from './refs';

const PACKET_DYNPTRS: u32 = DYNPTR_TYPE_SKB | DYNPTR_TYPE_XDP | DYNPTR_TYPE_SKB_META;

function intoPacket(reg: RegState): bool {
  switch (reg.base) {
    case PTR_TO_PACKET:
    case PTR_TO_PACKET_META:
    case PTR_TO_PACKET_END:
      return true;
    case PTR_TO_MEM:
      return (reg.type & PACKET_DYNPTRS) != 0;
    default:
      return false;
  }
}

export function clearPacketPointers(env: Env): void {
  for (let f: u32 = 0; f <= env.cur.curframe; f++) clearFrame(env, env.cur.frame(f));
}

function clearFrame(env: Env, frame: Frame): void {
  for (let i: u32 = 0; i < 10; i++) {
    if (intoPacket(frame.reg(i))) kill(env, frame.reg(i));
  }
  for (let i: u32 = 0; i < frame.slots; i++) {
    const slot = frame.slot(i);
    if (isSpilled(slot) && intoPacket(slot)) kill(env, slot);
  }
}
