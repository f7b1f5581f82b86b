/** `bpf2wasm run`: one packet through a program, in the words of `bpftool prog run`. */

import { XDP_LINEAR_MAX } from '../../assembly/abi.ts';
import { repeatPacket } from '../replay/repeat.ts';
import type { RunOptions, RunResult } from '../runtime/prog.ts';
import { describeViolation, type Violation } from '../runtime/trap.ts';
import { type Args, parseCommandLine, positionals } from './args.ts';
import { EXIT, EXIT_HELP, type ExitCode, UsageError } from './errors.ts';
import { EventPrinter } from './events.ts';
import { bytesArgument, checkOutput, writeOutput } from './files.ts';
import { dumpMaps, mapLines } from './maps.ts';
import { hexDump, plural, print, printJson, printLines } from './output.ts';
import { type CtxIn, encodeCtx, parseCtx } from './run-ctx.ts';
import { openSession, SESSION_HELP, SESSION_OPTIONS, type Session } from './session.ts';
import { SET_HELP } from './set.ts';

const RUN_HELP = `Usage: bpf2wasm run <object> --prog NAME --data FILE|HEX [options]

Runs a program on one packet, as 'bpftool prog run' and BPF_PROG_TEST_RUN do.

  --prog NAME            the program
  --data FILE|HEX        data_in: the packet; hex may have a 0x or hex: in front, and blanks or colons between; - reads standard input
  --data_out FILE        write the packet as the program left it (metadata first)
  --data_size_out N      room for data_out: more is an error
  --ctx FILE|HEX         ctx_in: struct xdp_md with data = bytes of metadata in front of the packet, data_end = size of data_in, or less: what is
                         behind it is in fragments
  --linear BYTES         most bytes of the packet in front of its fragments; xdp.frags programs: 3520, others: the packet is in one piece
  --ctx_out FILE         write struct xdp_md afterwards
  --repeat N             run it N times, each on a copy of the packet; data_out is the last one's
${SET_HELP}
${SESSION_HELP}
  --json                 print it as JSON: { prog, retval, verdict, duration, repeat, data_in, data_out, ctx_out, redirect?, violation?,
                         violations, trace?, events?, maps? }
  -h, --help

Errors are one line on standard error; with --json, { error: { stage, code, message, fields } } on standard output besides.

${EXIT_HELP}
`;

const OPTIONS = {
  ...SESSION_OPTIONS,
  data: { type: 'string' },
  data_in: { type: 'string' },
  data_out: { type: 'string' },
  data_size_out: { type: 'string' },
  ctx: { type: 'string' },
  ctx_in: { type: 'string' },
  ctx_out: { type: 'string' },
  linear: { type: 'string' },
  repeat: { type: 'string' },
} as const;

interface Outcome {
  readonly result: RunResult;
  readonly dataIn: Uint8Array;
  /** Metadata, then the packet. */
  readonly dataOut: Uint8Array;
  readonly ctxOut: Uint8Array;
  readonly durationNs: number;
  readonly repeat: number;
  readonly violations: number;
  readonly violation?: Violation;
}

const NO_CTX: CtxIn = { metadata: 0, ingressIfindex: 0, rxQueueIndex: 0 };

export async function runCommand(argv: readonly string[]): Promise<ExitCode> {
  const args = parseCommandLine(argv, OPTIONS);
  if (args.flag('help')) {
    await print(RUN_HELP);
    return EXIT.ok;
  }
  const [path] = positionals(args, ['object']);
  args.needed('prog', 'the name of the program to run');
  const dataIn = bytesArgument('data', args.text('data') ?? args.text('data_in') ?? args.needed('data', 'the packet'));
  const ctxText = args.text('ctx') ?? args.text('ctx_in');
  const ctx = ctxText === undefined ? NO_CTX : parseCtx(bytesArgument('ctx', ctxText), dataIn.length);
  const repeat = args.integer('repeat', 1, 1_000_000_000) ?? 1;
  const linear = args.integer('linear', 0, XDP_LINEAR_MAX);
  const sizeOut = args.integer('data_size_out', 0, 0x7fffffff);
  for (const option of ['data_out', 'ctx_out']) checkOutput(option, args.text(option), [path]);
  const session = await openSession(path, args);
  try {
    const events = new EventPrinter(session.loaded, args);
    const outcome = runPacket(session, dataIn, linear === undefined ? ctx : { ...ctx, linear }, repeat);
    await events.take();
    await show(session, args, outcome, events);
    saveOutputs(args, outcome, sizeOut);
    return outcome.violations > 0 ? EXIT.violation : EXIT.ok;
  } finally {
    session.engine.close();
  }
}

function runPacket({ engine, prog }: Session, dataIn: Uint8Array, ctx: CtxIn, repeat: number): Outcome {
  const { metadata, ingressIfindex, rxQueueIndex } = ctx;
  const packet = dataIn.subarray(metadata);
  const split = ctx.linear === undefined ? {} : { linear: ctx.linear };
  const options: RunOptions = {
    metadata: dataIn.subarray(0, metadata),
    ctx: { ingressIfindex, rxQueueIndex },
    ...split,
  };
  // Batches measure what is measured worst one by one. They know no metadata, no queue and no struct __sk_buff.
  const batched = repeat > 1 && metadata === 0 && rxQueueIndex === 0 && prog.type === 'xdp';
  const many = batched
    ? repeatPacket(engine, prog, packet, { times: repeat - 1, ingressIfindex, ...split })
    : undefined;
  const result = prog.run(packet, batched ? options : { ...options, repeat });
  const dataOut = new Uint8Array(result.metadata.length + result.packet.length);
  dataOut.set(result.metadata);
  dataOut.set(result.packet, result.metadata.length);
  const inFragments = result.packet.length - (result.linear ?? result.packet.length);
  const violation = result.violation ?? many?.violation;
  return {
    result,
    dataIn,
    dataOut,
    ctxOut: encodeCtx({ ...ctx, metadata: result.metadata.length }, dataOut.length - inFragments),
    durationNs: many?.durationNs ?? result.durationNs,
    repeat,
    violations: (many?.violations ?? 0) + (result.violation === undefined ? 0 : 1),
    ...(violation !== undefined && { violation }),
  };
}

function saveOutputs(args: Args, { dataOut, ctxOut }: Outcome, sizeOut: number | undefined): void {
  const [dataPath, ctxPath] = [args.text('data_out'), args.text('ctx_out')];
  if (dataPath !== undefined) writeOutput(dataPath, dataOut.subarray(0, sizeOut));
  if (ctxPath !== undefined) writeOutput(ctxPath, ctxOut);
  if (sizeOut !== undefined && sizeOut < dataOut.length) {
    throw new UsageError(`--data_size_out: data_out has ${dataOut.length} bytes, not ${sizeOut}: ENOSPC`, 'USAGE_SIZE');
  }
}

async function show(session: Session, args: Args, outcome: Outcome, events: EventPrinter): Promise<void> {
  events.complain('--repeat');
  const trace = args.flag('trace') ? session.engine.trace.drain() : undefined;
  if (args.flag('json')) {
    await printJson({
      ...jsonOf(session.prog.name, outcome),
      ...(trace !== undefined && { trace }),
      ...events.json(),
      ...(args.flag('maps') && { maps: dumpMaps(session.loaded) }),
    });
    return;
  }
  if (trace !== undefined) await printLines(trace);
  await printLines(textOf(outcome));
  if (args.flag('maps')) await printLines(['', ...mapLines(session.loaded)]);
}

function jsonOf(prog: string, outcome: Outcome): Record<string, unknown> {
  const { result, violation } = outcome;
  return {
    prog,
    retval: result.returnValue,
    verdict: result.verdict,
    duration: Math.round(outcome.durationNs),
    repeat: outcome.repeat,
    data_in: outcome.dataIn,
    data_out: outcome.dataOut,
    ctx_out: outcome.ctxOut,
    ...(result.redirect !== undefined && { redirect: result.redirect }),
    violations: outcome.violations,
    ...(violation !== undefined && { violation: { ...violation, message: describeViolation(violation) } }),
  };
}

function textOf({ result, dataIn, dataOut, durationNs, repeat, violations, violation }: Outcome): string[] {
  const { redirect, metadata } = result;
  const target = redirect === undefined ? '' : ` to ifindex ${redirect.ifindex}`;
  const runs = repeat > 1 ? ` of ${plural(repeat, 'run')}` : '';
  const same = dataIn.length === dataOut.length && dataIn.every((byte, i) => byte === dataOut[i]);
  const meta = metadata.length > 0 ? `, ${metadata.length} of them metadata` : '';
  return [
    `return value: ${result.returnValue} (${result.verdict}${target}), duration (average${runs}): ${Math.round(durationNs)}ns`,
    ...(violation === undefined ? [] : [`${plural(violations, 'violation')}: ${describeViolation(violation)}`]),
    `data_in: ${plural(dataIn.length, 'byte')}; data_out: ${plural(dataOut.length, 'byte')}${meta}${same ? ', unchanged' : ''}`,
    ...hexDump(dataOut),
  ];
}
