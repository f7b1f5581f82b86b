// Whether the running kernel can be asked, and a `describe` that says loudly when it cannot.

import { release } from 'node:os';
import { describe } from 'vitest';
import { closeFd, loadProg } from './bpf.ts';
import { KernelError } from './errno.ts';
import { openSyscalls } from './syscall.ts';

/** `mov r0, 2; exit` */
const trivialProg = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

export interface Availability {
  readonly ok: boolean;
  /** Why not; empty when the kernel can be asked. */
  readonly reason: string;
}

/** Can programs be loaded and maps be made here? Asks the kernel by loading two insns. */
export function kernelAvailable(): Availability {
  const opened = openSyscalls();
  if (typeof opened === 'string') return { ok: false, reason: opened };
  try {
    closeFd(loadProg({ type: 'xdp', insns: trivialProg }).fd);
    return { ok: true, reason: '' };
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { ok: false, reason: `bpf() is not permitted here: ${error.command} ${error.code}` };
  }
}

/** The release whose behaviour the tables keep. */
const REFERENCE = [6, 18] as const;

/** Also of the reference release or newer: older ones lack insns and answer some calls otherwise. */
export function referenceKernelAvailable(): Availability {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const older = major < REFERENCE[0] || (major === REFERENCE[0] && minor < REFERENCE[1]);
  if (older) return { ok: false, reason: `Linux ${release()} is older than the reference, ${REFERENCE.join('.')}` };
  return kernelAvailable();
}

/** `describe` where the kernel can be asked; elsewhere a warning, and a skipped suite whose title has the reason. */
export function describeKernel(title: string, body: () => void): void {
  const { ok, reason } = referenceKernelAvailable();
  if (ok) {
    describe(title, body);
    return;
  }
  console.warn(`SKIPPED: ${title}: the kernel is not compared with (${reason})`);
  // Skipped, not left out: reports then count what was not compared. The reason is in the title, and CI's machine must have none of these.
  describe.skip(`${title} [skipped: ${reason}]`, body);
}
