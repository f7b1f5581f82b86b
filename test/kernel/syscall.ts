// syscall(2) from Node through koffi: one mapped arena holds `union bpf_attr` and every buffer it points to, so that
// addresses are stable and nothing is copied but the caller's own bytes. man 2 bpf, man 2 syscall.

import { createRequire } from 'node:module';

const bpfSyscallNumbers: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };

/** The largest program (1 M insns) with its log fits; pages nobody touches cost nothing. */
const ARENA_SIZE = 48 << 20;
const ATTR_SIZE = 256;

/** glibc's cpu_set_t. */
const CPU_MASK_SIZE = 128;

const PROT_READ = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

type NativeFunction = (...args: unknown[]) => number;

interface Koffi {
  load(path: string | null): { func(prototype: string): NativeFunction };
  view(address: bigint, length: number): ArrayBuffer;
  errno(): number;
}

/** Bytes in the arena: `address` is what the kernel is told, `bytes` what JavaScript sees. */
export interface Region {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

/** The mask with only its first CPU. */
function lowestBit(mask: Uint8Array): Uint8Array {
  const at = mask.findIndex((byte) => byte !== 0);
  return mask.map((byte, i) => (i === at ? byte & -byte : 0));
}

export class Syscalls {
  readonly attr: DataView;
  private readonly koffi: Koffi;
  private readonly bpfFunction: NativeFunction;
  private readonly closeFunction: NativeFunction;
  private readonly getaffinity: NativeFunction;
  private readonly setaffinity: NativeFunction;
  private readonly mmapFunction: NativeFunction;
  private readonly munmapFunction: NativeFunction;
  private readonly number: number;
  private readonly base: bigint;
  private readonly bytes: Uint8Array;
  private used = ATTR_SIZE;

  constructor(koffi: Koffi, number: number) {
    const libc = koffi.load(null);
    const mmap = libc.func('uint64_t mmap(uint64_t, uint64_t, int, int, int, int64_t)');
    this.mmapFunction = mmap;
    this.munmapFunction = libc.func('int munmap(uint64_t, uint64_t)');
    this.koffi = koffi;
    this.number = number;
    this.bpfFunction = libc.func('long syscall(long, long, uint64_t, unsigned long)');
    this.closeFunction = libc.func('int close(int)');
    this.getaffinity = libc.func('int sched_getaffinity(int, unsigned long, uint64_t)');
    this.setaffinity = libc.func('int sched_setaffinity(int, unsigned long, uint64_t)');
    this.base = BigInt(mmap(0, ARENA_SIZE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0));
    if (this.base === MAP_FAILED) throw new Error('mmap of the bpf(2) arena failed');
    const buffer = koffi.view(this.base, ARENA_SIZE);
    this.bytes = new Uint8Array(buffer);
    this.attr = new DataView(buffer, 0, ATTR_SIZE);
  }

  /** Begin a command: attr is zeroed, regions of the one before are void. */
  begin(): DataView {
    this.bytes.fill(0, 0, ATTR_SIZE);
    this.used = ATTR_SIZE;
    return this.attr;
  }

  /** `size` bytes for this command, zeroed unless `dirty`. */
  alloc(size: number, dirty = false): Region {
    const start = this.used;
    const end = start + size;
    if (end > ARENA_SIZE) throw new Error(`bpf(2) arena is full: ${size} bytes wanted, ${ARENA_SIZE - start} left`);
    this.used = (end + 15) & ~15;
    const bytes = this.bytes.subarray(start, end);
    if (!dirty) bytes.fill(0);
    return { address: this.base + BigInt(start), bytes };
  }

  /** The address of a copy of `bytes` in the arena; 0 for nothing. */
  put(bytes: Uint8Array | undefined): bigint {
    if (bytes === undefined) return 0n;
    const region = this.alloc(bytes.length, true);
    region.bytes.set(bytes);
    return region.address;
  }

  /** Run `bpf(cmd, attr, size)`: the result, or the negated errno. */
  bpf(cmd: number, size: number): number {
    const result = this.bpfFunction(this.number, cmd, this.base, size);
    return result >= 0 ? result : -this.koffi.errno();
  }

  /** Run `body` with this thread on one CPU, so that per-CPU values are those of one CPU. */
  pinned<T>(body: () => T): T {
    this.begin();
    const mask = this.alloc(CPU_MASK_SIZE);
    if (this.getaffinity(0, CPU_MASK_SIZE, mask.address) < 0) return body();
    const before = mask.bytes.slice();
    this.setMask(lowestBit(before));
    try {
      return body();
    } finally {
      this.setMask(before);
    }
  }

  private setMask(mask: Uint8Array): void {
    this.begin();
    this.setaffinity(0, CPU_MASK_SIZE, this.put(mask));
  }

  /** Memory of a map, shared with programs, until `unmap`. */
  map(fd: number, offset: number, length: number, writable: boolean): Region {
    const address = BigInt(
      this.mmapFunction(0, length, writable ? PROT_READ_WRITE : PROT_READ, MAP_SHARED, fd, offset),
    );
    if (address === MAP_FAILED) throw new Error(`mmap of a map failed: errno ${this.koffi.errno()}`);
    return { address, bytes: new Uint8Array(this.koffi.view(address, length)) };
  }

  unmap(region: Region): void {
    this.munmapFunction(region.address, region.bytes.length);
  }

  close(fd: number): void {
    this.closeFunction(fd);
  }
}

interface Opened {
  syscalls?: Syscalls;
  reason?: string;
}

const opened: Opened = {};

/** The process's one `Syscalls`, or the reason why there is none. */
export function openSyscalls(): Syscalls | string {
  if (opened.syscalls === undefined && opened.reason === undefined) {
    const number = process.platform === 'linux' ? bpfSyscallNumbers[process.arch] : undefined;
    if (number === undefined) {
      opened.reason = `no bpf(2) on ${process.platform}/${process.arch}`;
    } else {
      try {
        opened.syscalls = new Syscalls(createRequire(import.meta.url)('koffi') as Koffi, number);
      } catch (error) {
        opened.reason = `koffi cannot be loaded: ${(error as Error).message.split('\n')[0]}`;
      }
    }
  }
  return opened.syscalls ?? (opened.reason as string);
}
