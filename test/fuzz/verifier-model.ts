// What the verifier-aware generator believes of registers and stack: coarser than the verifier, so that most programs are right, not all.

export type Kind =
  | 'none'
  | 'scalar'
  | 'ctx'
  | 'pkt'
  | 'end'
  | 'meta'
  | 'fp'
  | 'value'
  | 'null'
  | 'mem'
  | 'map'
  | 'record';

export interface Reg {
  readonly kind: Kind;
  /** Constant part of a pointer. */
  readonly off: number;
  /** Packet: bytes proven behind the base. Memory: its size. Scalar: greatest unsigned value, Infinity when unknown. */
  readonly size: number;
  /** Packet pointers of one base, values of one lookup. */
  readonly id: number;
  /** `null`: what it is when it is not NULL. */
  readonly of?: Kind;
}

export const NONE: Reg = { kind: 'none', off: 0, size: 0, id: 0 };
export const scalar = (max = Number.POSITIVE_INFINITY): Reg => ({ kind: 'scalar', off: 0, size: max, id: 0 });

export interface State {
  regs: Reg[];
  /** What the eight bytes at fp - 8 * (i + 1) hold. */
  stack: Reg[];
}

export const copy = (state: State): State => ({ regs: [...state.regs], stack: [...state.stack] });

function joinReg(a: Reg, b: Reg): Reg {
  if (a === b) return a;
  if (a.kind !== b.kind || a.of !== b.of) return NONE;
  if (a.kind === 'scalar') return scalar(Math.max(a.size, b.size));
  if (a.off !== b.off) return NONE;
  if (a.kind === 'pkt' && a.id !== b.id) return { ...a, size: 0 };
  return { ...a, size: Math.min(a.size, b.size) };
}

/** What holds whichever way a place was reached. */
export function join(a: State, b: State): State {
  return {
    regs: a.regs.map((reg, i) => joinReg(reg, b.regs[i] as Reg)),
    stack: a.stack.map((slot, i) => joinReg(slot, b.stack[i] as Reg)),
  };
}
