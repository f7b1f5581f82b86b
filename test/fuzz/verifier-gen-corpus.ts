// Programs that clang compiled, with one insn changed: every program of the examples, of bench/ and of the fixtures.

import { readdirSync, readFileSync } from 'node:fs';
import { BpfError } from '../../src/errors/index.ts';
import { decodeInsns } from '../../src/isa/decode.ts';
import { link } from '../../src/link/link.ts';
import { loadObject } from '../../src/object/load.ts';
import { isPacketType } from '../../src/verifier/tables/helpers.ts';
import { mutate } from './verifier-gen-bytes.ts';
import { type Generated, linesOf, Random } from './verifier-item.ts';

const FOLDERS = ['examples', 'bench/programs', 'test/data/seed', 'test/data/verify', 'test/data/object'];

/** Programs of an object that need nothing but their insns and plain maps; none where it is no object. */
function programsOf(file: string): Generated[] {
  try {
    const object = loadObject(readFileSync(file));
    return object.progs.flatMap((spec) => {
      if (!isPacketType(spec.type)) return [];
      const prog = link(object, spec, { core: 'local' });
      const plain = prog.maps.every((map) => map.valueSize > 0 && map.innerMap === undefined);
      if (!plain || prog.kfuncs.length > 0 || prog.funcs.some((func) => func.global === true && func.start > 0))
        return [];
      const maps = prog.maps.map((map) => ({ ...map, btfKeyTypeId: 0, btfValueTypeId: 0 }));
      return [{ type: prog.type, lines: linesOf(decodeInsns(prog.insns)), maps, testStateFreq: false }];
    });
  } catch (error) {
    if (error instanceof BpfError) return [];
    throw error;
  }
}

interface Corpus {
  programs?: readonly Generated[];
}

const corpus: Corpus = {};

function programs(): readonly Generated[] {
  corpus.programs ??= FOLDERS.flatMap((folder) => {
    const names = readdirSync(folder).filter((name) => name.endsWith('.o'));
    return names.sort().flatMap((name) => programsOf(`${folder}/${name}`));
  });
  return corpus.programs;
}

export function generateCorpus(seed: number): Generated {
  const random = new Random(seed);
  const base = random.of(programs());
  return random.chance(3) ? base : mutate(random, base, random.of([1, 1, 1, 2]));
}
