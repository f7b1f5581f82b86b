/** The file of `bpf2wasm net`: read, and checked field by field. What it says of routes, rules and neighbours is checked by `setNetwork`. */
import { arrayAt, type Input, integerAt, objectAt, textAt } from '../runtime/network/input.ts';
import { jsonReason } from './args.ts';
import { UsageError } from './errors.ts';

export type MapElems = readonly { readonly key: unknown; readonly value: unknown }[];

export interface ObjectConfig {
  readonly file: string;
  /** Where it stands, for messages. */
  readonly field: string;
  readonly progs: readonly string[] | undefined;
  readonly variables: ReadonlyMap<string, unknown>;
  /** Device -> program. */
  readonly attach: ReadonlyMap<string, string>;
  readonly maps: ReadonlyMap<string, MapElems>;
}

export interface NetConfig {
  readonly cpus: number;
  readonly seed: number;
  readonly hopLimit: number;
  /** Device -> the other end. */
  readonly peers: ReadonlyMap<string, string>;
  readonly objects: readonly ObjectConfig[];
  /** What `setNetwork` takes. */
  readonly network: Input;
  readonly inputs: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
}

const FIELDS = [
  ...['cpus', 'seed', 'hopLimit', 'devices', 'objects', 'addresses', 'routes', 'rules', 'neighbours'],
  ...['inputs', 'outputs'],
];
const OBJECT_FIELDS = ['file', 'progs', 'variables', 'attach', 'maps'];

/** An object whose names are the user's. */
function named(value: unknown, field: string): [string, unknown][] {
  if (value === undefined) return [];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  objectAt(value, field, []);
  return [];
}

function texts(value: unknown, field: string, what: string): Map<string, string> {
  return new Map(named(value, field).map(([name, one]) => [name, textAt(one, `${field}.${name}`, what)]));
}

/** `{ "0": value }`, or a list of `{ "key": ..., "value": ... }` for keys that are no text. */
function elems(value: unknown, field: string): MapElems {
  if (!Array.isArray(value))
    return named(value, field).map(([key, one]) => ({ key: /^\d+$/.test(key) ? Number(key) : key, value: one }));
  return value.map((one, i) => {
    const { key, value: held } = objectAt(one, `${field}[${i}]`, ['key', 'value']);
    return { key, value: held };
  });
}

function objectConfig(value: unknown, field: string): ObjectConfig {
  const input = objectAt(value, field, OBJECT_FIELDS);
  const names = input.progs === undefined ? undefined : arrayAt(input.progs, `${field}.progs`);
  return {
    field,
    file: textAt(input.file, `${field}.file`, 'the path of an object file'),
    progs: names?.map((one, i) => textAt(one, `${field}.progs[${i}]`, 'the name of a program')),
    variables: new Map(named(input.variables, `${field}.variables`)),
    attach: texts(input.attach, `${field}.attach`, 'the name of a program'),
    maps: new Map(named(input.maps, `${field}.maps`).map(([name, one]) => [name, elems(one, `${field}.maps.${name}`)])),
  };
}

/** Devices without their peers, which `setNetwork` does not know, and the peers. */
function devicesOf(value: unknown): { devices: unknown[]; peers: Map<string, string> } {
  const peers = new Map<string, string>();
  const devices = arrayAt(value, 'devices').map((one, i) => {
    if (typeof one !== 'object' || one === null || !('peer' in one)) return one;
    const { peer, ...rest } = one as Input;
    const name = textAt(rest.name, `devices[${i}].name`, 'the name of a device');
    peers.set(name, textAt(peer, `devices[${i}].peer`, 'the name of a device'));
    return rest;
  });
  return { devices, peers };
}

/** @throws UsageError for what is no JSON; RunError RUN_NETWORK that names the field */
export function parseNetConfig(path: string, text: string): NetConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path} is no JSON: ${jsonReason(error)}`, 'USAGE_CONFIG');
  }
  const input = objectAt(json, 'config', FIELDS);
  const { devices, peers } = devicesOf(input.devices);
  const network: Record<string, unknown> = { devices };
  for (const field of ['addresses', 'routes', 'rules', 'neighbours'] as const)
    if (input[field] !== undefined) network[field] = input[field];
  return {
    cpus: input.cpus === undefined ? 1 : integerAt(input.cpus, 'cpus', 1, 256),
    seed: input.seed === undefined ? 0 : integerAt(input.seed, 'seed', 0, Number.MAX_SAFE_INTEGER),
    hopLimit: input.hopLimit === undefined ? 64 : integerAt(input.hopLimit, 'hopLimit', 1, 1024),
    peers,
    objects: arrayAt(input.objects, 'objects').map((one, i) => objectConfig(one, `objects[${i}]`)),
    network,
    inputs: texts(input.inputs, 'inputs', 'the path of a capture'),
    outputs: texts(input.outputs, 'outputs', 'the path of a capture'),
  };
}
