/** SYN cookies: what is made and what is good, here and in the kernel; the cookies themselves are secrets of each. */

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { addressAt } from '../../src/runtime/network/address.ts';
import { setNetwork } from '../../src/runtime/network/json.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { inNamespace, ip, namespaceReason } from '../kernel/netns.ts';
import { Both, openObject } from '../kernel/sides.ts';

/** SYNs in each mode. */
const RUNS = Math.min(Number(process.env.BPF2WASM_FUZZ_RUNS ?? 120), 50_000);
const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)];
const reason = await namespaceReason();
if (reason !== undefined) console.warn(`SKIPPED: SYN cookies are not compared with the kernel's (${reason})`);

/** The packet of test/data/helpers/syncookie.c: a SYN, mostly a good one. */
function packet(random: Random): Uint8Array {
  const bytes = new Uint8Array(14 + 6 + 40 + 60);
  const view = new DataView(bytes.buffer);
  const isV4 = random.below(2) === 0;
  const options = pick(random, [0, 0, 1, 2, 3, 10]) * 4;
  const tcp = 60;
  bytes.set([isV4 ? 4 : 6, pick(random, [0, 0, 1, 2, 3]), 20 + options], 14);
  if (random.below(12) === 0) bytes[16] = pick(random, [0, 19, 24, 60]);
  bytes[20] = random.below(15) === 0 ? 0x50 : isV4 ? 0x45 : 0x60;
  const hosts = isV4 ? ['10.0.0.1', '10.0.0.2'] : ['2001:db8::1', '2001:db8::2'];
  const [at, width] = isV4 ? [32, 4] : [28, 16];
  bytes.set(addressAt(pick(random, hosts), '').bytes.subarray(0, width), at);
  bytes.set(addressAt(hosts[0], '').bytes.subarray(0, width), at + width);
  view.setUint16(tcp, 1024 + random.below(60000));
  view.setUint16(tcp + 2, pick(random, [80, 81, 82]));
  view.setUint32(tcp + 4, random.below(0x7fffffff) * 2 + random.below(2));
  view.setUint8(tcp + 12, (20 + options) << 2);
  view.setUint8(tcp + 13, random.below(12) === 0 ? random.below(64) : 2);
  const mss = pick(random, [0, 1, 536, 1219, 1220, 1299, 1300, 1420, 1439, 1440, 1459, 1460, 1500, 8940, 65535]);
  const kinds = [
    [2, 4, mss >> 8, mss & 255],
    [1, 1, 1, 1, 2, 4, mss >> 8, mss & 255],
    [3, 3, 7, 1, 2, 4, mss >> 8, mss & 255],
    [0, 0, 0, 0, 2, 4, mss >> 8, mss & 255],
    [2, 5, mss >> 8, mss & 255, 0],
    [8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, mss >> 8, mss & 255],
    [5, 1, 2, 2],
    [5, 99, 2, 2],
  ];
  bytes.set(pick(random, kinds).slice(0, options), tcp + 20);
  return bytes;
}

describe.skipIf(reason !== undefined)('SYN cookies as the kernel answers', () => {
  for (const checked of [false, true]) {
    for (const mode of [0, 1, 2] as const) {
      test(`${checked ? 'checked' : 'unchecked'}, tcp_syncookies ${mode}`, async () => {
        await inNamespace(async () => {
          ip(['link set lo up', 'addr add 10.0.0.1/24 dev lo', 'addr add 2001:db8::1/64 dev lo nodad']);
          writeFileSync('/proc/sys/net/ipv4/tcp_syncookies', `${mode}`);
          const servers = [
            createServer().listen(80, '10.0.0.1'),
            createServer().listen({ port: 81, host: '::', ipv6Only: true }),
          ];
          servers.push(createServer().listen(82, '::'));
          await Promise.all(servers.map((server) => once(server, 'listening')));
          const engine = await Engine.create();
          const sides = new Both(engine);
          try {
            const tcp = { protocol: 'tcp' } as const;
            const sockets = [
              { ...tcp, local: '10.0.0.1:80' },
              { ...tcp, local: '[::]:81', v6only: true },
              { ...tcp, local: '[::]:82' },
            ];
            setNetwork(engine, { syncookies: mode, sockets });
            await sides.load(openObject('test/data/helpers/syncookie'), { checked });
            const random = new Random(mode + 1);
            const packets = Array.from({ length: RUNS }, () => packet(random));
            for (const one of packets)
              for (const entry of ['raw', 'listener']) sides.compare(entry, { packets: [one] });
          } finally {
            sides.close();
            engine.close();
            for (const server of servers) server.close();
          }
        });
      });
    }
  }
});

test('a cookie is good in its minute and the next, to whom it was given', async () => {
  const MINUTE = 60_000_000_000n;
  const ask = async (seed: number, made: bigint, checked: bigint): Promise<boolean> => {
    using engine = await Engine.create({ seed });
    const { memory, runtime } = engine;
    const at = engine.alloc(128, 'a packet');
    memory.write(at, Uint8Array.of(0x45, ...new Array(11).fill(0), 10, 0, 0, 2, 10, 0, 0, 1));
    memory.write(at + 40, Uint8Array.of(4, 0, 0, 80, 0, 0, 0, 9, 0, 0, 0, 0, 0x50, 2));
    engine.setTime(made);
    const cookie = Number(BigInt.asUintN(32, runtime.tcp_raw_gen_syncookie_ipv4(at, at + 40, 20)));
    engine.setTime(checked);
    memory.view.setUint32(at + 44, 10);
    memory.view.setUint32(at + 48, (cookie + 1) >>> 0);
    return runtime.tcp_raw_check_syncookie_ipv4(at, at + 40) === 0n;
  };
  const start = 1000n * MINUTE;
  for (const seed of [0, 1, 2]) {
    expect(await ask(seed, start, start)).toBe(true);
    expect(await ask(seed, start, start + MINUTE)).toBe(true);
    expect(await ask(seed, start, start + 2n * MINUTE - 1n)).toBe(true);
    expect(await ask(seed, start, start + 2n * MINUTE)).toBe(false);
    expect(await ask(seed, start, start - 1n)).toBe(false);
  }
});
