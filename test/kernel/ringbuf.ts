// The kernel's ring buffers as user space has them: positions and data in mapped memory (libbpf's ringbuf.c tells the layout).
import { openSyscalls, type Region, type Syscalls } from './syscall.ts';

const PAGE = 4096;
const HEADER = 8;
const BUSY = 0x8000_0000;
const DISCARD = 0x4000_0000;
const span = (length: number): number => (length + HEADER + 7) & ~7;

function syscalls(): Syscalls {
  const opened = openSyscalls();
  if (typeof opened === 'string') throw new Error(opened);
  return opened;
}

/** Both kinds: a page with the consumer's position, one with the producer's, the data twice. */
class Pages {
  protected readonly consumer: Region;
  protected readonly producer: Region;
  protected readonly data: Uint8Array;
  protected readonly view: DataView;
  protected readonly mask: number;

  constructor(fd: number, size: number, userWrites: boolean) {
    const sys = syscalls();
    this.consumer = sys.map(fd, 0, PAGE, !userWrites);
    this.producer = sys.map(fd, PAGE, PAGE + 2 * size, userWrites);
    this.data = this.producer.bytes.subarray(PAGE);
    this.view = new DataView(this.data.buffer, this.data.byteOffset, this.data.length);
    this.mask = size - 1;
  }

  private static word(region: Region): DataView {
    return new DataView(region.bytes.buffer, region.bytes.byteOffset, 8);
  }

  get consumed(): number {
    return Number(Pages.word(this.consumer).getBigUint64(0, true));
  }

  get produced(): number {
    return Number(Pages.word(this.producer).getBigUint64(0, true));
  }

  protected move(region: Region, position: number): void {
    Pages.word(region).setBigUint64(0, BigInt(position), true);
  }

  close(): void {
    syscalls().unmap(this.consumer);
    syscalls().unmap(this.producer);
  }
}

/** BPF_MAP_TYPE_RINGBUF, read. */
export class KernelRingbuf extends Pages {
  constructor(fd: number, size: number) {
    super(fd, size, false);
  }

  /** Takes every committed record; discarded ones are passed over. */
  drain(): Uint8Array[] {
    const records: Uint8Array[] = [];
    let at = this.consumed;
    const end = this.produced;
    while (at < end) {
      const place = at & this.mask;
      const word = this.view.getUint32(place, true);
      if ((word & BUSY) !== 0) break;
      const length = word & ~DISCARD;
      if ((word & DISCARD) === 0) records.push(this.data.slice(place + HEADER, place + HEADER + length));
      at += span(length);
      this.move(this.consumer, at);
    }
    return records;
  }

  /** Passes over all that is unread, as a reader that looks at nothing. */
  passOver(): void {
    this.move(this.consumer, this.produced);
  }
}

/** BPF_MAP_TYPE_USER_RINGBUF, written. */
export class KernelUserRingbuf extends Pages {
  constructor(fd: number, size: number) {
    super(fd, size, true);
  }

  /** False when there is no room. */
  write(bytes: Uint8Array, discard = false): boolean {
    const at = this.produced;
    if (at + span(bytes.length) - this.consumed > this.mask + 1) return false;
    const place = at & this.mask;
    this.view.setUint32(place, (bytes.length | (discard ? DISCARD : 0)) >>> 0, true);
    this.data.set(bytes, place + HEADER);
    this.move(this.producer, at + span(bytes.length));
    return true;
  }
}
