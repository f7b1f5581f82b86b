// A bpf(2) client: programs, test runs, maps, BTF. Nothing here attaches anything to anything. man 2 bpf, linux/bpf.h.

import { KernelError } from './errno.ts';
import type { Region, Syscalls } from './syscall.ts';
import { openSyscalls } from './syscall.ts';
import * as uapi from './uapi.ts';

const LOG_SIZE = 1 << 20;
const LOG_LEVEL_FIRST = 1;
const EAGAIN = 11;
const LOAD_TRIES = 5;
/** What data_out may need beyond data_in: the packet can grow by head room and tail room. */
const DATA_OUT_SPARE = 4096;
const CTX_OUT_SIZE = 256;

const MAP_CREATE_SIZE = 72;
const MAP_ELEM_SIZE = 32;
const PROG_LOAD_SIZE = 144;
const TEST_RUN_SIZE = 80;
const BTF_LOAD_SIZE = 28;
const INFO_SIZE = 16;
const PROG_INFO_SIZE = 232;

export interface MapCreate {
  readonly type: uapi.MapType | number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  /** A map like those that this map of maps will hold. */
  readonly innerFd?: number;
  readonly mapExtra?: number | bigint;
  readonly name?: string;
  readonly btf?: { readonly fd: number; readonly keyTypeId: number; readonly valueTypeId: number };
}

export interface ProgLoad {
  readonly type: uapi.ProgType | number;
  /** Raw insns; map fds already in their `lddw`, or referred to by index into `fdArray`. */
  readonly insns: Uint8Array;
  readonly license?: string;
  readonly name?: string;
  readonly flags?: number;
  readonly expectedAttachType?: number;
  /** The device that it is bound to, with BPF_F_XDP_DEV_BOUND_ONLY. */
  readonly ifindex?: number;
  readonly fdArray?: readonly number[];
  readonly btf?: ProgBtf;
  /** 0 (default): no log unless the load fails. 1, 2, 4: as the kernel's log_level. */
  readonly logLevel?: number;
}

export interface ProgBtf {
  readonly fd: number;
  readonly funcInfo?: Uint8Array;
  readonly funcInfoRecSize?: number;
  readonly lineInfo?: Uint8Array;
  readonly lineInfoRecSize?: number;
}

export interface LoadedProg {
  readonly fd: number;
  readonly log: string;
}

export interface TestRun {
  readonly data?: Uint8Array;
  readonly ctx?: Uint8Array;
  readonly repeat?: number;
  readonly flags?: number;
  /** Room for data_out; default: data length and a page. */
  readonly dataOutSize?: number;
}

export interface TestRunResult {
  readonly retval: number;
  readonly data: Uint8Array;
  readonly ctx: Uint8Array;
  /** Mean ns of a run, as the kernel measured it. */
  readonly duration: number;
}

export interface ProgInfo {
  readonly type: number;
  readonly id: number;
  readonly jitedLen: number;
  readonly xlatedLen: number;
  readonly runTimeNs: bigint;
  readonly runCnt: bigint;
  readonly verifiedInsns: number;
}

function syscalls(): Syscalls {
  const opened = openSyscalls();
  if (typeof opened === 'string') throw new Error(opened);
  return opened;
}

function check(command: string, result: number, log = ''): number {
  if (result < 0) throw new KernelError(command, -result, log);
  return result;
}

function text(region: Region): string {
  const end = region.bytes.indexOf(0);
  return new TextDecoder().decode(region.bytes.slice(0, end < 0 ? region.bytes.length : end));
}

function writeName(attr: DataView, offset: number, name: string): void {
  const bytes = new TextEncoder().encode(name).subarray(0, 15);
  for (const [i, byte] of bytes.entries()) attr.setUint8(offset + i, byte);
}

/** BPF_MAP_CREATE: the map's fd. */
export function createMap(spec: MapCreate): number {
  const sys = syscalls();
  const attr = sys.begin();
  attr.setUint32(0, typeof spec.type === 'number' ? spec.type : uapi.mapTypes[spec.type], true);
  attr.setUint32(4, spec.keySize, true);
  attr.setUint32(8, spec.valueSize, true);
  attr.setUint32(12, spec.maxEntries, true);
  attr.setUint32(16, spec.flags ?? 0, true);
  attr.setUint32(20, spec.innerFd ?? 0, true);
  writeName(attr, 28, spec.name ?? '');
  if (spec.btf !== undefined) {
    attr.setUint32(48, spec.btf.fd, true);
    attr.setUint32(52, spec.btf.keyTypeId, true);
    attr.setUint32(56, spec.btf.valueTypeId, true);
  }
  attr.setBigUint64(64, BigInt(spec.mapExtra ?? 0), true);
  return check('BPF_MAP_CREATE', sys.bpf(uapi.BPF_MAP_CREATE, MAP_CREATE_SIZE));
}

function beginElem(sys: Syscalls, fd: number, key: Uint8Array | undefined): DataView {
  const attr = sys.begin();
  attr.setUint32(0, fd, true);
  attr.setBigUint64(8, sys.put(key), true);
  return attr;
}

/** BPF_MAP_LOOKUP_ELEM: `size` bytes of value (a per-CPU map wants 8-aligned value size times possible CPUs). */
export function lookupElem(fd: number, key: Uint8Array | undefined, size: number, flags = 0): Uint8Array {
  const sys = syscalls();
  const attr = beginElem(sys, fd, key);
  const value = sys.alloc(size);
  attr.setBigUint64(16, value.address, true);
  attr.setBigUint64(24, BigInt(flags), true);
  check('BPF_MAP_LOOKUP_ELEM', sys.bpf(uapi.BPF_MAP_LOOKUP_ELEM, MAP_ELEM_SIZE));
  return value.bytes.slice();
}

/** BPF_MAP_LOOKUP_AND_DELETE_ELEM: what a queue or stack pops. */
export function popElem(fd: number, size: number): Uint8Array {
  const sys = syscalls();
  const attr = beginElem(sys, fd, undefined);
  const value = sys.alloc(size);
  attr.setBigUint64(16, value.address, true);
  check('BPF_MAP_LOOKUP_AND_DELETE_ELEM', sys.bpf(uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM, MAP_ELEM_SIZE));
  return value.bytes.slice();
}

/** Is the value in a bloom filter? (BPF_MAP_LOOKUP_ELEM, which takes it in the value's place.) */
export function peekElem(fd: number, value: Uint8Array): void {
  const sys = syscalls();
  const attr = beginElem(sys, fd, undefined);
  attr.setBigUint64(16, sys.put(value), true);
  check('BPF_MAP_LOOKUP_ELEM', sys.bpf(uapi.BPF_MAP_LOOKUP_ELEM, MAP_ELEM_SIZE));
}

/** BPF_MAP_UPDATE_ELEM. */
export function updateElem(
  fd: number,
  key: Uint8Array | undefined,
  value: Uint8Array,
  flags: number | bigint = 0,
): void {
  const sys = syscalls();
  const attr = beginElem(sys, fd, key);
  attr.setBigUint64(16, sys.put(value), true);
  attr.setBigUint64(24, BigInt(flags), true);
  check('BPF_MAP_UPDATE_ELEM', sys.bpf(uapi.BPF_MAP_UPDATE_ELEM, MAP_ELEM_SIZE));
}

/** BPF_MAP_FREEZE: no more changes by system calls. */
export function freezeMap(fd: number): void {
  const sys = syscalls();
  sys.begin().setUint32(0, fd, true);
  check('BPF_MAP_FREEZE', sys.bpf(uapi.BPF_MAP_FREEZE, 4));
}

/** BPF_MAP_DELETE_ELEM. */
export function deleteElem(fd: number, key: Uint8Array | undefined): void {
  const sys = syscalls();
  beginElem(sys, fd, key);
  check('BPF_MAP_DELETE_ELEM', sys.bpf(uapi.BPF_MAP_DELETE_ELEM, 16));
}

/** BPF_MAP_GET_NEXT_KEY: the first key when `key` is undefined; ENOENT after the last. */
export function nextKey(fd: number, key: Uint8Array | undefined, keySize: number): Uint8Array {
  const sys = syscalls();
  const attr = beginElem(sys, fd, key);
  const next = sys.alloc(keySize);
  attr.setBigUint64(16, next.address, true);
  check('BPF_MAP_GET_NEXT_KEY', sys.bpf(uapi.BPF_MAP_GET_NEXT_KEY, 24));
  return next.bytes.slice();
}

function writeProgAttr(sys: Syscalls, load: ProgLoad, logLevel: number): Region | undefined {
  const attr = sys.begin();
  attr.setUint32(0, typeof load.type === 'number' ? load.type : uapi.progTypes[load.type], true);
  attr.setUint32(4, load.insns.length / 8, true);
  attr.setBigUint64(8, sys.put(load.insns), true);
  attr.setBigUint64(16, sys.put(new TextEncoder().encode(`${load.license ?? 'GPL'}\0`)), true);
  attr.setUint32(44, load.flags ?? 0, true);
  writeName(attr, 48, load.name ?? '');
  attr.setUint32(64, load.ifindex ?? 0, true);
  attr.setUint32(68, load.expectedAttachType ?? 0, true);
  if (load.fdArray !== undefined) {
    attr.setBigUint64(120, sys.put(new Uint8Array(Int32Array.from(load.fdArray).buffer)), true);
  }
  if (load.btf !== undefined) writeProgBtf(sys, attr, load.btf);
  if (logLevel === 0) return undefined;
  const log = sys.alloc(LOG_SIZE, true);
  log.bytes[0] = 0;
  attr.setUint32(24, logLevel, true);
  attr.setUint32(28, LOG_SIZE, true);
  attr.setBigUint64(32, log.address, true);
  return log;
}

function writeProgBtf(sys: Syscalls, attr: DataView, btf: ProgBtf): void {
  attr.setUint32(72, btf.fd, true);
  if (btf.funcInfo !== undefined) {
    const size = btf.funcInfoRecSize ?? 8;
    attr.setUint32(76, size, true);
    attr.setBigUint64(80, sys.put(btf.funcInfo), true);
    attr.setUint32(88, btf.funcInfo.length / size, true);
  }
  if (btf.lineInfo !== undefined) {
    const size = btf.lineInfoRecSize ?? 16;
    attr.setUint32(92, size, true);
    attr.setBigUint64(96, sys.put(btf.lineInfo), true);
    attr.setUint32(104, btf.lineInfo.length / size, true);
  }
}

/** BPF_PROG_LOAD. When the kernel refuses, the load is repeated with a log, and the error carries it. */
export function loadProg(load: ProgLoad): LoadedProg {
  const sys = syscalls();
  const log = writeProgAttr(sys, load, load.logLevel ?? 0);
  let result = sys.bpf(uapi.BPF_PROG_LOAD, PROG_LOAD_SIZE);
  // A signal, such as a profiler's, interrupts the verifier.
  for (let tries = 1; result === -EAGAIN && tries < LOAD_TRIES; tries++)
    result = sys.bpf(uapi.BPF_PROG_LOAD, PROG_LOAD_SIZE);
  if (result >= 0) return { fd: result, log: log === undefined ? '' : text(log) };
  if (log !== undefined) throw new KernelError('BPF_PROG_LOAD', -result, text(log));
  const retryLog = writeProgAttr(sys, load, LOG_LEVEL_FIRST) as Region;
  const fd = sys.bpf(uapi.BPF_PROG_LOAD, PROG_LOAD_SIZE);
  if (fd >= 0) return { fd, log: text(retryLog) };
  throw new KernelError('BPF_PROG_LOAD', -result, text(retryLog));
}

/** BPF_PROG_TEST_RUN. `ctx` is a whole or a partial `xdp_md` / `__sk_buff`. */
export function testRun(fd: number, run: TestRun): TestRunResult {
  const sys = syscalls();
  const attr = sys.begin();
  const data = run.data ?? new Uint8Array(0);
  const dataOut = sys.alloc(run.dataOutSize ?? data.length + DATA_OUT_SPARE, true);
  attr.setUint32(0, fd, true);
  attr.setUint32(8, data.length, true);
  attr.setUint32(12, dataOut.bytes.length, true);
  attr.setBigUint64(16, data.length === 0 ? 0n : sys.put(data), true);
  attr.setBigUint64(24, dataOut.bytes.length === 0 ? 0n : dataOut.address, true);
  attr.setUint32(32, run.repeat ?? 1, true);
  let ctxOut: Region | undefined;
  if (run.ctx !== undefined) {
    ctxOut = sys.alloc(CTX_OUT_SIZE);
    attr.setUint32(40, run.ctx.length, true);
    attr.setUint32(44, CTX_OUT_SIZE, true);
    attr.setBigUint64(48, sys.put(run.ctx), true);
    attr.setBigUint64(56, ctxOut.address, true);
  }
  attr.setUint32(64, run.flags ?? 0, true);
  check('BPF_PROG_TEST_RUN', sys.bpf(uapi.BPF_PROG_TEST_RUN, TEST_RUN_SIZE));
  return {
    retval: attr.getUint32(4, true),
    data: dataOut.bytes.slice(0, attr.getUint32(12, true)),
    ctx: ctxOut === undefined ? new Uint8Array(0) : ctxOut.bytes.slice(0, attr.getUint32(44, true)),
    duration: attr.getUint32(36, true),
  };
}

/** BPF_BTF_LOAD: the BTF's fd. */
export function loadBtf(btf: Uint8Array): number {
  const sys = syscalls();
  const attr = sys.begin();
  const log = sys.alloc(LOG_SIZE, true);
  log.bytes[0] = 0;
  attr.setBigUint64(0, sys.put(btf), true);
  attr.setBigUint64(8, log.address, true);
  attr.setUint32(16, btf.length, true);
  attr.setUint32(20, LOG_SIZE, true);
  attr.setUint32(24, 1, true);
  const result = sys.bpf(uapi.BPF_BTF_LOAD, BTF_LOAD_SIZE);
  return check('BPF_BTF_LOAD', result, result < 0 ? text(log) : '');
}

/** BPF_OBJ_GET_INFO_BY_FD of a program (`struct bpf_prog_info`). */
export function progInfo(fd: number): ProgInfo {
  const sys = syscalls();
  const attr = sys.begin();
  const info = sys.alloc(PROG_INFO_SIZE);
  attr.setUint32(0, fd, true);
  attr.setUint32(4, PROG_INFO_SIZE, true);
  attr.setBigUint64(8, info.address, true);
  check('BPF_OBJ_GET_INFO_BY_FD', sys.bpf(uapi.BPF_OBJ_GET_INFO_BY_FD, INFO_SIZE));
  const view = new DataView(info.bytes.buffer, info.bytes.byteOffset, PROG_INFO_SIZE);
  return {
    type: view.getUint32(0, true),
    id: view.getUint32(4, true),
    jitedLen: view.getUint32(16, true),
    xlatedLen: view.getUint32(20, true),
    runTimeNs: view.getBigUint64(192, true),
    runCnt: view.getBigUint64(200, true),
    verifiedInsns: view.getUint32(216, true),
  };
}

export function closeFd(fd: number): void {
  syscalls().close(fd);
}

/** Run `body` with this thread on one CPU. */
export function pinned<T>(body: () => T): T {
  return syscalls().pinned(body);
}
