/** Names of the verifier's rules and of the kernel's error numbers. */
import { lazy } from '../util/lazy.ts';
import { RULES } from './rules.gen.ts';

/** By code. */
const names = lazy(
  () =>
    new Map(
      RULES.split(' ').map((rule): [number, string] => {
        const [name, code] = rule.split('=');
        return [Number(code), name];
      }),
    ),
);

/** `INFINITE_LOOP` of MSG_INFINITE_LOOP. */
export function ruleName(code: number): string {
  return names().get(code) ?? `RULE_${code}`;
}

const ERRNO_NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  7: 'E2BIG',
  12: 'ENOMEM',
  13: 'EACCES',
  14: 'EFAULT',
  22: 'EINVAL',
  34: 'ERANGE',
  95: 'EOPNOTSUPP',
  524: 'ENOTSUPP',
};

export function errnoName(errno: number): string {
  return ERRNO_NAMES[errno] ?? String(errno);
}
