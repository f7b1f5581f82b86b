// What takes part in the bench: an engine with one program loaded in it.

/** What a run left behind: compared between engines before anything is timed. */
export interface Outcome {
  readonly returnValue: number;
  readonly packet: Uint8Array;
}

export interface Contender {
  readonly engine: string;
  /** Packets that one `run` takes. */
  readonly packets: number;
  /** Runs the program `times` on the same packet, starting from a fresh one. */
  outcome(times: number): Outcome;
  /** One timed unit. */
  run(): void;
  /** Mean ns a packet of the last `run`, where the engine itself measured it; otherwise the bench's clock counts. */
  readonly ownNs?: () => number;
  close(): void;
}
