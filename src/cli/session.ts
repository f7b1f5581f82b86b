/** An object brought into an engine as the options say: what `replay` and `run` begin with. */
import { Engine, type Loaded } from '../engine.ts';
import type { BpfObject } from '../object/types.ts';
import { setNetwork } from '../runtime/network/json.ts';
import type { Prog } from '../runtime/prog.ts';
import { type Args, jsonReason, type OptionTable } from './args.ts';
import { BTF_HELP, needsTarget, targetBtf, withTarget } from './btf.ts';
import { UsageError } from './errors.ts';
import { readInput, readObject, saying } from './files.ts';
import { chooseProg } from './pick.ts';
import { giveTypes, requireProgs, TYPE_HELP } from './prog-type.ts';
import { applySettings, editObject, parseSettings } from './set.ts';

export const SESSION_OPTIONS = {
  prog: { type: 'string' },
  set: { type: 'string', multiple: true },
  seed: { type: 'string' },
  trace: { type: 'boolean' },
  maps: { type: 'boolean' },
  events: { type: 'string', multiple: true },
  optimize: { type: 'boolean' },
  unchecked: { type: 'boolean' },
  btf: { type: 'string' },
  type: { type: 'string' },
  network: { type: 'string' },
} as const satisfies OptionTable;

export const SESSION_HELP = `  --trace                print trace_printk lines, in trace_pipe's form, as they come
  --maps                 print what the maps hold afterwards
  --events MAP[:STRUCT]  print the records of a ring buffer or perf event array as they come, decoded as a struct of the object's BTF where one is
                         named; once for each map
  --seed N               seed of bpf_get_prandom_u32 and of hash maps (0)
  --optimize             let binaryen optimise the Wasm
  --network FILE         what the rest of the kernel knows, as JSON: { devices, routes, rules, neighbours, ... }
${TYPE_HELP}
${BTF_HELP}
  --unchecked            leave out the bounds checks that the verifier's proof makes needless`;

export interface Session {
  readonly object: BpfObject;
  readonly engine: Engine;
  readonly loaded: Loaded;
  readonly prog: Prog;
}

function seedOf(args: Args): bigint {
  const text = args.text('seed') ?? '0';
  if (/^(\d+|0x[0-9a-f]+)$/i.test(text)) return BigInt(text);
  throw new UsageError(`--seed: '${text}' is no integer`);
}

/** Tells the engine what a file says of the network. */
export function useNetwork(engine: Engine, path: string | undefined): void {
  if (path === undefined) return;
  const text = new TextDecoder().decode(readInput(path));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--network ${path}: ${jsonReason(error)}`);
  }
  try {
    setNetwork(engine, json);
  } catch (error) {
    throw saying(path, error);
  }
}

/** @param workers threads of the engine; 0 for none */
export async function openSession(path: string, args: Args, workers = 0): Promise<Session> {
  const settings = parseSettings(args.list('set'));
  const seed = seedOf(args);
  const object = readObject(path);
  requireProgs(object);
  giveTypes(object, args);
  const btf = targetBtf(args.text('btf') ?? 'none');
  if (args.text('btf') === undefined && needsTarget(object))
    process.stderr.write(
      'bpf2wasm: note: CO-RE relocations are taken as compiled; --btf kernel resolves them against the running kernel, --btf none says it is meant\n',
    );
  const later = editObject(object, settings);
  const { entry, load } = await chooseProg(object, later, { named: args.text('prog'), ...withTarget(btf) });
  const engine = await Engine.create({ seed, trace: args.flag('trace'), workers });
  useNetwork(engine, args.text('network'));
  const how = { progs: load, checked: !args.flag('unchecked'), optimize: args.flag('optimize') };
  const loaded = await engine.load(object, { ...how, ...withTarget(btf) });
  applySettings(object, loaded, later);
  return { object, engine, loaded, prog: loaded.prog(entry) };
}
