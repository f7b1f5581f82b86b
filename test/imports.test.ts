/** Who may import whom: the table of docs/architecture.md as data. Also what no file under src may hold, and how large it may be. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Folder -> folders and files it may import. Type imports count like any other, but for those of TYPES_ONLY. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: ['assembly', 'util'],
  util: ['assembly', 'errors'],
  isa: ['assembly', 'errors', 'util'],
  elf: ['errors', 'util'],
  btf: ['errors', 'util'],
  object: ['assembly', 'elf', 'btf', 'isa', 'errors', 'util'],
  link: ['assembly', 'object', 'btf', 'elf', 'isa', 'errors', 'util'],
  cbpf: ['assembly', 'isa', 'link', 'errors'],
  ir: ['isa', 'verifier'],
  jit: ['assembly', 'ir', 'isa', 'errors', 'util', 'verifier', 'link', 'object'],
  runtime: ['assembly', 'errors', 'util', 'object'],
  verifier: ['assembly', 'runtime', 'isa', 'btf', 'errors', 'util', 'link', 'object'],
  replay: ['assembly', 'runtime', 'util', 'errors'],
  net: ['assembly', 'runtime', 'replay', 'util', 'errors'],
};

/** Folders that see no more of these than their types. */
const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = {
  cbpf: ['link'],
  ir: ['verifier'],
  jit: ['verifier', 'link', 'object'],
  runtime: ['object'],
  verifier: ['link', 'object'],
};

/** Files that put folders together: they may import anything but platform and cli. */
const COMPOSERS = ['index', 'engine', 'engine-options', 'compiler', 'loader', 'errors'];
const RIM = ['platform', 'cli'];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function files(dir: string): string[] {
  return readdirSync(join(root, dir), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Code without comments; strings stay. */
const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');

function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const pattern =
    /^(?:import|export)\s+(type\s+)?([^'";]*?\sfrom\s+)?['"]([^'"]+)['"]|(?:\bimport\()\s*['"]([^'"]+)['"]/gm;
  for (const [, type, names, plain, dynamic] of withoutComments(read(file)).matchAll(pattern)) {
    const target = (plain ?? dynamic) as string;
    const named = names?.match(/^\s*\{([^}]*)\}/)?.[1];
    const allTypes = named?.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type ')) === true;
    const to = target.startsWith('.') ? normalize(join(dirname(file), target)) : target;
    found.push({ from: file, to, typeOnly: type !== undefined || allTypes });
  }
  return found;
}

/** `src/elf/header.ts` -> `elf`; `src/engine.ts` -> `engine`; `assembly/abi.ts` -> `assembly`. */
function folderOf(path: string): string {
  const parts = path.split('/');
  if (parts[0] === 'assembly') return 'assembly';
  if (parts[0] !== 'src') return path;
  return (parts.length > 2 ? parts[1] : parts[1]?.replace(/\.ts$/, '')) as string;
}

const sources = files('src');
const all = sources.flatMap(importsOf);

describe('imports', () => {
  test('are found: the pattern sees what the files hold', () => {
    expect(sources.length).toBeGreaterThan(80);
    const seen = all.filter((one) => one.from === 'src/loader.ts').map((one) => one.to);
    expect(seen).toContain('src/jit/compile.ts');
    expect(seen).toContain('src/jit/optimize.ts');
    for (const one of all.filter((i) => i.to.startsWith('src/'))) expect(sources).toContain(one.to);
  });

  test('follow the table of folders', () => {
    const wrong = all.filter(({ from, to, typeOnly }) => {
      const [folder, target] = [folderOf(from), folderOf(to)];
      if (folder === target || RIM.includes(folder)) return false;
      if (COMPOSERS.includes(folder) && !from.includes(`/${folder}/`)) return RIM.includes(target);
      if (!to.startsWith('src/') && !to.startsWith('assembly/'))
        return !(to === 'binaryen' && from === 'src/jit/optimize.ts');
      if (TYPES_ONLY[folder]?.includes(target) && !typeOnly && target !== 'errors') return true;
      return !(MAY_IMPORT[folder] ?? []).includes(target);
    });
    expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  test('every folder is in the table', () => {
    const known = [...Object.keys(MAY_IMPORT), ...COMPOSERS, ...RIM];
    expect([...new Set(sources.map(folderOf))].filter((folder) => !known.includes(folder))).toEqual([]);
  });

  test('of values make no cycle between folders, nor between files', () => {
    for (const nodeOf of [folderOf, (path: string) => path]) {
      const edges = new Map<string, Set<string>>();
      for (const { from, to, typeOnly } of all) {
        if (typeOnly || !to.startsWith('src/') || nodeOf(from) === nodeOf(to)) continue;
        edges.set(nodeOf(from), (edges.get(nodeOf(from)) ?? new Set()).add(nodeOf(to)));
      }
      expect(findCycle(edges)).toEqual([]);
    }
  });

  test('binaryen comes by dynamic import only', () => {
    const text = sources.filter((file) => /^import\s(?!type)[^;]*'binaryen'/m.test(read(file)));
    expect(text).toEqual([]);
  });
});

/** Nodes of a cycle, in order. */
function findCycle(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const done = new Set<string>();
  const visit = (node: string, path: string[]): string[] => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return [];
    for (const next of edges.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle.length > 0) return cycle;
    }
    done.add(node);
    return [];
  };
  for (const node of edges.keys()) {
    const cycle = visit(node, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

test('a cycle would be seen', () => {
  expect(
    findCycle(
      new Map([
        ['a', new Set(['b'])],
        ['b', new Set(['c'])],
        ['c', new Set(['b'])],
      ]),
    ),
  ).toEqual(['b', 'c', 'b']);
});

describe('files under src', () => {
  const core = sources.filter((file) => !RIM.includes(folderOf(file)));
  const refused: readonly (readonly [what: string, pattern: RegExp, files: readonly string[]])[] = [
    ['node: modules', /['"]node:/, core],
    ['Buffer and process', /\b(?:Buffer|process)\s*[.[(]/, core],
    ['bare errors', /\bnew Error\(/, sources],
    ['console', /\bconsole\./, sources.filter((file) => folderOf(file) !== 'cli')],
    ['module state', /^(?:export )?let /m, sources.filter((file) => !file.endsWith('.gen.ts'))],
  ];
  test.each(refused)('hold no %s', (_what, pattern, where) => {
    expect(where.length).toBeGreaterThan(50);
    expect(where.filter((file) => pattern.test(withoutComments(read(file))))).toEqual([]);
  });

  test('have 600 lines at most, 90 % less than 400, half of them 150', () => {
    const sized = sources.filter((file) => !file.endsWith('.gen.ts'));
    const lines = sized.map((file) => read(file).split('\n').length - 1).sort((a, b) => a - b);
    expect(sized.filter((file) => read(file).split('\n').length - 1 > 600)).toEqual([]);
    expect(lines[Math.floor(lines.length * 0.9)]).toBeLessThan(400);
    expect(lines[Math.floor(lines.length / 2)]).toBeLessThanOrEqual(150);
  });

  test('begin by saying what they are', () => {
    const silent = sources.filter((file) => !/^(?:#!.*\n)?(?:\/\/|\/\*)/.test(read(file)));
    expect(silent).toEqual([]);
  });
});
