// The generated files of an example: capture.pcap, settings, expected.pcap (what passes or is sent, as --out writes it) and expected.json.
import type { Example, MapContents, Outcome, TimedPacket } from '../examples/example.ts';
import { PcapWriter } from '../src/replay/pcap-writer.ts';
import { type Bytes, join } from './traffic-frames.ts';

const FORWARDED = new Set(['XDP_PASS', 'XDP_TX', 'XDP_REDIRECT']);

export function pcapOf(packets: readonly TimedPacket[]): Bytes {
  const pieces: Bytes[] = [];
  const writer = new PcapWriter((piece) => pieces.push(piece));
  for (const packet of packets) writer.add(packet);
  writer.flush();
  return join(...pieces);
}

function verdictCounts(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verdict } of outcomes) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort());
}

/** Elements in the order of their keys' text: a hash map's own order says nothing. */
export function sortedMaps(maps: MapContents): [string, string[]][] {
  return Object.entries(maps)
    .map(([name, elems]): [string, string[]] => [name, elems.map((elem) => JSON.stringify(elem)).sort()])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** JSON with an element, or a record, in each line. */
export function expectedJson(
  verdicts: Record<string, number>,
  maps: MapContents,
  records: readonly unknown[] = [],
): string {
  const texts = sortedMaps(maps).map(([name, elems]) => `    "${name}": [\n      ${elems.join(',\n      ')}\n    ]`);
  const lines = records.map((record) => JSON.stringify(record)).join(',\n    ');
  const list = records.length === 0 ? '' : `,\n  "records": [\n    ${lines}\n  ]`;
  return `{\n  "verdicts": ${JSON.stringify(verdicts)},\n  "maps": {\n${texts.join(',\n')}\n  }${list}\n}\n`;
}

/** JSON whose lists and short objects have one line each. */
function netJson(value: unknown, indent = ''): string {
  const line = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || line.length + indent.length <= 100) return line;
  const inner = `${indent}  `;
  const items = Array.isArray(value)
    ? value.map((item) => netJson(item, inner))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${netJson(item, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const end = indent === '' ? '\n' : '';
  return `${open}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${close}${end}`;
}

/** The captures that `bpf2wasm net` writes, by the place where it takes them. */
export async function networkCaptures(example: Example): Promise<Record<string, Bytes>> {
  const { network } = example;
  if (network === undefined) return {};
  const packets = await example.capture();
  const { outcomes } = await example.expect(packets);
  const seen = outcomes.map((outcome) => (FORWARDED.has(outcome.verdict) ? network.where(outcome) : undefined));
  const left = outcomes.map(({ data }, i) => ({ timestampNs: packets[i].timestampNs, data }));
  const at = (place: string) => pcapOf(left.filter((_, i) => seen[i] === place));
  return Object.fromEntries(network.outputs.map((place) => [place, at(place)]));
}

export async function exampleFiles(example: Example): Promise<Record<string, Bytes>> {
  const packets = await example.capture();
  const { outcomes, maps, records } = await example.expect(packets);
  const left = outcomes.map(({ data }, i) => ({ timestampNs: packets[i].timestampNs, data }));
  const text = (value: string) => new TextEncoder().encode(value);
  return {
    'capture.pcap': pcapOf(packets),
    settings: text(example.settings.map((line) => `${line}\n`).join('')),
    'expected.pcap': pcapOf(left.filter((_, i) => FORWARDED.has(outcomes[i].verdict))),
    'expected.json': text(expectedJson(verdictCounts(outcomes), maps, records)),
    ...(example.network !== undefined && { 'net.json': text(netJson(example.network.config)) }),
  };
}
