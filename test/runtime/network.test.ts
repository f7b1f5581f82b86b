/** What users say of their network: taken, refused by the name of the field, and used by a program. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { loadObject } from '../../src/object/load.ts';
import { parseAddress } from '../../src/runtime/network/address.ts';
import { setNetwork } from '../../src/runtime/network/json.ts';

const devices = [{ name: 'eth0', mac: '02:00:00:00:00:01', addresses: ['192.0.2.1/24', '2001:db8::1/64'] }];

/** The message of what `setNetwork` throws. */
async function refusal(json: unknown): Promise<string> {
  using engine = await Engine.create();
  try {
    setNetwork(engine, json);
  } catch (error) {
    return (error as Error).message;
  }
  return 'taken';
}

describe('a network as JSON', () => {
  const route = { to: '10.0.0.0/8', dev: 'eth0' };
  const cases: readonly (readonly [unknown, string])[] = [
    [{ devices, routes: [route] }, 'taken'],
    [[], 'network: network: an array is not an object'],
    [{ route: [] }, 'network: network.route: an array is not known; fields are'],
    [{ devices, routes: [route, route] }, 'network: routes[1]: there is a route to 10.0.0.0/8 already: EEXIST'],
    [{ routes: [route] }, "network: routes[0].dev: 'eth0' is not a device; there are none"],
    [{ devices, routes: [{ to: '10.0.0.1/8', dev: 'eth0' }] }, "routes[0].to: '10.0.0.1/8' is not a network"],
    [{ devices, routes: [{ ...route, via: '2001:db8::g' }] }, "routes[0].via: '2001:db8::g' is not an IPv4 or IPv6"],
    [{ devices, routes: [{ to: '::/0', dev: 'eth0', via: '192.0.2.2' }] }, 'routes[0].via'],
    [{ devices, routes: [{ ...route, metric: -1 }] }, 'routes[0].metric: -1 is not an integer from 0'],
    [{ devices, routes: [{ ...route, tos: 3 }] }, 'routes[0].tos: 3 is not a DSCP'],
    [{ devices, routes: [{ ...route, type: 'nat' }] }, "routes[0].type: 'nat' is not one of unicast, local"],
    [{ devices, neighbours: [{ ip: '192.0.2.2', dev: 'eth0', mac: '02' }] }, "neighbours[0].mac: '02' is not a MAC"],
    [{ devices: [{ name: 'a', addresses: ['1.2.3.4/33'] }] }, "devices[0].addresses[0].address: '1.2.3.4/33' is not"],
    [{ devices: [{ name: 'a', mtu: '9' }] }, "devices[0].mtu: '9' is not an integer"],
    [
      {
        sockets: [
          { protocol: 'tcp', local: '10.0.0.1:80' },
          { protocol: 'udp', local: '[::]:53' },
        ],
      },
      'taken',
    ],
    [
      { sockets: [{ protocol: 'tcp', local: '10.0.0.1' }] },
      "sockets[0].local: '10.0.0.1' is not an address with a port",
    ],
    [{ sockets: [{ protocol: 'sctp', local: '10.0.0.1:80' }] }, "sockets[0].protocol: 'sctp' is not one of tcp, udp"],
    [{ sockets: [{ protocol: 'tcp', local: '10.0.0.1:80', remote: '[::1]:1' }] }, 'sockets[0].remote'],
    [{ sockets: [{ protocol: 'tcp', local: '10.0.0.1:80', state: 'established' }] }, 'sockets[0].remote: undefined'],
    [{ sockets: [{ protocol: 'tcp', local: '10.0.0.1:80', tcp: { cwnd: 1 } }] }, 'sockets[0].tcp.cwnd: 1 is not known'],
    [{ syncookies: 3 }, 'syncookies: 3 is not an integer from 0 to 2'],
    [{ devices, rules: [{ priority: 5 }] }, 'rules[0].table: undefined is not an integer'],
    [{ devices, rules: [{ priority: 5, table: 100, from: '::/0', to: '10.0.0.0/8' }] }, 'rules[0].to'],
  ];
  for (const [json, message] of cases)
    test(message, async () => {
      expect(await refusal(json)).toContain(message);
    });
});

test('addresses in all their forms', () => {
  const of = (text: string) => Buffer.from(parseAddress(text)?.bytes ?? []).toString('hex');
  expect(of('::')).toBe('0'.repeat(32));
  expect(of('2001:db8::ff')).toBe('20010db80000000000000000000000ff');
  expect(of('::ffff:192.0.2.1')).toBe('00000000000000000000ffffc0000201');
  expect(of('1:2:3:4:5:6:7:8')).toBe('00010002000300040005000600070008');
  for (const wrong of [
    '',
    ':',
    '1.2.3',
    '1.2.3.256',
    '1:2:3:4:5:6:7',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '::12345',
    '1:2:3:4:5:6:7::8:9',
  ])
    expect(parseAddress(wrong), wrong).toBeUndefined();
});

test('a route is found, changed and lost', async () => {
  using engine = await Engine.create();
  setNetwork(engine, { devices: [{ ...devices[0], ifindex: 3 }] });
  const { network } = engine;
  const loaded = await engine.load(
    loadObject(new Uint8Array(readFileSync('test/data/helpers/fib.o')), { name: 'fib' }),
  );
  const packet = new Uint8Array(84);
  packet[14] = 64;
  packet.set([2, 6, 0, 0, 0, 0, 0, 0, 3], 20);
  packet.set([10, 1, 2, 3], 52);
  const ask = () => loaded.prog('fib').run(packet).returnValue;
  expect(ask()).toBe(4);
  const route = { to: '10.1.0.0/16', via: '192.0.2.9', dev: 'eth0' };
  network.addRoute(route);
  expect(ask()).toBe(7);
  network.addNeighbour({ ip: '192.0.2.9', dev: 'eth0', mac: '02:00:00:00:00:09' });
  expect(ask()).toBe(0);
  const { packet: out } = loaded.prog('fib').run(packet);
  expect(Buffer.from(out.subarray(72, 84)).toString('hex')).toBe('020000000001020000000009');
  expect(network.deleteNeighbour({ ip: '192.0.2.9', dev: 'eth0' })).toBe(true);
  expect(ask()).toBe(7);
  network.addRoute({ to: '10.1.2.0/24', type: 'blackhole' });
  expect(ask()).toBe(1);
  expect(network.deleteRoute({ to: '10.1.2.0/24', type: 'blackhole' })).toBe(true);
  expect(network.deleteRoute(route)).toBe(true);
  expect(network.deleteRoute(route)).toBe(false);
  expect(ask()).toBe(4);
});

test('listeners: a specific address before any, a bound device before none, and what is closed is not found', async () => {
  using engine = await Engine.create();
  setNetwork(engine, { devices: [{ name: 'eth0', ifindex: 3 }] });
  const { network, runtime, memory } = engine;
  const tcp = { protocol: 'tcp' } as const;
  const any = network.addSocket({ ...tcp, local: '0.0.0.0:80', mark: 1 });
  network.addSocket({ ...tcp, local: '[::]:80', mark: 2 });
  const bound = network.addSocket({ ...tcp, local: '0.0.0.0:80', dev: 'eth0', mark: 3 });
  const own = network.addSocket({ ...tcp, local: '10.0.0.1:80', mark: 4, tcp: { snd_cwnd: 10, bytes_acked: 7 } });
  const at = engine.alloc(64, 'a tuple');
  memory.write(at, Uint8Array.of(10, 0, 0, 2, 10, 0, 0, 1, 4, 0, 0, 80));
  const find = (ifindex: number): number => {
    memory.setU32(at + 16 + 12, ifindex);
    return runtime.sk_lookup_tcp(at + 16, at, 12, -1n, 0n);
  };
  const mark = (ifindex: number): number => memory.u32(find(ifindex) + 16);
  expect([mark(3), mark(4)]).toEqual([4, 4]);
  const info = runtime.tcp_sock(find(3));
  expect([memory.u32(info), memory.u64(info + 88)]).toEqual([10, 7n]);
  expect(runtime.get_listener_sock(find(3))).toBe(find(3));
  expect(network.deleteSocket(own)).toBe(true);
  expect([mark(3), mark(4)]).toEqual([3, 1]);
  network.deleteSocket(bound);
  expect(mark(3)).toBe(1);
  network.deleteSocket(any);
  expect(mark(3)).toBe(2);
  expect(network.deleteSocket(any)).toBe(false);
});
