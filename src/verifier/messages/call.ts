/** Texts of assembly/verifier/messages/call.ts. */
import type { MessageRows } from './row.ts';

export const CALL_MESSAGES: MessageRows = {};
