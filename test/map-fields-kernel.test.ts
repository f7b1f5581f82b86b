// Special fields in values, here and in the kernel: which type of map may have which.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { BpfError } from '../src/errors/index.ts';
import type { MapSpec } from '../src/object/types.ts';
import { describeKernel } from './kernel/available.ts';
import { closeFd, createMap, deleteElem, freezeMap, loadBtf, lookupElem, updateElem } from './kernel/bpf.ts';
import { errnoName, KernelError } from './kernel/errno.ts';
import { kernelBtf } from './kernel/object-btf.ts';
import { Both, openObject } from './kernel/sides.ts';

const KEY = Uint8Array.of(1, 0, 0, 0);
const BPF_F_LOCK = 4;
/** Alone and together, those of later kernels and those that only 64 bits have. */
const FLAGS = [0, 4, 5, 4, 6, 7, 8, 12, 16, 20, 2 ** 31, 2 ** 32, 2 ** 32 + 4, 2 ** 40 + 8];
const HOLDERS = [
  'array',
  'percpu_array',
  'hash',
  'percpu_hash',
  'lru_hash',
  'lru_percpu_hash',
  'locked_array',
  'locked_hash',
];
/** In what is read of a list's head or of a node Linux has its own addresses. */
const WITHOUT = ['value_list', 'value_tree', 'value_node'];
const CPUS = Number(readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(/[-,]/).at(-1)) + 1;
const PATH = 'test/data/helpers/fields';
const LPM = 11;
const TYPES = { hash: 1, array: 2, percpu_hash: 5, percpu_array: 6, lru_hash: 9, lru_percpu_hash: 10, lpm_trie: LPM };

function answer(body: () => void): string {
  try {
    body();
    return 'ok';
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    if (error instanceof BpfError) return errnoName(error.code === 'RUN_MAP_FROZEN' ? 1 : Number(error.fields.errno));
    throw error;
  }
}

const edited = (spec: MapSpec) => spec as { btfValueTypeId: number };
/** The programs of some maps, and all maps but the one that Linux does not make. */
const open = (...names: string[]) =>
  openObject(PATH, (object) => {
    for (const prog of object.progs) prog.autoload = names.some((name) => prog.name.startsWith(`${name}_`));
    for (const spec of object.maps) if (spec.name === 'value_uptr') edited(spec).btfValueTypeId = 0;
  });

describeKernel('special fields in values', () => {
  test.each(Object.entries(TYPES))('%s: what may be in one, what may be frozen', async (_, type) => {
    const { bytes, object } = openObject(PATH);
    const btf = loadBtf(kernelBtf(bytes, object));
    const engine = await Engine.create();
    const ours: string[] = [];
    const theirs: string[] = [];
    const prefixes = object.maps.find(({ name }) => name === 'prefixes');
    for (const declared of object.maps.filter(({ name }) => name.startsWith('value_'))) {
      for (const access of [0, 128, 256]) {
        const flags = access | (type === LPM ? 1 : 0);
        const key = type === LPM && prefixes !== undefined ? prefixes : declared;
        const { keySize, btfKeyTypeId } = key;
        const spec = { ...declared, type, flags, keySize, btfKeyTypeId };
        const label = `${declared.name} ${access}`;
        const kernel = answer(() => {
          const types = { fd: btf, keyTypeId: btfKeyTypeId, valueTypeId: spec.btfValueTypeId };
          const fd = createMap({ ...spec, name: '', btf: types });
          theirs.push(`${label} freeze ${answer(() => freezeMap(fd))}`);
          closeFd(fd);
        });
        theirs.push(`${label} ${kernel}`);
        const own = answer(() => {
          const map = engine.createMap(spec, object);
          ours.push(`${label} freeze ${answer(() => map.freeze())}`);
          map.close();
        });
        ours.push(`${label} ${own}`);
      }
    }
    closeFd(btf);
    engine.close();
    expect(ours).toEqual(theirs);
  });

  test.each(HOLDERS)('%s: what an update does to what a field holds', async (name) => {
    for (const checked of [false, true]) {
      const engine = await Engine.create({ cpus: CPUS });
      const sides = new Both(engine);
      try {
        await sides.load(open(name), { checked });
        const ours = sides.loaded[0].map(name);
        const fd = sides.kernel.maps.get(name) as number;
        const run = (what: string) =>
          sides.compare(`${name}_${what}`, { packets: [new Uint8Array(60)], without: WITHOUT });
        const update = (byte: number, flags = 0) => {
          const value = new Uint8Array(ours.valueBytes).fill(byte);
          const kernel = answer(() => updateElem(fd, KEY, value, flags));
          expect(answer(() => ours.set(KEY, value, { flags }))).toBe(kernel);
        };
        for (const round of ['update', 'user', 'locked']) {
          update(1);
          run('look');
          run('put');
          run('look');
          if (round === 'update') run('update');
          else update(9, round === 'locked' ? BPF_F_LOCK : 0);
          run('look');
        }
        // What a deleted element held does not come back with the next one.
        run('put');
        expect(answer(() => ours.delete(KEY))).toBe(answer(() => deleteElem(fd, KEY)));
        run('look');
        update(3);
        run('look');
      } finally {
        sides.close();
        engine.close();
      }
    }
  });

  test('updates under a lock, by programs', async () => {
    const engine = await Engine.create();
    const sides = new Both(engine);
    await sides.load(open('locked'));
    const packets = Array.from({ length: 128 }, (_, i) => {
      const packet = new Uint8Array(60);
      packet.set([(i * 7) & 15, i >> 4]);
      return packet;
    });
    for (const prog of ['locked_array_locked', 'locked_hash_locked'])
      sides.compare(prog, { packets, without: WITHOUT });
    sides.close();
    engine.close();
  });

  test.each([
    ['hash', 1],
    ['array', 2],
  ])('%s: updates under a lock, by user space', async (_, type) => {
    const { bytes, object } = openObject(PATH);
    const btf = loadBtf(kernelBtf(bytes, object));
    const engine = await Engine.create();
    const answers: [string, string, string][] = [];
    for (const name of ['value_none', 'value_lock', 'value_res_lock', 'value_lock_timer', 'value_lock_kptr']) {
      const declared = object.maps.find((one) => one.name === name);
      const spec = { ...(declared as (typeof object.maps)[number]), type };
      const types = { fd: btf, keyTypeId: spec.btfKeyTypeId, valueTypeId: spec.btfValueTypeId };
      const ours = engine.createMap(spec, object);
      const fd = createMap({ ...spec, name: '', btf: types });
      const value = new Uint8Array(spec.valueSize);
      for (const flags of FLAGS) {
        for (const key of [KEY, Uint8Array.of(9, 0, 0, 0)]) {
          value.fill(value[0] + 1);
          const kernel = answer(() => updateElem(fd, key, value, BigInt(flags)));
          answers.push([`${name} ${flags} ${key[0]}`, answer(() => ours.set(key, value, { flags })), kernel]);
          const read = (of: () => Uint8Array | undefined): string => {
            let found: Uint8Array | undefined;
            const said = answer(() => {
              found = of();
            });
            return found === undefined ? `no ${said === 'ENOENT' ? 'ok' : said}` : Buffer.from(found).toString('hex');
          };
          const mine = read(() => ours.get(key, { raw: true }));
          answers.push([`${name} ${flags} ${key[0]} value`, mine, read(() => lookupElem(fd, key, spec.valueSize))]);
        }
      }
      closeFd(fd);
    }
    closeFd(btf);
    engine.close();
    expect(answers.map(([what, ours]) => [what, ours])).toEqual(answers.map(([what, , theirs]) => [what, theirs]));
  });
});
