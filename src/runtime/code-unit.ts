/** The programs of one module as other threads need them: to instantiate it, and to put its functions into their tables. Everything can be cloned. */
export interface CodeUnit {
  /** Unique in its engine. */
  readonly id: number;
  readonly module: WebAssembly.Module;
  readonly progs: readonly UnitProg[];
}

export interface UnitProg {
  readonly id: number;
  readonly name: string;
  /** Addresses of its statistics, of the main thread and then of each other one. */
  readonly stats: readonly number[];
  /** Bytes of them. */
  readonly statsSize: number;
  /** Table slots of its callbacks, with the names of their functions. */
  readonly callbacks: readonly (readonly [slot: number, name: string])[];
  readonly stopsEarly: boolean;
  readonly inlined: boolean;
}

/** Changes of slots while other threads run programs: they are made between two batches. */
export interface SlotGate {
  /** Refuses a program that those threads cannot run. */
  check(map: string, prog: { readonly name: string; readonly alone: string | undefined }): void;
  /** `slot` of the table is to hold that program, or nothing; `apply` makes it so for this thread. */
  change(
    slot: number,
    prog: { readonly id: number; readonly unit: CodeUnit | undefined } | undefined,
    apply: () => void,
  ): void;
}
