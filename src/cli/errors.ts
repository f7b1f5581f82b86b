/** How the command fails: exit codes, mistakes in the command line, and what is printed about any error. */
import { BpfError } from '../errors/index.ts';
import { systemReason } from '../platform/node-files.ts';

export const EXIT = { ok: 0, input: 1, usage: 2, violation: 3, internal: 70, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `Exit status:
  0    done
  1    the object, the capture or a program was refused, or a file cannot be read or written
  2    the command line is wrong, or does not say enough
  3    done, but a run was ended by a violation (a program reached outside what it was given)
  70   an error in bpf2wasm itself
  130  interrupted`;

/** What the command line says cannot be done. */
export class UsageError extends Error {
  readonly code: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(message: string, code = 'USAGE', fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'UsageError';
    this.code = code;
    this.fields = fields;
  }
}

/** A file of the user's that cannot be read or written. */
export class FileError extends Error {
  readonly path: string;

  constructor(doing: 'read' | 'write', path: string, cause: unknown) {
    super(`cannot ${doing} ${path}: ${systemReason(cause)}`);
    this.name = 'FileError';
    this.path = path;
  }
}

export interface ErrorData {
  readonly stage: string;
  readonly code: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Any error as what `--json` prints, and the exit status it means. */
export function describeError(error: unknown): { readonly data: ErrorData; readonly exit: ExitCode } {
  if (error instanceof UsageError) {
    const { code, message, fields } = error;
    return { data: { stage: 'usage', code, message, fields }, exit: EXIT.usage };
  }
  if (error instanceof FileError) {
    const { message, path } = error;
    return { data: { stage: 'file', code: 'FILE', message, fields: { path } }, exit: EXIT.input };
  }
  if (error instanceof BpfError) {
    const { stage, code, message, fields } = error;
    return { data: { stage, code, message, fields }, exit: EXIT.input };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { data: { stage: 'internal', code: 'INTERNAL', message, fields: {} }, exit: EXIT.internal };
}
