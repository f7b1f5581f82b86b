// One row of the bench: a program, a packet, and the state it starts from.

/** A slot of the object's prog array that is filled before the run. */
export interface Slot {
  readonly map: string;
  readonly index: number;
  readonly prog: string;
  /** Of a second loading of the object, whose programs are in a module of their own here. In the kernel every program is apart. */
  readonly apart?: boolean;
}

export interface Fill {
  readonly prog: string;
  readonly runs: number;
}

export interface BenchCase {
  readonly name: string;
  /** Object file, relative to the project. */
  readonly object: string;
  readonly prog: string;
  readonly packet: Uint8Array;
  readonly slots: readonly Slot[];
  /** A program that is run first, so often, on the same packet: it fills maps. */
  readonly fill?: Fill;
  /** It writes a trace line: the kernel does so for every packet, this engine only when somebody listens. */
  readonly prints: boolean;
  /** The module of bench/clang-wasm that is made of the same source, where there is one. */
  readonly clang?: string;
  /** Bytes in front of the packet that the program moves its front into. */
  readonly headroom: number;
  /** The ring buffer it writes to, which somebody must empty. */
  readonly ring?: string;
  /** Maps whose contents need not be equal after equal runs, each with the reason. */
  readonly uncompared: Readonly<Record<string, string>>;
}
