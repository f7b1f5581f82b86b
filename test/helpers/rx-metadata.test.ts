/** What the network card says of a packet: the answers of the kfuncs, and who may ask. The kernel runs no test on a program that is bound to a device. */
import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine.ts';
import { link } from '../../src/link/link.ts';
import { PcapWriter } from '../../src/replay/pcap-writer.ts';
import { replay } from '../../src/replay/replay.ts';
import type { RxMetadata } from '../../src/runtime/rx-metadata.ts';
import { closeFd, createMap, loadProg, updateElem } from '../kernel/bpf.ts';
import { kernelHasKfunc, kfuncIds } from '../kernel/kfunc-ids.ts';
import { inNamespace, ip, ipShow, namespaceReason } from '../kernel/netns.ts';
import { openObject } from '../kernel/sides.ts';

const noNamespace = await namespaceReason();
const reason =
  noNamespace ?? (kernelHasKfunc('bpf_xdp_metadata_rx_hash') ? undefined : 'the kernel does not have the kfuncs');
if (reason !== undefined) console.warn(`SKIPPED: programs bound to a device are not loaded by the kernel (${reason})`);

const OBJECT = 'test/data/helpers/rx-metadata';
const BPF_F_XDP_DEV_BOUND_ONLY = 64;
const PROG_ARRAY = 3;
const EOPNOTSUPP = -95;
const ENODATA = -61;
const packet = new Uint8Array(60);
/** What the program's variables hold when nothing is written. */
const UNTOUCHED = { timestamp: 0x1111111111111111n, hash: 0x22222222, type: 0x33333333, proto: 0x4444, tci: 0x5555 };
const errors = (timestamp_error: number, hash_error: number, vlan_error: number) => ({
  timestamp_error,
  hash_error,
  vlan_error,
});

const CASES: readonly (readonly [string, RxMetadata | undefined, object])[] = [
  ['a card that cannot say', undefined, errors(EOPNOTSUPP, EOPNOTSUPP, EOPNOTSUPP)],
  ['a card that says nothing', {}, errors(ENODATA, ENODATA, ENODATA)],
  [
    'all of it',
    { timestamp: (1n << 64n) - 1n, hash: 0xdeadbeef, hashType: 25, vlan: { proto: 0x8100, tci: 0x2005 } },
    { ...errors(0, 0, 0), timestamp: (1n << 64n) - 1n, hash: 0xdeadbeef, type: 25, proto: 0x0081, tci: 0x2005 },
  ],
  ['a time alone', { timestamp: 0n }, { ...errors(0, ENODATA, ENODATA), timestamp: 0n }],
  ['a hash of nothing that is known', { hash: 0 }, { ...errors(ENODATA, 0, ENODATA), hash: 0, type: 0 }],
  ['a tag alone', { vlan: { proto: 0x88a8, tci: 0 } }, { ...errors(ENODATA, ENODATA, 0), proto: 0xa888, tci: 0 }],
];

describe.each([false, true])('what a card says, checked: %s', (checked) => {
  test.each(CASES)('%s', async (_, rxMetadata, answer) => {
    using engine = await Engine.create();
    const loaded = await engine.load(openObject(OBJECT).object, { deviceBound: true, checked });
    const { violation } = loaded.prog('told').run(packet, { ...(rxMetadata && { rxMetadata }), repeat: 2 });
    expect(violation).toBeUndefined();
    expect(loaded.map('answers').get(0)).toEqual({ ...UNTOUCHED, ...answer });
    // It is said of one packet only.
    loaded.prog('told').run(packet);
    expect(loaded.map('answers').get(0)).toEqual({ ...UNTOUCHED, ...CASES[0][2] });
  });
});

test('a replay gives the times of the capture when it is asked to', async () => {
  using engine = await Engine.create();
  const loaded = await engine.load(openObject(OBJECT).object, { deviceBound: true });
  const prog = loaded.prog('told');
  const chunks: Uint8Array[] = [];
  const writer = new PcapWriter((chunk) => chunks.push(chunk.slice()));
  writer.add({ timestampNs: 5_000_000_007n, data: packet });
  writer.flush();
  const capture = Buffer.concat(chunks);
  const seen = async (options: Parameters<typeof replay>[3]) => {
    await replay(engine, prog, new Uint8Array(capture), options);
    return loaded.map('answers').get(0);
  };
  expect(await seen({ rxTimestamp: true })).toEqual({
    ...UNTOUCHED,
    ...errors(0, ENODATA, ENODATA),
    timestamp: 5_000_000_007n,
  });
  expect(await seen({ rxTimestamp: true, clock: 'engine' })).toEqual({ ...UNTOUCHED, ...CASES[1][2] });
  expect(await seen({})).toEqual({ ...UNTOUCHED, ...CASES[0][2] });
});

test('who is bound to no device may not ask, and who is may be in no map', async () => {
  using engine = await Engine.create();
  const { object } = openObject(OBJECT);
  await expect(engine.load(object)).rejects.toThrow('metadata kfuncs require device-bound program');
  const loaded = await engine.load(object, { deviceBound: true });
  expect(() => loaded.map('jumps').set(0, loaded.prog('told'))).toThrow(
    'map jumps holds programs of type xdp with attach type 37 bound to no device; told is xdp with attach type 37 bound to one: EINVAL',
  );
});

test('what is no metadata is refused', async () => {
  using engine = await Engine.create();
  const loaded = await engine.load(openObject(OBJECT).object, { deviceBound: true });
  const bad: readonly unknown[] = [
    7,
    null,
    { timestamp: 1 },
    { timestamp: -1n },
    { timestamp: 1n << 64n },
    { hash: -1 },
    { hash: 2 ** 32 },
    { hashType: 1 },
    { hash: 1, hashType: 1.5 },
    { vlan: 1 },
    { vlan: { proto: 0x8100 } },
    { vlan: { proto: 65536, tci: 0 } },
  ];
  for (const rxMetadata of bad)
    expect(() => loaded.prog('told').run(packet, { rxMetadata: rxMetadata as RxMetadata })).toThrow('rxMetadata');
});

describe.skipIf(reason !== undefined)('the kernel', () => {
  test('loads them for a veth, jumps from them, and takes them into no prog array', async () => {
    await inNamespace(() => {
      ip(['link add meta0 type veth peer name meta1']);
      const ifindex = Number.parseInt(ipShow('-o', 'link', 'show', 'meta0'), 10);
      const { object } = openObject(OBJECT);
      for (const spec of object.progs) {
        const prog = link(object, spec, { deviceBound: true });
        expect(prog.deviceBound).toBe(true);
        const fdArray = prog.maps.map((map) => createMap({ ...map, name: '' }));
        const load = { type: 'xdp', insns: kfuncIds(prog), fdArray } as const;
        expect(() => loadProg(load)).toThrow('metadata kfuncs require device-bound program');
        const { fd } = loadProg({ ...load, flags: BPF_F_XDP_DEV_BOUND_ONLY, ifindex });
        const array = createMap({ type: PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1 });
        expect(() => updateElem(array, new Uint8Array(4), new Uint8Array(Uint32Array.of(fd).buffer))).toThrow('EINVAL');
        for (const one of [fd, array, ...fdArray]) closeFd(one);
      }
    });
  });
});
