/** `bpf2wasm net`: captures through a virtual network of devices. */
import type { NetworkReport } from '../net/report.ts';
import { readChunks } from '../platform/node-files.ts';
import { type Args, parseCommandLine, positionals } from './args.ts';
import { EXIT, EXIT_HELP, type ExitCode, UsageError } from './errors.ts';
import { checkOutput } from './files.ts';
import { dumpMaps, mapLines } from './maps.ts';
import { type BuiltNetwork, beside, buildNetwork, readNetConfig } from './net-build.ts';
import type { NetConfig } from './net-config.ts';
import { NetOutput, type OutputWish, outputWish } from './net-output.ts';
import { grouped, plural, print, printJson, printLines, table } from './output.ts';

const NET_HELP = `Usage: bpf2wasm net <config.json> [options]

Runs captures through a virtual network: packets arrive at devices, XDP programs run, and what they say happens. XDP_TX and redirects (by ifindex,
devmap, cpumap, xskmap) go somewhere, programs in entries of devmaps and cpumaps run on the way, veth pairs lead from device to device.

  --in DEV=CAPTURE       the packets of a pcap or pcapng capture arrive at a device; several are merged by time; may be repeated
  --out DEV=FILE         write what leaves a device to FILE, .pcap or .pcapng; DEV:rx is what arrives, DEV:stack what programs passed to the
                         network stack, DEV:all what arrives and leaves (a .pcapng tells them apart); may be repeated
  --trace                print trace_printk lines
  --maps                 print what the maps hold afterwards
  --unchecked            leave out the bounds checks that the verifier's proof makes needless
  --json                 print the report as JSON: { devices, violations, errors, sockets, written, trace?, maps? }
  -h, --help

The configuration; files are named from where it is:

  { "devices": [{ "name": "eth0", "ifindex": 1, "mac": "02:00:00:00:00:01", "mtu": 1500, "queues": 1, "up": true },
                { "name": "veth0", "peer": "veth1" }, { "name": "veth1", "gro": true }],
    "objects": [{ "file": "lb.o", "progs": ["xdp_lb", "egress"], "variables": { "backends": 3 }, "attach": { "eth0": "xdp_lb" },
                  "maps": { "ports": { "0": { "ifindex": "veth0", "prog": "egress" } }, "cpus": { "1": { "qsize": 192 } },
                            "socks": { "0": { "device": "eth0", "queue": 0 } }, "jumps": { "0": "other_prog" },
                            "flows": [{ "key": { "port": 80 }, "value": { "packets": 1 } }] } }],
    "addresses": [], "routes": [], "rules": [], "neighbours": [],        as for --network
    "inputs": { "eth0": "in.pcap" }, "outputs": { "veth1:rx": "out.pcapng" },
    "cpus": 4, "seed": 0, "hopLimit": 64 }

A capture that is cut or damaged ends there; the report is printed, then the error, and the exit status is 1.

${EXIT_HELP}
`;

const OPTIONS = {
  in: { type: 'string', multiple: true },
  out: { type: 'string', multiple: true },
  trace: { type: 'boolean' },
  maps: { type: 'boolean' },
  unchecked: { type: 'boolean' },
} as const;

/** `NAME=PATH` of an option. */
function pair(option: string, text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`--${option} '${text}': expected DEV=FILE`, 'USAGE_PAIR');
}

interface Files {
  readonly inputs: readonly (readonly [device: string, path: string])[];
  readonly outputs: readonly OutputWish[];
}

/** Files of the configuration and of the command line. No output is an input, or another output. */
function filesOf(path: string, config: NetConfig, args: Args): Files {
  const own = (files: ReadonlyMap<string, string>) =>
    [...files].map(([name, file]) => [name, beside(path, file)] as const);
  const inputs = [...own(config.inputs), ...args.list('in').map((text) => pair('in', text))];
  const outs = [...own(config.outputs), ...args.list('out').map((text) => pair('out', text))];
  const outputs = outs.map(([where, file]) => outputWish(where, file));
  const read = [path, ...config.objects.map(({ file }) => beside(path, file)), ...inputs.map(([, file]) => file)];
  const written = new Set<string>();
  for (const { path: file } of outputs) {
    checkOutput('out', file, read);
    if (written.has(file)) throw new UsageError(`output ${file} is given twice`, 'USAGE_OUTPUT');
    written.add(file);
  }
  if (read.filter((file) => file === '-').length > 1)
    throw new UsageError('standard input can be read once only', 'USAGE_INPUT');
  return { inputs, outputs };
}

export async function netCommand(argv: readonly string[]): Promise<ExitCode> {
  const args = parseCommandLine(argv, OPTIONS);
  if (args.flag('help')) {
    await print(NET_HELP);
    return EXIT.ok;
  }
  const [path] = positionals(args, ['config']);
  const config = readNetConfig(path);
  const files = filesOf(path, config, args);
  const how = { checked: !args.flag('unchecked'), trace: args.flag('trace') };
  const built = await buildNetwork(path, config, how);
  const outputs: NetOutput[] = [];
  try {
    for (const [name] of files.inputs) device(built, name);
    const targets = files.outputs.map((wish) => [wish, device(built, wish.device)] as const);
    for (const [wish, to] of targets) outputs.push(new NetOutput(wish, to));
    return await runNetwork(built, args, files, outputs);
  } finally {
    for (const output of outputs) output.close();
    built.engine.close();
  }
}

function device({ engine }: BuiltNetwork, name: string) {
  const found = engine.device(name);
  if (found !== undefined) return found;
  const have = engine.devices.map((one) => one.name).join(', ') || 'none';
  throw new UsageError(`there is no device '${name}'; there are ${have}`, 'USAGE_DEVICE');
}

async function runNetwork(
  built: BuiltNetwork,
  args: Args,
  { inputs }: Files,
  outputs: readonly NetOutput[],
): Promise<ExitCode> {
  const { net, engine } = built;
  const trace: string[] = [];
  const takeTrace = async (): Promise<void> => {
    if (!args.flag('trace')) return;
    if (args.flag('json')) trace.push(...engine.trace.drain());
    else await printLines(engine.trace.drain());
  };
  const captures = inputs.map(([name, file]) => ({ device: name, capture: readChunks(file) }));
  const report = await net.run(captures, takeTrace);
  await takeTrace();
  for (const output of outputs) output.flush();
  await show(built, args, report, { outputs, trace });
  for (const { input, error } of report.errors) {
    const file = inputs[input]?.[1] ?? '';
    const named = error.message.includes(file) ? error.message : `${file}: ${error.message}`;
    process.stderr.write(`bpf2wasm: ${named}\n`);
  }
  if (report.errors.length > 0) return EXIT.input;
  return report.violations.count > 0 ? EXIT.violation : EXIT.ok;
}

interface Shown {
  readonly outputs: readonly NetOutput[];
  readonly trace: readonly string[];
}

async function show(built: BuiltNetwork, args: Args, report: NetworkReport, { outputs, trace }: Shown): Promise<void> {
  const written = outputs.map(({ wish, packets }) => ({ file: wish.path, packets }));
  const sockets = built.sockets.map(({ id, device: { name }, queue, rx }) => ({
    id,
    device: name,
    queue,
    packets: rx.length,
  }));
  if (args.flag('json')) {
    const maps = args.flag('maps') ? { maps: built.loaded.flatMap((one) => dumpMaps(one)) } : {};
    await printJson({ ...report, sockets, written, ...(args.flag('trace') && { trace }), ...maps });
    return;
  }
  await printLines(reportLines(report));
  await printLines(
    sockets.map((one) => `AF_XDP socket of ${one.device}, queue ${one.queue}: ${plural(one.packets, 'packet')}`),
  );
  await printLines(written.map(({ file, packets }) => `${plural(packets, 'packet')} written to ${file}`));
  if (args.flag('maps')) for (const one of built.loaded) await printLines(['', ...mapLines(one)]);
}

function reportLines({ devices, violations }: NetworkReport): string[] {
  const rows = devices.map((one) => {
    const dropped = Object.values(one.drops).reduce((sum, count) => sum + count, 0);
    const counts = [one.received, one.sent, one.passed, dropped].map(grouped);
    return [one.name, String(one.ifindex), one.prog ?? '-', ...counts];
  });
  const counted = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${grouped(count)}`)
      .join(', ');
  const details = devices.flatMap(({ name, prog, verdicts, drops }) => [
    ...(prog === undefined || Object.keys(verdicts).length === 0 ? [] : [`${name}: verdicts ${counted(verdicts)}`]),
    ...(Object.keys(drops).length === 0 ? [] : [`${name}: dropped ${counted(drops)}`]),
  ]);
  const violated = violations.first.slice(0, 10).map(({ message }) => `  ${message}`);
  return [
    ...table(['device', '>ifindex', 'program', '>received', '>sent', '>to stack', '>dropped'], rows),
    ...(details.length === 0 ? [] : ['', ...details]),
    ...(violations.count === 0 ? [] : ['', plural(violations.count, 'violation'), ...violated]),
  ];
}
