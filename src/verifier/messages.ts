/** Messages of the verifier: read from its log, and put into the kernel's words. */
import { lazy } from '../util/lazy.ts';
import { accessMessages } from './messages/access.ts';
import { aluMessages } from './messages/alu.ts';
import { callMessages } from './messages/call.ts';
import { coreMessages } from './messages/core.ts';
import { formatArg, type Named } from './messages/format.ts';
import type { MessageRow } from './messages/row.ts';

/** A message as the verifier wrote it: numbers only. */
export interface LogMessage {
  readonly code: number;
  readonly pc: number;
  readonly args: readonly bigint[];
}

/** All messages, by code. */
export const messageRows: () => Readonly<Record<number, MessageRow>> = lazy(() => ({
  ...coreMessages(),
  ...accessMessages(),
  ...aluMessages(),
  ...callMessages(),
}));

const ARGS = 6;

/** The body of a LOG_MESSAGE record. */
export function readMessage(view: DataView, at: number): LogMessage {
  const args: bigint[] = [];
  for (let i = 0; i < ARGS; i++) args.push(view.getBigInt64(at + 8 + 8 * i, true));
  return { code: view.getUint32(at, true), pc: view.getUint32(at + 4, true), args };
}

/** `%N` and `%N:kind` become argument N; two arguments of one placeholder (a tnum) are N and N + 1. */
export function messageText(message: LogMessage, named: Named): string {
  const row = messageRows()[message.code];
  if (row === undefined) return `message ${message.code}`;
  return row.text.replace(/%(\d)(?::([a-z0-9_]+))?/g, (_, n: string, kind?: string) =>
    formatArg(kind ?? 'dec', message.args.slice(Number(n)), named),
  );
}
