/** Whole objects of clang 14, 16 and 19 in our engine and in the kernel: verdicts, packets and maps over a set of packets must be the same. */
import { afterAll, expect, test } from 'vitest';
import { Engine } from '../src/engine.ts';
import { link } from '../src/link/link.ts';
import { findProg } from '../src/object/edit.ts';
import type { BpfObject } from '../src/object/types.ts';
import { setVariable } from '../src/object/variables.ts';
import { describeKernel } from './kernel/available.ts';
import { Both, type Opened, openObject } from './kernel/sides.ts';

const CLANGS = [14, 16, 19] as const;

const open = (name: string, edit?: (object: BpfObject) => void): Opened => openObject(`test/data/tail/${name}`, edit);

describeKernel('objects', () => {
  const all: Both[] = [];
  const both = async (): Promise<Both> => {
    const made = new Both(await Engine.create());
    all.push(made);
    return made;
  };
  afterAll(() => {
    for (const one of all) one.close();
  });

  for (const clang of CLANGS) {
    for (const checked of [false, true]) {
      const how = `clang ${clang}, ${checked ? 'checked' : 'unchecked'}`;

      test(`a hook in whose slots another object's programs sit, ${how}`, async () => {
        const sides = await both();
        await sides.load(open(`hook-clang${clang}`), { checked });
        await sides.load(open(`capture-clang${clang}`), { checked });
        sides.compare('filter');
        sides.set('xdpcap_hook', 1, 'seen_drop');
        sides.set('xdpcap_hook', 2, 'seen_pass');
        sides.compare('filter');
        sides.set('xdpcap_hook', 2, 'seen_drop');
        sides.compare('filter');
      });

      test(`a dispatcher that asks one program after the other, ${how}`, async () => {
        const sides = await both();
        const dispatcher = open(`dispatcher-clang${clang}`, (object) => {
          // Go on after ABORTED, PASS and the verdict of a place without program.
          const goOn = (1 << 0) | (1 << 2) | (1 << 31);
          setVariable(object, 'config', { places: 4, go_on: [goOn >>> 0, goOn >>> 0, goOn >>> 0, 1] });
        });
        await sides.load(dispatcher, { checked });
        await sides.load(open(`hook-clang${clang}`), { checked });
        sides.compare('dispatch');
        sides.set('places', 1, 'filter');
        sides.compare('dispatch');
        sides.set('places', 3, 'filter');
        sides.set('places', 0, 'filter');
        sides.compare('dispatch');
        // A dispatcher may dispatch to itself: the limit of tail calls is for the whole of it.
        sides.set('places', 2, 'dispatch');
        sides.compare('dispatch');
      });

      test(`maps of maps, sections of their own, configuration, ${how}`, async () => {
        const sides = await both();
        await sides.load(open(`nested-clang${clang}`), { checked });
        sides.compare('nested');
        sides.compare('nested');
      });

      test(`a chain through an array that the object fills, ${how}`, async () => {
        const sides = await both();
        await sides.load(open(`chain-clang${clang}`), { checked });
        sides.compare('entry');
        await sides.load(open(`hook-clang${clang}`), { checked });
        sides.set('next', 3, 'filter');
        sides.compare('entry');
        sides.set('next', 3, 'entry');
        sides.compare('entry');
      });
    }
  }

  test('what is compared is linked as it is loaded', () => {
    const { object } = open('chain-clang19');
    expect(link(object, findProg(object, 'entry')).funcs.map(({ name }) => name)).toEqual(['entry', 'step', 'go_on']);
  });
});
