/**
 * The running kernel's own JIT, through BPF_PROG_TEST_RUN with `repeat`: it runs the program again and again on one packet and says how
 * long a run took on average, in whole nanoseconds. Nothing is attached to anything.
 */
import * as bpf from '../test/kernel/bpf.ts';
import { KernelError } from '../test/kernel/errno.ts';
import { KernelSide, openBytes, possibleCpus } from '../test/kernel/kernel-side.ts';
import { KernelRingbuf } from '../test/kernel/ringbuf.ts';
import { openSyscalls } from '../test/kernel/syscall.ts';
import type { BenchCase } from './case.ts';
import type { Contender, MapContents } from './contender.ts';
import { hex, isCompared } from './maps.ts';
import { readProjectFile } from './project.ts';

export const KERNEL = 'kernel-jit';

/** A timed unit should take about this long. */
const UNIT_NS = 2.2e6;
const MAX_REPEAT = 1 << 20;
/** Runs that a ring buffer of the programs has room for. */
const MAX_RING_REPEAT = 200_000;
/** The map types whose values have a copy for every CPU. */
const PER_CPU = new Set([5, 6, 10]);

/** `mov r0, 2; exit` */
const TRIVIAL = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

/** Why the kernel cannot take part; undefined when it can. */
export function kernelRefusal(): string | undefined {
  const opened = openSyscalls();
  if (typeof opened === 'string') return opened;
  try {
    const { fd } = bpf.loadProg({ type: 'xdp', insns: TRIVIAL });
    const { jitedLen } = bpf.progInfo(fd);
    bpf.closeFd(fd);
    return jitedLen > 0 ? undefined : 'its JIT is switched off';
  } catch (error) {
    if (error instanceof KernelError) return `bpf() is not permitted: ${error.command} ${error.code}`;
    throw error;
  }
}

/** What a system call finds, unless there is nothing. */
function found<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (error instanceof KernelError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function mapsOf(side: KernelSide, specs: ReturnType<typeof openBytes>['object']['maps'], source: BenchCase) {
  const maps = new Map<string, MapContents>();
  for (const spec of specs) {
    const { name, type, keySize, valueSize } = spec;
    if (!isCompared(spec, source)) continue;
    const fd = side.maps.get(name)!;
    const size = PER_CPU.has(type) ? ((valueSize + 7) & ~7) * possibleCpus() : valueSize;
    maps.set(name, {
      *keys(limit) {
        let key: Uint8Array | undefined;
        for (; limit > 0; limit--) {
          const last = key;
          key = found(() => bpf.nextKey(fd, last, keySize));
          if (key === undefined) return;
          yield key;
        }
      },
      get: (key) => {
        const value = found(() => bpf.lookupElem(fd, key, size));
        return value === undefined ? undefined : hex(value).slice(0, 2 * valueSize);
      },
    });
  }
  return maps;
}

export function kernelContender(source: BenchCase): Contender {
  const opened = openBytes(readProjectFile(source.object));
  const side = new KernelSide();
  side.load(opened);
  for (const { map, index, prog } of source.slots) side.set(map, index, prog);
  const { object } = opened;
  const data = source.packet;
  const { ring } = source;
  const ringSize = object.maps.find(({ name }) => name === ring)?.maxEntries ?? 0;
  const events = ring === undefined ? undefined : new KernelRingbuf(side.maps.get(ring)!, ringSize);

  const testRun = (prog: string, repeat: number, dataOutSize?: number) => {
    const options = { data, repeat, ...(dataOutSize !== undefined && { dataOutSize }) };
    const result = bpf.testRun(side.progs.get(prog)!, options);
    events?.passOver();
    return result;
  };
  // On one CPU, so that what per-CPU maps hold is in one place.
  if (source.fill !== undefined) bpf.pinned(() => testRun(source.fill!.prog, source.fill!.runs));
  let runs = 1;
  let duration = 0;
  let usual: number | undefined;
  return {
    engine: KERNEL,
    get packets() {
      return runs;
    },
    maps: mapsOf(side, object.maps, source),
    outcome(times) {
      const { retval, data: packet } = bpf.pinned(() => testRun(source.prog, times));
      usual = retval;
      return { returnValue: retval, packet };
    },
    run() {
      if (duration === 0) {
        const probe = source.prints ? 10 : 1000;
        const once = Math.max(1, testRun(source.prog, probe).duration);
        const most = ring === undefined ? MAX_REPEAT : MAX_RING_REPEAT;
        runs = Math.min(most, Math.max(probe, Math.ceil(UNIT_NS / once)));
      }
      const result = testRun(source.prog, runs, 0);
      if (usual !== undefined && result.retval !== usual)
        throw new Error(`${source.name}: ${KERNEL} returns ${result.retval} when it is timed, ${usual} before`);
      duration = result.duration;
    },
    ownNs: () => duration,
    close() {
      events?.close();
      side.close();
    },
  };
}
