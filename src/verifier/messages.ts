/** Messages of the verifier: read from its log, and put into the kernel's words. */
import * as abi from '../../assembly/verifier/abi.ts';
import { ACCESS_MESSAGES } from './messages/access.ts';
import { ALU_MESSAGES } from './messages/alu.ts';
import { CALL_MESSAGES } from './messages/call.ts';
import { CORE_MESSAGES } from './messages/core.ts';
import { formatArg, type Named } from './messages/format.ts';
import type { MessageRow } from './messages/row.ts';

/** A message as the verifier wrote it: numbers only. */
export interface LogMessage {
  readonly code: number;
  readonly pc: number;
  readonly args: readonly bigint[];
}

export const MESSAGES: Readonly<Record<number, MessageRow>> = {
  ...CORE_MESSAGES,
  ...ACCESS_MESSAGES,
  ...ALU_MESSAGES,
  ...CALL_MESSAGES,
};

const ARGS = 6;

/** The messages among the records in [start, start + size). */
export function readMessages(memory: Uint8Array, start: number, size: number): LogMessage[] {
  const view = new DataView(memory.buffer, start, size);
  const found: LogMessage[] = [];
  for (let at = 0; at + 4 <= size; ) {
    const head = view.getUint32(at, true);
    if ((head & 0xff) === abi.LOG_MESSAGE) {
      const args: bigint[] = [];
      for (let i = 0; i < ARGS; i++) args.push(view.getBigInt64(at + 12 + 8 * i, true));
      found.push({ code: view.getUint32(at + 4, true), pc: view.getUint32(at + 8, true), args });
    }
    at += 4 + (head >>> 8);
  }
  return found;
}

/** `%N` and `%N:kind` become argument N; two arguments of one placeholder (a tnum) are N and N + 1. */
export function messageText(message: LogMessage, named: Named): string {
  const row = MESSAGES[message.code];
  if (row === undefined) return `message ${message.code}`;
  return row.text.replace(/%(\d)(?::([a-z0-9_]+))?/g, (_, n: string, kind?: string) =>
    formatArg(kind ?? 'dec', message.args.slice(Number(n)), named),
  );
}
