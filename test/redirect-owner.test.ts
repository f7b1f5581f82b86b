/** Which programs may use a devmap or cpumap, or be in one, after which others: here and in the kernel. */
import { expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { RunError } from '../src/errors/index.ts';
import type { Loaded } from '../src/loader.ts';
import type { RedirectMap } from '../src/runtime/redirect-map.ts';
import { linkedProg, mapSpec } from './engines.cases.ts';
import { describeKernel } from './kernel/available.ts';
import { closeFd, createMap, loadProg, updateElem } from './kernel/bpf.ts';
import { asm, exit, lddwMap, mov } from './kernel/cases/asm.ts';
import { KernelError } from './kernel/errno.ts';

const BPF_F_XDP_HAS_FRAGS = 32;
const [DEVMAP, CPUMAP, DEVMAP_HASH] = [14, 16, 25];
const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

interface Kind {
  readonly type: 'xdp' | 'socket_filter';
  readonly attachType: number;
  readonly frags: boolean;
}
const kind = (attachType: number, frags: boolean, type: Kind['type'] = 'xdp'): Kind => ({ type, attachType, frags });
/** Programs that refer to the map. */
const USERS = [kind(0, false), kind(0, true), kind(33, false), kind(0, false, 'socket_filter')];
/** Programs that are put into it. */
const GUESTS = [
  ...[0, 33, 35].flatMap((type) => [kind(type, false), kind(type, true)]),
  kind(0, false, 'socket_filter'),
];
const STEPS = [
  ...USERS.map((one) => ({ how: 'use', ...one }) as const),
  ...GUESTS.map((one) => ({ how: 'put', ...one }) as const),
];
type Step = (typeof STEPS)[number];

const USES = asm([lddwMap(1, 0), mov(0, 2), exit()]);
const PLAIN = asm([mov(0, 2), exit()]);

/** Steps on one map of ours: whether each was refused. */
async function here(engine: Engine, type: number, steps: readonly Step[]): Promise<boolean[]> {
  const spec = { ...mapSpec('map', { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 2 }), type };
  const map = engine.createMap(spec) as RedirectMap;
  const all: Loaded[] = [];
  const load = async ({ how, type: progType, attachType, frags }: Step) => {
    const bare = linkedProg(
      { name: 'prog', insns: how === 'use' ? USES : PLAIN, type: progType },
      how === 'use' ? [spec] : [],
    );
    const loaded = await engine.loadLinked(
      [{ ...bare, expectedAttachType: attachType, frags }],
      new Map([[spec, map]]),
    );
    all.push(loaded);
    return loaded.prog('prog');
  };
  const refused: boolean[] = [];
  for (const step of steps) {
    try {
      const prog = await load(step);
      if (step.how === 'put') map.set(u32(1), { [type === CPUMAP ? 'qsize' : 'ifindex']: 1, prog });
      refused.push(false);
    } catch (error) {
      expect(error).toBeInstanceOf(RunError);
      expect((error as RunError).code).toBe('RUN_PROG_TYPE');
      refused.push(true);
    }
  }
  for (const loaded of all) loaded.close();
  map.close();
  return refused;
}

function there(type: number, steps: readonly Step[]): boolean[] {
  const map = createMap({ type, keySize: 4, valueSize: 8, maxEntries: 2 });
  const fds = [map];
  const refused = steps.map(({ how, type: progType, attachType, frags }) => {
    try {
      const { fd } = loadProg({
        type: progType,
        insns: how === 'use' ? USES : PLAIN,
        expectedAttachType: attachType,
        flags: frags ? BPF_F_XDP_HAS_FRAGS : 0,
        fdArray: [map],
      });
      fds.push(fd);
      if (how === 'put') updateElem(map, u32(1), u32(1, fd));
      return false;
    } catch (error) {
      if (error instanceof KernelError) return true;
      throw error;
    }
  });
  for (const fd of fds) closeFd(fd);
  return refused;
}

describeKernel('programs of redirect maps', () => {
  test.each([
    ['devmap', DEVMAP],
    ['devmap_hash', DEVMAP_HASH],
    ['cpumap', CPUMAP],
  ])('%s: every program after every other', async (_, type) => {
    const engine = await Engine.create({ cpus: 2 });
    engine.addDevice('lo', { ifindex: 1 });
    let agreed = 0;
    for (const first of STEPS) {
      for (const second of STEPS) {
        const kernel = there(type, [first, second]);
        expect(await here(engine, type, [first, second]), JSON.stringify([first, second])).toEqual(kernel);
        if (!kernel.includes(true)) agreed++;
      }
    }
    expect(agreed).toBeGreaterThan(10);
    engine.close();
  });
});
