/** pcapng as it is written: read back by the reader, and its bytes where the reader does not look. */
import { expect, test } from 'vitest';
import { BpfError } from '../src/errors/index.ts';
import { type CapturePacket, CaptureReader, packets } from '../src/replay/capture.ts';
import { PcapngWriter } from '../src/replay/pcapng-writer.ts';

const NAMES = [{ name: 'eth0' }, { name: 'a-longer-name' }, { name: '', linkType: 101 }];

function written(add: (writer: PcapngWriter) => void): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  const writer = new PcapngWriter((piece) => pieces.push(piece), NAMES);
  add(writer);
  writer.flush();
  return new Uint8Array(Buffer.concat(pieces));
}

test('packets of every length and time come back, with their interfaces', async () => {
  const wanted: CapturePacket[] = Array.from({ length: 400 }, (_, i) => ({
    timestampNs: i === 0 ? 0n : i === 1 ? (1n << 64n) - 1n : 1_700_000_000_123_456_789n + BigInt(i),
    data: Uint8Array.from({ length: i === 7 ? 262144 : i % 131 }, (_, k) => (i + k) & 255),
    originalLength: (i === 7 ? 262144 : i % 131) + (i % 3),
    interfaceId: i % 3,
  }));
  const bytes = written((writer) => {
    for (const packet of wanted) writer.add(packet);
    expect(writer.packets).toBe(400);
  });
  const found: CapturePacket[] = [];
  for await (const packet of packets(bytes)) found.push(packet);
  const line = ({ data, ...rest }: CapturePacket) =>
    [rest.timestampNs, rest.originalLength, rest.interfaceId, Buffer.from(data).toString('base64')].join();
  expect(found.map(line).join('\n') === wanted.map(line).join('\n')).toBe(true);
  const reader = await CaptureReader.open(bytes);
  await reader.next();
  expect(reader.interfaces.map(({ name, linkType, unitsPerSecond }) => [name, linkType, unitsPerSecond])).toEqual([
    ['eth0', 1, 1_000_000_000n],
    ['a-longer-name', 1, 1_000_000_000n],
    ['', 101, 1_000_000_000n],
  ]);
  await reader.close();
});

test('directions are in epb_flags', () => {
  const data = Uint8Array.of(1, 2, 3, 4, 5);
  const flags = ([undefined, 'in', 'out'] as const).map((direction) => {
    const bytes = written((writer) => writer.add({ timestampNs: 1n, data, ...(direction && { direction }) }));
    // The last block: flags (2, 4 bytes), their value, the end of the options, the block's length.
    return new DataView(bytes.buffer, bytes.length - 16).getUint32(0, false).toString(16) + bytes[bytes.length - 12];
  });
  expect(flags).toEqual(['20004000', '20004001', '20004002'].map((text) => text.slice(0, 7) + text.at(-1)));
});

test('what pcapng cannot hold is refused', () => {
  const codeOf = (packet: Parameters<PcapngWriter['add']>[0]): string => {
    try {
      written((writer) => writer.add(packet));
    } catch (error) {
      return error instanceof BpfError ? `${error.code} ${String(error.fields.field)}` : String(error);
    }
    return 'nothing';
  };
  const data = new Uint8Array(1);
  expect(codeOf({ timestampNs: -1n, data })).toBe('CAPTURE_WRITE time');
  expect(codeOf({ timestampNs: 1n << 64n, data })).toBe('CAPTURE_WRITE time');
  expect(codeOf({ timestampNs: 0n, data: new Uint8Array(262145) })).toBe('CAPTURE_WRITE length');
  expect(codeOf({ timestampNs: 0n, data, interfaceId: 3 })).toBe('CAPTURE_WRITE interface');
});
