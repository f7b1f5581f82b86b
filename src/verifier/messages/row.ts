/** A message's text and what kind of refusal it is. */
export interface MessageRow {
  /** The kernel's words; `%N` stands for argument N, `%N:kind` for one with a form of its own (format.ts). */
  readonly text: string;
  /** What is at stake: memory safety, the form of the program, a limit, or the rights of who loads it. */
  readonly class: 'safety' | 'form' | 'limit' | 'rights';
}

/** Rows by message code. */
export type MessageRows = Readonly<Record<number, MessageRow>>;
