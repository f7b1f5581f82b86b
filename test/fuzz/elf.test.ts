// Objects cut at every byte and mutated: a linked program or a BpfError, nothing else, in bounded time.
// BPF2WASM_FUZZ_RUNS and BPF2WASM_FUZZ_SEED make a longer or another run.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dumpBtf } from '../../src/btf/dump.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { BpfError } from '../../src/errors/index.ts';
import { link } from '../../src/link/link.ts';
import { loadObject } from '../../src/object/load.ts';
import { getVariable, variables } from '../../src/object/variables.ts';
import { mutated, prng, type Range } from './mutate.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 10_000);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 0xe1f);
/** Far above what any of these files takes, far below what a person would call hanging. */
const LIMIT_MS = 1000;

const FIXTURES = ['test/data/object', 'test/data/seed']
  .flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
  .concat('examples/tail_call.o')
  .filter((path) => path.endsWith('.o'))
  .map((path) => ({ path, bytes: new Uint8Array(readFileSync(path)) }));

/** How far the bytes came: the error's code, or `linked`. Anything but a BpfError is thrown on. */
function outcomes(bytes: Uint8Array): string[] {
  const codes: string[] = [];
  const attempt = <T>(what: () => T): T | undefined => {
    try {
      return what();
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      codes.push(error.code);
      return undefined;
    }
  };
  const object = attempt(() => loadObject(bytes));
  if (object === undefined) return codes;
  attempt(() => object.btf && dumpBtf(object.btf));
  for (const { name } of attempt(() => variables(object)) ?? []) attempt(() => getVariable(object, name));
  for (const prog of object.progs) {
    if (prog.type === 'unspec') prog.type = 'xdp';
    if (attempt(() => link(object, prog, { core: 'local' })) !== undefined) codes.push('linked');
  }
  return codes;
}

function timed(bytes: Uint8Array, what: string): string[] {
  const start = performance.now();
  try {
    const codes = outcomes(bytes);
    const took = performance.now() - start;
    if (took > LIMIT_MS) throw new Error(`took ${took} ms`);
    return codes;
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.stack : error}`);
  }
}

describe('cut at every byte', () => {
  test.each(FIXTURES)('$path', ({ path, bytes }) => {
    for (let size = 0; size < bytes.length; size++) {
      const codes = timed(bytes.subarray(0, size), `${path} cut to ${size} bytes`);
      // Plain comparison: an `expect` costs more than the parser.
      if (codes.length !== 1 || codes[0] === 'linked') throw new Error(`${path} cut to ${size} bytes: ${codes}`);
    }
  });
});

/** Headers, symbols, relocations, BTF and code: everything but names and debug information. */
function denseRanges(bytes: Uint8Array): Range[] {
  const { sections } = parseElf(bytes);
  const ranges: Range[] = [[0, 64]];
  const table = new DataView(bytes.buffer).getUint32(40, true);
  ranges.push([table, bytes.length]);
  for (const section of sections) {
    const isDull = section.name.includes('debug') || section.data.length === 0;
    if (!isDull) ranges.push([section.offset, section.offset + section.size]);
  }
  return ranges;
}

test(`${RUNS} mutations with seed ${SEED}`, { timeout: 3_600_000 }, () => {
  const random = prng(SEED);
  const good = FIXTURES.filter(({ bytes }) => {
    try {
      parseElf(bytes);
      return true;
    } catch {
      return false;
    }
  }).map((fixture) => ({ ...fixture, dense: denseRanges(fixture.bytes) }));
  const seen = new Map<string, number>();
  for (let run = 0; run < RUNS; run++) {
    const { path, bytes, dense } = good[random(good.length)];
    const input = mutated(bytes, random, dense);
    for (const code of timed(input, `run ${run} of seed ${SEED}, from ${path}`))
      seen.set(code, (seen.get(code) ?? 0) + 1);
  }
  if (process.env.BPF2WASM_FUZZ_REPORT) console.log([...seen].sort());
  // The mutations must reach every stage, or they test nothing.
  for (const stage of ['ELF_', 'BTF_', 'OBJECT_', 'LINK_', 'linked'])
    expect([...seen.keys()].filter((code) => code.startsWith(stage)).length, stage).toBeGreaterThan(0);
});
