// Calls that may move the packet: every pointer into it is dead behind them.
import { PTR_TO_PACKET, PTR_TO_PACKET_END, PTR_TO_PACKET_META } from '../abi';
import { Env } from '../env';
import { Frame } from '../frame';
import { isSpilled } from '../precision';
import { markUnknown, RegState } from '../reg-state';

function intoPacket(reg: RegState): bool {
  const base = reg.base;
  return base == PTR_TO_PACKET || base == PTR_TO_PACKET_META || base == PTR_TO_PACKET_END;
}

export function clearPacketPointers(env: Env): void {
  for (let f: u32 = 0; f <= env.cur.curframe; f++) clearFrame(env.cur.frame(f));
}

function clearFrame(frame: Frame): void {
  for (let i: u32 = 0; i < 10; i++) {
    if (intoPacket(frame.reg(i))) markUnknown(frame.reg(i));
  }
  for (let i: u32 = 0; i < frame.slots; i++) {
    const slot = frame.slot(i);
    if (isSpilled(slot) && intoPacket(slot)) markUnknown(slot);
  }
}
