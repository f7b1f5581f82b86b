/** Routing tables are looked up by hash while their prefixes have few lengths, else through their tries: both ways must answer the same. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { loadObject } from '../../src/object/load.ts';
import { addressAt } from '../../src/runtime/network/address.ts';
import { setNetwork } from '../../src/runtime/network/json.ts';
import { prng } from './harness.ts';

const FIB = new Uint8Array(readFileSync(new URL('../data/helpers/fib.o', import.meta.url)));
const SKIP_NEIGH = 4;
const devices = ['eth0', 'eth1', 'eth2', 'eth3'].map((name, i) => ({
  name,
  ifindex: 10 + i,
  mac: `02:00:00:00:00:0${i}`,
  forwarding: true,
}));

type Route = { to: string; dev: string; metric: number; tos?: number };

/** Lengths of IPv4's and IPv6's prefixes. */
function routes(below: (n: number) => number, lengths: readonly (readonly [number, number])[]): Route[] {
  const found = new Map<string, Route>();
  for (let i = 0; i < 120; i++) {
    const [v4, v6] = lengths[below(lengths.length)];
    const bits = (below(2) << 23) | (below(2) << 15) | (below(4) << 7) | (below(2) << 6) | below(2);
    const kept = v4 === 0 ? 0 : (bits & (-1 << (32 - v4))) >>> 0;
    const dev = devices[below(devices.length)].name;
    const v4Route = `${[24, 16, 8, 0].map((by) => (kept >>> by) & 255).join('.')}/${v4}`;
    found.set(v4Route, { to: v4Route, dev, metric: i, ...(v4 > 8 && below(4) === 0 ? { tos: 8 } : {}) });
    const host = v6 === 128 ? below(4) : 0;
    const group = v6 >= 48 ? below(3) : 0;
    const v6Route = `${v6 === 0 ? '' : '2001:db8'}${group ? `:${group}` : ''}::${host || ''}/${v6}`;
    found.set(v6Route, { to: v6Route, dev, metric: i + 1 });
  }
  return [...found.values()];
}

/** Prefixes of nine lengths each that nobody asks for. */
const UNRELATED: readonly Route[] = Array.from({ length: 9 }, (_, i) => [
  { to: `198.18.0.0/${17 + i}`, dev: 'eth0', metric: 7 },
  { to: `3fff::/${33 + i}`, dev: 'eth0', metric: 7 },
]).flat();

async function answers(of: readonly Route[], questions: readonly Uint8Array[]): Promise<string[]> {
  using engine = await Engine.create();
  setNetwork(engine, { devices, routes: of });
  const prog = (await engine.load(loadObject(FIB))).prog('fib');
  return questions.map((packet) => {
    const { returnValue, packet: out } = prog.run(packet);
    return `${returnValue} ${Buffer.from(out).toString('hex')}`;
  });
}

function question(below: (n: number) => number): Uint8Array {
  const isV4 = below(2) === 0;
  const dst = isV4
    ? `${below(2)}.${below(2) * 128}.${below(4)}.${below(2) * 64 + below(2)}`
    : `2001:db8${[':0', ':1', ':2'][below(3)]}::${below(4)}`;
  const bytes = new Uint8Array(84);
  const view = new DataView(bytes.buffer);
  view.setUint16(14, 64, true);
  view.setUint32(16, SKIP_NEIGH | (below(4) === 0 ? 2 : 0), true);
  view.setUint8(20, isV4 ? 2 : 10);
  view.setUint32(28, 10 + below(4), true);
  if (isV4) view.setUint8(32, below(2) * 8);
  bytes.set(addressAt(dst, 'dst').bytes, 52);
  return bytes;
}

test.each([1, 2, 3, 4])('the same with few lengths and with many, seed %i', async (seed) => {
  const random = prng(seed);
  const below = (n: number) => random() % n;
  const lengths = [
    [0, 0],
    [8, 32],
    [16, 48],
    [24, 64],
    [32, 128],
  ] as const;
  const few = routes(below, lengths);
  const questions = Array.from({ length: 300 }, () => question(below));
  const byHash = await answers(few, questions);
  expect(new Set(byHash).size).toBeGreaterThan(20);
  expect(await answers([...UNRELATED, ...few], questions)).toEqual(byHash);
});
