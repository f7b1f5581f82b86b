/** Connection tracking from XDP: sequences of lookups and insertions, here and in a network namespace's own table. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { addressAt } from '../../src/runtime/network/address.ts';
import { setNetwork } from '../../src/runtime/network/json.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { kernelHasKfunc } from '../kernel/kfunc-ids.ts';
import { inNamespace, namespaceReason } from '../kernel/netns.ts';
import { Both, openObject } from '../kernel/sides.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 400);
const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)];
const noNamespace = await namespaceReason();
const reason =
  noNamespace ?? (kernelHasKfunc('bpf_xdp_ct_lookup') ? undefined : 'the kernel has no nf_conntrack built in');
if (reason !== undefined) console.warn(`SKIPPED: connection tracking is not compared with the kernel (${reason})`);

/** The packet of test/data/helpers/conntrack.c. */
function packet(random: Random): Uint8Array {
  const bytes = new Uint8Array(14 + 2 + 16 + 16 + 36);
  const view = new DataView(bytes.buffer);
  const isV4 = random.below(2) === 0;
  const rarely = (value: number, otherwise: number): number => (random.below(25) === 0 ? value : otherwise);
  view.setUint8(14, rarely(13, isV4 ? 12 : 36));
  view.setUint8(15, pick(random, [16, 16, 16, 12, rarely(8, 16)]));
  view.setInt32(16, rarely(pick(random, [0, 1, -2, 0x7fffffff]), -1), true);
  view.setUint8(24, rarely(pick(random, [1, 132, 0]), pick(random, [6, 17])));
  view.setUint16(26, random.below(5) === 0 ? 1 : 0, true);
  view.setUint8(28, pick(random, [0, 0, 3]));
  view.setUint8(29, rarely(1, 0));
  view.setUint32(32, pick(random, [60_000, 600_000, 0x7fffffff]), true);
  view.setUint32(36, pick(random, [0, 2, 6, 0x10, 0x1ff, 0xfff0, 8, 0x400]), true);
  view.setUint32(40, pick(random, [8, 10, 14, 12, 0, 0x0208, 0x2008, 0x400a]), true);
  view.setUint32(44, random.below(3), true);
  const hosts = isV4 ? ['10.0.0.1', '10.0.0.2'] : ['2001:db8::1', '2001:db8::2'];
  const width = isV4 ? 4 : 16;
  for (const at of [0, 1]) bytes.set(addressAt(pick(random, hosts), '').bytes.subarray(0, width), 48 + at * width);
  for (const at of [0, 1]) view.setUint16(48 + 2 * width + 2 * at, 80 + random.below(3));
  return bytes;
}

describe.skipIf(reason !== undefined)('connection tracking as the kernel answers', () => {
  for (const checked of [false, true]) {
    test(checked ? 'checked' : 'unchecked', async () => {
      await inNamespace(async () => {
        const engine = await Engine.create();
        const sides = new Both(engine);
        try {
          await sides.load(openObject('test/data/helpers/conntrack'), { checked });
          const random = new Random(checked ? 2 : 1);
          const answers = new Set<number>();
          for (let i = 0; i < RUNS; i++) {
            const one = packet(random);
            sides.compare('track', { packets: [one], each: ({ returnValue }) => answers.add(returnValue) });
          }
          expect([...answers].sort()).toEqual(expect.arrayContaining([1, 2, 3, 5]));
        } finally {
          sides.close();
          engine.close();
        }
      });
    });
  }
});

test('connections are told, found from both ends, translated and listed', async () => {
  using engine = await Engine.create();
  const reply = { src: '10.0.0.9:8080', dst: '192.0.2.1:4000' };
  const one = { protocol: 'tcp', src: '192.0.2.1:4000', dst: '198.51.100.1:80' } as const;
  setNetwork(engine, { conntrack: [{ ...one, reply, mark: 7, status: 2 }] });
  expect(engine.network.connections).toEqual([{ ...one, protocol: 6, zone: 0, mark: 7, status: 10 }]);
  expect(() => engine.network.addConnection(one)).toThrow(
    'connection: there is a connection from 192.0.2.1:4000 already',
  );
  expect(() => engine.network.addConnection({ ...one, dst: '[::1]:80' })).toThrow('connection.dst');
  const at = engine.alloc(64, 'a question');
  const ask = (...bytes: number[]): readonly [bigint, number, number] => {
    engine.memory.write(at, Uint8Array.from(bytes));
    engine.memory.write(at + 40, Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0, 6, 9, 0, 0, 0, 0, 0, 0));
    const lookup = (engine.runtime as unknown as Record<string, (...args: unknown[]) => bigint>).bpf_xdp_ct_lookup;
    const found = lookup(0n, BigInt(at), 12n, BigInt(at + 40), 16n, 0);
    return [found === 0n ? 0n : 1n, engine.memory.i32(at + 44), engine.memory.u8[at + 49]];
  };
  expect(ask(192, 0, 2, 1, 198, 51, 100, 1, 0x0f, 0xa0, 0, 80)).toEqual([1n, 0, 0]);
  expect(ask(10, 0, 0, 9, 192, 0, 2, 1, 0x1f, 0x90, 0x0f, 0xa0)).toEqual([1n, 0, 1]);
  expect(ask(198, 51, 100, 1, 192, 0, 2, 1, 0, 80, 0x0f, 0xa0)).toEqual([0n, -2, 9]);
});
