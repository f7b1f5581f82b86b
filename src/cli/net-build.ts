/** A network as its configuration says: an engine with devices, objects whose programs are attached, maps with what they are to hold. */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { BtfInput } from '../btf/value.ts';
import { Engine, type Loaded } from '../engine.ts';
import { VirtualNetwork } from '../net/network.ts';
import { setVariable } from '../object/variables.ts';
import type { BpfMap } from '../runtime/map.ts';
import { refuse } from '../runtime/network/input.ts';
import { setNetwork } from '../runtime/network/json.ts';
import { ProgArray } from '../runtime/prog-array.ts';
import { RedirectMap } from '../runtime/redirect-map.ts';
import type { XskSocket } from '../runtime/xsk.ts';
import { FileError } from './errors.ts';
import { parseHex, readObject, saying } from './files.ts';
import { type NetConfig, type ObjectConfig, parseNetConfig } from './net-config.ts';

const BPF_MAP_TYPE_XSKMAP = 17;

export interface BuiltNetwork {
  readonly engine: Engine;
  readonly net: VirtualNetwork;
  /** By the field of each object. */
  readonly loaded: readonly Loaded[];
  readonly sockets: readonly XskSocket[];
}

export function readNetConfig(path: string): NetConfig {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new FileError('read', path === '-' ? 'standard input' : path, error);
  }
  try {
    return parseNetConfig(path, text);
  } catch (error) {
    throw saying(path, error);
  }
}

/** Files are named from where the configuration is. */
export function beside(config: string, file: string): string {
  return config === '-' || file === '-' || isAbsolute(file) ? file : join(dirname(config), file);
}

export interface BuildOptions {
  readonly checked: boolean;
  readonly trace: boolean;
}

export async function buildNetwork(path: string, config: NetConfig, options: BuildOptions): Promise<BuiltNetwork> {
  const { cpus, seed, hopLimit } = config;
  const engine = await Engine.create({ cpus, seed, trace: options.trace });
  try {
    setNetwork(engine, config.network);
    connect(engine, config.peers);
    const net = new VirtualNetwork(engine, { hopLimit });
    const sockets: XskSocket[] = [];
    const loaded: Loaded[] = [];
    for (const object of config.objects)
      loaded.push(await addObject(engine, net, beside(path, object.file), object, { ...options, sockets }));
    return { engine, net, loaded, sockets };
  } catch (error) {
    engine.close();
    throw saying(path, error);
  }
}

function connect(engine: Engine, peers: ReadonlyMap<string, string>): void {
  for (const [name, other] of peers) {
    const [one, peer] = [engine.device(name), engine.device(other)];
    const field = `devices.${name}.peer`;
    if (one === undefined || peer === undefined || one === peer) refuse(field, other, 'another device of this file');
    const back = peers.get(other);
    if ((back !== undefined && back !== name) || (peer.peer !== undefined && peer.peer !== one))
      refuse(field, other, `a device that has no other peer`);
    engine.connect(one, peer);
  }
}

async function addObject(
  engine: Engine,
  net: VirtualNetwork,
  file: string,
  config: ObjectConfig,
  options: BuildOptions & { readonly sockets: XskSocket[] },
): Promise<Loaded> {
  const object = readObject(file);
  for (const [name, value] of config.variables) {
    const field = `${config.field}.variables.${name}`;
    about(field, () => setVariable(object, name, plain(value) as BtfInput));
  }
  const { checked, sockets } = options;
  const progs = config.progs === undefined ? {} : { progs: config.progs };
  const loaded = await engine.load(object, { checked, ...progs }).catch((error: unknown) => {
    throw saying(file, error);
  });
  for (const [name, elems] of config.maps) {
    const field = `${config.field}.maps.${name}`;
    const map = about(field, () => loaded.map(name));
    for (const { key, value } of elems)
      about(`${field}[${JSON.stringify(key)}]`, () =>
        map.set(plain(key), elemValue(engine, loaded, map, value, { field, sockets })),
      );
  }
  for (const [device, prog] of config.attach)
    about(`${config.field}.attach.${device}`, () => net.attach(device, loaded.prog(prog)));
  return loaded;
}

/** Errors say which field they are about. */
function about<T>(field: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw saying(field, error);
  }
}

/** `hex:0a0b` is bytes, also within arrays and objects. */
function plain(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith('hex:')) return parseHex(value.slice(4)) ?? value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

/** What a map takes: programs and devices by their names. */
function elemValue(
  engine: Engine,
  loaded: Loaded,
  map: BpfMap,
  value: unknown,
  { field, sockets }: { readonly field: string; readonly sockets: XskSocket[] },
): unknown {
  if (map instanceof ProgArray && typeof value === 'string') return loaded.prog(value);
  if (!(map instanceof RedirectMap)) return plain(value);
  const deviceOf = (name: unknown): unknown => {
    if (typeof name !== 'string') return name;
    return engine.device(name) ?? refuse(field, name, 'the name of a device of this file');
  };
  const isObject = typeof value === 'object' && value !== null;
  const fields = isObject ? (value as Record<string, unknown>) : {};
  if (map.spec.type === BPF_MAP_TYPE_XSKMAP) {
    const device = engine.device(String(fields.device));
    if (device === undefined) refuse(field, value, 'a device and a queue, as in { "device": "eth0", "queue": 0 }');
    const socket = engine.openXsk(device, { queue: Number(fields.queue ?? 0) });
    sockets.push(socket);
    return socket;
  }
  if (!isObject) return deviceOf(value);
  const prog = typeof fields.prog === 'string' ? { prog: loaded.prog(fields.prog) } : {};
  return { ...fields, ...('ifindex' in fields && { ifindex: deviceOf(fields.ifindex) }), ...prog };
}
