/**
 * Judges programs as Linux 6.18 does. Only `verify` makes a VerifiedProg:
 *
 *     LinkedProg -> marshal -> verifier.wasm -> VerifiedProg, or a VerifierError that says why not
 */
import { VerifierError } from '../errors/index.ts';
import type { RefusedFields } from '../errors/verifier.ts';
import { decodeInsns } from '../isa/decode.ts';
import type { LinkedLine, LinkedProg } from '../link/types.ts';
import { withInstance } from './instance.ts';
import { ask, type JudgeHooks, type Judgement, type JudgeOptions, judge, type Refusal, type Trace } from './judge.ts';
import { insnLogText } from './log.ts';
import { messageRows } from './messages.ts';
import { checkOptions } from './options.ts';
import type { Proof } from './proof.ts';
import { rememberedVerdicts } from './remembered.ts';
import { errnoName, ruleName } from './rules.ts';
import type { VerifierStats } from './stats.ts';
import { type CheckedProg, structureOf } from './structural.ts';

export type VerifyOptions = JudgeOptions;

const VERIFIED: unique symbol = Symbol('verified');

/** A program that the verifier has accepted. */
export interface VerifiedProg extends CheckedProg {
  readonly [VERIFIED]: true;
  readonly proof: Proof;
  readonly stats: VerifierStats;
  /** The kernel's log at the level asked for. */
  readonly log: string;
}

/** The verifier has refused a program: `fields` say what rule, where, and what was there. */
export class ProgRefused extends VerifierError<'VERIFIER_REFUSED'> {
  declare readonly fields: Readonly<RefusedFields & Record<string, unknown>>;
  readonly prog: LinkedProg;
  readonly stats: VerifierStats;
  private readonly again: (options: JudgeOptions & JudgeHooks) => Judgement;
  private readonly judgement: Judgement;

  /** @internal */
  constructor(
    fields: RefusedFields,
    prog: LinkedProg,
    judgement: Judgement,
    again: (options: JudgeOptions & JudgeHooks) => Judgement,
  ) {
    super('VERIFIER_REFUSED', fields);
    this.name = 'VerifierError';
    this.prog = prog;
    this.stats = judgement.stats;
    this.judgement = judgement;
    this.again = again;
  }

  /** The kernel's words. */
  get text(): string {
    return this.fields.text;
  }

  /** The kernel's log: of the level that was asked for, else the refused path's (level 1), for which the program is verified again. */
  get log(): string {
    return this.judgement.log !== '' ? this.judgement.log : this.again({ logLevel: 1 }).log;
  }

  /** @internal what the path that was refused did */
  trace(): Trace {
    let found: Trace | undefined;
    const trace = (what: Trace): void => {
      found = what;
    };
    this.again({ logLevel: 1, trace });
    if (found === undefined) throw new VerifierError('VERIFIER_INTERNAL', { prog: this.prog.name });
    return found;
  }
}

export type Verdict =
  | { readonly ok: true; readonly prog: VerifiedProg; readonly log: string; readonly stats: VerifierStats }
  | { readonly ok: false; readonly error: ProgRefused; readonly log: string; readonly stats: VerifierStats };

/** The insn's source line: the last one that starts at or before it. */
export function sourceLine(prog: LinkedProg, pc: number): LinkedLine | undefined {
  const func = prog.funcs.findLast((f) => f.start <= pc);
  return prog.lines.findLast((line) => line.pc <= pc && line.pc >= (func?.start ?? 0));
}

export function insnText(prog: LinkedProg, pc: number): string {
  const insns = decodeInsns(prog.insns);
  if (insns[pc] === undefined) return '';
  return insnLogText(insns, pc, { mapName: (i) => prog.maps[i]?.name, kfuncName: (i) => prog.kfuncs[i] });
}

const plain = (arg: bigint): number | string => (Number.isSafeInteger(Number(arg)) ? Number(arg) : arg.toString());

function refusedFields(prog: LinkedProg, refusal: Refusal): RefusedFields {
  const line = sourceLine(prog, refusal.pc);
  const unresolved = prog.poisoned?.get(refusal.pc);
  const source = line === undefined ? {} : { source: { ...line, text: line.text.trim() } };
  return {
    prog: prog.name,
    rule: ruleName(refusal.code),
    class: messageRows()[refusal.code]?.class ?? 'safety',
    text: refusal.message,
    lines: refusal.lines,
    errno: errnoName(refusal.errno),
    pc: refusal.pc,
    // libbpf's words for it.
    insn: unresolved === undefined ? insnText(prog, refusal.pc) : `<invalid CO-RE relocation>: ${unresolved}`,
    where: line === undefined ? '' : ` at ${line.file.replace(/^.*\//, '')}:${line.line}`,
    ...source,
    ...(unresolved === undefined ? {} : { unresolved }),
    args: refusal.args.map(plain),
    registers: refusal.registers,
  };
}

function verified(prog: LinkedProg, proof: Proof, stats: VerifierStats, log: string): VerifiedProg {
  return structureOf(prog, (pc) => proof.reached(pc), { [VERIFIED]: true as const, proof, stats, log });
}

export interface VerifierOptions {
  /** Take the verdict of an equal program that was accepted before in this process. Default false. */
  readonly remember?: boolean;
}

/** Judges programs one after the other. */
export class Verifier {
  private readonly remembers: boolean;

  constructor({ remember = false }: VerifierOptions = {}) {
    this.remembers = remember;
  }

  /** A log is written by a verification only. */
  private judgement(prog: LinkedProg, options: VerifyOptions): Judgement {
    const question = ask(prog, options);
    const recent = this.remembers && (options.logLevel ?? 0) === 0 ? rememberedVerdicts() : undefined;
    const known = recent?.find(question.request);
    if (known !== undefined) return { ok: true, messages: [], log: '', ...known };
    const made = withInstance((instance) => judge(instance, prog, options, question));
    const { proof, stats } = made;
    if (proof !== undefined) recent?.add(question.request, { proof, stats }, proof.byteLength);
    return made;
  }

  /** The verdict as a value. @throws VerifierError for options and program types that cannot be judged */
  judge(prog: LinkedProg, options: VerifyOptions = {}): Verdict {
    checkOptions(options);
    const judgement = this.judgement(prog, options);
    const { ok, log, stats, proof, refusal } = judgement;
    if (ok && proof !== undefined) {
      return { ok, prog: verified(prog, proof, stats, log), log, stats };
    }
    const { logSink: _, ...rest } = options;
    const again = (more: JudgeOptions & JudgeHooks): Judgement =>
      withInstance((instance) => judge(instance, prog, { ...rest, ...more }));
    const error = new ProgRefused(refusedFields(prog, refusal as Refusal), prog, judgement, again);
    return { ok: false, error, log, stats };
  }

  /** @throws VerifierError that says why the program is refused */
  verify(prog: LinkedProg, options: VerifyOptions = {}): VerifiedProg {
    const verdict = this.judge(prog, options);
    if (!verdict.ok) throw verdict.error;
    return verdict.prog;
  }
}

/** The same for one program. */
export function verify(prog: LinkedProg, options: VerifyOptions = {}): VerifiedProg {
  return new Verifier().verify(prog, options);
}

export function isRefused(error: unknown): error is ProgRefused {
  return error instanceof ProgRefused;
}
