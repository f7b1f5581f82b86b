/** A virtual network: where packets go, what happens to them on the way, and what is counted when they go no further. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { BpfError } from '../src/errors/index.ts';
import type { Loaded } from '../src/loader.ts';
import { VirtualNetwork } from '../src/net/network.ts';
import { toeplitz } from '../src/net/rss.ts';
import { PcapWriter } from '../src/replay/pcap-writer.ts';
import type { NetPacket, PacketQueue } from '../src/runtime/packet-queue.ts';
import { openObject } from './kernel/sides.ts';

/** Ethernet from 0a..01 to 0b..02, then `payload`, 60 bytes unless told otherwise. */
function frame(payload: readonly number[], length = 60): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([0x0b, 0, 0, 0, 0, 2, 0x0a, 0, 0, 0, 0, 1, 0x08, 0x00, ...payload]);
  return bytes;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const macs = ({ data }: NetPacket): string => hex(data.subarray(0, 12));
const payloads = (queue: PacketQueue): string[] => queue.drain().map(({ data }) => hex(data.subarray(14, 16)));

interface World {
  readonly engine: Engine;
  readonly net: VirtualNetwork;
  readonly loaded: Loaded;
}

async function world(options: ConstructorParameters<typeof VirtualNetwork>[1] = {}, cpus = 4): Promise<World> {
  const engine = await Engine.create({ cpus });
  const loaded = await engine.load(openObject('test/data/helpers/network').object, { checked: true });
  return { engine, net: new VirtualNetwork(engine, options), loaded };
}

const codeOf = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    return error instanceof BpfError ? error.code : String(error);
  }
  return 'nothing';
};

describe('verdicts', () => {
  test('each is counted and goes its way', async () => {
    const { net, loaded } = await world();
    const [a, b] = net.veth('a', 'b', { b: { gro: true } });
    net.attach(a, loaded.prog('obey'));
    const [rx, stack, tx] = [a.rx, a.stack, a.tx];
    net.inject(
      'a',
      [0, 1, 2, 3, 4, 7].map((verdict) => frame([verdict, 9])),
      { timeNs: 5n },
    );
    expect([rx.length, payloads(stack), payloads(tx)]).toEqual([6, ['0209'], ['0309']]);
    expect(a.stats).toEqual({
      received: 6,
      bytes: 360,
      verdicts: { XDP_ABORTED: 1, XDP_DROP: 1, XDP_PASS: 1, XDP_TX: 1, XDP_REDIRECT: 1, 'UNKNOWN(7)': 1 },
      sent: 1,
      sentBytes: 60,
      passed: 1,
      drops: { XDP_ABORTED: 2, XDP_DROP: 1, 'no target': 1 },
    });
    expect(b.stats).toMatchObject({ received: 1, verdicts: { XDP_PASS: 1 }, passed: 1 });
  });

  test('XDP_TX reflects to where it came from, and the packet of the user stays as it was', async () => {
    const { net, loaded } = await world();
    const [a, b] = net.veth('a', 'b');
    net.attach(b, loaded.prog('reflect'));
    net.attach(a, loaded.prog('pass'));
    const { stack } = a;
    const packet = frame([1]);
    net.send(a, packet, { timeNs: 77n });
    const [back] = stack.drain();
    expect([macs(back as NetPacket), back?.timeNs]).toEqual(['0a00000000010b0000000002', 77n]);
    expect(packet).toEqual(frame([1]));
    expect([a.stats.sent, b.stats.received, b.stats.sent, a.stats.received]).toEqual([1, 1, 1, 1]);
  });
});

describe('redirects', () => {
  test('a load balancer spreads over a devmap; programs of its entries stamp what leaves', async () => {
    const { net, loaded } = await world();
    const front = net.device('front', { ifindex: 10 });
    const ends = [0, 1, 2].map((i) => net.veth(`lb${i}`, `server${i}`, { [`lb${i}`]: { ifindex: 20 + i } }));
    net.attach(front, loaded.prog('spread'));
    const expected: string[][] = [[], [], []];
    const packets = Array.from({ length: 300 }, (_, i) => frame([i & 255, (i * 7) & 255]));
    ends.forEach(([lb, server], i) => {
      net.attach(server, loaded.prog('pass'));
      loaded.map('ports').set(i, { ifindex: lb, prog: loaded.prog('stamp') });
    });
    const queues = ends.map(([, server]) => server.stack);
    net.inject(front, packets);
    for (const packet of packets) {
      const to = ((packet[14] as number) * 31 + (packet[15] as number)) % 3;
      const bytes = packet.slice();
      bytes.set([2, 0, 0, 0, 10, 20 + to], 6);
      expected[to]?.push(hex(bytes));
    }
    expect(queues.map((queue) => queue.drain().map(({ data }) => hex(data)))).toEqual(expected);
    // Two of three slots emptied: the verdict of the flags, and a program that drops.
    loaded.map('ports').delete(1);
    const [lost] = net.veth('lost', 'end', { lost: { ifindex: 99 }, end: { gro: true } });
    loaded.map('ports').set(2, { ifindex: lost.ifindex, prog: loaded.prog('stamp') });
    const before = front.stats;
    net.inject(front, packets);
    const [toOne, toTwo] = [expected[1]?.length ?? 0, expected[2]?.length];
    expect([front.stats.passed - before.passed, front.stats.drops]).toEqual([toOne, { 'devmap program': toTwo }]);
  });

  test('broadcast: every device that can take it, with or without the one it came from', async () => {
    const { net, loaded } = await world();
    const devices = [1, 2, 3, 4].map((ifindex) => net.device(`d${ifindex}`, { ifindex, up: ifindex !== 4 }));
    const [one, two, three, four] = devices as [(typeof devices)[0], ...typeof devices];
    for (const device of devices) loaded.map('flood').set(device.ifindex * 5, device);
    loaded.map('flood').set(15, { ifindex: 3, prog: loaded.prog('stamp') });
    const taps = devices.map(({ tx }) => tx);
    const link = net.attach(one, loaded.prog('broadcast'));
    net.inject(one, frame([1]));
    const sent = () => taps.map((tx) => tx.drain().map(macs));
    const plain = '0b00000000020a0000000001';
    expect(sent()).toEqual([[], [plain], ['0b0000000002020000000103'], []]);
    link.close();
    net.attach(one, loaded.prog('everywhere'));
    net.inject(one, frame([1]));
    expect(sent()).toEqual([[plain], [plain], ['0b0000000002020000000103'], []]);
    for (const device of [one, two, three] as const) (device as { up: boolean }).up = device === one;
    loaded.map('flood').delete(5);
    net.inject(one, frame([1]));
    expect([one.stats.drops, four?.stats.sent]).toEqual([{ 'no target': 1 }, 0]);
  });

  test('drops say why', async () => {
    const { net, loaded } = await world({ hopLimit: 5 });
    const a = net.device('a', { ifindex: 1 });
    const b = net.device('b', { ifindex: 2, mtu: 100 });
    net.veth('c', 'd', { c: { ifindex: 3 }, d: { ifindex: 4 } });
    net.attach(a, loaded.prog('by_index'));
    net.inject(a, [frame([2]), frame([2], 118), frame([2], 119), frame([77]), frame([3])]);
    b.up = false;
    net.inject(a, frame([2]));
    net.inject(b, frame([2]));
    expect(b.stats).toMatchObject({ sent: 2, received: 0, drops: { 'device down': 1 } });
    const drops = { 'mtu exceeded': 1, 'no such device': 1, 'peer without program': 1, 'device down': 1 };
    expect(a.stats.drops).toEqual(drops);
    const [e, f] = net.veth('e', 'f');
    for (const end of [e, f]) net.attach(end, loaded.prog('reflect'));
    net.inject(e, frame([1]));
    expect([e.stats.received + f.stats.received, e.stats.drops, f.stats.drops]).toEqual([6, {}, { 'hop limit': 1 }]);
    expect(codeOf(() => net.inject('nobody', frame([])))).toBe('RUN_NO_DEVICE');
    expect(codeOf(() => net.inject(a, frame([]), { queue: 1 }))).toBe('RUN_OPTION');
    expect(codeOf(() => net.attach(f, loaded.prog('stamp')))).toBe('RUN_ATTACH_TYPE');
  });

  test('cpumap: its program runs on that CPU, then the stack has the packet there', async () => {
    const { net, loaded } = await world({ hopLimit: 9 });
    const a = net.device('a', { ifindex: 7 });
    const b = net.device('b', { ifindex: 8 });
    const cpus = loaded.map('cpus');
    cpus.set(2, { qsize: 64, prog: loaded.prog('on_cpu') });
    cpus.set(1, { qsize: 64, prog: loaded.prog('on_cpu') });
    cpus.set(3, 2);
    loaded.map('ports').set(0, b);
    net.attach(a, loaded.prog('to_cpu'));
    const [stack, tx] = [a.stack, b.tx];
    const asked = [
      [2, 0],
      [3, 0],
      [3, 1],
      [3, 2],
      [2, 100],
      [2, 114],
      [2, 99],
      [0, 0],
    ];
    net.inject(
      a,
      asked.map((payload) => frame(payload)),
    );
    const seen = stack.drain().map(({ data, cpu }) => [...data.subarray(10, 12), ...data.subarray(14, 16), cpu]);
    expect(seen).toEqual([
      [2, 7, 2, 0, 2],
      [0, 1, 3, 0, 3],
      [0, 1, 3, 1, 3],
    ]);
    expect(payloads(tx)).toEqual(['0272']);
    // From CPU 1 to CPU 1 for ever.
    expect(a.stats.drops).toEqual({ 'queue full': 1, 'cpumap program': 1, 'hop limit': 1, XDP_DROP: 1 });
  });

  test('AF_XDP: a socket gets what came in by its queue', async () => {
    const { net, loaded, engine } = await world();
    const a = net.device('a', { queues: 4 });
    const socket = engine.openXsk(a, { queue: 2, size: 2 });
    loaded.map('socks').set(2, socket);
    loaded.map('socks').set(3, socket);
    net.attach(a, loaded.prog('to_socket'));
    for (const queue of [0, 1, 2, 2, 2, 3]) net.inject(a, frame([queue]), { queue });
    expect([a.stats.passed, a.stats.drops]).toEqual([2, { 'queue full': 1, 'wrong queue': 1 }]);
    const got: number[] = [];
    setTimeout(() => socket.close(), 0);
    for await (const { queue } of socket) got.push(queue);
    expect(got).toEqual([2, 2]);
    net.inject(a, frame([2]), { queue: 2 });
    expect(a.stats.passed).toBe(3);
  });
});

describe('captures', () => {
  const capture = (times: readonly number[], mark: number): Uint8Array => {
    const pieces: Uint8Array[] = [];
    const writer = new PcapWriter((piece) => pieces.push(piece));
    for (const time of times) writer.add({ timestampNs: BigInt(time), data: frame([mark, time]) });
    writer.flush();
    return Buffer.concat(pieces);
  };

  test('several are merged by time; one that is cut ends there, and the report says so', async () => {
    const { net, loaded } = await world({ pollNs: 0 });
    const [a, b, c] = ['a', 'b', 'c'].map((name, i) => net.device(name, { ifindex: 5 + i }));
    for (const device of [a, b]) net.attach(device as never, loaded.prog('spread'));
    for (const slot of [0, 1, 2]) loaded.map('ports').set(slot, c);
    const tx = (c as { tx: PacketQueue }).tx;
    const cut = capture([2, 3, 9], 2);
    const report = await net.run([
      { device: 'a', capture: capture([1, 3, 8], 1) },
      { device: 'b', capture: cut.subarray(0, cut.length - 5) },
    ]);
    expect(payloads(tx)).toEqual(['0101', '0202', '0103', '0203', '0108']);
    expect(report.devices.map(({ name, received, sent }) => [name, received, sent])).toEqual([
      ['a', 3, 0],
      ['b', 2, 0],
      ['c', 0, 5],
    ]);
    expect(report.errors.map(({ input, error }) => [input, error.code])).toEqual([[1, 'CAPTURE_TRUNCATED']]);
  });
});

test("Toeplitz's hash is that of Microsoft's examples", () => {
  const input = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
  expect(toeplitz(input('420995bba18e6450'))).toBe(0x323e8fc2);
  expect(toeplitz(input('420995bba18e64500aea06e6'))).toBe(0x51ccc178);
});

test('a device that is removed leaves its maps; one of another engine is none', async () => {
  const { engine, net, loaded } = await world();
  const [a, b] = net.veth('a', 'b');
  loaded.map('ports').set(0, a);
  loaded.map('ports').set(1, b);
  loaded.map('flood').set(4, { ifindex: a });
  engine.removeDevice(a);
  expect([[...loaded.map('ports').keys()].length, loaded.map('ports').size, loaded.map('flood').size]).toEqual([
    8, 1, 0,
  ]);
  expect([b.peer, engine.device('a')]).toEqual([undefined, undefined]);
  const other = await world();
  other.net.device('x', { ifindex: b.ifindex });
  const put = (value: unknown) => codeOf(() => loaded.map('ports').set(0, value));
  expect(put(other.engine.device('x'))).toBe('RUN_FOREIGN');
  expect(put({ ifindex: b, prog: other.loaded.prog('stamp') })).toBe('RUN_FOREIGN');
  expect(put({ ifindex: b, prog: loaded.prog('pass') })).toBe('RUN_PROG_TYPE');
  expect([put(4711), put('eth0')]).toEqual(['RUN_MAP_OP', 'RUN_MAP_INPUT']);
});
