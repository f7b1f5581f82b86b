/** Reading what users say of their network: each reader names the field that is wrong, as a path such as `routes[2].via`. */
import { RunError } from '../../errors/index.ts';

/** An object whose fields are read by name. */
export type Input = Readonly<Record<string, unknown>>;

/** What was found, short enough for a line. */
function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 60)}...` : value}'`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** @throws RunError RUN_NETWORK */
export function refuse(field: string, found: unknown, expected: string): never {
  throw new RunError('RUN_NETWORK', { field, found: show(found), expected });
}

/** `value` as an object that has no fields but `known`. */
export function objectAt(value: unknown, field: string, known: readonly string[]): Input {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(field, value, 'an object');
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) refuse(`${field}.${key}`, (value as Input)[key], `known; fields are ${known.join(', ')}`);
  }
  return value as Input;
}

/** `value` as an array; absent is empty. */
export function arrayAt(value: unknown, field: string): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : refuse(field, value, 'an array');
}

export function textAt(value: unknown, field: string, expected: string): string {
  return typeof value === 'string' ? value : refuse(field, value, expected);
}

export function integerAt(value: unknown, field: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  return refuse(field, value, `an integer from ${min} to ${max}`);
}

export function flagAt(value: unknown, field: string, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  return typeof value === 'boolean' ? value : refuse(field, value, 'true or false');
}

/** The number of a name; numbers stand for themselves where a table lists them. */
export function nameAt(value: unknown, field: string, names: Readonly<Record<string, number>>): number {
  if (typeof value === 'string' && Object.hasOwn(names, value)) return names[value];
  return refuse(field, value, `one of ${Object.keys(names).join(', ')}`);
}

export const MAX_U32 = 0xffffffff;

export function u32At(value: unknown, field: string, otherwise = 0): number {
  return value === undefined ? otherwise : integerAt(value, field, 0, MAX_U32);
}
