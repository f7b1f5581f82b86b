/** Addresses as people write them, and as sixteen bytes in network order, of which IPv4 has the first four. */
import { AF_INET, AF_INET6 } from '../../../assembly/abi-net.ts';
import { refuse, textAt } from './input.ts';

export interface Address {
  readonly family: number;
  readonly bytes: Uint8Array;
}

export interface Prefix extends Address {
  readonly length: number;
}

export interface Endpoint extends Address {
  readonly port: number;
}

export const addressBits = (family: number): number => (family === AF_INET ? 32 : 128);

function ipv4(text: string): number[] | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  return parts.every((part) => part < 256) ? parts : undefined;
}

/** 16-bit groups of one side of `::`, the last of which may be an IPv4 address. */
function groups(text: string): number[] | undefined {
  if (text === '') return [];
  const found: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    const dotted = i === parts.length - 1 ? ipv4(part) : undefined;
    if (dotted !== undefined) found.push((dotted[0] << 8) | dotted[1], (dotted[2] << 8) | dotted[3]);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) found.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return found;
}

function ipv6(text: string): number[] | undefined {
  const sides = text.split('::');
  if (sides.length > 2) return undefined;
  const first = groups(sides[0]);
  const last = groups(sides[1] ?? '');
  if (first === undefined || last === undefined) return undefined;
  const missing = 8 - first.length - last.length;
  if (sides.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...first, ...new Array(missing).fill(0), ...last];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}

/** undefined for what is no address. */
export function parseAddress(text: string): Address | undefined {
  const four = ipv4(text);
  const found = four ?? (text.includes(':') ? ipv6(text) : undefined);
  if (found === undefined) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(found);
  return { family: four === undefined ? AF_INET6 : AF_INET, bytes };
}

export function addressAt(value: unknown, field: string, family?: number): Address {
  const expected = family === undefined ? 'an IPv4 or IPv6 address' : `an IPv${family === AF_INET ? 4 : 6} address`;
  const found = parseAddress(textAt(value, field, expected));
  if (found === undefined || (family !== undefined && found.family !== family)) refuse(field, value, expected);
  return found;
}

const PREFIX = "an address with a prefix length, such as '10.0.0.0/8'";

/** `10.0.0.0/8`, `2001:db8::/32`, `default`; an address alone is a prefix of all its bits. */
export function prefixAt(value: unknown, field: string, family: number = AF_INET): Prefix {
  const text = textAt(value, field, PREFIX);
  if (text === 'default') return { family, bytes: new Uint8Array(16), length: 0 };
  const [, address = text, digits] = /^(.*)\/(\d{1,3})$/.exec(text) ?? [];
  const found = parseAddress(address);
  if (found === undefined) return refuse(field, value, PREFIX);
  const bits = addressBits(found.family);
  const length = digits === undefined ? bits : Number(digits);
  return length > bits ? refuse(field, value, PREFIX) : { ...found, length };
}

/** An address with the bits behind its prefix cleared, or set. */
export function masked({ family, bytes, length }: Prefix, fill = 0): Uint8Array {
  return bytes.map((byte, i) => {
    if (i >= addressBits(family) / 8) return 0;
    const keep = Math.min(8, Math.max(0, length - 8 * i));
    const mask = (0xff00 >> keep) & 0xff;
    return (byte & mask) | (fill & ~mask & 0xff);
  });
}

/** A prefix of a route or rule: no bits behind its length, as Linux wants it. */
export function networkAt(value: unknown, field: string, family?: number): Prefix {
  const prefix = prefixAt(value, field, family);
  if (masked(prefix).some((byte, i) => byte !== prefix.bytes[i]))
    refuse(field, value, `a network: bits behind its ${prefix.length} must be 0`);
  return prefix;
}

const MAC = "a MAC address, such as '02:00:00:00:00:01'";

export function macAt(value: unknown, field: string): Uint8Array {
  const text = textAt(value, field, MAC);
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) refuse(field, value, MAC);
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}

const ENDPOINT = "an address with a port, such as '10.0.0.1:80' or '[2001:db8::1]:80'";

/** `10.0.0.1:80`, `[2001:db8::1]:80`. */
export function endpointAt(value: unknown, field: string): Endpoint {
  const text = textAt(value, field, ENDPOINT);
  const [, six, four, digits] = /^(?:\[(.*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const found = parseAddress(six ?? four ?? '');
  const port = Number(digits);
  if (found === undefined || (six !== undefined) !== (found.family === AF_INET6) || port > 0xffff)
    return refuse(field, value, ENDPOINT);
  return { ...found, port };
}
