/**
 * The running kernel's own JIT, through BPF_PROG_TEST_RUN with `repeat`: it runs the program again and again on one packet and says how
 * long a run took on average, in whole nanoseconds. Nothing is attached to anything.
 */
import { link } from '../src/link/link.ts';
import type { LinkedProg } from '../src/link/types.ts';
import { loadObject } from '../src/object/load.ts';
import type { MapSpec } from '../src/object/types.ts';
import * as bpf from '../test/kernel/bpf.ts';
import { KernelError } from '../test/kernel/errno.ts';
import { openSyscalls } from '../test/kernel/syscall.ts';
import type { BenchCase } from './cases.ts';
import type { Contender, Outcome } from './contender.ts';
import { readProjectFile } from './project.ts';

export const KERNEL = 'kernel-jit';

/** A timed unit should take about this long. */
const UNIT_NS = 2.2e6;
const MAX_REPEAT = 1 << 20;
const BPF_F_RDONLY_PROG = 128;

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

function makeMap(spec: MapSpec): number {
  const { type, keySize, valueSize, maxEntries, flags } = spec;
  const readOnly = spec.dataKind === 'rodata' ? BPF_F_RDONLY_PROG : 0;
  const fd = bpf.createMap({ type, keySize, valueSize, maxEntries, flags: flags | readOnly });
  if (spec.initialValue !== undefined) bpf.updateElem(fd, u32(0), spec.initialValue);
  return fd;
}

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

function loadProg(prog: LinkedProg, mapFds: ReadonlyMap<MapSpec, number>): number {
  const fdArray = prog.maps.map((spec) => mapFds.get(spec) as number);
  return bpf.loadProg({ type: 'xdp', insns: prog.insns, license: 'GPL', name: prog.name, fdArray }).fd;
}

export function kernelContender(source: BenchCase): Contender {
  const object = loadObject(readProjectFile(source.object));
  const mapFds = new Map(object.maps.map((spec) => [spec, makeMap(spec)]));
  const progFds = new Map(object.progs.map((spec) => [spec.name, loadProg(link(object, spec), mapFds)]));
  for (const { map, index, prog } of source.slots) {
    const spec = object.maps.find(({ name }) => name === map) as MapSpec;
    bpf.updateElem(mapFds.get(spec) as number, u32(index), u32(progFds.get(prog) as number));
  }
  const fd = progFds.get(source.prog) as number;
  const data = source.packet;
  if (source.fill !== undefined)
    bpf.testRun(progFds.get(source.fill.prog) as number, { data, repeat: source.fill.runs });
  const outcome = (times: number): Outcome => {
    const { retval, data: packet } = bpf.testRun(fd, { data, repeat: times });
    return { returnValue: retval, packet };
  };
  const probe = source.prints ? 10 : 1000;
  const once = Math.max(1, bpf.testRun(fd, { data, repeat: probe }).duration);
  const repeat = Math.min(MAX_REPEAT, Math.max(probe, Math.ceil(UNIT_NS / once)));
  let duration = once;
  const run = () => {
    duration = bpf.testRun(fd, { data, repeat, dataOutSize: 0 }).duration;
  };
  const close = () => {
    for (const open of [...progFds.values(), ...mapFds.values()]) bpf.closeFd(open);
  };
  return { engine: KERNEL, packets: repeat, outcome, run, ownNs: () => duration, close };
}
