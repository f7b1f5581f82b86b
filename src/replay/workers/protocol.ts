/** What the main thread and the others say to each other. */
import type { CodeUnit } from '../../runtime/code-unit.ts';
import type { ViolationReport } from '../report.ts';

/** Where things are in the engine's memory, for all replays of a pool. */
export interface Geometry {
  readonly control: number;
  readonly threads: number;
  /** Places for batches that the main thread brings, one behind the other. */
  readonly ring: number;
  readonly placeBytes: number;
  readonly places: number;
  /** Addresses of the struct Pieces. */
  readonly pieces: readonly number[];
  /** Entries that the lists of a piece have room for. */
  readonly capacity: number;
  readonly rssTables: number;
}

export interface ThreadSetup {
  readonly kind: 'setup';
  /** From 0: also the CPU that it is. */
  readonly index: number;
  readonly memory: WebAssembly.Memory;
  /** The runtime. */
  readonly module: WebAssembly.Module;
  readonly vm: number;
  readonly geometry: Geometry;
}

/** Brings a thread's table up to date; no program runs. */
export interface Sync {
  readonly kind: 'sync';
  /** All slots follow: those that are not named are empty. */
  readonly all: boolean;
  /** Those that the thread has not seen. */
  readonly units: readonly CodeUnit[];
  /** Ids of units whose programs are no more. */
  readonly gone: readonly number[];
  readonly tableLength: number;
  /** Slots of the table, and the id of the program there; 0 for none. */
  readonly slots: readonly (readonly [slot: number, prog: number])[];
}

/** A piece of a capture file is read by the thread that claimed it. */
export interface FileInput {
  readonly path: string;
  /** Of the first record. */
  readonly offset: number;
  /** PCAP_SWAP, PCAP_NANO. */
  readonly flags: number;
}

/** Who runs a packet: the thread that its flow belongs to, or the one that has read it. */
export type Spread = 'flow' | 'piece';

export interface RunParams {
  /** Id of the program that packets enter. */
  readonly prog: number;
  /** How many threads take part: the first ones. */
  readonly active: number;
  /** Undefined: the main thread brings the pieces, walked. */
  readonly file: FileInput | undefined;
  /** `piece`: `file` is there. */
  readonly spread: Spread;
  /** Threads run the packets of a piece before they are sure where its records begin; in the end somebody may be `misguessed`. */
  readonly guess: boolean;
  /** Packets of the rounds before: for the numbers of those that break a rule. */
  readonly packetsBefore: number;
  /** Added to time stamps. */
  readonly shift: bigint;
  readonly ifindex: number;
  readonly linear: number | undefined;
  readonly copy: boolean;
  /** `clock: 'engine'`: what its clock is ahead of this thread's, ms since the epoch; undefined: time is the capture's. */
  readonly clockOrigin: number | undefined;
  readonly rxTimestamp: boolean;
  /** Every piece's results go to the main thread, which puts them into the capture's order. */
  readonly ordered: boolean;
  readonly output: boolean;
}

/** Begins a run, or goes on with the one that was parked. */
export interface Go {
  readonly kind: 'go';
  /** A number that no other has. */
  readonly run: number;
  readonly begins: boolean;
  readonly params: RunParams;
}

/** A run that was parked does not go on. */
export interface End {
  readonly kind: 'end';
}

export type ToThread = ThreadSetup | Sync | Go | End;

/** A trace line's parts, and which packet of the piece printed it. */
export interface TraceLine {
  readonly place: number;
  readonly text: string;
  readonly cpu: number;
  readonly time: bigint;
}

/** What came out of one thread's packets of a piece, each list in the capture's order. */
export interface PieceResult {
  readonly kind: 'piece';
  readonly piece: number;
  readonly lines: readonly TraceLine[];
  /** Packets for the output: OutputRecord one behind the other. */
  readonly output: Uint8Array<ArrayBuffer>;
}

/** A thread is back in its event loop, and has said in `Control` what there is to say; but for this. */
export interface Stopped {
  readonly kind: 'stopped';
  readonly run: number;
  readonly violations: Violations;
}

/** So far, in a run. */
export interface Violations {
  readonly count: number;
  readonly first: readonly ViolationReport[];
}

export interface Failed {
  readonly kind: 'failed';
  readonly reason: string;
}

export type FromThread = { readonly kind: 'ready' } | PieceResult | Stopped | Failed;

// OutputRecord: place u32 | length u32 | length on the wire u32 | time u64 | bytes, padded to 4.
export const OUTPUT_PLACE = 0;
export const OUTPUT_LENGTH = 4;
export const OUTPUT_WIRE = 8;
export const OUTPUT_TIME = 12;
export const OUTPUT_HEADER = 20;
