/** Memory that is used again and again, and only grows. */
export interface AreaHost {
  readonly runtime: { free(address: number): void };
  alloc(bytes: number, what: string): number;
}

const DOUBLED_UP_TO = 1 << 28;

export class Area {
  private readonly host: AreaHost;
  private readonly least: number;
  private readonly what: string;
  private address = 0;
  private size = 0;

  constructor(host: AreaHost, least: number, what: string) {
    this.host = host;
    this.least = least;
    this.what = what;
  }

  /** Address of at least `bytes`, valid until the next call. */
  at(bytes: number): number {
    if (bytes <= this.size) return this.address;
    const doubled = 2 * this.size;
    const size = Math.max(bytes, this.least, doubled > DOUBLED_UP_TO ? 0 : doubled);
    const address = this.host.alloc(size, this.what);
    if (this.address !== 0) this.host.runtime.free(this.address);
    this.address = address;
    this.size = size;
    return address;
  }
}
