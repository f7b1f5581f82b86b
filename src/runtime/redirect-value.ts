/**
 * What users put into redirect maps, in the forms they may give it: a number, a Device, `{ ifindex, prog }`, `{ qsize, prog }` (also as BTF types
 * it: `{ ifindex, bpf_prog: { id } }`), or the bytes of struct bpf_devmap_val and struct bpf_cpumap_val.
 */
import { RunError } from '../errors/index.ts';
import { viewOf } from '../util/bytes.ts';
import { Device } from './device.ts';
import type { Prog } from './prog.ts';

/** A wish for an entry: what it targets, and the program or the number of one. */
export interface RedirectValue {
  readonly target: number;
  /** Where a Device was given: the number alone may mean another engine's. */
  readonly device?: Device;
  readonly prog?: Prog | number;
}

/** Numbers a map's input may have. */
function u32(map: string, what: string, value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 0xffffffff) return number;
  throw new RunError('RUN_MAP_INPUT', { map, what, found: String(value), expected: 'an integer of 32 bits' });
}

function fromBytes(map: string, bytes: Uint8Array, valueSize: number): RedirectValue {
  if (bytes.length !== valueSize)
    throw new RunError('RUN_MAP_SIZE', { map, what: 'value', found: bytes.length, expected: valueSize });
  const view = viewOf(bytes);
  const target = view.getUint32(0, true);
  const id = valueSize === 8 ? view.getInt32(4, true) : 0;
  // A negative file descriptor means no program, and so does 0.
  return id > 0 ? { target, prog: id } : { target };
}

/** `prog`, or BTF's union bpf_prog: there are no file descriptors here, so both of its numbers are ids. */
function progOf(map: string, value: Record<string, unknown>): Prog | number | undefined {
  const given = value.prog ?? value.bpf_prog;
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'object') {
    if ('slotKind' in given) return given as Prog;
    const { id, fd } = given as { id?: unknown; fd?: unknown };
    const number = Number(id ?? fd ?? 0);
    return number > 0 ? u32(map, 'program', number) : undefined;
  }
  const id = u32(map, 'program', given);
  return id === 0 ? undefined : id;
}

/** @param field `ifindex` or `qsize` */
export function redirectValue(
  map: string,
  value: unknown,
  field: 'ifindex' | 'qsize',
  valueSize: number,
): RedirectValue {
  if (value instanceof Uint8Array) return fromBytes(map, value, valueSize);
  const isDevice = field === 'ifindex' && value instanceof Device;
  if (isDevice) return { target: value.ifindex, device: value };
  if (value === null || typeof value !== 'object') return { target: u32(map, field, value) };
  const fields = value as Record<string, unknown>;
  const target = redirectValue(map, fields[field], field, valueSize);
  const prog = progOf(map, fields);
  return prog === undefined ? target : { ...target, prog };
}
