/** Names of the verifier's rules and of the kernel's error numbers. */
import * as access from '../../assembly/verifier/messages/access.ts';
import * as alu from '../../assembly/verifier/messages/alu.ts';
import * as call from '../../assembly/verifier/messages/call.ts';
import * as core from '../../assembly/verifier/messages/core.ts';

const NAMES: ReadonlyMap<number, string> = new Map(
  [access, alu, call, core].flatMap((codes) =>
    Object.entries(codes).map(([name, code]): [number, string] => [code, name.replace(/^MSG_/, '')]),
  ),
);

/** `INFINITE_LOOP` of MSG_INFINITE_LOOP. */
export function ruleName(code: number): string {
  return NAMES.get(code) ?? `RULE_${code}`;
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
