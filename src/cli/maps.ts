/** What maps hold, for people and as data: decoded by BTF where there is BTF. */
import { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY } from '../../assembly/isa.ts';
import type { Loaded } from '../engine.ts';
import { EventMap } from '../runtime/event-map.ts';
import type { BpfMap } from '../runtime/map.ts';
import { PerfEventArray } from '../runtime/perf-event-array.ts';
import { ProgArray, type SlotEntry } from '../runtime/prog-array.ts';
import { RingBuf } from '../runtime/ringbuf.ts';
import { UserRingBuf } from '../runtime/user-ringbuf.ts';
import { mapTypeName } from '../util/map-types.ts';
import { hexOf, plural } from './output.ts';

export interface MapDump {
  readonly name: string;
  readonly type: string;
  readonly entries: readonly { readonly key: unknown; readonly value: unknown }[];
  /** Of a ring buffer: records and bytes that are unread. */
  readonly records?: number;
  readonly bytes?: number;
  /** Of ring buffers and perf event arrays: records that had no room. */
  readonly lost?: number;
}

export function dumpMaps(loaded: Loaded): MapDump[] {
  return [...loaded.maps.values()].map((map) => {
    const entries = [...map.entries()].map(([key, value]) => ({ key, value }));
    const ring = map instanceof RingBuf ? { records: entries.length, bytes: map.size } : {};
    const lost = map instanceof EventMap ? { lost: map.lost } : {};
    return { name: map.name, type: mapTypeName(map.spec.type), entries, ...ring, ...lost };
  });
}

/** Bytes in pairs of digits, objects as `{ name: value }`. */
export function show(value: unknown): string {
  if (value instanceof Uint8Array) return hexOf(value).replace(/(..)(?=.)/g, '$1 ');
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([name, member]) => `${name}: ${show(member)}`);
    return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
  }
  return String(value);
}

/** Arrays are mostly zeros, which say little. */
function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function lines(map: BpfMap): string[] {
  if (map instanceof ProgArray) {
    return [...map.entries()].map(
      ([key, slot]) => `  [${key}] ${(slot as SlotEntry).name} (id ${(slot as SlotEntry).id})`,
    );
  }
  const isArray = map.spec.type === BPF_MAP_TYPE_ARRAY || map.spec.type === BPF_MAP_TYPE_PERCPU_ARRAY;
  if (!isArray) return [...map.entries()].map(([key, value]) => `  [${show(key)}] ${show(value)}`);
  const kept = [...map.entries({ raw: true })].flatMap(([key, raw], i) =>
    isZero(raw) && map.spec.dataKind === '' ? [] : [`  [${i}] ${show(map.get(key))}`],
  );
  const zeros = map.spec.maxEntries - kept.length;
  return zeros === 0 ? kept : [...kept, `  ${zeros} of ${map.spec.maxEntries} are zero`];
}

/** How full it is. */
function fill(map: BpfMap): string {
  const { maxEntries } = map.spec;
  if (map instanceof PerfEventArray) return `${map.size} of ${maxEntries} slots open, ${map.lost} samples lost`;
  if (map instanceof UserRingBuf) return `${map.size} of ${maxEntries} bytes not drained`;
  if (map instanceof RingBuf) {
    const unread = plural([...map.keys()].length, 'record');
    return `${unread} unread in ${map.size} of ${maxEntries} bytes, ${map.lost} had no room`;
  }
  return `${map.size} of ${maxEntries} entries`;
}

export function mapLines(loaded: Loaded): string[] {
  return [...loaded.maps.values()].flatMap((map, i) => {
    const head = `map ${map.name}: ${mapTypeName(map.spec.type)}, ${fill(map)}`;
    return [...(i > 0 ? [''] : []), head, ...lines(map)];
  });
}
