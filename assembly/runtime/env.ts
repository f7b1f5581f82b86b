// What the host gives this module. asc names an import's module after the file: `env.memory`, `env.vm`, `env.trace_full`.

/** Address of the Vm state of the thread this instance runs in (abi.ts, struct Vm). */
export declare const vm: u32;

/** The trace buffer has no room for the next record: the host takes the records out and sets VM_TRACE_USED back to 0. */
export declare function trace_full(): void;
