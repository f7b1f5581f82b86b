// What takes part in the bench: an engine with one program loaded in it.

/** What a run left behind: compared between engines before anything is timed. */
export interface Outcome {
  readonly returnValue: number;
  readonly packet: Uint8Array;
}

/** A map of a contender's, looked at between runs. */
export interface MapContents {
  /** Some keys that it holds, `limit` at most. */
  keys(limit: number): Iterable<Uint8Array>;
  /** The value, in hexadecimal; of per-CPU values that of the CPU that ran. `undefined` where there is none. */
  get(key: Uint8Array): string | undefined;
}

export interface Contender {
  readonly engine: string;
  /** Packets that one `run` takes. */
  readonly packets: number;
  /** Runs the program `times` on the same packet, starting from a fresh one. */
  outcome(times: number): Outcome;
  /** The object's maps that can be compared, by name. */
  readonly maps: ReadonlyMap<string, MapContents>;
  /** One run of every packet of a batch, fresh ones: what each left. Changes maps; for engines whose `run` takes a batch. */
  batch?(): Outcome[];
  /** One timed unit. */
  run(): void;
  /** Mean ns a packet of the last `run`, where the engine itself measured it; otherwise the bench's clock counts. */
  readonly ownNs?: () => number;
  close(): void;
}
