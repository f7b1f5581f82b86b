/** What engines are made with, and how programs are loaded into them. */
import type { InsnsOptions } from './link/insns.ts';
import type { LinkOptions } from './link/link.ts';
import type { TaskOptions } from './runtime/machine.ts';
import type { BpfMap } from './runtime/map.ts';
import type { Violation } from './runtime/trap.ts';
import type { VerifyOptions } from './verifier/verify.ts';

export interface EngineOptions {
  /** Seed of bpf_get_prandom_u32 and of hash maps: the same seed, the same run. Default 0. */
  readonly seed?: number | bigint;
  /** CPUs that per-CPU maps have a value for. Default 1, or as many as there are workers. */
  readonly cpus?: number;
  /**
   * Threads that replays may use: one for each of the first CPUs. They share the engine's memory, which costs programs on one thread a little. Default 0: none.
   * Where there are no threads, or no memory that they may share (a page that is not cross-origin isolated), this is refused.
   */
  readonly workers?: number;
  /** The CPU programs run on. Default 0. */
  readonly cpu?: number;
  /** Where bpf_ktime_get_ns starts from for `prog.run` and devices; the host's monotonic clock unless given. */
  readonly clock?: () => bigint;
  /** Ticks a second, which bpf_jiffies64 counts and bpf_ktime_get_coarse_ns shows (CONFIG_HZ). Default 250. */
  readonly hz?: number;
  /** What bpf_ktime_get_tai_ns is ahead of bpf_ktime_get_ns, ns: 0 unless given, as where packets carry the time of day. */
  readonly taiOffset?: bigint;
  /** Who the current task is. Packets come in interrupts, which find the idle task unless said otherwise. */
  readonly task?: TaskOptions;
  /** Insns one packet may take in loops before its run counts as endless. Short counted loops pay for all their rounds when they are entered. */
  readonly insnBudget?: number;
  /** Most pages (64 KiB each) the memory may grow to. Default 65280, the most there is. */
  readonly maximumPages?: number;
  /**
   * Programs like those that were loaded before in this process, by this engine or another, are not verified and compiled anew: what was found out and made then is
   * used again, where bytes of all that it depends on are the same. At most 64 programs and 16 MiB are kept of each. Default true.
   */
  readonly remember?: boolean;
  /** Keep trace_printk lines from the start on; otherwise from the first use of `engine.trace`. */
  readonly trace?: boolean;
}

/** What `Engine.runTimers` did. */
export interface TimerRun {
  /** Callbacks that ran. */
  readonly ran: number;
  /** Those that broke a rule. */
  readonly violations: readonly Violation[];
}

export interface LoadOptions extends LinkOptions {
  /** Names of the programs to load instead of those that autoload. */
  readonly progs?: readonly string[];
  /**
   * Compile a bounds check into every access, as if nothing had been verified: a second wall, at the price of some speed. Default false: what
   * the verifier proved needs no check.
   */
  readonly checked?: boolean;
  /** How programs are verified: rights, limits, log. */
  readonly verify?: VerifyOptions;
  /** Let binaryen optimise the code. */
  readonly optimize?: boolean;
  /** Maps to use instead of creating those of the same name (bpf_map__reuse_fd). */
  readonly reuse?: Readonly<Record<string, BpfMap>>;
}

/** How one program is loaded. */
export type LoadHow = Pick<LoadOptions, 'checked' | 'verify' | 'optimize'>;

export interface LoadInsnsOptions extends Omit<InsnsOptions, 'maps'>, LoadHow {
  /** What BPF_PSEUDO_MAP_IDX and BPF_PSEUDO_MAP_IDX_VALUE index. */
  readonly maps?: readonly BpfMap[];
}

/** @internal For tests of the checks, which run what no verifier takes. */
export interface InternalLoadOptions extends LoadOptions {
  readonly unverified?: boolean;
}
