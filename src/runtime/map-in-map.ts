/**
 * Maps of maps: an elem is another map of the engine, which lives at least as long as the slot holds it. Programs are given the inner map
 * itself; JavaScript sees its id and name, as bpf(2) gives ids.
 */
import {
  BPF_F_INNER_MAP,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_CGROUP_STORAGE,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
  BPF_MAP_TYPE_PROG_ARRAY,
  EINVAL,
} from '../../assembly/isa.ts';
import { RunError } from '../errors/index.ts';
import type { MapSpec } from '../object/types.ts';
import { BpfMap, type MapCodecs, type MapHost, type UpdateOptions } from './map.ts';
import type { SlotEntry } from './prog-array.ts';

const addressOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);

const EBADF = 9;
/** The kernel's own, not in errno.h. */
const ENOTSUPP = 524;
const NOT_INNER: readonly number[] = [
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_CGROUP_STORAGE,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
];

/** Fields in which the map that is put in must be the template; Linux compares them (bpf_map_meta_equal). */
const SAME = ['type', 'keySize', 'valueSize', 'flags'] as const;

export class MapInMap extends BpfMap {
  private readonly inner: MapSpec;
  private readonly held = new Map<number, BpfMap>();
  /** How many slots hold each inner map. */
  private readonly counts = new Map<number, number>();

  constructor(host: MapHost, spec: MapSpec, address: number, id: number, codecs: MapCodecs, inner: MapSpec) {
    super(host, spec, address, id, codecs);
    this.inner = inner;
  }

  /** @throws RunError RUN_MAP_INPUT for what is no map, RUN_FOREIGN, EINVAL for a map that is not like the template, E2BIG, EEXIST, ENOENT */
  override set(key: unknown, value: unknown, options: UpdateOptions = {}): void {
    this.alive();
    if (!(value instanceof BpfMap)) {
      const fields = { map: this.name, what: 'map', found: String(value), expected: 'a BpfMap' };
      throw new RunError('RUN_MAP_INPUT', fields);
    }
    BpfMap.ofHost(this.host, value, 'value');
    const isAny = options.flags === undefined || options.flags === 'any' || options.flags === 0;
    if (this.spec.type === BPF_MAP_TYPE_ARRAY_OF_MAPS && !isAny) this.fail('update', -EINVAL);
    if (!this.isLike(value.spec)) this.fail('update', -EINVAL);
    const before = this.bytesOf(key);
    const address = new Uint8Array(Uint32Array.of(value.address).buffer);
    super.set(key, address, options);
    value.hold();
    this.letGo(before);
    this.held.set(value.address, value);
    this.counts.set(value.address, (this.counts.get(value.address) ?? 0) + 1);
  }

  private isLike(spec: MapSpec): boolean {
    if (SAME.some((field) => spec[field] !== this.inner[field])) return false;
    // Programs rely on how many elems an array has, unless it says that it may be replaced by a smaller one.
    const fixed = spec.type === BPF_MAP_TYPE_ARRAY && (this.inner.flags & BPF_F_INNER_MAP) === 0;
    return !fixed || spec.maxEntries === this.inner.maxEntries;
  }

  private letGo(slot: Uint8Array | undefined): void {
    const address = slot === undefined ? 0 : addressOf(slot);
    const map = this.held.get(address);
    if (map === undefined) return;
    const left = (this.counts.get(address) ?? 1) - 1;
    this.counts.set(address, left);
    if (left === 0) this.held.delete(address);
    map.release();
  }

  override delete(key: unknown): boolean {
    this.alive();
    const before = this.bytesOf(key);
    if (before === undefined || addressOf(before) === 0) return false;
    if (this.spec.type === BPF_MAP_TYPE_ARRAY_OF_MAPS) super.set(key, new Uint8Array(4));
    else super.delete(key);
    this.letGo(before);
    return true;
  }

  /** The inner map in a slot, to work on; undefined for an empty one. */
  mapAt(key: unknown): BpfMap | undefined {
    const value = this.bytesOf(key);
    return value === undefined ? undefined : this.held.get(addressOf(value));
  }

  override get(key: unknown, options: { readonly raw: true }): Uint8Array | undefined;
  override get(key: unknown, options?: { readonly raw?: boolean }): SlotEntry | undefined;
  override get(key: unknown, options: { readonly raw?: boolean } = {}): unknown {
    const map = this.mapAt(key);
    if (map === undefined) return undefined;
    return options.raw === true ? new Uint8Array(Uint32Array.of(map.id).buffer) : { id: map.id, name: map.name };
  }

  override entries(options: { readonly raw: true }): Generator<[Uint8Array, Uint8Array], void, void>;
  override entries(options?: { readonly raw?: boolean }): Generator<[unknown, unknown], void, void>;
  override *entries(options: { readonly raw?: boolean } = {}): Generator<[unknown, unknown], void, void> {
    for (const key of [...this.rawKeys()]) {
      const value = options.raw === true ? this.get(key, { raw: true }) : this.get(key);
      if (value !== undefined) yield [options.raw === true ? key : this.decodeKey(key), value];
    }
  }

  protected override destroy(): void {
    const slots = [...this.counts];
    super.destroy();
    for (const [address, count] of slots) for (let i = 0; i < count; i++) this.held.get(address)?.release();
    this.held.clear();
  }
}

/** What a map of maps may hold: Linux has no maps of maps of maps, and none of prog arrays. */
export function innerErrno(inner: MapSpec | undefined): number {
  if (inner === undefined) return EBADF;
  return NOT_INNER.includes(inner.type) ? ENOTSUPP : 0;
}
