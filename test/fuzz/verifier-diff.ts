// One generated program asked of ours and of the kernel, the kinds of disagreement, and the shrinker that makes a YAML case of one.

import { parseBtf } from '../../src/btf/parse.ts';
import { decodeInsns } from '../../src/isa/decode.ts';
import { disassemble } from '../../src/isa/disasm.ts';
import type { LinkedProg } from '../../src/link/types.ts';
import { VerifierInstance } from '../../src/verifier/instance.ts';
import { progTypeRow } from '../../src/verifier/tables/prog-types.ts';
import { closeFd } from '../kernel/bpf.ts';
import { type Answer, ourAnswer, possibleCpus } from '../verifier/answer.ts';
import { caseMap, funcStarts } from '../verifier/asm.ts';
import { type CaseBtf, caseBtf } from '../verifier/case-btf.ts';
import { Kernel } from '../verifier/kernel.ts';
import { encodeLines, FUZZ_MAP_NAMES, FUZZ_MAPS, type Generated, isLabel, type Line } from './verifier-item.ts';

/**
 * `unsound`: accepted here only. `strict`: refused here only. `message`: refused for another reason. `processed`: the same answer after
 * another number of insns. `kernel`: refused by what the kernel itself calls its bug. `unlogged`: the kernel refuses without a word, so not for what the verifier saw.
 */
export type DiffClass = 'same' | 'unsound' | 'strict' | 'message' | 'processed' | 'unlogged' | 'kernel' | 'crash';

export interface Diff {
  readonly class: DiffClass;
  /** Disagreements of one cause mostly have the same text. */
  readonly group: string;
  readonly ours: Answer | undefined;
  readonly kernel: Answer;
}

const shape = (message: string): string =>
  message
    .replace(/0x[0-9a-f]+|-?\d+/g, 'N')
    .replace(/\([^)]*\)/g, '()')
    .slice(0, 160);

export const SPECS = FUZZ_MAP_NAMES.map((name) => caseMap(name, FUZZ_MAPS[name]));

export class Differ {
  readonly kernel = new Kernel();
  private readonly cpus = possibleCpus();
  private instance = new VerifierInstance();
  private readonly btfs = new Map<string, CaseBtf & { readonly parsed: NonNullable<LinkedProg['btf']> }>();

  prog(generated: Generated): { prog: LinkedProg; btf: Uint8Array | undefined } {
    const insns = encodeLines(generated.lines);
    const starts = funcStarts(decodeInsns(insns));
    const funcs = starts.map((start, i) => {
      return { name: i === 0 ? 'main' : `sub${i}`, start, end: starts[i + 1] ?? insns.length / 8 };
    });
    const bare = {
      ...{ name: 'fuzz', section: generated.type, type: generated.type, expectedAttachType: -1, gplCompatible: true },
      ...{ insns, maps: generated.maps ?? SPECS, kfuncs: [], lines: [] },
    };
    if (funcs.length === 1) return { prog: { ...bare, funcs }, btf: undefined };
    const { bytes, parsed, funcs: ids } = this.btf(funcs.length, generated.type);
    const withIds = funcs.map((func, i) => ({ ...func, btfId: ids[i] as number }));
    return { prog: { ...bare, funcs: withIds, btf: parsed }, btf: bytes };
  }

  private btf(count: number, type: Generated['type']): CaseBtf & { readonly parsed: NonNullable<LinkedProg['btf']> } {
    const key = `${count} ${type}`;
    const known = this.btfs.get(key);
    if (known !== undefined) return known;
    const names = Array.from({ length: count }, (_, i) => (i === 0 ? 'main' : `sub${i}`));
    const made = caseBtf(names, {}, {}, progTypeRow(type)?.ctx ?? '');
    const both = { ...made, parsed: parseBtf(made.bytes) };
    this.btfs.set(key, both);
    return both;
  }

  /** Our answer; undefined, and a new instance, when the module crashed. */
  ours(generated: Generated, prog: LinkedProg): Answer | undefined {
    try {
      return ourAnswer(this.instance, prog, { testStateFreq: generated.testStateFreq, cpus: this.cpus });
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
      this.instance = new VerifierInstance();
      return undefined;
    }
  }

  compare(generated: Generated): Diff {
    const { diff, fd } = this.load(generated);
    if (fd !== undefined) closeFd(fd);
    return diff;
  }

  /** The difference, the program, and its fd where the kernel takes it, which the caller closes. */
  load(generated: Generated): { readonly diff: Diff; readonly prog: LinkedProg; readonly fd?: number } {
    const { prog, btf } = this.prog(generated);
    const ours = this.ours(generated, prog);
    const flags = generated.testStateFreq ? (['test_state_freq'] as const) : [];
    const { answer, fd } = this.kernel.load({ prog, btf, flags });
    return { diff: classify(ours, answer), prog, ...(fd === undefined ? {} : { fd }) };
  }

  close(): void {
    this.kernel.close();
  }
}

function classify(ours: Answer | undefined, kernel: Answer): Diff {
  if (ours === undefined) return { class: 'crash', group: 'crash', ours, kernel };
  const both = { ours, kernel };
  if (ours.verdict !== kernel.verdict) {
    if (kernel.verdict === 'accept') return { class: 'strict', group: shape(ours.message), ...both };
    if (/^verifier bug: /m.test(kernel.message)) return { class: 'kernel', group: shape(kernel.message), ...both };
    const unlogged = kernel.message === '';
    return {
      class: unlogged ? 'unlogged' : 'unsound',
      group: unlogged ? `${kernel.errno}` : shape(kernel.message),
      ...both,
    };
  }
  if (ours.message !== kernel.message) {
    return { class: 'message', group: `${shape(kernel.message)} <> ${shape(ours.message)}`, ...both };
  }
  if (kernel.processed !== undefined && ours.processed !== kernel.processed) {
    const sign = (ours.processed ?? 0) < kernel.processed ? 'fewer' : 'more';
    return { class: 'processed', group: `${sign} ${kernel.verdict}`, ...both };
  }
  return { class: 'same', group: '', ...both };
}

/** The smallest program found that still disagrees in the same way. */
export function shrink(differ: Differ, generated: Generated, wanted: Diff): Generated {
  let best = generated;
  const still = (lines: readonly Line[]): boolean => {
    const trial = { ...best, lines };
    const found = differ.compare(trial);
    if (found.class !== wanted.class || found.group !== wanted.group) return false;
    best = trial;
    return true;
  };
  for (let size = Math.max(1, best.lines.length >> 1); size >= 1; size >>= 1) {
    for (let at = best.lines.length - size; at >= 0; at -= size) {
      const { lines } = best;
      if (at + size <= lines.length) still([...lines.slice(0, at), ...lines.slice(at + size)]);
    }
  }
  for (let at = best.lines.length - 1; at >= 0; at--) {
    const { lines } = best;
    if (at < lines.length) still([...lines.slice(0, at), ...lines.slice(at + 1)]);
  }
  return best;
}

const indent = (text: string): string => text.replace(/^/gm, '      ');

/** The program as a case of test/verifier, with the kernel's answer. */
export function asCase(generated: Generated, diff: Diff, name: string): string {
  const insns = encodeLines(generated.lines);
  let text: string;
  try {
    const mapName = (map: number): string =>
      (generated.maps === undefined ? FUZZ_MAP_NAMES[map] : generated.maps[map]?.name) ?? `#${map}`;
    text = disassemble(decodeInsns(insns), { labels: true, mapName });
  } catch {
    text = generated.lines.map((line) => (isLabel(line) ? `l${line.label}:` : JSON.stringify(line))).join('\n');
  }
  const { verdict, message, processed } = diff.kernel;
  const flags = generated.testStateFreq ? '    flags: [test_state_freq]\n' : '';
  const said = message === '' ? '' : `    message: ${JSON.stringify(message)}\n`;
  const count = processed === undefined ? '' : `    processed: ${processed}\n`;
  return `  - name: ${name}\n    type: ${generated.type}\n${flags}    insns: |\n${indent(text)}\n    verdict: ${verdict}\n${said}${count}`;
}
