/**
 * A prog array: a range of the shared function table and its mirror of program ids in memory. Slots can be set, replaced and deleted
 * between packets; each packet sees one consistent slot, because table and mirror change together while no program runs.
 */
import { MAP_DATA, MAP_PROG_TYPE, MAP_TABLE_BASE } from '../../assembly/abi.ts';
import { E2BIG, EINVAL } from '../../assembly/isa.ts';
import { RunError } from '../errors/index.ts';
import type { MapSpec } from '../object/types.ts';
import { BpfMap, type MapCodecs, type MapHost, type UpdateOptions } from './map.ts';
import type { Prog } from './prog.ts';
import { refuseBound, type SlotKind, slotKindText } from './slot-kind.ts';
import type { SharedTable } from './table.ts';

/** What a slot shows. */
export interface SlotEntry {
  readonly id: number;
  readonly name: string;
}

const U32: MapCodecs['key'] = {
  decode: (bytes) => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true),
  encode: (value, what) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      throw new RunError('RUN_MAP_INPUT', { map: what, what: 'slot', found: String(value), expected: 'an integer' });
    }
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    return bytes;
  },
};

export class ProgArray extends BpfMap {
  private readonly table: SharedTable;
  /** First slot of its range in the shared table. */
  readonly tableBase: number;
  private readonly progs = new Map<number, Prog>();
  /** What every program in it must be: fixed by the first one, or by the program that uses the array. */
  private owner: string | undefined;

  constructor(host: MapHost, spec: MapSpec, address: number, id: number, table: SharedTable) {
    super(host, spec, address, id, { key: U32, value: U32 });
    this.table = table;
    this.tableBase = table.alloc(spec.maxEntries);
    host.memory.view.setUint32(address + MAP_TABLE_BASE, this.tableBase, true);
  }

  /**
   * A program that tail-calls through this array, or is put into it, must be what all others are: Linux compares type, attach type and frags.
   * @throws RunError RUN_PROG_TYPE
   */
  claim(prog: string, kind: SlotKind): void {
    const text = slotKindText(kind);
    this.owner ??= text;
    if (this.owner !== text)
      throw new RunError('RUN_PROG_TYPE', { map: this.name, prog, type: text, expected: this.owner });
    this.host.memory.view.setUint32(this.address + MAP_PROG_TYPE, 1, true);
  }

  private slotOf(key: unknown): number {
    const bytes = this.keyBytes(key);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  }

  private write(slot: number, prog: Prog | undefined): void {
    const old = this.progs.get(slot);
    if (prog === undefined) this.progs.delete(slot);
    else {
      prog.hold();
      this.progs.set(slot, prog);
    }
    const apply = () => {
      if (!this.isClosed) this.show(slot, prog);
      old?.release();
    };
    const { slotGate } = this.host;
    if (slotGate === undefined) apply();
    else slotGate.change(this.tableBase + slot, prog, apply);
  }

  /** Makes programs see what a slot holds. */
  private show(slot: number, prog: Prog | undefined): void {
    // Mirror last when filling, first when emptying: a slot whose mirror is set always has its function.
    const mirror = this.address + MAP_DATA + slot * 4;
    if (prog !== undefined) {
      this.table.table.set(this.tableBase + slot, prog.func);
      this.host.memory.view.setUint32(mirror, prog.id, true);
    } else {
      this.host.memory.view.setUint32(mirror, 0, true);
      this.table.table.set(this.tableBase + slot, null);
    }
  }

  /** @internal what other threads put into their tables: slots of the table with their programs */
  *tableEntries(): Generator<readonly [slot: number, prog: Prog]> {
    for (const [slot, prog] of this.progs) yield [this.tableBase + slot, prog];
  }

  /**
   * Puts a program into a slot, replacing what is there.
   * @throws RunError E2BIG for a slot beyond the array, EINVAL for flags (prog arrays know none) and for a program of another type
   */
  override set(key: unknown, value: unknown, options: UpdateOptions = {}): void {
    this.alive();
    const slot = this.slotOf(key);
    if (options.flags !== undefined && options.flags !== 'any' && options.flags !== 0) this.fail('update', -EINVAL);
    if (slot >= this.spec.maxEntries) this.fail('update', -E2BIG);
    const prog = value as Prog;
    if (prog === null || typeof prog !== 'object' || typeof prog.hold !== 'function') {
      throw new RunError('RUN_MAP_INPUT', {
        map: this.name,
        what: 'program',
        found: String(value),
        expected: 'a Prog',
      });
    }
    if (prog.host !== this.host) throw new RunError('RUN_FOREIGN', { what: 'program', name: prog.name });
    prog.alive();
    refuseBound(this.name, prog);
    this.host.slotGate?.check(this.name, prog);
    this.claim(prog.name, prog.slotKind);
    this.write(slot, prog);
  }

  override delete(key: unknown): boolean {
    this.alive();
    const slot = this.slotOf(key);
    if (slot >= this.spec.maxEntries) this.fail('delete', -E2BIG);
    if (!this.progs.has(slot)) return false;
    this.write(slot, undefined);
    return true;
  }

  override get(key: unknown, options?: { readonly raw: true }): Uint8Array | undefined;
  override get(key: unknown, options?: { readonly raw?: boolean }): SlotEntry | undefined;
  override get(key: unknown, options: { readonly raw?: boolean } = {}): unknown {
    this.alive();
    const prog = this.progs.get(this.slotOf(key));
    if (prog === undefined) return undefined;
    return options.raw === true ? U32.encode(prog.id, 'id') : { id: prog.id, name: prog.name };
  }

  override entries(options: { readonly raw: true }): Generator<[Uint8Array, Uint8Array], void, void>;
  override entries(options?: { readonly raw?: boolean }): Generator<[unknown, unknown], void, void>;
  override *entries(options: { readonly raw?: boolean } = {}): Generator<[unknown, unknown], void, void> {
    for (const key of this.rawKeys()) {
      if (options.raw === true) yield [key, this.get(key, { raw: true })];
      else yield [U32.decode(key), this.get(key)];
    }
  }

  override *rawKeys(): Generator<Uint8Array, void, void> {
    this.alive();
    for (const slot of [...this.progs.keys()].sort((a, b) => a - b)) yield U32.encode(slot, 'slot');
  }

  /** Breaks the circle of programs that refer to the array that holds them. */
  protected override lastUserGone(): void {
    for (const slot of [...this.progs.keys()]) this.write(slot, undefined);
  }

  protected override destroy(): void {
    this.lastUserGone();
    this.table.release(this.tableBase, this.spec.maxEntries);
    super.destroy();
  }
}
