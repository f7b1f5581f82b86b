// What TypeScript provides.

/** Takes whole records of the log, oldest first. */
export declare function flush(at: usize, bytes: u32): void;
