// Programs that ask the running kernel about a helper's prototype: well-typed arguments up to the one in question.

import { createRequire } from 'node:module';
import { encodeInsns } from '../src/isa/decode.ts';
import type { Insn } from '../src/isa/insn.ts';
import * as abi from '../src/verifier/abi.ts';
import { MAP_TYPES, type MapTypeName, takesMap } from '../src/verifier/tables/helpers-maps.ts';
import type { HelperRow, PacketType } from '../src/verifier/tables/helpers-row.ts';
import { closeFd, createMap, loadBtf, loadProg } from './kernel/bpf.ts';
import { KernelError } from './kernel/errno.ts';
import { openSyscalls } from './kernel/syscall.ts';
import { LOCK_OFFSET, prototypeBtf, TIMER_OFFSET, VALUE_SIZE } from './verifier-helpers.btf.ts';

/** Program types: number, and the attach types that the kernel judges them by, the most permissive first. */
export const LOAD_AS: Readonly<Record<PacketType, readonly [type: number, ...attachTypes: number[]]>> = {
  socket_filter: [1, 0],
  sched_cls: [3, 0],
  sched_act: [4, 0],
  xdp: [6, 0, 37, 35],
  cgroup_skb: [8, 0, 1],
  cgroup_sock: [9, 2, 12, 13, 34],
  lwt_in: [10, 0],
  lwt_out: [11, 0],
  lwt_xmit: [12, 0],
  sock_ops: [13, 3],
  sk_skb: [14, 0, 4, 5, 38],
  sk_msg: [16, 7],
  cgroup_sock_addr: [18, 10, 11, 8, 9, 14, 15, 19, 20, 29, 30, 31, 32, 49, 50, 51, 52, 53],
  lwt_seg6local: [19, 0],
  sk_reuseport: [21, 0, 39, 40],
  flow_dissector: [22, 17],
  sk_lookup: [30, 36],
  netfilter: [32, 45],
};

export const insn = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Insn => ({ opcode, dst, src, off, imm });
export const mov = (dst: number, imm: number): Insn => insn(0xb7, dst, 0, 0, imm);
export const copy = (dst: number, src: number): Insn => insn(0xbf, dst, src);
export const add = (dst: number, imm: number): Insn => insn(0x07, dst, 0, 0, imm);
export const call = (id: number): Insn => insn(0x85, 0, 0, 0, id);
export const exit = insn(0x95);
export const load64 = (dst: number, src: number, off: number): Insn => insn(0x79, dst, src, off);
/** Leave with verdict 1 when the register is NULL. */
export const leaveIfNull = (reg: number): Insn[] => [insn(0x55, reg, 0, 2), mov(0, 1), exit];
export const lddw = (dst: number, src: number, imm: number, next = 0): Insn[] => [
  insn(0x18, dst, src, 0, imm),
  insn(0, 0, 0, 0, next),
];
export const stack = (reg: number, off: number): Insn[] => [copy(reg, 10), add(reg, off)];

const PSEUDO_MAP_FD = 1;
export const PSEUDO_MAP_VALUE = 2;
const PSEUDO_FUNC = 4;
export const CTX = 6;
/** The register that holds what `prelude` made. */
export const HELD = 7;
export const BUFFER = -256;
/** Stack that no prelude writes. */
export const UNWRITTEN = -384;
const DYNPTR = -16;
const BPF_F_NO_PREALLOC = 1;
const BPF_MAP_FREEZE = 22;
/** Where contexts other than __sk_buff have their socket. */
const SK: Partial<Readonly<Record<PacketType, number>>> = {
  sk_reuseport: 40,
  sock_ops: 184,
  sk_msg: 72,
  cgroup_sock_addr: 64,
  sk_lookup: 0,
};
const SKB_SK = 168;
const SOCKETS: readonly number[] = [abi.ARG_PTR_TO_SOCK_COMMON, abi.ARG_PTR_TO_BTF_ID_SOCK_COMMON];
/** Any helper: R1 to R5 cannot be read behind it. */
const CLOBBER = 7;
const IDS = {
  map_lookup: 1,
  sk_lookup_tcp: 84,
  sk_release: 86,
  lock: 93,
  unlock: 94,
  reserve: 131,
  submit: 132,
} as const;
const TASK_BTF = 158;
const DYNPTR_FROM_MEM = 197;
const RESERVE_DYNPTR = 198;
const SUBMIT_DYNPTR = 199;

const CAPABILITY_VERSION_3 = 0x20080522;
const CAP_SYS_ADMIN = 21;
const CAP_PERFMON = 38;
type CapCall = (header: Uint8Array, data: Uint32Array) => number;

type Sizes = readonly [key: number, value: number, entries: number, flags?: number];
const MAPS: Partial<Readonly<Record<MapTypeName, Sizes>>> = {
  hash: [4, VALUE_SIZE, 4],
  array: [4, VALUE_SIZE, 4],
  prog_array: [4, 4, 4],
  perf_event_array: [4, 4, 4],
  percpu_hash: [4, VALUE_SIZE, 4],
  percpu_array: [4, VALUE_SIZE, 4],
  stack_trace: [4, 80, 4],
  cgroup_array: [4, 4, 4],
  lru_hash: [4, VALUE_SIZE, 4],
  lru_percpu_hash: [4, VALUE_SIZE, 4],
  lpm_trie: [8, VALUE_SIZE, 4, BPF_F_NO_PREALLOC],
  array_of_maps: [4, 4, 4],
  hash_of_maps: [4, 4, 4],
  devmap: [4, 4, 4],
  sockmap: [4, 4, 4],
  cpumap: [4, 4, 4],
  xskmap: [4, 4, 4],
  sockhash: [4, 4, 4],
  cgroup_storage: [16, VALUE_SIZE, 0],
  reuseport_sockarray: [4, 8, 4],
  percpu_cgroup_storage: [16, VALUE_SIZE, 0],
  queue: [0, VALUE_SIZE, 4],
  stack: [0, VALUE_SIZE, 4],
  sk_storage: [4, VALUE_SIZE, 0, BPF_F_NO_PREALLOC],
  devmap_hash: [4, 4, 4],
  ringbuf: [0, 0, 4096],
  inode_storage: [4, VALUE_SIZE, 0, BPF_F_NO_PREALLOC],
  task_storage: [4, VALUE_SIZE, 0, BPF_F_NO_PREALLOC],
  bloom_filter: [0, VALUE_SIZE, 4],
  user_ringbuf: [0, 0, 4096],
  cgrp_storage: [4, VALUE_SIZE, 0, BPF_F_NO_PREALLOC],
};
const OWNED: readonly MapTypeName[] = ['prog_array', 'devmap', 'cpumap'];
const WITH_BTF: readonly MapTypeName[] = ['sk_storage', 'inode_storage', 'task_storage', 'cgrp_storage'];

export interface LoadOptions {
  readonly license?: string;
  readonly attachType?: number;
  readonly logLevel?: number;
}

export interface Answer {
  readonly ok: boolean;
  readonly log: string;
}

/** Maps and BTF of one test run, made when first asked for. */
export class Bench {
  private readonly btf = prototypeBtf();
  private readonly btfFd = loadBtf(this.btf.bytes);
  private readonly fds = new Map<string, number>();

  /** Maps that hold programs belong to the type of the first program that uses them. */
  map(type: MapTypeName, progType = ''): number {
    return this.made(OWNED.includes(type) ? `${type}/${progType}` : type, () => {
      const [keySize, valueSize, maxEntries, flags = 0] = MAPS[type] as Sizes;
      const plain = { type: MAP_TYPES.indexOf(type), keySize, valueSize, maxEntries, flags };
      if (WITH_BTF.includes(type)) {
        return createMap({ ...plain, btf: { fd: this.btfFd, keyTypeId: this.btf.int, valueTypeId: this.btf.plain } });
      }
      return createMap(type.endsWith('_of_maps') ? { ...plain, innerFd: this.map('array') } : plain);
    });
  }

  /** An array whose values have a lock and a timer. */
  fields(): number {
    const btf = { fd: this.btfFd, keyTypeId: this.btf.int, valueTypeId: this.btf.value };
    return this.made('fields', () => createMap({ type: 2, keySize: 4, valueSize: VALUE_SIZE, maxEntries: 1, btf }));
  }

  /** A frozen array of zeros that programs may only read: its values are strings. */
  rodata(): number {
    return this.made('rodata', () => {
      const fd = createMap({ type: 2, keySize: 4, valueSize: VALUE_SIZE, maxEntries: 1, flags: 128 });
      const sys = openSyscalls();
      if (typeof sys === 'string') throw new Error(sys);
      sys.begin().setUint32(0, fd, true);
      sys.bpf(BPF_MAP_FREEZE, 4);
      return fd;
    });
  }

  /** An array of one value, whose address programs may have. */
  single(): number {
    return this.made('single', () => createMap({ type: 2, keySize: 4, valueSize: VALUE_SIZE, maxEntries: 1 }));
  }

  private made(name: string, make: () => number): number {
    const found = this.fds.get(name) ?? make();
    this.fds.set(name, found);
    return found;
  }

  close(): void {
    for (const fd of [...this.fds.values(), this.btfFd]) closeFd(fd);
  }

  /** The verifier's answer. A program with a callback has it behind its last insn: `mov r0, 0; exit`. */
  load(insns: readonly Insn[], type: PacketType, options: LoadOptions = {}): Answer {
    const [number, first] = LOAD_AS[type];
    const at = insns.findIndex((one) => one.opcode === 0x18 && one.src === PSEUDO_FUNC);
    const all =
      at < 0
        ? insns
        : [...insns, mov(0, 0), exit].map((one, i) => (i === at ? { ...one, imm: insns.length - at - 1 } : one));
    const funcInfo = new Uint8Array(Uint32Array.of(0, this.btf.main, insns.length, this.btf.callback).buffer);
    try {
      const { fd, log } = loadProg({
        type: number,
        insns: encodeInsns(all),
        license: options.license ?? 'GPL',
        expectedAttachType: options.attachType ?? first,
        logLevel: options.logLevel ?? 1,
        ...(at < 0 ? {} : { btf: { fd: this.btfFd, funcInfo } }),
      });
      closeFd(fd);
      return { ok: true, log };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return { ok: false, log: error.log === '' ? error.code : error.log };
    }
  }

  /** A map that the helper takes: of `type`, or the first one there is. */
  mapFor(row: HelperRow, progType: PacketType, type?: MapTypeName): number {
    if (type !== undefined) return this.map(type, progType);
    if (row.args.some((arg) => arg.word === abi.ARG_PTR_TO_TIMER)) return this.fields();
    if (row.name === 'tail_call') return this.map('prog_array', progType);
    const found = (Object.keys(MAPS) as MapTypeName[]).find(
      (name) => name !== 'hash' && takesMap(row.name, name, progType),
    );
    return this.map(found ?? 'array');
  }

  /** R1..Rn as the row wants them; the context is in R6, what `prelude` made in R7. */
  args(row: HelperRow, progType: PacketType, count = row.args.length, type?: MapTypeName): Insn[] {
    const map = this.mapFor(row, progType, type);
    return row.args.slice(0, count).flatMap((arg, i) => {
      const data = row.id === DYNPTR_FROM_MEM && i === 0;
      return data ? lddw(1, PSEUDO_MAP_VALUE, this.single()) : this.arg(arg.word, i + 1, map);
    });
  }

  arg(word: number, reg: number, mapFd: number): Insn[] {
    switch (word & abi.BASE_MASK) {
      case abi.ARG_PTR_TO_CTX:
        return [copy(reg, CTX)];
      case abi.ARG_CONST_MAP_PTR:
        return lddw(reg, PSEUDO_MAP_FD, mapFd);
      case abi.ARG_PTR_TO_MAP_KEY:
      case abi.ARG_PTR_TO_MAP_VALUE:
      case abi.ARG_PTR_TO_MEM:
        return stack(reg, BUFFER);
      case abi.ARG_CONST_SIZE:
      case abi.ARG_CONST_SIZE_OR_ZERO:
      case abi.ARG_CONST_ALLOC_SIZE_OR_ZERO:
        return [mov(reg, 8)];
      case abi.ARG_PTR_TO_FUNC:
        return lddw(reg, PSEUDO_FUNC, 0);
      case abi.ARG_PTR_TO_CONST_STR:
        return lddw(reg, PSEUDO_MAP_VALUE, this.rodata());
      case abi.ARG_PTR_TO_DYNPTR:
        return stack(reg, DYNPTR);
      case abi.ARG_PTR_TO_TIMER:
        return [copy(reg, HELD), add(reg, TIMER_OFFSET)];
      case abi.ARG_PTR_TO_SPIN_LOCK:
        return [copy(reg, HELD), add(reg, LOCK_OFFSET)];
      case abi.ARG_ANYTHING:
        return [mov(reg, 0)];
      default:
        return (word & abi.PTR_MAYBE_NULL) !== 0 ? [mov(reg, 0)] : [copy(reg, HELD)];
    }
  }

  /** Up to the arguments: the context kept, 256 bytes of stack zero, and what the row's pointers point to. */
  prelude(row: HelperRow, progType: PacketType): Insn[] {
    const clobber = row.id === IDS.unlock ? [] : [call(CLOBBER)];
    const zero = Array.from({ length: 32 }, (_, i) => insn(0x7a, 10, 0, -8 * (i + 1)));
    return [copy(CTX, 1), ...zero, ...this.held(row, progType), ...clobber];
  }

  private held(row: HelperRow, progType: PacketType): Insn[] {
    const has = (base: number): boolean => row.args.some((arg) => (arg.word & abi.BASE_MASK) === base);
    if (has(abi.ARG_PTR_TO_RINGBUF_MEM)) {
      return [
        ...lddw(1, PSEUDO_MAP_FD, this.map('ringbuf')),
        mov(2, 8),
        mov(3, 0),
        call(IDS.reserve),
        ...leaveIfNull(0),
        copy(HELD, 0),
      ];
    }
    if (has(abi.ARG_PTR_TO_TIMER) || has(abi.ARG_PTR_TO_SPIN_LOCK)) return this.fieldsValue(row);
    if (has(abi.ARG_PTR_TO_DYNPTR)) return this.dynptr(row);
    if (has(abi.ARG_PTR_TO_BTF_ID) && row.name !== 'kptr_xchg') return [call(TASK_BTF), copy(HELD, 0)];
    return has(abi.ARG_PTR_TO_SOCK_COMMON) || has(abi.ARG_PTR_TO_BTF_ID_SOCK_COMMON) ? this.socket(row, progType) : [];
  }

  private fieldsValue(row: HelperRow): Insn[] {
    const lock = row.id === IDS.unlock ? [copy(1, HELD), add(1, LOCK_OFFSET), call(IDS.lock)] : [];
    return [...lddw(HELD, PSEUDO_MAP_VALUE, this.fields()), ...lock];
  }

  private dynptr(row: HelperRow): Insn[] {
    const arg = row.args.find((one) => (one.word & abi.BASE_MASK) === abi.ARG_PTR_TO_DYNPTR);
    if (arg === undefined || (arg.word & abi.MEM_UNINIT) !== 0) return [];
    if ((arg.word & abi.DYNPTR_TYPE_RINGBUF) !== 0) {
      return [
        ...lddw(1, PSEUDO_MAP_FD, this.map('ringbuf')),
        mov(2, 8),
        mov(3, 0),
        ...stack(4, DYNPTR),
        call(RESERVE_DYNPTR),
      ];
    }
    return [
      ...lddw(1, PSEUDO_MAP_VALUE, this.single()),
      mov(2, 8),
      mov(3, 0),
      ...stack(4, DYNPTR),
      call(DYNPTR_FROM_MEM),
    ];
  }

  private socket(row: HelperRow, progType: PacketType): Insn[] {
    const lookup = [
      copy(1, CTX),
      ...stack(2, BUFFER),
      mov(3, 12),
      mov(4, -1),
      mov(5, 0),
      call(IDS.sk_lookup_tcp),
      copy(HELD, 0),
      ...leaveIfNull(HELD),
    ];
    if (row.id === IDS.sk_release || progType === 'xdp') return lookup;
    return [load64(HELD, CTX, SK[progType] ?? SKB_SK), ...leaveIfNull(HELD)];
  }

  /** Behind the call: what it opened is closed, so that the program may end. */
  epilogue(row: HelperRow, progType: PacketType): Insn[] {
    const close: Insn[] = [];
    if (row.id === IDS.reserve) close.push(...leaveIfNull(0), copy(1, 0), mov(2, 0), call(IDS.submit));
    else if (row.flags.has('acquire')) close.push(...leaveIfNull(0), copy(1, 0), call(IDS.sk_release));
    else if (row.id === IDS.lock) close.push(...this.arg(abi.ARG_PTR_TO_SPIN_LOCK, 1, 0), call(IDS.unlock));
    else if (row.id === RESERVE_DYNPTR) close.push(...stack(1, DYNPTR), mov(2, 0), call(SUBMIT_DYNPTR));
    else if (progType === 'xdp' && row.id !== IDS.sk_release && row.args.some((arg) => SOCKETS.includes(arg.word))) {
      close.push(copy(1, HELD), call(IDS.sk_release));
    }
    return [...close, mov(0, 1), exit];
  }
}

/** Types whose context has packet pointers at __sk_buff.data or xdp_md.data. */
export const PACKET_TYPES_WITH_POINTERS: readonly PacketType[] = [
  'sched_cls',
  'sched_act',
  'xdp',
  'lwt_xmit',
  'lwt_in',
  'lwt_out',
  'cgroup_skb',
  'sk_skb',
];

/** `reg` points to 64 bytes of packet; R9 is lost. */
export function packet(type: PacketType, reg: number): Insn[] {
  const [data, dataEnd] = type === 'xdp' ? [0, 4] : [76, 80];
  const load32 = (dst: number, off: number): Insn => insn(0x61, dst, CTX, off);
  // r9 = data_end; r5 = reg + 64; if r5 <= r9 go on
  return [load32(reg, data), load32(9, dataEnd), copy(5, reg), add(5, 64), insn(0xbd, 5, 9, 2), mov(0, 1), exit];
}

const RETURNS: Readonly<Record<number, string>> = {
  [abi.RET_INTEGER]: 'scalar',
  [abi.RET_VOID]: 'void',
  [abi.RET_PTR_TO_MAP_VALUE]: 'map_value',
  [abi.RET_PTR_TO_SOCKET]: 'sock',
  [abi.RET_PTR_TO_TCP_SOCK]: 'tcp_sock',
  [abi.RET_PTR_TO_SOCK_COMMON]: 'sock_common',
  [abi.RET_PTR_TO_MEM]: 'mem',
  [abi.RET_PTR_TO_BTF_ID]: 'ptr_',
};

/** How the log names what a row returns. */
export function returned(row: HelperRow): string {
  const base = row.ret & abi.BASE_MASK;
  const prefix = `${(row.ret & abi.PTR_TRUSTED) !== 0 ? 'trusted_' : ''}${(row.ret & abi.MEM_RINGBUF) !== 0 ? 'ringbuf_' : ''}`;
  const orNull = (row.ret & abi.PTR_MAYBE_NULL) === 0 ? '' : base === abi.RET_PTR_TO_BTF_ID ? 'or_null_' : '_or_null';
  return `${prefix}${RETURNS[base]}${orNull}${row.retStruct ?? ''}`;
}

/** Can a map of this type be made here? */
export function canCreate(type: MapTypeName): boolean {
  return MAPS[type] !== undefined;
}

/** Run `body` with this thread's CAP_PERFMON and CAP_SYS_ADMIN put aside. */
export function withoutPerfmon<T>(body: () => T): T {
  const koffi = createRequire(import.meta.url)('koffi') as { load(path: null): { func(text: string): CapCall } };
  const libc = koffi.load(null);
  const header = new Uint8Array(Uint32Array.of(CAPABILITY_VERSION_3, 0).buffer);
  const before = new Uint32Array(6);
  const [capget, capset] = ['capget', 'capset'].map((name) => libc.func(`int ${name}(void *, void *)`)) as [
    CapCall,
    CapCall,
  ];
  if (capget(header, before) !== 0) throw new Error('capget failed');
  const less = before.slice();
  less[0] = (less[0] as number) & ~(1 << CAP_SYS_ADMIN);
  less[3] = (less[3] as number) & ~(1 << (CAP_PERFMON - 32));
  if (capset(header, less) !== 0) throw new Error('capset failed');
  try {
    return body();
  } finally {
    capset(header, before);
  }
}
