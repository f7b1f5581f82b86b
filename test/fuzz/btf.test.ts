// .BTF and .BTF.ext cut at every byte and mutated: a value or a BtfError, nothing else, in bounded time.
// BPF2WASM_FUZZ_RUNS and BPF2WASM_FUZZ_SEED make a longer or another run.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dumpBtf } from '../../src/btf/dump.ts';
import { parseBtfExt } from '../../src/btf/ext.ts';
import { parseBtf } from '../../src/btf/parse.ts';
import { sizeOf } from '../../src/btf/resolve.ts';
import type { Btf } from '../../src/btf/types.ts';
import { decodeValue, encodeValue } from '../../src/btf/value.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { BtfError } from '../../src/errors/index.ts';
import { mutated, prng } from './mutate.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 10_000);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 0xb7f);
const LIMIT_MS = 1000;
/** Types whose values are decoded have at most this size; larger ones only take longer. */
const VALUE_SIZE = 4096;

const NAMES = ['types', 'types-clang14', 'maps', 'subprogs', 'externs', 'core'];
const FIXTURES = NAMES.map((name) => {
  const elf = parseElf(new Uint8Array(readFileSync(`test/data/object/${name}.o`)));
  const section = (wanted: string): Uint8Array => elf.sections.find((s) => s.name === wanted)!.data.slice();
  const btf = section('.BTF');
  return { name, btf, ext: section('.BTF.ext'), parsed: parseBtf(btf) };
});

function btfErrorOr<T>(what: () => T): T | string {
  try {
    return what();
  } catch (error) {
    if (error instanceof BtfError) return error.code;
    throw error;
  }
}

/** Everything that can be done with types: print all, decode and encode a value of each. */
function useTypes(btf: Btf): void {
  btfErrorOr(() => dumpBtf(btf));
  for (let id = 0; id < btf.types.length; id++) {
    btfErrorOr(() => {
      const size = sizeOf(btf, id);
      if (size > VALUE_SIZE) return;
      const value = decodeValue(btf, id, new Uint8Array(size).fill(0x41));
      if (btf.types[id].kind !== 'datasec') encodeValue(btf, id, value);
    });
  }
}

function timed<T>(what: string, work: () => T): T {
  const start = performance.now();
  const result = work();
  expect(performance.now() - start, `${what}: time in ms`).toBeLessThan(LIMIT_MS);
  return result;
}

describe.each(FIXTURES)('$name', ({ btf, ext, parsed }) => {
  test('.BTF cut at every byte is refused', () => {
    for (let size = 0; size < btf.length; size++)
      expect(
        btfErrorOr(() => parseBtf(btf.subarray(0, size))),
        `${size} bytes`,
      ).toBeTypeOf('string');
  });

  test('.BTF.ext cut at every byte is refused', () => {
    for (let size = 0; size < ext.length; size++)
      expect(
        btfErrorOr(() => parseBtfExt(ext.subarray(0, size), parsed)),
        `${size} bytes`,
      ).toBeTypeOf('string');
  });
});

test(`${RUNS} mutations with seed ${SEED}`, { timeout: 3_600_000 }, () => {
  const random = prng(SEED);
  const codes = new Set<string>();
  let accepted = 0;
  for (let run = 0; run < RUNS; run++) {
    const fixture = FIXTURES[random(FIXTURES.length)];
    const what = `run ${run} of seed ${SEED}, from ${fixture.name}`;
    const types = new DataView(fixture.btf.buffer).getUint32(12, true);
    const input = mutated(fixture.btf, random, [[24, 24 + types]]);
    timed(what, () => {
      const btf = btfErrorOr(() => parseBtf(input));
      if (typeof btf === 'string') return codes.add(btf);
      accepted++;
      useTypes(btf);
      const ext = btfErrorOr(() => parseBtfExt(mutated(fixture.ext, random, []), btf));
      if (typeof ext === 'string') codes.add(ext);
    });
  }
  expect(accepted).toBeGreaterThan(RUNS / 10);
  expect([...codes].sort()).toEqual(
    expect.arrayContaining(['BTF_FIELD', 'BTF_KIND', 'BTF_NAME', 'BTF_TRUNCATED', 'BTF_TYPE_ID']),
  );
});
