/** Beyond the kernel's log: where in the source a program was refused, by which way it came there, what the register held and why, what check is missing. */

import type { LinkedLine, LinkedProg } from '../link/types.ts';
import { BASE_MASK, PTR_TO_PACKET, PTR_TO_PACKET_META } from './abi.ts';
import { type Advice, adviceFor } from './explain-advice.ts';
import { branchesOf, historyOf, type Step, stepsOf } from './explain-path.ts';
import { inWords } from './explain-words.ts';
import type { StateNames } from './state-text.ts';
import { helperRow, isPacketType } from './tables/helpers.ts';
import { insnText, type ProgRefused, sourceLine } from './verify.ts';

export interface Place {
  readonly pc: number;
  readonly insn: string;
  /** Function it is in. */
  readonly func: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** The source line. */
  readonly source?: string;
}

export interface Explanation {
  /** The kernel's words. */
  readonly summary: string;
  readonly at: Place;
  /** The expression that the source line's column points to. */
  readonly expression?: string;
  /** The register the message is about, and what it holds, in words. */
  readonly register?: { readonly name: string; readonly holds: string };
  /** Where its value was made, oldest first. */
  readonly history: readonly (Place & { readonly holds: string })[];
  /** Conditional jumps on the way, in order. */
  readonly path: readonly (Place & { readonly taken: boolean })[];
  /** What check is missing. */
  readonly missing: string;
  /** C that adds it. */
  readonly fix?: string;
  /** All of it as text. */
  readonly text: string;
}

function placeOf(prog: LinkedProg, pc: number): Place {
  const line = sourceLine(prog, pc);
  const func = prog.funcs.findLast((f) => f.start <= pc)?.name ?? prog.name;
  const where =
    line === undefined ? {} : { file: line.file, line: line.line, column: line.column, source: line.text.trim() };
  return { pc, insn: insnText(prog, pc), func, ...where };
}

const EXPRESSION = /[A-Za-z_]\w*(?:(?:->|\.)[A-Za-z_]\w*|\[[^\]]*\])*/g;

/** The names in the source line at or behind its column. */
function expressionAt(line: LinkedLine | undefined): string | undefined {
  if (line === undefined) return undefined;
  const from = Math.max(0, line.column - 1);
  const all = [...line.text.matchAll(EXPRESSION)].filter(
    // Not what is cast to: `(__u8 *)`.
    ({ 0: text, index }) =>
      !/^(if|for|while|return|sizeof|else|struct|union|enum|unsigned|void|char|int|long|short)$/.test(text) &&
      !/^\s*\*+\s*\)/.test(line.text.slice((index ?? 0) + text.length)),
  );
  const found = all.find((m) => (m.index ?? 0) + m[0].length > from && /->|\.|\[/.test(m[0]));
  return (found ?? all.find((m) => (m.index ?? 0) >= from) ?? all[0])?.[0];
}

/** `eth` of `eth->h_proto`. */
function baseName(expression = 'ptr'): string {
  return /^\w+/.exec(expression)?.[0] ?? expression;
}

/** `table` and `i` of `table[i]`. */
function indexOf(expression = ''): { readonly array: string; readonly index: string } | undefined {
  const [, array, index] = /^(.*)\[([^\]]+)\]/.exec(expression) ?? [];
  return array === undefined || index === undefined ? undefined : { array, index };
}

const GIVE_UP: Readonly<Record<string, string>> = {
  xdp: 'return XDP_PASS;',
  sched_cls: 'return TC_ACT_OK;',
  sched_act: 'return TC_ACT_OK;',
};

/** The register that the message names, else the one that the insn reads through. */
function blamed(text: string): number | undefined {
  const named = /\bR(\d+)\b/.exec(text)?.[1];
  return named === undefined ? undefined : Number(named);
}

const PATH_MAX = 16;

/** Explains a refusal; the program is verified again for its path. */
export function explain(error: ProgRefused): Explanation {
  const { prog } = error;
  const { records, registers, names } = error.trace();
  const steps = stepsOf(prog, records);
  const { fields } = error;
  const line = sourceLine(prog, fields.pc);
  const expression = expressionAt(line);
  const words = fields.lines.join('\n');
  const reg = blamed(words);
  const advice =
    fields.unresolved !== undefined
      ? missingInKernel(fields.unresolved)
      : adviceFor(
          {
            ...{ text: words, prog, name: baseName(expression), index: indexOf(expression) },
            isMember: /->|\./.test(expression ?? ''),
            giveUp: GIVE_UP[prog.type] ?? 'return 0;',
            at: (pc) => where(placeOf(prog, pc)),
          },
          fields.class,
        );
  const moved = reg === undefined || !/invalid mem access 'scalar'/.test(words) ? undefined : movedBy(prog, steps, reg);
  const stale = moved === undefined ? undefined : staleAdvice(placeOf(prog, moved));
  const known = reg === undefined ? undefined : registers.get(reg);
  const parts = {
    summary: fields.text,
    at: { ...placeOf(prog, fields.pc), insn: fields.insn },
    ...(expression === undefined ? {} : { expression }),
    ...(known === undefined ? {} : { register: { name: `R${reg}`, holds: inWords(known, names) } }),
    history: reg === undefined ? [] : historyPlaces(prog, steps, reg, names),
    path: branchesOf(steps)
      .slice(-PATH_MAX)
      .map(({ pc, taken }) => ({ ...placeOf(prog, pc), taken })),
    ...(stale ?? advice),
  };
  return { ...parts, text: explanationText(parts) };
}

function missingInKernel(relocation: string): Advice {
  return {
    missing: `The target kernel's types have nothing for ${relocation}. Ask first whether it is there, or verify against the BTF of another kernel.`,
    fix: 'if (bpf_core_field_exists(ptr->field))  // bpf_core_type_exists(T), bpf_core_enum_value_exists(E, V)',
  };
}

/** The last call that made packet pointers stale, where the register was one before it. */
function movedBy(prog: LinkedProg, steps: readonly Step[], reg: number): number | undefined {
  let isPacket = false;
  let moved: number | undefined;
  for (const step of steps) {
    const { op } = step;
    const row = op?.kind === 'call' && isPacketType(prog.type) ? helperRow(op.helper, prog.type) : undefined;
    if (isPacket && row?.flags.has('moves') === true) moved = step.pc;
    const view = step.after.get(reg);
    if (view === undefined || step.pc === moved) continue;
    const base = view.type & BASE_MASK;
    isPacket = base === PTR_TO_PACKET || base === PTR_TO_PACKET_META;
    if (isPacket) moved = undefined;
  }
  return moved;
}

function staleAdvice(call: Place): Advice {
  return {
    missing: `The register held a pointer into the packet until ${where(call)}, which may move the packet: pointers taken before are no pointers any more. Read ctx->data and ctx->data_end again behind it, and compare again.`,
    fix: 'data = (void *)(long)ctx->data;\ndata_end = (void *)(long)ctx->data_end;',
  };
}

function historyPlaces(prog: LinkedProg, steps: readonly Step[], reg: number, names: StateNames) {
  return historyOf(steps, reg)
    .map(({ step, reg: at }) => {
      const view = step.after.get(at);
      return { ...placeOf(prog, step.pc), holds: view === undefined ? '' : inWords(view, names) };
    })
    .reverse();
}

function where(place: Place): string {
  const source = place.source === undefined ? place.insn : place.source;
  return place.line === undefined ? `insn ${place.pc}: ${source}` : `line ${place.line}: ${source}`;
}

export function explanationText(e: Omit<Explanation, 'text'>): string {
  const { at } = e;
  const lines = [e.summary.split('\n').join('\n  '), ''];
  if (at.line !== undefined) {
    lines.push(`  ${at.file}:${at.line}:${at.column} in ${at.func}()`, `    ${at.source}`);
  }
  lines.push(`  insn ${at.pc}: ${at.insn}`);
  if (e.expression !== undefined) lines.push(`  the expression is ${e.expression}`);
  if (e.register !== undefined) lines.push(`  ${e.register.name} is ${e.register.holds}`);
  if (e.history.length > 0) lines.push('', 'How it came to hold that:');
  for (const step of e.history) lines.push(`  ${where(step)}${step.holds === '' ? '' : `\n      ${step.holds}`}`);
  if (e.path.length > 0) lines.push('', 'The way there:');
  for (const step of e.path)
    lines.push(`  ${where(step)}\n      ${step.insn} (insn ${step.pc}) ${step.taken ? 'jumped' : 'did not jump'}`);
  lines.push('', 'What is missing:', `  ${e.missing}`);
  if (e.fix !== undefined) lines.push('', ...e.fix.split('\n').map((l) => `    ${l}`));
  return `${lines.join('\n')}\n`;
}
