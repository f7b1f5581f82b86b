/** A live arena: memory that programs and JavaScript share. It has no keys. */
import {
  ARENA_DEFAULT_HIGH,
  ARENA_DEFAULT_LOW,
  ARENA_PAGE_SIZE,
  ARENA_USER_START,
  MAP_DATA,
} from '../../assembly/abi.ts';
import { EINVAL, EOPNOTSUPP, ERANGE } from '../../assembly/isa.ts';
import { RunError } from '../errors/index.ts';
import type { MapSpec } from '../object/types.ts';
import { BpfMap, type MapCodecs, type MapHost } from './map.ts';

const DEFAULT_START = (BigInt(ARENA_DEFAULT_HIGH) << 32n) | BigInt(ARENA_DEFAULT_LOW);
const MAX_PAGES = 0x100000;
const FOUR_GB = 1n << 32n;

/** Where the wish wants to have it (map_extra), or where it is put. */
function startOf({ mapExtra }: MapSpec): bigint {
  return mapExtra === 0n ? DEFAULT_START : mapExtra;
}

/** Why the kernel would not put an arena there; 0 when it would. */
export function arenaErrno(spec: MapSpec): number {
  // Larger than an arena can be: that is another error.
  if (spec.maxEntries > MAX_PAGES) return 0;
  const start = startOf(spec);
  if (start % BigInt(ARENA_PAGE_SIZE) !== 0n) return EINVAL;
  const last = start + BigInt(spec.maxEntries) * BigInt(ARENA_PAGE_SIZE) - 1n;
  return last / FOUR_GB === start / FOUR_GB ? 0 : ERANGE;
}

export class Arena extends BpfMap {
  /** Address of its first byte as programs and the pointers in it have it (user_vm_start). */
  readonly start: bigint;
  /** Bytes it has room for. */
  readonly byteLength: number;

  constructor(host: MapHost, spec: MapSpec, address: number, id: number, codecs: MapCodecs) {
    super(host, spec, address, id, codecs);
    this.start = startOf(spec);
    this.byteLength = spec.maxEntries * ARENA_PAGE_SIZE;
    host.memory.view.setBigUint64(address + ARENA_USER_START, BigInt.asUintN(64, this.start), true);
  }

  /** Makes pages be there, as touching them through mmap(2) does. @returns the address of `offset` in the engine's memory */
  private touch(offset: number, length: number): number {
    this.alive();
    const fits = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && length >= 0;
    if (!fits || offset + length > this.byteLength) {
      const found = `${offset} to ${offset + length}`;
      throw new RunError('RUN_OPTION', { option: 'offset', found, expected: `a place in ${this.byteLength} bytes` });
    }
    this.host.runtime.arena_touch(this.address, offset, length);
    return this.address + MAP_DATA + offset;
  }

  /**
   * A live view of bytes, all of them unless told which; it is void when the engine's memory grows. What a program reads or writes where nobody has looked
   * before is 0 and lost, as in Linux: looking makes the pages be there.
   * @throws RunError RUN_OPTION outside of the arena
   */
  bytes(offset = 0, length: number = this.byteLength - offset): Uint8Array {
    const at = this.touch(offset, length);
    return this.host.memory.u8.subarray(at, at + length);
  }

  /** Copies bytes into it. @throws RunError RUN_OPTION outside of the arena */
  write(offset: number, bytes: Uint8Array): void {
    if (!(bytes instanceof Uint8Array))
      throw new RunError('RUN_OPTION', { option: 'bytes', found: String(bytes), expected: 'a Uint8Array' });
    this.bytes(offset, bytes.length).set(bytes);
  }

  override get(): undefined {
    return this.fail('lookup', -EINVAL);
  }

  override set(): void {
    this.fail('update', -EOPNOTSUPP);
  }

  override delete(): boolean {
    return this.fail('delete', -EOPNOTSUPP);
  }

  // biome-ignore lint/correctness/useYield: there is nothing to give
  override *rawKeys(): Generator<Uint8Array, void, void> {
    this.alive();
  }
}
