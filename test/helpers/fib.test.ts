/** bpf_fib_lookup over a user's network, and in the kernel in a network namespace that was given the same. */
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { addressAt } from '../../src/runtime/network/address.ts';
import { setNetwork } from '../../src/runtime/network/json.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { inNamespace, ip, ipShow, ipTries, namespaceReason } from '../kernel/netns.ts';
import { Both, openObject } from '../kernel/sides.ts';
import * as net from './fib-network.ts';

const NETWORKS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 0) / 1000 || 3;
const QUESTIONS = 400;
const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)];

interface Question {
  readonly family: number;
  readonly dst: string;
  readonly src: string;
  readonly ifindex: number;
  readonly flags?: number;
  readonly size?: number;
  readonly length?: number;
  readonly tos?: number;
  readonly tbid?: number;
  readonly mark?: number;
  readonly proto?: number;
  readonly ports?: readonly [number, number];
}

/** The packet that test/data/helpers/fib.c takes its arguments from. */
function packet(q: Question): Uint8Array {
  const bytes = new Uint8Array(84);
  const view = new DataView(bytes.buffer);
  view.setUint16(14, q.size ?? 64, true);
  view.setUint32(16, q.flags ?? 0, true);
  const params = 20;
  view.setUint8(params, q.family);
  view.setUint8(params + 1, q.proto ?? 6);
  view.setUint16(params + 2, q.ports?.[0] ?? 0);
  view.setUint16(params + 4, q.ports?.[1] ?? 0);
  view.setUint16(params + 6, q.length ?? 0, true);
  view.setUint32(params + 8, q.ifindex, true);
  if (q.family === 10) view.setUint32(params + 12, (q.tos ?? 0) << 20);
  else view.setUint8(params + 12, q.tos ?? 0);
  const [src, dst] = [addressAt(q.src, 'src'), addressAt(q.dst, 'dst')];
  bytes.set(src.bytes, params + 16);
  bytes.set(dst.bytes, params + 32);
  view.setUint32(params + 48, q.tbid ?? 0x11223344, true);
  view.setUint32(params + 52, q.mark ?? 0, true);
  return bytes;
}

function ifindexes(): number[] {
  const links = JSON.parse(ipShow('-j', 'link')) as { ifname: string; ifindex: number }[];
  return net.DEVICES.map((name) => links.find((link) => link.ifname === name)?.ifindex as number);
}

function forwardAll(): void {
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1');
}

/** Gives `ip` what `line` makes of each; what Linux does not take is left out. */
function taken<T>(all: readonly T[], family: (one: T) => 4 | 6, line: (one: T) => string): T[] {
  return ([4, 6] as const).flatMap((wanted) => {
    const ours = all.filter((one) => family(one) === wanted);
    const took = ipTries(ours.map(line), wanted);
    return ours.filter((_, i) => took[i]);
  });
}

function someNetwork(random: Random, indexes: readonly number[]): net.Both {
  const both = net.startNetwork(indexes);
  const { json, lines } = both;
  for (let i = 0; i < 40; i++) {
    const at = random.below(3);
    const mac = `02:00:00:00:01:${i.toString(16).padStart(2, '0')}`;
    const address =
      random.below(2) === 0 ? `10.0.${at}.${2 + random.below(5)}` : `2001:db8:${at}::${2 + random.below(5)}`;
    lines.push(`neigh replace ${address} lladdr ${mac} dev ${net.DEVICES[at]}`);
    json.neighbours.push({ ip: address, mac, dev: net.DEVICES[at] });
  }
  ip(lines);
  const isV4 = (): boolean => random.below(2) === 0;
  const routes = Array.from({ length: 60 }, (_, i) => net.someRoute(random, isV4(), i));
  json.routes.push(...taken(routes, ({ to }) => (to.includes(':') ? 6 : 4), net.routeLine));
  const rules = Array.from({ length: random.below(2) * 6 }, (_, i) => net.someRule(random, isV4(), i));
  json.rules.push(...taken(rules, ({ family }) => (family === 'ipv6' ? 6 : 4), net.ruleLine));
  return both;
}

function someQuestion(random: Random, indexes: readonly number[]): Question {
  const isV4 = random.below(2) === 0;
  const far = isV4
    ? ['127.0.0.1', '8.8.8.8', '0.0.0.0', '255.255.255.255']
    : ['::1', '2001:db9::1', 'fe80::1', '::', 'ff02::1', 'ff0e::1'];
  return {
    family: random.below(40) === 0 ? pick(random, [0, 1, 17]) : isV4 ? 2 : 10,
    dst: random.below(12) === 0 ? pick(random, far) : net.someAddress(random, isV4),
    src: net.someAddress(random, isV4),
    ifindex: random.below(30) === 0 ? pick(random, [0, 1, 99]) : pick(random, indexes),
    flags: random.below(50) === 0 ? 1 << random.below(32) : random.below(64),
    size: pick(random, [64, 64, 64, 63, 128]),
    length: pick(random, [0, 0, 100, 1280, 1400, 1401, 1500, 1501, 9001, 65535]),
    tos: pick(random, [0, 0, 4, 8, 0x10, 0x13, 0xb8]),
    tbid: pick(random, [0, 100, 101, 253, 254, 255, 77]),
    mark: random.below(3),
    proto: pick(random, [6, 17]),
    ports: [900 + random.below(1200), pick(random, [53, 80])],
  };
}

async function compareNetwork(
  random: Random,
  checked: boolean,
  answers: Record<string, number>,
  name: string,
): Promise<void> {
  ip(net.DEVICE_LINES);
  forwardAll();
  const indexes = ifindexes();
  const { json } = someNetwork(random, indexes);
  const engine = await Engine.create();
  const sides = new Both(engine);
  const questions = Array.from({ length: QUESTIONS }, () => someQuestion(random, indexes));
  let asked = 0;
  try {
    setNetwork(engine, json);
    await sides.load(openObject('test/data/helpers/fib'), { checked });
    sides.compare('fib', {
      packets: questions.map(packet),
      each: ({ returnValue }) => {
        asked++;
        answers[returnValue | 0] = (answers[returnValue | 0] ?? 0) + 1;
      },
    });
  } catch (error) {
    (error as Error).message += `\n${name}, ${JSON.stringify(questions[asked])}`;
    throw error;
  } finally {
    sides.close();
    engine.close();
  }
}

const reason = await namespaceReason();
if (reason !== undefined) console.warn(`SKIPPED: bpf_fib_lookup is not compared with the kernel (${reason})`);

describe.skipIf(reason !== undefined)('bpf_fib_lookup as the kernel answers', () => {
  for (const checked of [false, true]) {
    test(`random networks and questions, ${checked ? 'checked' : 'unchecked'}`, async () => {
      const answers: Record<string, number> = {};
      const first = checked ? 1000 : 1;
      for (let seed = first; seed < first + NETWORKS; seed++)
        await inNamespace(() => compareNetwork(new Random(seed), checked, answers, `seed ${seed}`));
      // Every answer was there; 6, of tunnels, is not asked for.
      expect(
        Object.keys(answers)
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual([-97, -22, -19, 0, 1, 2, 3, 4, 7, 8]);
    });
  }
});
