/** `bpf2wasm filter`: which packets of a capture a classic BPF filter lets through. */
import { parseFilter } from '../cbpf/parse.ts';
import { Engine } from '../engine.ts';
import { CaptureError } from '../errors/index.ts';
import { readChunks } from '../platform/node-files.ts';
import { linkTypeName } from '../replay/capture.ts';
import { type FilterMatch, type FilterReport, filterCapture } from '../replay/filter.ts';
import { PcapWriter } from '../replay/pcap-writer.ts';
import { type Args, parseCommandLine, positionals } from './args.ts';
import { describeError, EXIT, EXIT_HELP, type ExitCode, UsageError } from './errors.ts';
import { about, checkOutput, OutputFile, readInput } from './files.ts';
import { grouped, plural, print, printJson, printLines } from './output.ts';

const FILTER_HELP = `Usage: bpf2wasm filter <filter> <capture|-> [options]

Runs a classic BPF filter over a pcap or pcapng capture and counts the packets that it lets through.

The filter is what 'tcpdump -ddd EXPRESSION' prints, with line ends or commas between its insns; @FILE reads it from a file, - from
standard input. It is compiled for a link type: name the capture's, as in

  bpf2wasm filter "$(tcpdump -y EN10MB -ddd tcp port 80)" capture.pcap

  -n, --numbers          list the numbers of the packets that match, from 1 on
  --write FILE           write the packets that match to a pcap file
  --json                 print it as JSON: { insns, packets, bytes, matched, matchedBytes, numbers?, written?, error? }
  -h, --help

A capture that is cut or damaged is filtered up to there; the counts are printed, then the error, and the exit status is 1.

${EXIT_HELP}
`;

const OPTIONS = {
  numbers: { type: 'boolean', short: 'n' },
  write: { type: 'string' },
} as const;

/** The packets that match, in a file of the link type that the first of them has. */
class MatchFile {
  private readonly file: OutputFile;
  private writer: PcapWriter | undefined;
  private linkType = 1;

  constructor(path: string) {
    this.file = new OutputFile(path);
  }

  add(match: FilterMatch): void {
    const { linkType } = match.from;
    if (this.writer === undefined) this.open(linkType);
    else if (linkType !== this.linkType) {
      const [found, expected] = [linkTypeName(linkType), linkTypeName(this.linkType)];
      throw new CaptureError('CAPTURE_WRITE', { packet: match.number, field: 'link type', found, expected });
    }
    this.writer?.addRange(match.data, 0, match.data.length, match);
  }

  private open(linkType: number): void {
    this.linkType = linkType;
    this.writer = new PcapWriter((piece) => this.file.write(piece), { linkType });
  }

  /** A capture without packets is one all the same. */
  finish(): number {
    if (this.writer === undefined) this.open(this.linkType);
    this.writer?.flush();
    return this.writer?.packets ?? 0;
  }

  close(): void {
    this.file.close();
  }
}

function filterText(argument: string, capture: string): string {
  if (argument === '-' && capture === '-') {
    throw new UsageError('the filter and the capture cannot both come from standard input');
  }
  if (argument !== '-' && !argument.startsWith('@')) return argument;
  return new TextDecoder().decode(readInput(argument === '-' ? '-' : argument.slice(1)));
}

export async function filterCommand(argv: readonly string[]): Promise<ExitCode> {
  const args = parseCommandLine(argv, OPTIONS);
  if (args.flag('help')) {
    await print(FILTER_HELP);
    return EXIT.ok;
  }
  const [text, capture] = positionals(args, ['filter', 'capture']);
  const filter = parseFilter(filterText(text, capture));
  const path = args.text('write');
  checkOutput('write', path, [capture, ...(text.startsWith('@') ? [text.slice(1)] : [])]);
  const engine = await Engine.create();
  let file: MatchFile | undefined;
  try {
    const prog = await engine.loadFilter(filter);
    if (path !== undefined) file = new MatchFile(path);
    const numbers: number[] = [];
    const onMatch = (match: FilterMatch): void => {
      if (args.flag('numbers')) numbers.push(match.number);
      file?.add(match);
    };
    const chunks = readChunks(capture, { reuse: true });
    const report = await about(capture, filterCapture(engine, prog, chunks, { onMatch }));
    const written = file?.finish();
    await show(args, report, { insns: filter.length, numbers, written });
    return report.error === undefined ? EXIT.ok : EXIT.input;
  } finally {
    file?.close();
    engine.close();
  }
}

interface Found {
  readonly insns: number;
  readonly numbers: readonly number[];
  readonly written: number | undefined;
}

async function show(args: Args, report: FilterReport, { insns, numbers, written }: Found): Promise<void> {
  const { error, ...counts } = report;
  const problem = error === undefined ? undefined : describeError(error).data;
  if (args.flag('json')) {
    const listed = args.flag('numbers') ? { numbers } : {};
    const out = written === undefined ? {} : { written };
    await printJson({ insns, ...counts, ...listed, ...out, ...(problem === undefined ? {} : { error: problem }) });
  } else {
    const { packets, bytes, matched, matchedBytes } = counts;
    const all = `${plural(packets, 'packet')}, ${plural(bytes, 'byte')}`;
    await printLines([`${all}: ${grouped(matched)} match, ${plural(matchedBytes, 'byte')}`, ...numbers.map(String)]);
  }
  if (problem !== undefined) process.stderr.write(`bpf2wasm: ${problem.message}\n`);
}
