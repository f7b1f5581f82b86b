/** `bpf2wasm verify`: what Linux would say of the programs of an object, and why. */
import { BpfError } from '../errors/index.ts';
import { link } from '../link/link.ts';
import { findProg } from '../object/edit.ts';
import type { BpfObject, ProgSpec } from '../object/types.ts';
import { explain } from '../verifier/explain.ts';
import type { VerifierStats } from '../verifier/stats.ts';
import { type Verdict, Verifier, type VerifyOptions } from '../verifier/verify.ts';
import { type Args, parseCommandLine, positionals } from './args.ts';
import { needsTarget, targetBtf } from './btf.ts';
import { describeError, type ErrorData, EXIT, EXIT_HELP, type ExitCode } from './errors.ts';
import { readObject } from './files.ts';
import { print, printJson } from './output.ts';
import { giveTypes, requireProgs, TYPE_HELP } from './prog-type.ts';
import { verdictLines } from './verify-text.ts';

const VERIFY_HELP = `Usage: bpf2wasm verify <object> [options]

Judges the programs of an object as Linux 6.18 does, without loading them anywhere. Exit status 1 when one is refused.
Programs of types that are not for packets are skipped.

  --prog NAME            only this program (may be given again); all unless given
  --log-level N          print the verifier's log: 1 the path that was refused, 2 all that was walked; 4 more: time and stack depth
  --explain              say where in the source, by which way, and what check is missing
  --unprivileged         the rules for users without CAP_BPF
${TYPE_HELP}
  --btf kernel|FILE      the kernel's types that CO-RE relocations and reads of kernel structs are held against: the running
                         kernel's (default for objects with CO-RE relocations, where it is readable), or a file's
  --btf none             the object's own types
  --strict-alignment     refuse misaligned accesses
  --limit-insns N        insns a program may have: 4096 gives the limits of Linux before 5.2
  --json                 print it as JSON: { programs: [{ file, program, verdict, stats?, error?, log?, explanation? }] }
  -h, --help

${EXIT_HELP}
`;

const OPTIONS = {
  prog: { type: 'string', multiple: true },
  'log-level': { type: 'string' },
  explain: { type: 'boolean' },
  unprivileged: { type: 'boolean' },
  btf: { type: 'string' },
  type: { type: 'string' },
  'strict-alignment': { type: 'boolean' },
  'limit-insns': { type: 'string' },
} as const;

export interface ProgVerdict {
  readonly file: string;
  readonly program: string;
  /** `skipped`: of a type that is not for packets, which is not judged. */
  readonly verdict: 'success' | 'failure' | 'skipped';
  /** Undefined where the program could not be linked or judged. */
  readonly stats?: VerifierStats;
  readonly error?: ErrorData;
  readonly log?: string;
  readonly explanation?: ReturnType<typeof explain>;
}

function optionsOf(args: Args): VerifyOptions {
  const insns = args.integer('limit-insns', 1, 0xffff_ffff);
  return {
    unprivileged: args.flag('unprivileged'),
    strictAlignment: args.flag('strict-alignment'),
    logLevel: args.integer('log-level', 0, 7) ?? 0,
    ...(insns === undefined ? {} : { limits: { insns } }),
  };
}

export async function verifyCommand(argv: readonly string[]): Promise<ExitCode> {
  const args = parseCommandLine(argv, OPTIONS);
  if (args.flag('help')) {
    await print(VERIFY_HELP);
    return EXIT.ok;
  }
  const [file] = positionals(args, ['object']);
  const options = optionsOf(args);
  const object = readObject(file);
  requireProgs(object);
  giveTypes(object, args);
  const btf = targetBtf(args.text('btf') ?? (needsTarget(object) ? 'kernel-if-readable' : 'none'));
  const wanted = args.list('prog').map((name) => findProg(object, name));
  const verifier = new Verifier();
  const how = { options: btf === undefined ? options : { ...options, btf }, explain: args.flag('explain') };
  const verdicts = (wanted.length > 0 ? wanted : object.progs).map((spec): ProgVerdict => {
    const own = { file, program: spec.name };
    return { ...own, ...judgeProg(verifier, object, spec, how) };
  });
  if (args.flag('json')) await printJson({ programs: verdicts });
  else await print(verdictLines(verdicts).join('\n'));
  // What is skipped says nothing against the object, but something must have been judged.
  const judged = verdicts.filter(({ verdict }) => verdict !== 'skipped');
  return judged.length > 0 && judged.every(({ verdict }) => verdict === 'success') ? EXIT.ok : EXIT.input;
}

interface How {
  readonly options: VerifyOptions;
  readonly explain: boolean;
}

function judgeProg(
  verifier: Verifier,
  object: BpfObject,
  spec: ProgSpec,
  how: How,
): Omit<ProgVerdict, 'file' | 'program'> {
  try {
    const { btf } = how.options;
    const prog = link(object, spec, btf === undefined ? {} : { core: btf });
    return verdictOf(verifier.judge(prog, how.options), how);
  } catch (error) {
    if (error instanceof BpfError) {
      const verdict = error.code === 'VERIFIER_PROG_TYPE' ? 'skipped' : 'failure';
      return { verdict, error: describeError(error).data };
    }
    throw error;
  }
}

function verdictOf(verdict: Verdict, how: How): Omit<ProgVerdict, 'file' | 'program'> {
  const { stats } = verdict;
  const log = verdict.log === '' ? {} : { log: verdict.log };
  if (verdict.ok) return { verdict: 'success', stats, ...log };
  const explanation = how.explain ? { explanation: explain(verdict.error) } : {};
  return { verdict: 'failure', stats, error: describeError(verdict.error).data, ...log, ...explanation };
}
