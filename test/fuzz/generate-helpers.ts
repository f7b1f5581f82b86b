/**
 * Random XDP programs of map helpers, packet helpers, direct packet accesses, branches and tail calls, as cases for the kernel's client and for our engine.
 * R6 is the context, R7 gathers whatever was seen: values, errnos, packet bytes. What the verifier would refuse is never made.
 */
import {
  alu64,
  alu64r,
  asm,
  call,
  exit,
  type Item,
  jmp,
  jmpr,
  label,
  lddwMap,
  ldx,
  mov,
  movr,
  stx,
} from '../kernel/cases/asm.ts';
import type { Case, CaseMap, CaseProg, Step } from '../kernel/cases/types.ts';
import type { Random } from './verifier-item.ts';

const PROGS = 3;
const ARRAY = 0;
const HASH = 1;
const SLOTS = 2;
const MAPS: readonly CaseMap[] = [
  { type: 'array', keySize: 4, valueSize: 8, maxEntries: 4 },
  { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 6 },
  { type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 4 },
  { type: 'percpu_array', keySize: 4, valueSize: 8, maxEntries: 3 },
];
const LOOKED_UP = [ARRAY, HASH, 3];

/** R10 - 8: a key. R10 - 16: a value. From R10 - 80 on 64 bytes. */
const KEY = -8;
const VALUE = -16;
const BYTES = -80;

class Maker {
  private labels = 0;
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)];
  }

  private newLabel(): string {
    return `l${this.labels++}`;
  }

  /** R7 = R7 * odd + R0. */
  private gather(): Item[] {
    return [alu64('mul', 7, 2 * this.random.below(50) + 1), alu64r('add', 7, 0)];
  }

  /** A key below 8, of R7 or constant, on the stack. */
  private key(): Item[] {
    const made = this.random.below(2) === 0 ? [movr(1, 7), alu64('and', 1, 7)] : [mov(1, this.random.below(8))];
    return [...made, stx('w', 10, 1, KEY)];
  }

  /** A number around 0 in `reg`: of R7, or constant. */
  private delta(reg: number): Item[] {
    const bias = this.pick([0, 8, 16, 30]);
    if (this.random.below(2) === 0) return [movr(reg, 7), alu64('and', reg, 31), alu64('sub', reg, bias)];
    return [mov(reg, this.random.below(48) - bias)];
  }

  private lookup(): Item[] {
    const miss = this.newLabel();
    const write = this.random.below(2) === 0 ? [stx('dw', 0, 7)] : [];
    return [
      ...this.key(),
      lddwMap(1, this.pick(LOOKED_UP)),
      movr(2, 10),
      alu64('add', 2, KEY),
      call('map_lookup_elem'),
      jmp('jeq', 0, 0, miss),
      ldx('dw', 1, 0),
      ...write,
      movr(0, 1),
      ...this.gather(),
      label(miss),
    ];
  }

  private update(): Item[] {
    const set = [stx('dw', 10, 7, VALUE), movr(3, 10), alu64('add', 3, VALUE), mov(4, this.random.below(4))];
    return [
      ...this.key(),
      lddwMap(1, this.pick(LOOKED_UP)),
      movr(2, 10),
      alu64('add', 2, KEY),
      ...set,
      call('map_update_elem'),
      ...this.gather(),
    ];
  }

  private remove(): Item[] {
    const where = [lddwMap(1, HASH), movr(2, 10), alu64('add', 2, KEY)];
    return [...this.key(), ...where, call('map_delete_elem'), ...this.gather()];
  }

  private adjust(): Item[] {
    const helper = this.pick(['xdp_adjust_head', 'xdp_adjust_tail', 'xdp_adjust_meta'] as const);
    const aligned = helper === 'xdp_adjust_meta' && this.random.below(3) > 0 ? [alu64('and', 2, -4)] : [];
    return [movr(1, 6), ...this.delta(2), ...aligned, call(helper), ...this.gather()];
  }

  private copy(): Item[] {
    const helper = this.pick(['xdp_load_bytes', 'xdp_store_bytes'] as const);
    const size = 1 + this.random.below(64);
    const offset = this.random.below(2) === 0 ? [movr(2, 7), alu64('and', 2, 127)] : [mov(2, this.random.below(1600))];
    const buffer = [movr(3, 10), alu64('add', 3, BYTES), mov(4, size)];
    return [
      movr(1, 6),
      ...offset,
      ...buffer,
      call(helper),
      ...this.gather(),
      ldx('dw', 0, 10, BYTES),
      ...this.gather(),
    ];
  }

  private length(): Item[] {
    return [movr(1, 6), call('xdp_get_buff_len'), ...this.gather()];
  }

  private sum(): Item[] {
    const size = 4 * this.random.below(17);
    const to = [movr(3, 10), alu64('add', 3, BYTES), mov(4, size), movr(5, 7)];
    return [mov(1, 0), mov(2, 0), ...to, call('csum_diff'), ...this.gather()];
  }

  /** A load or a store between data and data_end, or between data_meta and data. */
  private access(): Item[] {
    const [from, to] = this.pick([
      [0, 4],
      [0, 4],
      [8, 0],
    ]);
    const out = this.newLabel();
    const at = this.random.below(40);
    const size = this.pick([
      ['b', 1],
      ['h', 2],
      ['w', 4],
      ['dw', 8],
    ] as const);
    const body = this.random.below(2) === 0 ? [ldx(size[0], 0, 1, at), ...this.gather()] : [stx(size[0], 1, 7, at)];
    return [
      ldx('w', 1, 6, from),
      ldx('w', 2, 6, to),
      movr(3, 1),
      alu64('add', 3, at + size[1]),
      jmpr('jgt', 3, 2, out),
      ...body,
      label(out),
    ];
  }

  private jump(): Item[] {
    const index = this.random.below(2) === 0 ? [movr(3, 7), alu64('and', 3, 7)] : [mov(3, this.random.below(5))];
    return [movr(1, 6), lddwMap(2, SLOTS), ...index, call('tail_call'), mov(0, 77), ...this.gather()];
  }

  private gadget(depth: number): Item[] {
    const kind = this.random.below(depth < 2 ? 12 : 10);
    if (kind < 2) return this.lookup();
    if (kind < 3) return this.update();
    if (kind < 4) return this.remove();
    if (kind < 6) return this.adjust();
    if (kind < 7) return this.copy();
    if (kind < 8) return this.pick([() => this.length(), () => this.sum(), () => this.jump()])();
    if (kind < 10) return this.access();
    const skip = this.newLabel();
    const op = this.pick(['jset', 'jgt', 'jslt', 'jeq'] as const);
    return [jmp(op, 7, this.random.below(64), skip), ...this.gadget(depth + 1), ...this.gadget(depth + 1), label(skip)];
  }

  program(): Uint8Array {
    const clear = [mov(1, 0), ...Array.from({ length: 10 }, (_, i) => stx('dw', 10, 1, -8 * (i + 1)))];
    const body = Array.from({ length: 4 + this.random.below(10) }, () => this.gadget(0)).flat();
    return asm([
      movr(6, 1),
      mov(7, this.random.below(1000)),
      ...clear,
      ...body,
      movr(0, 7),
      alu64('and', 0, 3),
      exit(),
    ]);
  }
}

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

/** A case with its maps, programs in slots, and packets; a packet may have metadata and fragments. */
export function generateCase(random: Random, name: string): Case {
  const progs = Array.from({ length: PROGS }, (_, i): CaseProg => {
    return { name: `p${i}`, type: 'xdp', insns: new Maker(random).program() };
  });
  const slots = [0, 1, 2, 3].filter(() => random.below(4) > 0);
  const fill = slots.map((slot): Step => ({ op: 'setProg', map: SLOTS, key: u32(slot), prog: random.below(PROGS) }));
  const runs = Array.from({ length: 6 }, (): Step => {
    const metadata = random.below(3) === 0 ? 4 * random.below(6) : 0;
    const size = metadata + 14 + [0, 1, 46, random.below(100), random.below(1500), 4000][random.below(6)];
    const data = Uint8Array.from({ length: size }, () => random.below(256));
    const end = random.below(3) === 0 ? metadata + random.below(size - metadata + 1) : size;
    return {
      op: 'run',
      prog: random.below(PROGS),
      data,
      ctx: new Uint8Array(Uint32Array.of(metadata, end, 0, 1, 0, 0).buffer),
    };
  });
  return { name, maps: MAPS, progs, steps: [...fill, ...runs] };
}
