/** Ethernet addresses. */
import { RunError } from '../errors/index.ts';

const TEXT = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i;

/** The address that was given; else a locally administered one made of the device's number. */
export function parseMac(mac: string | Uint8Array | undefined, ifindex: number): Uint8Array {
  if (mac === undefined) {
    const bytes = Uint8Array.of(2, 0, 0, 0, 0, 0);
    new DataView(bytes.buffer).setUint32(2, ifindex, false);
    return bytes;
  }
  if (mac instanceof Uint8Array && mac.length === 6) return Uint8Array.from(mac);
  if (typeof mac === 'string' && TEXT.test(mac))
    return Uint8Array.from(mac.split(/[:-]/), (part) => Number.parseInt(part, 16));
  throw new RunError('RUN_OPTION', {
    option: 'mac',
    found: String(mac),
    expected: 'an address such as 02:00:00:00:00:01',
  });
}

export function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
