/** `--set 'MAP[KEY]=VALUE'`, `--set 'VARIABLE=VALUE'`: parsed here, applied to a loaded object's maps or, for data sections, to the object before it is loaded. */
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../assembly/isa.ts';
import { resolve, sizeOf } from '../btf/resolve.ts';
import type { BtfInput } from '../btf/value.ts';
import type { Loaded } from '../engine.ts';
import { findMap, setKconfig } from '../object/edit.ts';
import type { BpfObject, MapSpec } from '../object/types.ts';
import { setVariable } from '../object/variables.ts';
import { jsonReason } from './args.ts';
import { UsageError } from './errors.ts';
import { parseHex, readInput, saying } from './files.ts';

export const SET_HELP = `  --set MAP[KEY]=VALUE   put a value into a map before the first packet; may be repeated
                         prog arrays:   'prog_array[0]=port8080_prog'
                         integers:      'limits[3]=-1', 'flags[0x10]=0xff'
                         bytes:         'blob[hex:0a0b0c0d]=hex:00ff'
                         by BTF, JSON:  'flows[{"port":80}]={"packets":1}', 'names[0]=text'
                         variables:     'target_port=8080', also '.rodata[target_port]=8080'
  --set @FILE            the same, one in each line of a file; empty lines and those that begin with # say nothing`;

export interface Setting {
  /** As it was typed, for messages. */
  readonly text: string;
  /** '' for a variable, whose name is the key. */
  readonly map: string;
  readonly key: string;
  readonly value: string;
}

/** Where `]=` closes the key: brackets and quotes of a JSON key do not count. */
function closingBracket(text: string, open: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = open; at < text.length; at++) {
    const char = text[at];
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && (char === '[' || char === '{')) depth++;
    else if (!quoted && (char === ']' || char === '}')) {
      depth--;
      if (depth === 0) return at;
    }
  }
  return -1;
}

/** What `--set` was given; `@FILE` stands for the lines of that file. */
export function parseSettings(texts: readonly string[]): Setting[] {
  return texts.flatMap((text) => {
    if (!text.startsWith('@')) return [parseSetting(text)];
    const lines = new TextDecoder().decode(readInput(text.slice(1))).split('\n');
    return lines
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map(parseSetting);
  });
}

export function parseSetting(text: string): Setting {
  const variable = /^\s*([A-Za-z_]\w*)\s*=([\s\S]*)$/.exec(text);
  if (variable !== null) return { text, map: '', key: variable[1], value: variable[2].trim() };
  const open = text.indexOf('[');
  const close = open > 0 ? closingBracket(text, open) : -1;
  if (close < 0 || text[close + 1] !== '=') {
    throw new UsageError(
      `--set '${text}': expected MAP[KEY]=VALUE or VARIABLE=VALUE, as in 'prog_array[0]=port8080_prog'`,
      'USAGE_SET',
    );
  }
  return {
    text,
    map: text.slice(0, open).trim(),
    key: text.slice(open + 1, close).trim(),
    value: text.slice(close + 2).trim(),
  };
}

/** A map in which the value is the name of a program. */
export function isProgArray(object: BpfObject, setting: Setting): boolean {
  return findMap(object, setting.map).type === BPF_MAP_TYPE_PROG_ARRAY;
}

/** Writes settings of data sections into the object; the others are for `applySettings`. */
export function editObject(object: BpfObject, settings: readonly Setting[]): Setting[] {
  return settings.filter((setting) => {
    if (setting.map !== '' && findMap(object, setting.map).dataKind === '') return true;
    if (setting.map === '' && object.maps.some((map) => map.name === setting.key))
      throw new UsageError(
        `--set '${setting.text}': ${setting.key} is a map: expected MAP[KEY]=VALUE, as in 'prog_array[0]=port8080_prog'`,
        'USAGE_SET',
      );
    const value = literal(setting, setting.value) as BtfInput;
    const isKconfig = object.externs.some(({ kind, name }) => kind === 'kconfig' && name === setting.key);
    named(setting, () => (isKconfig ? setKconfig : setVariable)(object, setting.key, value));
    return false;
  });
}

export function applySettings(object: BpfObject, loaded: Loaded, settings: readonly Setting[]): void {
  for (const setting of settings) {
    const spec = findMap(object, setting.map);
    const map = loaded.map(spec.name);
    const key = side(object, setting, 'key', spec);
    const value =
      spec.type === BPF_MAP_TYPE_PROG_ARRAY ? loaded.prog(setting.value) : side(object, setting, 'value', spec);
    named(setting, () => map.set(key, value));
  }
}

/** Errors of what is set say which setting it was. */
function named(setting: Setting, set: () => void): void {
  try {
    set();
  } catch (error) {
    throw saying(`--set '${setting.text}'`, error);
  }
}

/** Key or value in the form that map.set takes. */
function side(object: BpfObject, setting: Setting, which: 'key' | 'value', spec: MapSpec): unknown {
  const size = which === 'key' ? spec.keySize : spec.valueSize;
  const parsed = literal(setting, setting[which]);
  if (typeof parsed === 'bigint') {
    if (isScalar(object, which === 'key' ? spec.btfKeyTypeId : spec.btfValueTypeId, size)) {
      return integerBytes(setting, which, parsed, size);
    }
    return parsed;
  }
  if (typeof parsed !== 'string' || object.btf !== undefined) return parsed;
  throw new UsageError(
    `--set '${setting.text}': '${parsed}' is neither an integer nor hex:..., and without BTF nothing else can be encoded`,
    'USAGE_SET',
  );
}

/** Whether an integer says all of it: numbers, enums, and what has no type. */
function isScalar({ btf }: BpfObject, type: number, size: number): boolean {
  if (btf === undefined || type === 0 || sizeOf(btf, type) !== size) return true;
  const { kind } = resolve(btf, type);
  return kind === 'int' || kind === 'enum' || kind === 'enum64' || kind === 'ptr';
}

/** Little-endian; negative ones as two's complement, whether the type is signed or not. */
function integerBytes(setting: Setting, which: string, value: bigint, size: number): Uint8Array {
  const bits = BigInt(8 * size);
  if (value >= 1n << bits || value < -(1n << (bits - 1n))) {
    throw new UsageError(`--set '${setting.text}': ${value} does not fit the ${size} bytes of a ${which}`, 'USAGE_SET');
  }
  const bytes = new Uint8Array(size);
  for (let i = 0, rest = BigInt.asUintN(Number(bits), value); i < size; i++, rest >>= 8n)
    bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** Integers as bigint, `hex:` as bytes, JSON objects, arrays, strings and booleans; any other word is itself (enumerators, text). */
function literal(setting: Setting, text: string): unknown {
  const integer = /^(-?)(0x[0-9a-f]+|\d+)$/i.exec(text);
  if (integer !== null) return integer[1] === '-' ? -BigInt(integer[2] as string) : BigInt(integer[2] as string);
  if (text.startsWith('hex:')) {
    const bytes = parseHex(text.slice(4));
    if (bytes !== undefined) return bytes;
    throw new UsageError(`--set '${setting.text}': '${text}' is no hex: two digits for each byte`, 'USAGE_SET');
  }
  if (text === 'true' || text === 'false') return text === 'true';
  if (!/^[{["]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--set '${setting.text}': '${text}' is no JSON: ${jsonReason(error)}`, 'USAGE_SET');
  }
}
