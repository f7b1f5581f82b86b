/** Socket lookups: real sockets in a network namespace, and the same ones told to the engine. */

import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { addressAt } from '../../src/runtime/network/address.ts';
import { setNetwork } from '../../src/runtime/network/json.ts';
import type { SocketOptions } from '../../src/runtime/network/sock.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { inNamespace, ip, namespaceReason } from '../kernel/netns.ts';
import { Both, openObject } from '../kernel/sides.ts';

const RUNS = Math.min(Number(process.env.BPF2WASM_FUZZ_RUNS ?? 600), 100_000);
const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)];
const reason = await namespaceReason();
if (reason !== undefined) console.warn(`SKIPPED: socket lookups are not compared with the kernel (${reason})`);

interface Sockets {
  readonly told: SocketOptions[];
  close(): void;
}

async function listen(host: string, port: number, ipv6Only = false): Promise<Server> {
  const server = createServer();
  server.listen({ host, port, ipv6Only });
  await once(server, 'listening');
  return server;
}

async function bind(
  type: 'udp4' | 'udp6',
  host: string,
  port: number,
  peer?: readonly [string, number],
): Promise<Datagrams> {
  const socket = createSocket({ type, ipv6Only: type === 'udp6', reuseAddr: true });
  socket.bind({ address: host, port });
  await once(socket, 'listening');
  if (peer === undefined) return socket;
  socket.connect(peer[1], peer[0]);
  await once(socket, 'connect');
  return socket;
}

/** Opens sockets of every kind. */
async function openSockets(): Promise<Sockets> {
  ip(['link set lo up', 'addr add 10.0.0.1/24 dev lo', 'addr add 2001:db8::1/64 dev lo nodad']);
  const servers = [
    await listen('0.0.0.0', 80),
    await listen('10.0.0.1', 84),
    await listen('::', 81),
    await listen('::', 82, true),
    await listen('2001:db8::1', 85),
    await listen('127.0.0.1', 83),
  ];
  const client = connect({ host: '10.0.0.1', port: 84, localAddress: '10.0.0.1' });
  const [[accepted]] = (await Promise.all([once(servers[1], 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  const six = connect({ host: '2001:db8::1', port: 85 });
  const [[acceptedSix]] = (await Promise.all([once(servers[4], 'connection'), once(six, 'connect')])) as [
    [Socket],
    unknown,
  ];
  const datagrams = [
    await bind('udp4', '0.0.0.0', 53),
    await bind('udp4', '10.0.0.1', 53),
    await bind('udp4', '10.0.0.1', 54),
    await bind('udp4', '10.0.0.1', 55, ['10.0.0.1', 54]),
    await bind('udp6', '::', 53),
    await bind('udp6', '2001:db8::1', 56, ['2001:db8::1', 53]),
  ];
  const end = (at: AddressInfo | object): string => {
    const { address, port, family } = at as AddressInfo;
    return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
  };
  const own = end(client.address());
  const ownSix = end(six.address());
  const tcp = { protocol: 'tcp' } as const;
  const udp = { protocol: 'udp' } as const;
  return {
    told: [
      { ...tcp, local: '0.0.0.0:80' },
      { ...tcp, local: '10.0.0.1:84' },
      { ...tcp, local: '[::]:81' },
      { ...tcp, local: '[::]:82', v6only: true },
      { ...tcp, local: '[2001:db8::1]:85' },
      { ...tcp, local: '127.0.0.1:83' },
      { ...tcp, local: own, remote: '10.0.0.1:84' },
      { ...tcp, local: '10.0.0.1:84', remote: own },
      { ...tcp, local: ownSix, remote: '[2001:db8::1]:85' },
      { ...tcp, local: '[2001:db8::1]:85', remote: ownSix },
      { ...udp, local: '0.0.0.0:53' },
      { ...udp, local: '10.0.0.1:53' },
      { ...udp, local: '10.0.0.1:54' },
      { ...udp, local: '10.0.0.1:55', remote: '10.0.0.1:54' },
      { ...udp, local: '[::]:53', v6only: true },
      { ...udp, local: '[2001:db8::1]:56', remote: '[2001:db8::1]:53' },
    ],
    close: () => {
      for (const one of [client, accepted, six, acceptedSix]) one.destroy();
      for (const one of servers) one.close();
      for (const one of datagrams) one.close();
    },
  };
}

function packet(random: Random, ports: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(14 + 2 + 12 + 36 + 80);
  const view = new DataView(bytes.buffer);
  const isV4 = random.below(2) === 0;
  view.setUint8(14, random.below(2));
  view.setUint8(15, random.below(20) === 0 ? pick(random, [0, 11, 13, 35]) : isV4 ? 12 : 36);
  view.setInt32(16, random.below(10) === 0 ? pick(random, [0, 1, 0x7fffffff]) : -1, true);
  view.setUint32(20, random.below(10) === 0 ? 1 : 0, true);
  view.setUint32(24, random.below(20) === 0 ? 1 : 0, true);
  const hosts = isV4
    ? ['10.0.0.1', '10.0.0.1', '127.0.0.1', '10.0.0.9']
    : ['2001:db8::1', '2001:db8::1', '::1', '2001:db8::9'];
  const width = isV4 ? 4 : 16;
  for (const at of [0, 1]) bytes.set(addressAt(pick(random, hosts), '').bytes.subarray(0, width), 28 + at * width);
  for (const at of [0, 1]) view.setUint16(28 + 2 * width + 2 * at, pick(random, ports));
  return bytes;
}

describe.skipIf(reason !== undefined)('socket lookups as the kernel answers', () => {
  for (const checked of [false, true]) {
    test(checked ? 'checked' : 'unchecked', async () => {
      await inNamespace(async () => {
        const sockets = await openSockets();
        const engine = await Engine.create();
        const sides = new Both(engine);
        try {
          setNetwork(engine, { sockets: sockets.told });
          await sides.load(openObject('test/data/helpers/sock'), { checked });
          const random = new Random(7);
          const ends = sockets.told.flatMap(({ local }) => Number(local.slice(local.lastIndexOf(':') + 1)));
          const ports = [...new Set([...ends, ...ends, 99])];
          let found = 0;
          for (const entry of ['full', 'common'])
            sides.compare(entry, {
              packets: Array.from({ length: RUNS }, () => packet(random, ports)),
              each: ({ returnValue }) => {
                found += returnValue;
              },
            });
          expect(found).toBeGreaterThan(RUNS / 5);
        } finally {
          sides.close();
          engine.close();
          sockets.close();
        }
      });
    });
  }
});
