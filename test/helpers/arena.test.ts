/** Arenas here and in the kernel: the same pages are touched on both sides, and must hold the same bytes behind every run. */
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { Arena } from '../../src/runtime/arena.ts';
import { describeKernel } from '../kernel/available.ts';
import { Both, openObject, PACKETS } from '../kernel/sides.ts';

const SIZE = 8 * 4096;
const TOUCHED = [0, 1, 4];
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/** The kernel's arena in this process, as user space has it. */
function mapped(fd: number, start: bigint): { bytes: Uint8Array; unmap: () => void } {
  const koffi = createRequire(import.meta.url)('koffi');
  const libc = koffi.load(null);
  const mmap = libc.func('uint64_t mmap(uint64_t, uint64_t, int, int, int, int64_t)');
  const munmap = libc.func('int munmap(uint64_t, uint64_t)');
  const at = BigInt(mmap(start, SIZE, PROT_READ_WRITE, MAP_SHARED, fd, 0));
  if (at !== start) throw new Error(`mmap gave ${at}`);
  return { bytes: new Uint8Array(koffi.view(at, SIZE)), unmap: () => munmap(at, SIZE) };
}

describeKernel('an arena', () => {
  for (const checked of [false, true]) {
    test(`variables, pointers and pages that are not there, ${checked ? 'checked' : 'unchecked'}`, async () => {
      const sides = new Both(await Engine.create());
      let unmap = () => {};
      try {
        await sides.load(openObject('test/data/helpers/arena'), { checked });
        const arena = sides.loaded[0].map('arena') as Arena;
        expect(arena).toBeInstanceOf(Arena);
        const theirs = mapped(sides.kernel.maps.get('arena') as number, arena.start);
        unmap = theirs.unmap;
        for (const page of TOUCHED) theirs.bytes[page * 4096] = 0;
        for (const page of TOUCHED) arena.bytes(page * 4096, 1);
        // The variables, which libbpf writes there.
        theirs.bytes.set(arena.bytes(0, 4096), 0);
        for (const entry of ['uses', 'misses']) {
          for (const packet of PACKETS) {
            sides.compare(entry, { packets: [packet], without: ['arena'] });
            for (const page of TOUCHED) {
              const [start, end] = [page * 4096, (page + 1) * 4096];
              expect(Buffer.compare(arena.bytes(start, 4096), theirs.bytes.subarray(start, end)), `page ${page}`).toBe(
                0,
              );
            }
          }
        }
      } finally {
        unmap();
        sides.close();
      }
    });
  }
});
