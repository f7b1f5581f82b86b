// What the verifier's bench judges: generated programs (programs.ts) and compiled ones.

import { link } from '../../src/link/link.ts';
import type { LinkedProg } from '../../src/link/types.ts';
import { loadObject } from '../../src/object/load.ts';
import { buildCase } from '../../test/verifier/asm.ts';
import { readProjectFile } from '../project.ts';
import { TEXTS } from './programs.ts';

export interface VerifierBenchCase {
  readonly name: string;
  readonly build: () => BuiltProg;
}

export interface BuiltProg {
  readonly prog: LinkedProg;
  /** BTF of the functions that the kernel wants to know; compiled programs go without. */
  readonly btf: Uint8Array | undefined;
}

const compiled = (name: string, object: string, prog: string): VerifierBenchCase => ({
  name,
  build: () => {
    const file = loadObject(readProjectFile(object));
    const spec = file.progs.find((one) => one.name === prog);
    if (spec === undefined) throw new Error(`${object} has no program ${prog}`);
    return { prog: link(file, spec), btf: undefined };
  },
});

export const VERIFIER_CASES: readonly VerifierBenchCase[] = [
  ...TEXTS.map((text) => ({ name: text.name, build: () => buildCase({ ...text, verdict: 'accept' }) })),
  compiled('parser', 'bench/programs/parser.o', 'parser'),
  compiled('checksum', 'bench/programs/checksum.o', 'checksum'),
  compiled('siphash', 'bench/programs/siphash.o', 'siphash'),
  compiled('jhash', 'bench/programs/jhash.o', 'jhash'),
];

/** @throws Error when there is none */
export function verifierCase(name: string): VerifierBenchCase {
  const found = VERIFIER_CASES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no case is named ${name}`);
  return found;
}
