/** The helpers of ring buffers, here and in the kernel: results, positions and the records themselves. */
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import type { BpfError } from '../../src/errors/index.ts';
import type { RingBuf } from '../../src/runtime/ringbuf.ts';
import type { UserRingBuf } from '../../src/runtime/user-ringbuf.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { describeKernel } from '../kernel/available.ts';
import { KernelRingbuf, KernelUserRingbuf } from '../kernel/ringbuf.ts';
import { Both, openObject, PACKETS } from '../kernel/sides.ts';

const hex = (records: readonly unknown[]): string[] =>
  records.map((bytes) => Buffer.from(bytes as Uint8Array).toString('hex'));

describeKernel('ring buffers', () => {
  for (const checked of [false, true]) {
    test(`output, reserve, submit, discard, query and dynptrs, ${checked ? 'checked' : 'unchecked'}`, async () => {
      const sides = new Both(await Engine.create());
      try {
        await sides.load(openObject('test/data/helpers/ringbuf'), { checked });
        const pairs = [
          ['ring', 4096],
          ['rounded', 8192],
        ].map(([name, size]) => {
          const map = sides.loaded[0].map(name as string) as RingBuf;
          expect(map.spec.maxEntries).toBe(size);
          const theirs = new KernelRingbuf(sides.kernel.maps.get(name as string) as number, size as number);
          return { map, theirs };
        });
        let records = 0;
        const drain = (): void => {
          for (const { map, theirs } of pairs) {
            expect(map.size).toBe(theirs.produced - theirs.consumed);
            const shown = hex([...map.values()]);
            const ours = hex(map.drain());
            expect(ours).toEqual(hex(theirs.drain()));
            expect(shown).toEqual(ours);
            expect(map.size).toBe(0);
            records += ours.length;
          }
        };
        const random = new Random(7);
        const each = (): void => {
          if (random.below(3) === 0) drain();
        };
        for (const entry of ['output', 'reserve', 'dynptrs', 'fill', 'output', 'reserve', 'dynptrs', 'fill']) {
          sides.compare(entry, { each, without: [] });
          drain();
        }
        expect(records).toBeGreaterThan(1000);
        expect(pairs[0].map.lost).toBeGreaterThan(100);
        for (const { theirs } of pairs) theirs.close();
      } finally {
        sides.close();
      }
    });

    test(`bpf_user_ringbuf_drain, ${checked ? 'checked' : 'unchecked'}`, async () => {
      const sides = new Both(await Engine.create());
      try {
        await sides.load(openObject('test/data/helpers/user_ringbuf'), { checked });
        const map = sides.loaded[0].map('commands') as UserRingBuf;
        const theirs = new KernelUserRingbuf(sides.kernel.maps.get('commands') as number, 4096);
        const random = new Random(11);
        let written = 0;
        const write = (): void => {
          for (let i = random.below(9); i > 0; i--) {
            const bytes = Uint8Array.from({ length: random.below(200) }, () => random.below(256));
            const discard = random.below(5) === 0;
            if (!theirs.write(bytes, discard)) return;
            const sample = map.reserve(bytes.length);
            sample.bytes.set(bytes);
            if (discard) sample.discard();
            else sample.submit();
            written++;
            expect(map.size).toBe(theirs.produced - theirs.consumed);
          }
        };
        const each = (): void => {
          expect(map.size).toBe(theirs.produced - theirs.consumed);
          write();
        };
        for (let round = 0; round < 3; round++) sides.compare('drain', { each });
        expect(written).toBeGreaterThan(100);
        theirs.close();
      } finally {
        sides.close();
      }
    });
  }
});

test('a user ring buffer that is full, and samples that are pending', async () => {
  const engine = await Engine.create();
  const { object } = openObject('test/data/helpers/user_ringbuf');
  const loaded = await engine.load(object);
  const map = loaded.map('commands') as UserRingBuf;
  const errno = (call: () => unknown): unknown => {
    try {
      call();
    } catch (error) {
      return (error as BpfError).fields.errno ?? (error as BpfError).code;
    }
    return 0;
  };
  const first = map.reserve(1000);
  for (let i = 0; i < 3; i++) map.write(new Uint8Array(1000).fill(i));
  expect(errno(() => map.write(new Uint8Array(1000)))).toBe(28);
  expect(errno(() => map.write(new Uint8Array(4089)))).toBe(7);
  expect(errno(() => map.write('text' as never))).toBe('RUN_MAP_INPUT');
  expect(errno(() => map.reserve(-1))).toBe('RUN_MAP_INPUT');
  expect(errno(() => map.get(undefined))).toBe(524);
  // Nothing is drained past what is not submitted yet.
  const seen = loaded.map('seen');
  loaded.prog('drain').run(PACKETS[2]);
  expect(seen.get(1)).toBe(0n);
  first.submit();
  expect(errno(() => first.submit())).toBe('RUN_CLOSED');
  expect(errno(() => first.bytes)).toBe('RUN_CLOSED');
  loaded.prog('drain').run(PACKETS[2]);
  expect(seen.get(1)).toBe(4n);
  expect([...map]).toEqual([]);
  engine.close();
});
