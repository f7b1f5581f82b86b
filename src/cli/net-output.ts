/** Files that `bpf2wasm net` writes: what passed a point of a device, as pcap or, by the file's name, as pcapng. */
import { PcapWriter } from '../replay/pcap-writer.ts';
import { PcapngWriter } from '../replay/pcapng-writer.ts';
import type { Device, TapPoint } from '../runtime/device.ts';
import type { NetPacket } from '../runtime/packet-queue.ts';
import { UsageError } from './errors.ts';
import { OutputFile } from './files.ts';

/** `DEV=FILE` or `DEV:rx=FILE`, parsed. */
export interface OutputWish {
  readonly device: string;
  readonly points: readonly TapPoint[];
  readonly path: string;
}

const POINTS: Readonly<Record<string, readonly TapPoint[]>> = {
  tx: ['tx'],
  rx: ['rx'],
  stack: ['stack'],
  all: ['rx', 'tx'],
};

/** @param where `DEV` or `DEV:POINT` */
export function outputWish(where: string, path: string): OutputWish {
  const [device = '', point = 'tx', ...more] = where.split(':');
  const points = POINTS[point];
  if (device === '' || points === undefined || more.length > 0)
    throw new UsageError(`output '${where}': expected DEV, DEV:rx, DEV:tx, DEV:stack or DEV:all`, 'USAGE_OUTPUT');
  if (!/\.pcap(ng)?$/.test(path))
    throw new UsageError(`output '${path}': its name must end in .pcap or .pcapng`, 'USAGE_OUTPUT');
  return { device, points, path };
}

/** An open file that a device's packets go to. */
export class NetOutput {
  readonly wish: OutputWish;
  private readonly file: OutputFile;
  private readonly finish: () => void;
  private readonly count: () => number;

  constructor(wish: OutputWish, device: Device) {
    this.wish = wish;
    this.file = new OutputFile(wish.path);
    const write = (piece: Uint8Array): void => this.file.write(piece);
    let add: (packet: NetPacket, point: TapPoint) => void;
    if (wish.path.endsWith('.pcapng')) {
      const writer = new PcapngWriter(write, [{ name: device.name }]);
      add = ({ data, timeNs, wireLength }, point) => {
        const originalLength = Math.max(wireLength, data.length);
        writer.add({ timestampNs: timeNs, data, originalLength, direction: point === 'tx' ? 'out' : 'in' });
      };
      this.finish = () => writer.flush();
      this.count = () => writer.packets;
    } else {
      const writer = new PcapWriter(write);
      add = ({ data, timeNs, wireLength }) =>
        writer.add({ timestampNs: timeNs, data, originalLength: Math.max(wireLength, data.length) });
      this.finish = () => writer.flush();
      this.count = () => writer.packets;
    }
    for (const point of wish.points) device.watch(point, (packet) => add(packet, point));
  }

  get packets(): number {
    return this.count();
  }

  flush(): void {
    this.finish();
  }

  close(): void {
    this.file.close();
  }
}
