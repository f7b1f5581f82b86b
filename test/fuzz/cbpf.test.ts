/** Random filters: what they return here is what an interpreter of classic BPF says, and what the kernel's BPF_PROG_TEST_RUN of the same insns does. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { linkFilter } from '../../src/cbpf/convert.ts';
import { Engine } from '../../src/engine.ts';
import { interpret } from '../cbpf-interp.ts';
import { describeKernel } from '../kernel/available.ts';
import { closeFd, loadProg, testRun } from '../kernel/bpf.ts';
import { FilterGen } from './generate-filter.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 400);
const SEED = Number(process.env.BPF2WASM_FUZZ_SEED ?? 1);
const PACKETS = 8;
/** BPF_PROG_TEST_RUN refuses packets without a whole IP header. */
const WHOLE_HEADERS = 54;

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.create();
});
afterAll(() => engine.close());

/** What the metadata says of a packet that came in on the loopback device. */
function ancillary(bytes: Uint8Array): Record<number, number> {
  const type = ((bytes[12] as number) << 8) | (bytes[13] as number);
  const protocol = type >= 0x600 ? type : bytes[14] === 0xff && bytes[15] === 0xff ? 1 : 4;
  const isHost = bytes.subarray(0, 6).every((byte) => byte === 0);
  const pktType = ((bytes[0] as number) & 1) !== 0 ? 2 : isHost ? 0 : 3;
  return { 0: protocol, 4: pktType, 8: 1, 20: 0, 24: 0, 32: 0, 44: 0, 48: 0, 60: 0 };
}

function expected(filter: ReturnType<FilterGen['filter']>, bytes: Uint8Array, layer: 'network' | 'link'): number {
  const data = layer === 'link' ? 0 : 14;
  return interpret(filter, { bytes, data, network: 14, length: bytes.length - data, ancillary: ancillary(bytes) });
}

test(`${RUNS} filters do what the interpreter says`, async () => {
  const seen = { zero: 0, other: 0 };
  for (let i = 0; i < RUNS; i++) {
    const gen = new FilterGen(SEED * 1_000_003 + i);
    const filter = gen.filter();
    const prog = await engine.loadFilter(filter, { checked: i % 2 === 1 });
    for (let n = 0; n < PACKETS; n++) {
      const bytes = gen.packet();
      const layer = n % 2 === 0 ? 'network' : 'link';
      const { returnValue, violation } = prog.run(bytes, { skb: { layer } });
      expect({ i, returnValue, violation }).toEqual({
        i,
        returnValue: expected(filter, bytes, layer),
        violation: undefined,
      });
      seen[returnValue === 0 ? 'zero' : 'other']++;
    }
    prog.close();
  }
  // Not one kind of answer alone.
  expect(seen.other).toBeGreaterThan(RUNS);
  expect(seen.zero).toBeGreaterThan(RUNS);
});

describeKernel('the kernel, with the converted insns', () => {
  test(`${RUNS} filters load and return the same`, () => {
    for (let i = 0; i < RUNS; i++) {
      const gen = new FilterGen(SEED * 7_000_003 + i);
      const filter = gen.filter();
      const { fd } = loadProg({ type: 'socket_filter', insns: linkFilter(filter).insns, license: '' });
      for (let n = 0; n < PACKETS; n++) {
        const bytes = gen.packet(WHOLE_HEADERS);
        expect([i, testRun(fd, { data: bytes }).retval]).toEqual([i, expected(filter, bytes, 'network')]);
      }
      closeFd(fd);
    }
  });
});
