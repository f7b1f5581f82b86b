// Names of the errno values bpf(2) and its helpers return, and the one error the client throws.
// Linux asm-generic/errno.h; ENOTSUPP is kernel-internal but reaches user space through bpf(2).

import { constants } from 'node:os';

const ENOTSUPP = 524;

const errnoNames: ReadonlyMap<number, string> = new Map([
  ...Object.entries(constants.errno).map(([name, value]): [number, string] => [value, name]),
  [constants.errno.EAGAIN, 'EAGAIN'],
  [constants.errno.EOPNOTSUPP, 'EOPNOTSUPP'],
  [ENOTSUPP, 'ENOTSUPP'],
]);

/** `EINVAL` for 22; `E999` for a number nobody named. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `E${errno}`;
}

/** A helper's s64 return value as text: `0`, `16`, or `-EINVAL` where a small negative number is an errno. */
export function returnName(value: bigint | number): string {
  const n = Number(value);
  return n < 0 && n >= -4095 && errnoNames.has(-n) ? `-${errnoName(-n)}` : String(value);
}

/** A bpf(2) command the kernel refused. `log` is the verifier's or the BTF checker's, when there is one. */
export class KernelError extends Error {
  readonly command: string;
  readonly errno: number;
  readonly code: string;
  readonly log: string;

  constructor(command: string, errno: number, log = '') {
    super(`${command}: ${errnoName(errno)}${log === '' ? '' : `\n${log}`}`);
    this.name = 'KernelError';
    this.command = command;
    this.errno = errno;
    this.code = errnoName(errno);
    this.log = log;
  }
}
