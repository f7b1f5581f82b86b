/** `bpf2wasm replay`: a capture through a program. */
import { MAX_CPUS, XDP_LINEAR_MAX } from '../../assembly/abi.ts';
import { replayFile } from '../platform/node.ts';
import { PcapWriter } from '../replay/pcap-writer.ts';
import type { ReplayOptions, Report } from '../replay/replay.ts';
import { type Args, parseCommandLine, positionals } from './args.ts';
import { EXIT, EXIT_HELP, type ExitCode } from './errors.ts';
import { EventPrinter } from './events.ts';
import { about, checkOutput, OutputFile } from './files.ts';
import { dumpMaps, mapLines } from './maps.ts';
import { print, printJson, printLines } from './output.ts';
import { ProgressLine } from './progress.ts';
import { reportLines } from './report-text.ts';
import { openSession, SESSION_HELP, SESSION_OPTIONS, type Session } from './session.ts';
import { SET_HELP } from './set.ts';

export const REPLAY_HELP = `Usage: bpf2wasm replay <object> <capture|-> [options]

Runs the packets of a pcap or pcapng capture through an XDP program; - reads standard input.

  --prog NAME            the program packets enter; by default the one that no other one reaches by a tail call
${SET_HELP}
  --loop N               replay the capture N times
  --out FILE             write the packets with verdict XDP_PASS, XDP_TX or XDP_REDIRECT to a pcap file, as the program left them
  --ifindex N            ctx->ingress_ifindex (0)
  --linear BYTES         most bytes of a packet in front of its fragments; xdp.frags programs: 3520, others: packets are in one piece
  --batch N              packets between two looks at --events, --trace and slots: 2048, with --events as many as its maps have KiB; where more
                         records come than a map has room for, some are lost, which is told
  --workers N            run packets on N threads, each a CPU of its own; all packets of a flow go to the same one (1)
  --clock capture|engine what bpf_ktime_get_ns follows: the packets' time stamps (default) or the clock of this machine
${SESSION_HELP}
  --json                 print the report as JSON: { packets, bytes, verdicts, seconds, wallSeconds, packetsPerSecond, bitsPerSecond,
                         programs, lost, violations, written, layout, error?, trace?, events?, maps? }
  -h, --help

A capture that is cut or damaged is replayed up to there; the report is printed, then the error, and the exit status is 1.
Errors are one line on standard error; with --json, { error: { stage, code, message, fields } } on standard output besides.

${EXIT_HELP}
`;

const OPTIONS = {
  ...SESSION_OPTIONS,
  loop: { type: 'string' },
  out: { type: 'string' },
  ifindex: { type: 'string' },
  clock: { type: 'string' },
  linear: { type: 'string' },
  batch: { type: 'string' },
  workers: { type: 'string' },
} as const;

export async function replayCommand(argv: readonly string[]): Promise<ExitCode> {
  const args = parseCommandLine(argv, OPTIONS);
  if (args.flag('help')) {
    await print(REPLAY_HELP);
    return EXIT.ok;
  }
  const [objectPath, capture] = positionals(args, ['object', 'capture']);
  const options = numbers(args);
  checkOutput('out', args.text('out'), [objectPath, capture]);
  const { workers = 1 } = options;
  const session = await openSession(objectPath, args, workers > 1 ? workers : 0);
  const events = new EventPrinter(session.loaded, args);
  const outPath = args.text('out');
  const out = outPath === undefined ? undefined : new OutputFile(outPath);
  const trace: string[] = [];
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt);
  const progress = new ProgressLine(capture, options.loop ?? 1);
  try {
    const replaying = replayFile(session.engine, session.prog, capture, {
      ...withBatch(options, events),
      ...(out !== undefined && { output: new PcapWriter((piece) => out.write(piece), { reuse: true }) }),
      signal: stop.signal,
      onProgress: async (now) => {
        progress.show(now);
        if (args.flag('trace')) await takeTrace(session, args, trace);
        await events.take();
      },
    });
    const report = await about(capture, replaying);
    progress.clear();
    await events.take();
    await show(session, args, { report, trace, events });
    return statusOf(report);
  } finally {
    process.off('SIGINT', interrupt);
    out?.close();
    session.engine.close();
  }
}

function numbers(args: Args): ReplayOptions {
  const loop = args.integer('loop', 1, 0x7fffffff);
  const ingressIfindex = args.integer('ifindex', 0, 0x7fffffff);
  const linear = args.integer('linear', 0, XDP_LINEAR_MAX);
  const batchPackets = args.integer('batch', 1, 1 << 20);
  const workers = args.integer('workers', 1, MAX_CPUS);
  const clock = args.choice('clock', ['capture', 'engine']);
  return {
    ...(loop !== undefined && { loop }),
    ...(ingressIfindex !== undefined && { ingressIfindex }),
    ...(linear !== undefined && { linear }),
    ...(batchPackets !== undefined && { batchPackets }),
    ...(workers !== undefined && { workers }),
    ...(clock !== undefined && { clock }),
  };
}

/** Unless the user knows better, batches are such that what they write is likely to have room. */
function withBatch(options: ReplayOptions, events: EventPrinter): ReplayOptions {
  const { batchPackets } = events;
  return options.batchPackets !== undefined || batchPackets === undefined ? options : { ...options, batchPackets };
}

/** Prints the lines that are there; with --json they become part of the report. */
async function takeTrace(session: Session, args: Args, kept: string[]): Promise<void> {
  const lines = session.engine.trace.drain();
  if (args.flag('json')) for (const line of lines) kept.push(line);
  else await printLines(lines);
}

interface Shown {
  readonly report: Report;
  readonly trace: readonly string[];
  readonly events: EventPrinter;
}

async function show(session: Session, args: Args, { report, trace, events }: Shown): Promise<void> {
  if (args.flag('json')) {
    const maps = args.flag('maps') ? { maps: dumpMaps(session.loaded) } : {};
    await printJson({ ...report, ...(args.flag('trace') && { trace }), ...events.json(), ...maps });
  } else {
    if ((args.flag('trace') || events.any) && report.packets > 0) await print('\n');
    await printLines(reportLines(report, session.prog.id));
    if (args.flag('maps')) await printLines(['', ...mapLines(session.loaded)]);
  }
  events.complain('--batch');
  if (report.error !== undefined) process.stderr.write(`bpf2wasm: ${report.error.message}\n`);
}

function statusOf(report: Report): ExitCode {
  if (report.error !== undefined) return EXIT.input;
  if (report.stopped === true) return EXIT.interrupted;
  return report.violations.count > 0 ? EXIT.violation : EXIT.ok;
}
