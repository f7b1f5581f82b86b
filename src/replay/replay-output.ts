/** Last stage of a replay: the runtime gathers the packets to be written as records of a file; they leave linear memory in large pieces. */
import {
  CTX_CUT,
  CTX_SIZE,
  CTX_TIME,
  GATHER_PACKETS,
  GATHER_SIZE,
  GATHER_USED,
  PCAP_MAX_SNAPLEN,
  PCAP_NANO,
  PCAP_RECORD_HEADER,
} from '../../assembly/abi.ts';
import { readPacket } from '../runtime/frags.ts';
import type { PcapWriter } from './pcap-writer.ts';
import type { ReplayHost } from './replay-buffers.ts';

/** Has room for the longest packet; what is gathered is written before it has left the second-level cache. */
const AREA_BYTES = 1 << 19;
const SLACK = 64;
if (AREA_BYTES < PCAP_RECORD_HEADER + PCAP_MAX_SNAPLEN + SLACK) throw new RangeError('the longest packet has no room');

export class ReplayOutput {
  private readonly host: ReplayHost;
  private readonly writer: PcapWriter;
  private readonly gather: number;
  private readonly area: number;
  private readonly flags: number;

  constructor(host: ReplayHost, writer: PcapWriter) {
    this.host = host;
    this.writer = writer;
    this.flags = writer.precision === 'ns' ? PCAP_NANO : 0;
    this.gather = host.alloc(GATHER_SIZE + SLACK + AREA_BYTES, 'packets for the output');
    this.area = this.gather + SLACK;
  }

  close(): void {
    this.host.runtime.free(this.gather);
  }

  /** Takes those of `count` records that have run which the output gets; `times` as for RanPackets. */
  write(ctx: number, count: number, times: number): void {
    const { host, gather, area, flags } = this;
    for (let done = 0; done < count; ) {
      const at = ctx + done * CTX_SIZE;
      const timesAt = times === 0 ? 0 : times + 8 * done;
      done += host.runtime.pcap_gather(at, count - done, timesAt, flags, area, AREA_BYTES, gather);
      if (done === count) return;
      // The area is full, or this packet is not for it.
      if (host.memory.u32(gather + GATHER_USED) > 0) this.flush();
      else {
        this.writeAlone(ctx + done * CTX_SIZE, times === 0 ? 0 : times + 8 * done);
        done++;
      }
    }
  }

  /** Hands over what was gathered. */
  flush(): void {
    const { memory } = this.host;
    const used = memory.u32(this.gather + GATHER_USED);
    const packets = memory.u32(this.gather + GATHER_PACKETS);
    memory.setU32(this.gather + GATHER_USED, 0);
    memory.setU32(this.gather + GATHER_PACKETS, 0);
    if (used > 0) this.writer.addRecords(memory.window(this.area, used), packets);
  }

  /** What the runtime does not write, the writer refuses: it says why. */
  private writeAlone(at: number, times: number): void {
    const { memory } = this.host;
    const data = readPacket(memory, at);
    const timestampNs = memory.u64(times === 0 ? at + CTX_TIME : times);
    this.writer.add({ timestampNs, data, originalLength: data.length + memory.u32(at + CTX_CUT) });
  }
}
