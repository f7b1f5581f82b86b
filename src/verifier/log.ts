/** The verifier's records as the kernel's log text (level 1: the path that was refused; level 2: all that was walked). */
import { BPF_DW, BPF_IMM, BPF_LD, BPF_PSEUDO_FUNC } from '../../assembly/isa.ts';
import { InsnError } from '../errors/index.ts';
import { decodeInsns } from '../isa/decode.ts';
import { type DisasmOptions, disasmInsn } from '../isa/disasm.ts';
import type { Insn } from '../isa/insn.ts';
import type { LinkedLine, LinkedProg } from '../link/types.ts';
import * as abi from './abi.ts';
import type { VerifierInstance } from './instance.ts';
import type { LogRecord } from './log-records.ts';
import { messageText } from './messages.ts';
import { frameText, type StateNames } from './state-text.ts';

const LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW;
/** Opcode of the second slot of ld_imm64. */
const SECOND_SLOT = 0;
/** Column of what is known behind an insn, and what longer lines are rounded up to. */
const STATE_COLUMN = 40;
const COLUMN_STEP = 8;

/** Spaces between an insn's line and its state. */
function gap(line: string): string {
  const column = Math.ceil(Math.max(line.length + 1 + COLUMN_STEP / 2, STATE_COLUMN) / COLUMN_STEP) * COLUMN_STEP;
  return ' '.repeat(Math.max(1, column - line.length - 2));
}

const HEADS: Readonly<Record<number, (pc: number) => string>> = {
  [abi.LS_CALLER]: () => 'caller:\n',
  [abi.LS_CALLEE]: () => 'callee:\n',
  [abi.LS_RETURNING]: () => 'returning from callee:\n',
  [abi.LS_PRECISE]: () => '',
  [abi.LS_ROUND]: () => 'cur state:',
  [abi.LS_ROUND_BEFORE]: () => 'old state:',
  [abi.LS_RETURNED]: (pc) => `to caller at ${pc}:\n`,
};

const LOOP_WORDS: Readonly<Record<number, string>> = {
  [abi.LC_ENTER]: 'enter',
  [abi.LC_BACKEDGE]: 'backedge',
  [abi.LC_EXIT]: 'exit',
};

/** Fields that an insn may have although its opcode has no use for them: the kernel prints it as if they were 0. */
const RESERVED: readonly (readonly (keyof Insn)[])[] = [
  [],
  ['off'],
  ['src'],
  ['imm'],
  ['dst'],
  ['off', 'src'],
  ['off', 'imm'],
  ['src', 'imm'],
  ['src', 'dst'],
  ['src', 'off', 'imm', 'dst'],
];

/** An insn as the log has it, `(b7) r0 = 0`; also one that is malformed, which is what the log is for. */
export function insnLogText(insns: readonly Insn[], pc: number, options: DisasmOptions): string {
  const insn = insns[pc];
  const { opcode, src, dst, imm } = insn;
  // The address of a function is shown as what is in the insn, and numbers of 64 bits without the assembler's `ll`.
  if (opcode === LD_IMM64 && src === BPF_PSEUDO_FUNC) return `(18) r${dst} = 0x${(imm >>> 0).toString(16)}`;
  for (const fields of RESERVED) {
    const plain: Record<keyof Insn, number> = { ...insn };
    for (const field of fields) plain[field] = 0;
    try {
      return disasmInsn(plain, insns[pc + 1], pc, options).replace(/ ll$/, '');
    } catch (error) {
      if (!(error instanceof InsnError)) throw error;
    }
  }
  return `(${opcode.toString(16).padStart(2, '0')}) ???`;
}

/** The source line that each insn belongs to: the last that begins at or before it. */
function lineOfEach(prog: LinkedProg, pcs: Iterable<number>): ReadonlyMap<number, LinkedLine> {
  const lines = new Map<number, LinkedLine>();
  let next = 0;
  for (const pc of pcs) {
    while (next < prog.lines.length && prog.lines[next].pc <= pc) next++;
    if (next > 0) lines.set(pc, prog.lines[next - 1]);
  }
  return lines;
}

export class LogWriter {
  private readonly instance: VerifierInstance;
  private readonly names: StateNames;
  private readonly put: (text: string) => void;
  private readonly insns: readonly Insn[];
  private readonly options: DisasmOptions;
  /** By pc, made when first shown. */
  private readonly texts = new Map<number, string>();
  private readonly lines: ReadonlyMap<number, LinkedLine>;
  /** An insn's line that waits for what is known behind it. */
  private waiting = '';

  constructor(instance: VerifierInstance, names: StateNames, put: (text: string) => void) {
    const { prog } = names;
    this.instance = instance;
    this.names = names;
    this.put = put;
    this.insns = decodeInsns(prog.insns);
    this.options = { opcode: true, mapName: (i) => prog.maps[i]?.name, kfuncName: (i) => prog.kfuncs[i] };
    this.lines = lineOfEach(prog, this.insns.keys());
  }

  /** Ends the last line. */
  end(): void {
    if (this.waiting !== '') this.put(`${this.waiting}\n`);
    this.waiting = '';
  }

  write(record: LogRecord): void {
    if (record.kind === 'insn') this.insn(record);
    else if (record.kind === 'state') this.state(record);
    else if (record.kind === 'note' && record.what === abi.LN_RESUMED) this.resume();
    else if (record.kind === 'precise') this.precise(record);
    else if (record.kind === 'loop') this.loop(record);
    else {
      this.end();
      const text = record.kind === 'message' ? `${messageText(record.message, this.names)}\n` : this.note(record);
      if (text !== '') this.put(text);
    }
  }

  /**
   * What followed is taken back, but the end of the insn's line had become a space: so it does in the kernel's log. A may_goto's had not, as nothing is
   * said of registers behind it.
   */
  private resume(): void {
    if (this.waiting.includes('(e5)')) this.end();
    if (this.waiting !== '') this.put(`${this.waiting} `);
    this.waiting = '';
  }

  private insn({ pc, loggedPc }: LogRecord & { kind: 'insn' }): void {
    this.end();
    const line = this.lines.get(pc);
    const before = this.lines.get(loggedPc);
    // Said once for insns that follow each other, however many records their line has.
    if (line !== undefined && (line.line !== before?.line || line.file !== before.file)) {
      this.put(`; ${line.text.trimStart()} @ ${line.file.slice(line.file.lastIndexOf('/') + 1)}:${line.line}\n`);
    }
    this.waiting = `${pc}: ${this.insnText(pc)}`;
  }

  private isInsn(pc: number): boolean {
    return pc < this.insns.length && this.insns[pc].opcode !== SECOND_SLOT;
  }

  private insnText(pc: number): string {
    if (!this.isInsn(pc)) return '';
    const text = this.texts.get(pc) ?? insnLogText(this.insns, pc, this.options);
    this.texts.set(pc, text);
    return text;
  }

  private state({ why, pc, prevPc, frame }: LogRecord & { kind: 'state' }): void {
    const text = frameText(frame, this.names);
    if (why === abi.LS_INSN && this.waiting !== '') {
      this.put(`${this.waiting}${gap(this.waiting)};${text}\n`);
      this.waiting = '';
      return;
    }
    this.end();
    if (why === abi.LS_INSN) this.put(`${pc}:${text}\n`);
    else if (why === abi.LS_FROM || why === abi.LS_FROM_SPECULATIVE)
      this.put(`\nfrom ${prevPc} to ${pc}${speculative(why === abi.LS_FROM_SPECULATIVE)}:${text}\n`);
    else this.put(`${HEADS[why]?.(pc) ?? ''}${text}\n`);
  }

  private precise({ what, frame, regs, slots, words: [a, b, c] }: LogRecord & { kind: 'precise' }): void {
    // The second half of ld_imm64 is no insn.
    if (what === abi.LP_INSN && !this.isInsn(a)) return;
    this.end();
    const head = `mark_precise: frame${frame}:`;
    const wanted = `regs=${regNames(regs)} stack=${slotNames(slots)}`;
    // The kernel ends the line with a space.
    if (what === abi.LP_STATE) this.put(`${head} last_idx ${a} first_idx ${b} subseq_idx ${c} \n`);
    else if (what === abi.LP_ALL) this.put(`${head} falling back to forcing all scalars precise\n`);
    else if (what === abi.LP_PROPAGATE) {
      const slot = (i: number): string => `fp-${8 * (i + 1)}`;
      const names = [...bits(BigInt(regs)).map((i) => `r${i}`), ...bits(slots).map(slot)];
      this.put(`frame ${frame}: propagating ${names.join(',')}\n`);
    } else if (what === abi.LP_INSN) this.put(`${head} ${wanted} before ${a}: ${this.insnText(a)}\n`);
    else this.put(`${head} parent state ${wanted}: `);
  }

  private loop({ what, scc, calls }: LogRecord & { kind: 'loop' }): void {
    this.end();
    // A call at insn 0 is not named by the kernel.
    const chain = [...calls.filter((pc) => pc !== 0), scc];
    this.put(`SCC ${LOOP_WORDS[what]} (${chain.join(',')})\n`);
  }

  private note({ what, words: [a, b, c] }: LogRecord & { kind: 'note' }): string {
    const name = this.names.prog.funcs[a]?.name ?? '';
    switch (what) {
      case abi.LN_SAFE:
        return c === 0 ? `${a}: safe\n` : `\nfrom ${b | 0} to ${a}${speculative(c === 2)}: safe\n`;
      case abi.LN_VALIDATING:
        return `Validating ${name}() func#${a}...\n`;
      case abi.LN_VALIDATED:
        return `Func#${a} ('${name}') is safe for any args that match its prototype\n`;
      case abi.LN_ASSUMED:
        return `Func#${a} ('${name}') is global and assumed valid.\n`;
      case abi.LN_FUNC:
        return `func#${a} @${b}\n`;
      case abi.LN_LIVE_REGS:
        return this.liveRegs(a);
      default:
        return '';
    }
  }

  /** A dot for each register that is not read again, and the number of the loop an insn is in. */
  private liveRegs(aux: number): string {
    const { view } = this.instance;
    let text = 'Live regs before insn:\n';
    for (let pc = 0; pc < this.insns.length; pc++) {
      if (!this.isInsn(pc)) continue;
      const at = aux + pc * abi.AUX_SIZE;
      const scc = view.getUint32(at + abi.AUX_SCC, true);
      const live = view.getUint32(at + abi.AUX_LIVE_REGS, true);
      const regs = Array.from({ length: 10 }, (_, i) => ((live & (1 << i)) !== 0 ? String(i) : '.')).join('');
      text += `${(scc === 0 ? '' : String(scc)).padStart(3)} ${String(pc).padStart(3)}: ${regs} ${this.insnText(pc)}\n`;
    }
    return text;
  }
}

const bits = (mask: bigint): number[] =>
  Array.from({ length: 64 }, (_, i) => i).filter((i) => ((mask >> BigInt(i)) & 1n) !== 0n);
const regNames = (mask: number): string =>
  bits(BigInt(mask))
    .map((i) => `r${i}`)
    .join(',');
const slotNames = (mask: bigint): string =>
  bits(mask)
    .map((i) => `-${8 * (i + 1)}`)
    .join(',');

const speculative = (is: boolean): string => (is ? ' (speculative execution)' : '');

/** Keeps the end of a text that may grow without bound, as the kernel's rolling log does. */
export class RollingText {
  private readonly limit: number;
  private readonly pieces: string[] = [];
  private first = 0;
  private size = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  readonly add = (piece: string): void => {
    this.pieces.push(piece);
    this.size += piece.length;
    while (this.size - this.pieces[this.first].length >= this.limit) this.size -= this.pieces[this.first++].length;
    if (this.first > 4096 && this.first > this.pieces.length / 2) {
      this.pieces.splice(0, this.first);
      this.first = 0;
    }
  };

  get text(): string {
    const all = this.pieces.slice(this.first).join('');
    return all.length > this.limit ? all.slice(all.length - this.limit) : all;
  }
}
