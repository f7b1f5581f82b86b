/** Options of a verification, checked before anything is done. */
import { VerifierError } from '../errors/index.ts';
import type { JudgeOptions } from './judge.ts';

const FLAGS = ['unprivileged', 'strictAlignment', 'anyAlignment', 'testStateFreq', 'tailCallRanges'] as const;
const MAX_INSNS = 0xffff_ffff;
const MAX_MEMORY = 0xffff_0000;
const MIN_MEMORY = 1 << 20;
const MAX_LOG_LEVEL = 7;
const MAX_CPUS = 8192;

function checkNumber(option: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
  throw new VerifierError('VERIFIER_OPTION', {
    option,
    found: String(value),
    expected: `an integer from ${min} to ${max}`,
  });
}

/** @throws VerifierError VERIFIER_OPTION */
export function checkOptions(options: JudgeOptions): void {
  for (const flag of FLAGS) {
    const value = options[flag];
    if (value !== undefined && typeof value !== 'boolean')
      throw new VerifierError('VERIFIER_OPTION', { option: flag, found: String(value), expected: 'true or false' });
  }
  checkNumber('limits.insns', options.limits?.insns, 1, MAX_INSNS);
  checkNumber('limits.processed', options.limits?.processed, 1, MAX_INSNS);
  checkNumber('memoryLimit', options.memoryLimit, MIN_MEMORY, MAX_MEMORY);
  checkNumber('logLevel', options.logLevel, 0, MAX_LOG_LEVEL);
  checkNumber('logSize', options.logSize, 1, MAX_INSNS);
  checkNumber('cpus', options.cpus, 1, MAX_CPUS);
}
