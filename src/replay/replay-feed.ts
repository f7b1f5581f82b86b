/**
 * Second stage of a replay: from record headers to context records. The runtime walks what nearly all records are, which is several times as fast as
 * a walk in JavaScript; what it stops at, the format's parser looks at, which knows everything else and says what is wrong.
 */
import { PCAP_NANO, PCAP_SWAP, PCAPNG_WALK_INTERFACES, WALK_BYTES, WALK_CONSUMED } from '../../assembly/abi.ts';
import { openParser, truncated } from './capture.ts';
import { CaptureBatch } from './capture-batch.ts';
import { LINKTYPE_ETHERNET, type RecordParser } from './capture-format.ts';
import type { CaptureInput } from './capture-source.ts';
import { Foreign, refuseLinkType } from './foreign.ts';
import type { Intake } from './intake.ts';
import type { PcapParser } from './pcap.ts';
import { PcapngParser } from './pcapng.ts';
import { type ReplayBuffers, SLICE_PACKETS } from './replay-buffers.ts';
import { supplyOf } from './supply.ts';

export async function openFeed(input: CaptureInput, intake: Intake, buffers: ReplayBuffers): Promise<Feed> {
  intake.open(supplyOf(input));
  try {
    const parser = await openParser(intake);
    return new Feed(intake, buffers, parser);
  } catch (error) {
    await intake.closeInput();
    throw error;
  }
}

export class Feed {
  /** Bytes of all packets so far. */
  bytes = 0;
  private readonly intake: Intake;
  private readonly buffers: ReplayBuffers;
  private readonly parser: RecordParser;
  private readonly walkOf: (max: number) => number;
  /** What the parser found; the packets from `taken` on are still to be run. */
  private batch: CaptureBatch | undefined;
  private taken = 0;
  private count = 0;
  private readonly foreign: Foreign;
  /** Thrown once the packets in front of it have been run. */
  private failure: { readonly error: unknown } | undefined;
  /** What the record at the front needs. */
  private need = 0;
  /** Version of the parser's section that the runtime was told of. */
  private told = -1;
  private factors = 0;

  constructor(intake: Intake, buffers: ReplayBuffers, parser: RecordParser) {
    this.intake = intake;
    this.buffers = buffers;
    this.parser = parser;
    this.foreign = new Foreign(parser.interfaces);
    this.walkOf = parser instanceof PcapngParser ? this.pcapngWalk(parser) : this.pcapWalk(parser as PcapParser);
  }

  /** Bytes of the capture that were read, up to the next record. */
  get offset(): number {
    return this.intake.offset;
  }

  /**
   * Makes records of the next packets that are in memory, at most `most` and at most a slice. @returns how many; 0: `more` is to be called
   * @throws CaptureError for what comes next
   */
  walk(most: number): number {
    const max = Math.min(most, SLICE_PACKETS);
    if (this.taken < this.count) return this.takeParsed(max);
    if (this.failure !== undefined) throw this.failure.error;
    const count = this.walkOf(max);
    if (count === 0) return this.parse() ? this.takeParsed(max) : 0;
    const { intake, buffers } = this;
    intake.pos += buffers.walkWord(WALK_CONSUMED);
    this.bytes += buffers.walkWord(WALK_BYTES);
    return count;
  }

  /** Takes in what comes next; false at the end of the capture. */
  async more(): Promise<boolean> {
    if (await this.intake.fill(this.need)) return true;
    if (this.intake.left === 0) return false;
    throw truncated(this.intake, this.parser.partAt(this.intake), this.need);
  }

  async close(): Promise<void> {
    await this.intake.closeInput();
  }

  private pcapWalk(parser: PcapParser): (max: number) => number {
    const { intake, buffers } = this;
    // Not one packet is for the runtime when none is an Ethernet frame.
    if (parser.interfaces[0]?.linkType !== LINKTYPE_ETHERNET) return () => 0;
    const flags = (parser.little ? 0 : PCAP_SWAP) | (parser.nanoseconds ? PCAP_NANO : 0);
    return (max) => buffers.walkPcap(intake.address, intake.left, flags, max);
  }

  private pcapngWalk(parser: PcapngParser): (max: number) => number {
    const { intake, buffers } = this;
    return (max) => {
      if (this.told !== parser.version) this.tellInterfaces(parser);
      if (this.factors === 0) return 0;
      const flags = parser.little ? 0 : PCAP_SWAP;
      return buffers.walkPcapng(intake.address, intake.left, flags, max, this.factors);
    };
  }

  private tellInterfaces(parser: PcapngParser): void {
    const { interfaces, factors } = parser.section;
    const known = factors.slice(0, PCAPNG_WALK_INTERFACES);
    this.buffers.setFactors(known.map((factor, i) => (interfaces[i]?.linkType === LINKTYPE_ETHERNET ? factor : 0)));
    this.factors = known.length;
    this.told = parser.version;
  }

  /** Lets the parser have a look. @returns whether it found packets; if not, `need` says what it wants */
  private parse(): boolean {
    this.batch ??= new CaptureBatch({ batchPackets: this.buffers.parsedPackets });
    const { batch, intake } = this;
    batch.clear();
    try {
      this.need = this.parser.walk(intake, batch);
    } catch (error) {
      this.failure = { error };
    }
    this.taken = 0;
    this.count = batch.count;
    const stop = this.foreign.firstOf(batch);
    if (stop >= 0) {
      this.failure = { error: refuseLinkType(this.parser.interfaces[batch.interfaceId[stop]]) };
      this.count = stop;
    }
    if (this.count > 0) this.buffers.loadParsed(batch, intake.base);
    else if (this.failure !== undefined) throw this.failure.error;
    return this.count > 0;
  }

  private takeParsed(max: number): number {
    const { buffers, batch, taken } = this;
    const count = Math.min(max, this.count - taken);
    buffers.recordParsed(taken, count);
    this.taken = taken + count;
    for (let i = taken; i < this.taken; i++) this.bytes += (batch as CaptureBatch).capLen[i];
    return count;
  }
}
