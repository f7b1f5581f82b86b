/** bpf_redirect, bpf_redirect_map and bpf_check_mtu beside the kernel's: return codes for every map, key and flag, and what lookups find. */
import { expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import type { RedirectMap } from '../../src/runtime/redirect-map.ts';
import { describeKernel } from '../kernel/available.ts';
import { updateElem } from '../kernel/bpf.ts';
import { Both, openObject } from '../kernel/sides.ts';

/** A packet that asks about a key and flags (`struct question`). */
function question(key: bigint, flags: bigint, length = 64): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(14, BigInt.asUintN(64, key), true);
  view.setBigUint64(22, BigInt.asUintN(64, flags), true);
  return bytes;
}

const KEYS = [0n, 1n, 2n, 3n, 4n, 7n, 0xffffffffn, 1n << 32n, (1n << 32n) + 1n, -1n];
const FLAGS = [...Array.from({ length: 34 }, (_, i) => BigInt(i)), 64n, 0x10000n, 1n << 32n, (1n << 32n) + 2n, -1n];

async function bothSides(checked: boolean): Promise<Both> {
  const engine = await Engine.create({ cpus: 2 });
  engine.addDevice('lo', { ifindex: 1, mtu: 65536 });
  const sides = new Both(engine);
  await sides.load(openObject('test/data/helpers/redirect'), { checked });
  const [loaded] = sides.loaded;
  const put = (map: string, key: number, target: number, prog = '') => {
    const value = [target, ...(map === 'devs4' ? [] : [sides.kernel.progs.get(prog) ?? 0])];
    const bytes = (words: number[]) => new Uint8Array(Uint32Array.from(words).buffer);
    updateElem(sides.kernel.maps.get(map) as number, bytes([key]), bytes(value));
    const field = map === 'cpus' ? 'qsize' : 'ifindex';
    loaded?.map(map).set(key, { [field]: target, ...(prog !== '' && { prog: loaded.prog(prog) }) });
  };
  put('devs', 0, 1);
  put('devs', 2, 1, 'on_dev');
  put('devs4', 1, 1);
  put('devhash', 3, 1);
  put('devhash', 7, 1, 'on_dev');
  put('cpus', 0, 16);
  put('cpus', 1, 192, 'on_cpu');
  return sides;
}

describeKernel('redirects', () => {
  for (const checked of [false, true]) {
    const how = checked ? 'checked' : 'unchecked';
    test(`what bpf_redirect_map and lookups answer, ${how}`, async () => {
      const sides = await bothSides(checked);
      try {
        const asked = KEYS.flatMap((key) => FLAGS.map((flags) => question(key, flags)));
        // Each packet alone: what a map holds afterwards is its answer.
        for (const packet of asked) sides.compare('codes', { packets: [packet] });
        for (const prog of ['to_dev', 'to_hash', 'to_cpu', 'to_sock', 'to_index', 'twice'])
          sides.compare(prog, { packets: asked });
        for (const key of KEYS) sides.compare('lookups', { packets: [question(key, 0n)] });
      } finally {
        sides.close();
      }
    });

    test(`what bpf_check_mtu answers, ${how}`, async () => {
      const sides = await bothSides(checked);
      try {
        const lengths = [0, 1, 100, 1500, 65535, 65536, 65537, 65549, 65550, 65551, 0x7fffffff, 0x80000000, 0xffffffff];
        const diffs = [0, 1, -1, 65535, -65536, 0x7fffffff, -0x80000000];
        for (const key of [0n, 1n, 4711n, 1n << 32n, (1n << 32n) + 1n, -1n])
          for (const length of lengths)
            for (const diff of diffs.slice(0, length === 65536 || length === 65537 ? 7 : 2)) {
              const flags = BigInt(length) | (BigInt(diff) << 32n);
              sides.compare('mtu', { packets: [question(key, flags)] });
            }
      } finally {
        sides.close();
      }
    });
  }

  test('a run says where the packet was redirected to', async () => {
    const sides = await bothSides(true);
    try {
      const [loaded] = sides.loaded;
      const where = (prog: string, key: bigint, flags = 0n) => loaded?.prog(prog).run(question(key, flags)).redirect;
      const onDev = { id: loaded?.prog('on_dev').id, name: 'on_dev' };
      expect(where('to_index', 5n)).toEqual({ ifindex: 5, flags: 0 });
      expect(where('to_dev', 0n)).toEqual({ ifindex: 1, flags: 0, map: 'devs', key: 0, target: { ifindex: 1 } });
      const target = { ifindex: 1, prog: onDev };
      expect(where('to_dev', 2n, 3n)).toEqual({ ifindex: 1, flags: 0, map: 'devs', key: 2, target });
      // Who excludes the ingress without a broadcast excludes nothing.
      expect(where('to_hash', 7n, 16n)).toEqual({ ifindex: 1, flags: 0, map: 'devhash', key: 7, target });
      expect(where('to_hash', 9n, 24n)).toEqual({ ifindex: 0, flags: 24, map: 'devhash', key: 9 });
      expect(where('to_cpu', 0n)).toEqual({ ifindex: 0, flags: 0, map: 'cpus', key: 0, target: { qsize: 16 } });
      expect(where('twice', 1n, 1n)?.map).toBe('cpus');
      // The lookup that failed left no map behind.
      expect(where('twice', 0n, 0n)).toEqual({ ifindex: 0, flags: 0 });
      expect(where('to_dev', 1n, 2n)).toBeUndefined();
    } finally {
      sides.close();
    }
  });

  test('sockets: an xskmap knows the queue of each', async () => {
    const engine = await Engine.create();
    const device = engine.addDevice('eth0', { queues: 4 });
    const loaded = await engine.load(openObject('test/data/helpers/redirect').object, { checked: true });
    const socket = engine.openXsk(device, { queue: 3 });
    const socks = loaded.map('socks') as RedirectMap;
    socks.set(2, socket);
    const run = (prog: string, key: bigint) => loaded.prog(prog).run(question(key, 2n));
    expect(run('lookups', 2n).violation).toBeUndefined();
    expect(loaded.map('seen').get(4)).toBe(3n);
    const target = { socket: { id: socket.id, device: 'eth0', queue: 3 } };
    expect(run('to_sock', 2n).redirect).toEqual({ ifindex: 0, flags: 0, map: 'socks', key: 2, target });
    socket.close();
    expect([run('to_sock', 2n).verdict, socks.size]).toEqual(['XDP_PASS', 0]);
    engine.close();
  });
});
