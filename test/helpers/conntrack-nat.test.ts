/** bpf_ct_set_nat_info: connections with translated sources and destinations, found from both ends, here and in the kernel. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { addressAt } from '../../src/runtime/network/address.ts';
import { Random } from '../fuzz/verifier-item.ts';
import { kernelHasKfunc } from '../kernel/kfunc-ids.ts';
import { inNamespace, namespaceReason } from '../kernel/netns.ts';
import { Both, openObject } from '../kernel/sides.ts';

const RUNS = Number(process.env.BPF2WASM_FUZZ_RUNS ?? 120);
const noNamespace = await namespaceReason();
const reason = noNamespace ?? (kernelHasKfunc('bpf_ct_set_nat_info') ? undefined : 'the kernel has no nf_nat built in');
if (reason !== undefined) console.warn(`SKIPPED: translated connections are not compared with the kernel (${reason})`);

type End = readonly [host: string, port: number];

interface Flow {
  readonly ends: readonly [End, End];
  /** What the source and the destination become; a port that is not above 0 stays what it is, of others the low 16 bits count. */
  readonly src?: End;
  readonly dst?: End;
}

const SIZE = 96;
const addressOf = (host: string) => addressAt(host, '').bytes.subarray(0, host.includes(':') ? 16 : 4);

/** The packet of test/data/helpers/conntrack-nat.c: makes the connection, or looks for one between `ends`. */
function packet([from, to]: Flow['ends'], make?: Flow): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  const width = from[0].includes(':') ? 16 : 4;
  bytes.set([width === 4 ? 12 : 36, make === undefined ? 0 : 1], 14);
  view.setUint32(16, (make?.src ? 1 : 0) | (make?.dst ? 2 : 0), true);
  if (make?.src) bytes.set(addressOf(make.src[0]), 20);
  if (make?.dst) bytes.set(addressOf(make.dst[0]), 36);
  view.setInt32(52, make?.src?.[1] ?? 0, true);
  view.setInt32(56, make?.dst?.[1] ?? 0, true);
  bytes.set(addressOf(from[0]), 60);
  bytes.set(addressOf(to[0]), 60 + width);
  view.setUint16(60 + 2 * width, from[1]);
  view.setUint16(62 + 2 * width, to[1]);
  return bytes;
}

/** Every number is another, so that no two connections are alike: Linux then needs no other ports. */
function someFlow(random: Random, n: number): Flow {
  const host = (k: number): string => (n % 2 === 0 ? `10.0.${k}.1` : `2001:db8::${k}`);
  const port = (): number =>
    random.below(4) === 0 ? [-1, -0x80000000, 0x10000 + 30_000 + n][random.below(3)] : 20_000 + n;
  const other = (k: number): End => [host(k), random.below(3) === 0 ? 0 : port()];
  return {
    ends: [
      [host(1), 1024 + n],
      [host(2), 80],
    ],
    // To itself: nothing is translated then.
    ...(random.below(3) > 0 && { src: other(random.below(4) === 0 ? 1 : 3) }),
    ...(random.below(3) > 0 && { dst: other(random.below(4) === 0 ? 2 : 4) }),
  };
}

/** Where replies come from and go to. */
function replyEnds({ ends: [from, to], src, dst }: Flow): Flow['ends'] {
  const became = (end: End, as: End | undefined): End => {
    if (as === undefined) return end;
    return [as[0], as[1] <= 0 ? end[1] : as[1] & 0xffff];
  };
  return [became(to, dst), became(from, src)];
}

describe.skipIf(reason !== undefined)('translated connections as the kernel has them', () => {
  for (const checked of [false, true]) {
    test(checked ? 'checked' : 'unchecked', async () => {
      await inNamespace(async () => {
        const engine = await Engine.create();
        const sides = new Both(engine);
        try {
          await sides.load(openObject('test/data/helpers/conntrack-nat'), { checked });
          const random = new Random(checked ? 2 : 1);
          const answers = new Map<number, number>();
          const ask = (bytes: Uint8Array): void =>
            sides.compare('nat', {
              packets: [bytes],
              each: ({ returnValue }) => answers.set(returnValue | 0, (answers.get(returnValue | 0) ?? 0) + 1),
            });
          const count = Math.min(RUNS, 20_000);
          for (let n = 0; n < count; n++) {
            const flow = someFlow(random, n);
            const [from, to] = flow.ends;
            for (const bytes of [
              packet(flow.ends, flow),
              packet(flow.ends),
              packet(replyEnds(flow)),
              packet([to, from]),
            ])
              ask(bytes);
          }
          // Made; found in its direction; found in the other one, and there only by what it was translated to.
          expect([answers.get(1), answers.get(10)]).toEqual([count, count]);
          expect(answers.get(11)).toBeGreaterThan(count);
          expect(answers.get(-2)).toBeGreaterThan(count / 4);
        } finally {
          sides.close();
          engine.close();
        }
      });
    });
  }
});
