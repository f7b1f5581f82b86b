/**
 * Maps that packets are redirected to: devices (devmap, devmap_hash), CPUs (cpumap), AF_XDP sockets (xskmap). What may be put in is judged here, as
 * Linux judges it; the runtime keeps the entries (assembly/runtime/map/redirect-map.ts).
 */
import { CPUMAP_MAX_QUEUE, REDIRECT_ENTRY_SIZE } from '../../assembly/abi.ts';
import {
  BPF_EXIST,
  BPF_MAP_TYPE_CPUMAP,
  BPF_MAP_TYPE_DEVMAP,
  BPF_MAP_TYPE_DEVMAP_HASH,
  BPF_MAP_TYPE_XSKMAP,
  BPF_NOEXIST,
  E2BIG,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOMEM,
  EOVERFLOW,
} from '../../assembly/isa.ts';
import { RunError } from '../errors/index.ts';
import type { MapSpec } from '../object/types.ts';
import { viewOf } from '../util/bytes.ts';
import type { Device } from './device.ts';
import { BpfMap, flagsOf, type MapCodecs, type MapHost, type UpdateOptions } from './map.ts';
import type { Prog } from './prog.ts';
import type { SlotEntry } from './prog-array.ts';
import { redirectValue } from './redirect-value.ts';
import { refuseBound, type SlotKind, slotKindText } from './slot-kind.ts';
import { XskSocket } from './xsk.ts';

const BPF_XDP_DEVMAP = 33;
const BPF_XDP_CPUMAP = 35;

/** What the maps ask their engine for. */
export interface RedirectHost extends MapHost {
  deviceByIndex(ifindex: number): Device | undefined;
  progById(id: number): Prog | undefined;
}

/** An entry as `get` shows it: `ifindex` of a device, `qsize` of a CPU, or a socket; and its program. */
export interface RedirectEntry {
  readonly ifindex?: number;
  readonly qsize?: number;
  readonly socket?: { readonly id: number; readonly device: string; readonly queue: number };
  readonly prog?: SlotEntry;
}

export function isRedirectType(type: number): boolean {
  return (
    type === BPF_MAP_TYPE_DEVMAP ||
    type === BPF_MAP_TYPE_DEVMAP_HASH ||
    type === BPF_MAP_TYPE_CPUMAP ||
    type === BPF_MAP_TYPE_XSKMAP
  );
}

/** What a slot keeps alive. */
interface Held {
  readonly prog?: Prog;
  readonly socket?: XskSocket;
}

export class RedirectMap extends BpfMap {
  private readonly owner: RedirectHost;
  private readonly held = new Map<number, Held>();
  /** What its programs must be like: fixed by the first one. */
  private likeness: Pick<SlotKind, 'type' | 'frags'> | undefined;

  constructor(host: RedirectHost, spec: MapSpec, address: number, id: number, codecs: MapCodecs) {
    super(host, spec, address, id, codecs);
    this.owner = host;
  }

  /**
   * A program that uses this map must be like those in it: of the same type, and with or without packets in several buffers as they are. Linux does not
   * ask users of a devmap_hash, only what is put in.
   * @throws RunError RUN_PROG_TYPE
   */
  claim(prog: string, kind: SlotKind): void {
    const { type } = this.spec;
    if (type === BPF_MAP_TYPE_DEVMAP || type === BPF_MAP_TYPE_CPUMAP) this.agree(prog, kind);
  }

  private agree(prog: string, kind: SlotKind): void {
    this.likeness ??= { type: kind.type, frags: kind.frags };
    const { type, frags } = this.likeness;
    if (type === kind.type && frags === kind.frags) return;
    const expected = frags ? `${type}.frags` : type === 'xdp' ? 'xdp without frags' : type;
    throw new RunError('RUN_PROG_TYPE', { map: this.name, prog, type: slotKindText(kind), expected });
  }

  /** The number of a key. */
  private numberOf(key: Uint8Array): number {
    return viewOf(key).getUint32(0, true);
  }

  /**
   * @param value see `RedirectValue`; an xskmap takes an XskSocket
   * @throws RunError RUN_MAP_OP with the kernel's errno; RUN_PROG_TYPE, RUN_FOREIGN, RUN_MAP_INPUT
   */
  override set(key: unknown, value: unknown, options: UpdateOptions = {}): void {
    this.alive();
    this.writable();
    const keyIn = this.keyBytes(key);
    const flags = flagsOf(options);
    if (flags < 0 || flags > BPF_EXIST) this.fail('update', -EINVAL);
    const { type } = this.spec;
    if (type === BPF_MAP_TYPE_XSKMAP) this.setSocket(keyIn, value, options);
    else if (type === BPF_MAP_TYPE_CPUMAP) this.setCpu(keyIn, value, flags);
    else this.setDevice(keyIn, value, flags);
  }

  /** The index must be in range; nothing says that the entry is not there, so Linux takes all of them for being there. */
  private checkIndex(key: Uint8Array, flags: number): void {
    if (this.numberOf(key) >= this.spec.maxEntries) this.fail('update', -E2BIG);
    if (flags === BPF_NOEXIST) this.fail('update', -EEXIST);
  }

  private setDevice(key: Uint8Array, value: unknown, flags: number): void {
    const isHash = this.spec.type === BPF_MAP_TYPE_DEVMAP_HASH;
    if (!isHash) this.checkIndex(key, flags);
    const { target, device, prog } = redirectValue(this.name, value, 'ifindex', this.spec.valueSize);
    if (isHash && target === 0) this.fail('update', -EINVAL);
    if (isHash && flags === BPF_NOEXIST && this.bytesOf(key) !== undefined) this.fail('update', -EEXIST);
    if (target === 0) {
      if (prog !== undefined) this.fail('update', -EINVAL);
      this.put8(key, 0, {}, flags);
      return;
    }
    const found = this.owner.deviceByIndex(target);
    if (device !== undefined && found !== device)
      throw new RunError('RUN_FOREIGN', { what: 'device', name: device.name });
    if (found === undefined) this.fail('update', -EINVAL);
    this.put8(key, target, this.takeProg(prog, BPF_XDP_DEVMAP), flags);
  }

  private setCpu(key: Uint8Array, value: unknown, flags: number): void {
    this.checkIndex(key, flags);
    const { target, prog } = redirectValue(this.name, value, 'qsize', this.spec.valueSize);
    if (target > CPUMAP_MAX_QUEUE) this.fail('update', -EOVERFLOW);
    if (this.numberOf(key) >= this.host.cpus) this.fail('update', -ENODEV);
    this.put8(key, target, target === 0 ? {} : this.takeProg(prog, BPF_XDP_CPUMAP), flags);
  }

  private setSocket(key: Uint8Array, value: unknown, options: UpdateOptions): void {
    if (this.numberOf(key) >= this.spec.maxEntries) this.fail('update', -E2BIG);
    if (!(value instanceof XskSocket) || value.isClosed) {
      const fields = { map: this.name, what: 'socket', found: String(value), expected: 'an open XskSocket' };
      throw new RunError('RUN_MAP_INPUT', fields);
    }
    if (!value.isOf(this.owner)) throw new RunError('RUN_FOREIGN', { what: 'socket', name: String(value.id) });
    // The flags are about another socket.
    if (this.socketAt(this.numberOf(key)) === value) return;
    this.entry(key, [value.queue, value.id], { socket: value }, options);
    value.addHolder(this.onSocketClosed);
  }

  private readonly onSocketClosed = (socket: XskSocket): void => {
    if (this.isClosed) return;
    for (const [key, held] of [...this.held]) if (held.socket === socket) this.forget(key);
  };

  /** The program for an entry. */
  private takeProg(given: Prog | number | undefined, attachType: number): Held {
    if (given === undefined) return {};
    if (this.spec.valueSize < REDIRECT_ENTRY_SIZE) {
      const expected = 'a map whose values have 8 bytes';
      throw new RunError('RUN_MAP_INPUT', { map: this.name, what: 'value of 4 bytes', found: 'a program', expected });
    }
    const prog = typeof given === 'number' ? this.owner.progById(given) : given;
    // Whatever is wrong with the program of a CPU, Linux says that it has no memory.
    if (prog === undefined) this.fail('update', this.spec.type === BPF_MAP_TYPE_CPUMAP ? -ENOMEM : -EINVAL);
    if (prog.host !== this.host) throw new RunError('RUN_FOREIGN', { what: 'program', name: prog.name });
    if (typeof given !== 'number') prog.alive();
    refuseBound(this.name, prog);
    const kind = prog.slotKind;
    if (kind.type !== 'xdp' || kind.attachType !== attachType) {
      const expected = `xdp with attach type ${attachType}`;
      throw new RunError('RUN_PROG_TYPE', { map: this.name, prog: prog.name, type: slotKindText(kind), expected });
    }
    this.agree(prog.name, kind);
    return { prog };
  }

  private put8(key: Uint8Array, target: number, held: Held, flags: number): void {
    this.entry(key, [target, held.prog?.id ?? 0], held, { flags });
  }

  private entry(key: Uint8Array, words: readonly [number, number], held: Held, options: UpdateOptions): void {
    this.update(key, new Uint8Array(Uint32Array.from(words).buffer), options);
    held.prog?.hold();
    this.letGo(this.numberOf(key));
    if (held.prog !== undefined || held.socket !== undefined) this.held.set(this.numberOf(key), held);
  }

  private letGo(key: number): void {
    const held = this.held.get(key);
    this.held.delete(key);
    held?.prog?.release();
  }

  override delete(key: unknown): boolean {
    const bytes = this.keyBytes(key);
    const deleted = super.delete(bytes);
    if (deleted) this.letGo(this.numberOf(bytes));
    return deleted;
  }

  /** @internal a device is gone: Linux takes it out of every map */
  dropDevice(ifindex: number): void {
    const { type } = this.spec;
    if (this.isClosed || (type !== BPF_MAP_TYPE_DEVMAP && type !== BPF_MAP_TYPE_DEVMAP_HASH)) return;
    for (const key of [...this.everyKey()].map((one) => this.numberOf(one)))
      if (this.targetAt(key) === ifindex) this.forget(key);
  }

  /** What an entry was about is gone: it goes, even out of a frozen map. */
  private forget(key: number): void {
    this.host.runtime.map_delete(this.address, this.put(key32(key)));
    this.letGo(key);
  }

  /** @internal the program of an entry */
  progAt(key: number): Prog | undefined {
    return this.held.get(key)?.prog;
  }

  /** The socket in a slot of an xskmap. */
  socketAt(key: number): XskSocket | undefined {
    return this.held.get(key)?.socket;
  }

  /** @internal the first word of an entry: a device's number, a queue's length; 0 for none */
  targetAt(key: number): number {
    const value = this.bytesOf(key32(key));
    return value === undefined ? 0 : viewOf(value).getUint32(0, true);
  }

  override get(key: unknown, options: { readonly raw: true }): Uint8Array | undefined;
  override get(key: unknown, options?: { readonly raw?: boolean }): RedirectEntry | undefined;
  override get(key: unknown, options: { readonly raw?: boolean } = {}): unknown {
    const bytes = this.keyBytes(key);
    const value = super.get(bytes, { raw: true });
    if (value === undefined) return undefined;
    const socket = this.socketAt(this.numberOf(bytes));
    if (options.raw === true) return socket === undefined ? value : key32(socket.id);
    if (socket !== undefined) {
      return { socket: { id: socket.id, device: socket.device.name, queue: socket.queue } };
    }
    const target = viewOf(value).getUint32(0, true);
    const prog = this.progAt(this.numberOf(bytes));
    const named = prog === undefined ? {} : { prog: { id: prog.id, name: prog.name } };
    return this.spec.type === BPF_MAP_TYPE_CPUMAP ? { qsize: target, ...named } : { ifindex: target, ...named };
  }

  override entries(options: { readonly raw: true }): Generator<[Uint8Array, Uint8Array], void, void>;
  override entries(options?: { readonly raw?: boolean }): Generator<[unknown, unknown], void, void>;
  override *entries(options: { readonly raw?: boolean } = {}): Generator<[unknown, unknown], void, void> {
    for (const key of [...this.rawKeys()]) {
      const value = options.raw === true ? this.get(key, { raw: true }) : this.get(key);
      if (value !== undefined) yield [options.raw === true ? key : this.numberOf(key), value];
    }
  }

  override get size(): number {
    return [...this.entries({ raw: true })].length;
  }

  protected override destroy(): void {
    for (const key of [...this.held.keys()]) this.letGo(key);
    super.destroy();
  }
}

function key32(key: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(key).buffer);
}
