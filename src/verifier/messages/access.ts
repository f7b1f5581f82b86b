/** Texts of assembly/verifier/messages/access.ts. */
import type { MessageRows } from './row.ts';

export const ACCESS_MESSAGES: MessageRows = {};
