/**
 * A network of its own to ask the kernel in: the calling thread moves to a fresh network namespace, where devices, routes and sockets are nobody
 * else's, and back. man 7 network_namespaces. bpf(2)'s test runs look things up in the namespace of their caller.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { referenceKernelAvailable } from './available.ts';

const CLONE_NEWNET = 0x40000000;

interface Libc {
  unshare(flags: number): number;
  setns(fd: number, type: number): number;
}

function libc(): Libc {
  const koffi = createRequire(import.meta.url)('koffi');
  const lib = koffi.load(null);
  return { unshare: lib.func('int unshare(int)'), setns: lib.func('int setns(int, int)') };
}

/** Runs iproute2's `ip` in the thread's namespace, one line of arguments each. */
export function ip(lines: readonly string[]): void {
  execFileSync('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n`, stdio: ['pipe', 'ignore', 'pipe'] });
}

/** Runs lines some of which Linux may not take: whether it took each. */
export function ipTries(lines: readonly string[], family: 4 | 6): boolean[] {
  const { stderr, status, signal } = spawnSync('ip', [`-${family}`, '-force', '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
  });
  // A word that `ip` itself does not understand ends it, and the lines behind are not run.
  if (signal !== null || (status ?? 1) > 2) throw new Error(`ip gave up: ${stderr}`);
  const refused = new Set(Array.from(stderr.matchAll(/Command failed -:(\d+)/g), ([, line]) => Number(line) - 1));
  return lines.map((_, i) => !refused.has(i));
}

/** What `ip` prints. */
export function ipShow(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}

/** Runs `body` in a fresh namespace; it is gone afterwards. */
export async function inNamespace<T>(body: () => Promise<T> | T): Promise<T> {
  const own = openSync('/proc/thread-self/ns/net', 'r');
  const { unshare, setns } = libc();
  try {
    if (unshare(CLONE_NEWNET) !== 0) throw new Error('unshare(CLONE_NEWNET) is not permitted');
    return await body();
  } finally {
    setns(own, CLONE_NEWNET);
    closeSync(own);
  }
}

/** Why there is no network of one's own here; undefined when there is. */
export async function namespaceReason(): Promise<string | undefined> {
  const { ok, reason } = referenceKernelAvailable();
  if (!ok) return reason;
  try {
    await inNamespace(() => ip(['link add probe0 type veth peer name probe1']));
    return undefined;
  } catch (error) {
    return `no network namespace with veth devices: ${(error as Error).message.split('\n')[0]}`;
  }
}
