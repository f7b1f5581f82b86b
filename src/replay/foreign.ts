/** Packets that are no Ethernet frames: XDP programs see nothing else, so a replay ends in front of the first one. */
import { CaptureError } from '../errors/index.ts';
import type { CaptureBatch } from './capture-batch.ts';
import { type CaptureInterface, LINKTYPE_ETHERNET, linkTypeName } from './capture-format.ts';

export function refuseLinkType({ index, linkType }: CaptureInterface): CaptureError {
  const found = linkTypeName(linkType);
  return new CaptureError('CAPTURE_LINK_TYPE', { interfaceId: index, linkType, found });
}

export class Foreign {
  private readonly interfaces: readonly CaptureInterface[];
  /** Interfaces that were looked at, and those among them that are not Ethernet. */
  private looked = 0;
  private readonly foreign = new Set<number>();

  /** `interfaces` may grow. */
  constructor(interfaces: readonly CaptureInterface[]) {
    this.interfaces = interfaces;
  }

  /** Index of the batch's first packet that is no Ethernet frame, or -1. */
  firstOf(batch: CaptureBatch): number {
    for (; this.looked < this.interfaces.length; this.looked++) {
      if (this.interfaces[this.looked]?.linkType !== LINKTYPE_ETHERNET) this.foreign.add(this.looked);
    }
    if (this.foreign.size === 0) return -1;
    return batch.interfaceId.subarray(0, batch.count).findIndex((id) => this.foreign.has(id));
  }
}
