/** Options that are numbers. */
import { RunError } from '../errors/index.ts';

/** @throws RunError RUN_OPTION unless it is an integer from `min` to `max` */
export function checkOption(option: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RunError('RUN_OPTION', { option, found: String(value), expected: `an integer from ${min} to ${max}` });
}
