// Which test really calls a helper or kfunc, or uses a map type: read out of the compiled objects that tests load, and of the kernel's case tables.
import { readdirSync, readFileSync } from 'node:fs';
import { BpfError } from '../src/errors/index.ts';
import { helperNames } from '../src/isa/helper-names.ts';
import { link } from '../src/link/link.ts';
import type { LinkedProg } from '../src/link/types.ts';
import { loadObject } from '../src/object/load.ts';
import type { BpfObject, MapSpec } from '../src/object/types.ts';
import { MAP_TYPES, mapTypeName } from '../src/util/map-types.ts';
import { caseTables } from '../test/kernel/cases/index.ts';
import { printkCase, printkSpecs, vprintkCase, vprintkSpecs } from '../test/kernel/cases/printk.ts';

/** Files below a folder with this ending, sorted. */
function filesIn(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/** The test that covers each name; helpers are there without `bpf_`, map types as `map NAME`. */
export type Uses = ReadonlyMap<string, string>;

const CALL = 0x85;
const PSEUDO_KFUNC = 2;

function callsOf(insns: Uint8Array, kfuncs: readonly string[]): string[] {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.length);
  const found: string[] = [];
  for (let at = 0; at < insns.length; at += 8) {
    if (insns[at] !== CALL) continue;
    const [src, imm] = [insns[at + 1] >> 4, view.getInt32(at + 4, true)];
    const name = src === 0 ? helperNames()[imm] : src === PSEUDO_KFUNC ? kfuncs[imm] : undefined;
    if (name !== undefined) found.push(name);
  }
  return found;
}

const mapNames = ({ type, innerMap }: MapSpec): string[] => [
  `map ${mapTypeName(type)}`,
  ...(innerMap === undefined ? [] : mapNames(innerMap)),
];

const usesOf = (prog: LinkedProg): string[] => [
  ...callsOf(prog.insns, prog.kfuncs),
  ...prog.maps.flatMap((map) => mapNames(map)),
];

/** What the programs of an object call and use, and how often; nothing of those that need what only their test gives them. */
function objectUses(path: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const attempt = <T>(what: () => T): T | undefined => {
    try {
      return what();
    } catch (error) {
      if (error instanceof BpfError) return undefined;
      throw error;
    }
  };
  const object = attempt(() => loadObject(new Uint8Array(readFileSync(path))));
  for (const prog of object?.progs ?? []) {
    const linked = attempt(() => link(object as BpfObject, prog));
    for (const name of linked === undefined ? [] : usesOf(linked)) found.set(name, (found.get(name) ?? 0) + 1);
  }
  return found;
}

interface TestFile {
  readonly path: string;
  readonly text: string;
  /** Lower is better: compared with the kernel, then run here. */
  readonly rank: number;
}

/** Tests that run programs, those that run them in the kernel as well first. */
function testFiles(): TestFile[] {
  return filesIn('test', '.test.ts')
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
    .filter(({ text }) => /\bBoth\b|\.run\(|\breplay\(|describeKernel/.test(text))
    .map((file) => ({
      ...file,
      rank: /describeKernel/.test(file.text) ? (file.path.startsWith('test/helpers/') ? 0 : 1) : 2,
    }))
    .sort((a, b) => a.rank - b.rank || (a.path < b.path ? -1 : 1));
}

/** Whether the test names the object: by its path, or by its folder and its name apart, of which digits at the end may be filled in. */
function loads({ path, text }: TestFile, object: string): boolean {
  const [folder, name] = object.slice(0, -2).split('/').slice(-2);
  const named = new RegExp(`['"\`/](${name}(\\.o)?['"\`]|${name.replace(/\d+$/, '')}\\$\\{)`);
  return named.test(text) && (text.includes(`${folder}/`) || path.startsWith(`test/${folder}/`));
}

const typesNamed = (text: string): string[] =>
  MAP_TYPES.filter((type) => new RegExp(`\\bBPF_MAP_TYPE_${type.toUpperCase()}\\b|['"]${type}['"]`).test(text)).map(
    (type) => `map ${type}`,
  );

export function findUses(): Uses {
  const uses = new Map<string, string>();
  const add = (names: Iterable<string>, test: string): void => {
    for (const name of names) if (!uses.has(name)) uses.set(name, test);
  };
  const objects = [...filesIn('test/data', '.o'), ...filesIn('examples', '.o')];
  const known = objects.map((path) => ({ path, names: objectUses(path) }));
  const files = testFiles();
  const from = (rank: number): void => {
    // The test for which a helper is the topic, not one that happens to call it.
    const most = new Map<string, { readonly share: number; readonly test: string }>();
    for (const file of files.filter((one) => one.rank === rank)) {
      for (const { names } of known.filter((one) => loads(file, one.path))) {
        const all = [...names.values()].reduce((sum, count) => sum + count, 0);
        for (const [name, count] of names) {
          if (count / all > (most.get(name)?.share ?? 0)) most.set(name, { share: count / all, test: file.path });
        }
      }
    }
    for (const [name, { test }] of most) add([name], test);
    for (const file of files.filter((one) => one.rank === rank)) {
      // Tests of maps as user space sees them make theirs without an object.
      if (file.path.startsWith('test/map-')) add(typesNamed(file.text), file.path);
    }
  };
  from(0);
  const printk = [printkCase(printkSpecs[0]), vprintkCase(vprintkSpecs[0])];
  for (const source of [...Object.values(caseTables).flat(), ...printk]) {
    const types = (source.maps ?? []).map((map) => `map ${map.type}`);
    add([...source.progs.flatMap((prog) => callsOf(prog.insns, [])), ...types], 'test/kernel/engine.test.ts');
  }
  from(1);
  from(2);
  return uses;
}
