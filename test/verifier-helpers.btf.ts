// BTF for the programs and maps of the prototype tests: functions for callbacks, a map value with a lock and a timer. BTF's format: kernel docs bpf/btf.

const MAGIC = 0xeb9f;
const HEADER = 24;
const KIND_INT = 1;
const KIND_ARRAY = 3;
const KIND_STRUCT = 4;
const KIND_FUNC = 12;
const KIND_FUNC_PROTO = 13;

class Writer {
  private readonly words: number[] = [];
  private strings = '\0';
  private types = 0;

  string(text: string): number {
    const at = this.strings.length;
    this.strings += `${text}\0`;
    return at;
  }

  /** `struct btf_type` and what follows it; the type's id. */
  type(name: string, kind: number, vlen: number, sizeOrType: number, ...rest: number[]): number {
    this.words.push(name === '' ? 0 : this.string(name), (kind << 24) | vlen, sizeOrType, ...rest);
    this.types++;
    return this.types;
  }

  bytes(): Uint8Array {
    const types = new Uint8Array(Uint32Array.from(this.words).buffer);
    const strings = new TextEncoder().encode(this.strings);
    const bytes = new Uint8Array(HEADER + types.length + strings.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, MAGIC, true);
    view.setUint8(2, 1);
    view.setUint32(4, HEADER, true);
    view.setUint32(12, types.length, true);
    view.setUint32(16, types.length, true);
    view.setUint32(20, strings.length, true);
    bytes.set(types, HEADER);
    bytes.set(strings, HEADER + types.length);
    return bytes;
  }
}

/** Bytes of `struct value { struct bpf_spin_lock lock; __u32 pad; struct bpf_timer timer; __u64 rest[5]; }`. */
export const VALUE_SIZE = 64;
export const LOCK_OFFSET = 0;
export const TIMER_OFFSET = 8;

export interface PrototypeBtf {
  readonly bytes: Uint8Array;
  readonly int: number;
  /** The value with a lock and a timer. */
  readonly value: number;
  /** A value of the same size without any field of its own. */
  readonly plain: number;
  /** Two functions: the entry and a callback. */
  readonly main: number;
  readonly callback: number;
}

export function prototypeBtf(): PrototypeBtf {
  const w = new Writer();
  const int = w.type('int', KIND_INT, 0, 4, (1 << 24) | 32);
  const u64 = w.type('u64', KIND_INT, 0, 8, 64);
  const pair = w.type('', KIND_ARRAY, 0, 0, u64, int, 2);
  const rest = w.type('', KIND_ARRAY, 0, 0, u64, int, 5);
  const plain = w.type('', KIND_ARRAY, 0, 0, u64, int, VALUE_SIZE / 8);
  const lock = w.type('bpf_spin_lock', KIND_STRUCT, 1, 4, w.string('val'), int, 0);
  const timer = w.type('bpf_timer', KIND_STRUCT, 1, 16, w.string('opaque'), pair, 0);
  const members = [
    [w.string('lock'), lock, LOCK_OFFSET * 8],
    [w.string('pad'), int, 32],
    [w.string('timer'), timer, TIMER_OFFSET * 8],
    [w.string('rest'), rest, 24 * 8],
  ];
  const value = w.type('value', KIND_STRUCT, members.length, VALUE_SIZE, ...members.flat());
  const proto = w.type('', KIND_FUNC_PROTO, 0, int);
  const main = w.type('entry', KIND_FUNC, 0, proto);
  const callback = w.type('callback', KIND_FUNC, 0, proto);
  return { bytes: w.bytes(), int, value, plain, main, callback };
}
