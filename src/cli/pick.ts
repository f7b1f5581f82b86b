/** Which program packets enter: the one that was named, or the one that no other reaches through the slots of a prog array. */
import { createInterface } from 'node:readline/promises';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../assembly/isa.ts';
import { type PrepareOptions, prepare } from '../compiler.ts';
import { BPF_FUNC_tail_call } from '../isa/helpers.ts';
import { findProg } from '../object/edit.ts';
import type { BpfObject, MapSpec, ProgSpec } from '../object/types.ts';
import { UsageError } from './errors.ts';
import { isProgArray, type Setting } from './set.ts';

export interface Choice {
  readonly entry: string;
  /** Names of the programs to load. */
  readonly load: readonly string[];
}

/** Programs of another type would only stand in the way: the engine refuses them. */
function loadable(object: BpfObject, wanted: ReadonlySet<string>): ProgSpec[] {
  return object.progs.filter((prog) => wanted.has(prog.name) || (prog.autoload && prog.type === 'xdp'));
}

export interface ChooseOptions extends PrepareOptions {
  readonly named?: string | undefined;
}

/** `settings`: those of maps; variables have been set. */
export async function chooseProg(
  object: BpfObject,
  settings: readonly Setting[],
  { named, ...how }: ChooseOptions,
): Promise<Choice> {
  const slots = settings.filter((setting) => isProgArray(object, setting));
  const wanted = new Set(slots.map((setting) => findProg(object, setting.value).name));
  if (named !== undefined) wanted.add(findProg(object, named).name);
  const specs = loadable(object, wanted);
  const load = specs.map((prog) => prog.name);
  if (named !== undefined) return { entry: named, load };
  if (specs.length === 0) {
    const types = [...new Set(object.progs.map((prog) => prog.type))].join(', ');
    throw new UsageError(`the object has no xdp program to run (it has ${types}); name one with --prog`, 'USAGE_PROG');
  }
  const free = entries(object, load, slots, how);
  return { entry: free.length === 1 ? (free[0] as string) : await ask(free, load), load };
}

/** Programs that no other one reaches. */
function entries(
  object: BpfObject,
  load: readonly string[],
  settings: readonly Setting[],
  how: PrepareOptions,
): string[] {
  const slots = new Map<MapSpec, Set<string>>();
  for (const map of object.maps) {
    if (map.type !== BPF_MAP_TYPE_PROG_ARRAY) continue;
    const initial = map.initialSlots.filter((name) => name !== undefined);
    const set = settings.filter((setting) => setting.map === map.name).map((setting) => setting.value);
    slots.set(map, new Set([...initial, ...set]));
  }
  const reached = new Set<string>();
  for (const { prog, ops } of prepare(object, load, how)) {
    if (!ops.some((op) => op?.kind === 'call' && op.helper === BPF_FUNC_tail_call)) continue;
    const targets = prog.maps.flatMap((map) => [...(slots.get(map) ?? [])]);
    for (const target of targets) if (target !== prog.name) reached.add(target);
  }
  return load.filter((name) => !reached.has(name));
}

async function ask(free: readonly string[], load: readonly string[]): Promise<string> {
  const candidates = free.length > 0 ? free : load;
  const list = candidates.join(', ');
  if (process.stdin.isTTY === true && process.stderr.isTTY === true) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    const answer = (await terminal.question(`Which program do packets enter? (${list}) `)).trim();
    terminal.close();
    if (candidates.includes(answer)) return answer;
  }
  const why =
    free.length > 0
      ? `${free.length} programs are reached by no other one; choose with --prog, or fill slots with --set`
      : 'every program is reached by another one; choose with --prog';
  throw new UsageError(`${why}: ${list}`, 'USAGE_PROG', { candidates });
}
