/** `bpf2wasm graph`: programs, prog arrays, and which tail call reaches which slot; with a capture, how often. */
import { findMap, findProg } from '../object/edit.ts';
import type { BpfObject } from '../object/types.ts';
import { replayFile } from '../platform/node.ts';
import { type Args, parseCommandLine, positionals } from './args.ts';
import { BTF_HELP, targetBtf, withTarget } from './btf.ts';
import { EXIT, EXIT_HELP, type ExitCode, UsageError } from './errors.ts';
import { about, readObject } from './files.ts';
import { type Counts, type Graph, graphOf, siteText } from './graph-data.ts';
import { dotText } from './graph-dot.ts';
import { svgText } from './graph-svg.ts';
import { print, printJson, printLines } from './output.ts';
import { giveTypes, requireProgs, TYPE_HELP } from './prog-type.ts';
import { openSession } from './session.ts';
import { editObject, isProgArray, parseSettings, SET_HELP, type Setting } from './set.ts';

const GRAPH_HELP = `Usage: bpf2wasm graph <object> [options]

Shows the programs of an object, its prog arrays, and which tail call reaches which slots. The index of a call is what the verifier proved: a
constant, or the range that all paths stay in.

  --dot                  in Graphviz's language
  --svg                  a picture
  --json                 { programs: [{ name, type, calls: [{ pc, where, map, lo, hi, taken?, missed? }] }], arrays, edges }
  --capture FILE         replay a capture first, and show how often each call was taken and missed
  --prog NAME            with --capture: the program that packets enter
${SET_HELP}
${TYPE_HELP}
${BTF_HELP}
  -h, --help

${EXIT_HELP}
`;

const OPTIONS = {
  dot: { type: 'boolean' },
  svg: { type: 'boolean' },
  capture: { type: 'string' },
  prog: { type: 'string' },
  set: { type: 'string', multiple: true },
  type: { type: 'string' },
  btf: { type: 'string' },
} as const;

export async function graphCommand(argv: readonly string[]): Promise<ExitCode> {
  const args = parseCommandLine(argv, OPTIONS);
  if (args.flag('help')) {
    await print(GRAPH_HELP);
    return EXIT.ok;
  }
  const [path] = positionals(args, ['object']);
  const forms = ['dot', 'svg', 'json'].filter((form) => args.flag(form));
  if (forms.length > 1) throw new UsageError(`--${forms.join(' and --')}: choose one`);
  const object = readObject(path);
  requireProgs(object);
  giveTypes(object, args);
  const btf = targetBtf(args.text('btf') ?? 'none');
  // Variables change what is proved; what other maps hold only counts when packets come.
  const later = editObject(object, parseSettings(args.list('set')));
  const settings = later.filter((setting) => isProgArray(object, setting));
  const capture = args.text('capture');
  if (capture === undefined && args.text('prog') !== undefined)
    throw new UsageError('--prog goes with --capture: it is the program that packets enter');
  for (const setting of settings) checkSlot(object, setting);
  const graph = graphOf(object, {
    settings,
    ...withTarget(btf),
    ...(capture === undefined ? {} : { counts: await replayed(path, capture, args) }),
  });
  await show(graph, forms[0]);
  return graph.programs.some(({ error }) => error !== undefined) ? EXIT.input : EXIT.ok;
}

/** A slot of the array, and a program of the object. */
function checkSlot(object: BpfObject, { text, map, key, value }: Setting): void {
  const { maxEntries } = findMap(object, map);
  const slot = /^(\d+|0x[0-9a-f]+)$/i.test(key) ? Number(key) : Number.NaN;
  if (!(slot < maxEntries))
    throw new UsageError(`--set '${text}': ${map} has slots 0 to ${maxEntries - 1}`, 'USAGE_SET');
  findProg(object, value);
}

/** How often each call was taken and missed by the packets of a capture. */
async function replayed(path: string, capture: string, args: Args): Promise<Counts> {
  const session = await openSession(path, args);
  try {
    await about(capture, replayFile(session.engine, session.prog, capture));
    const found = new Map(
      [...session.loaded.progs].map(([name, prog]) => [
        name,
        new Map(prog.stats.tailCalls.map(({ pc, taken, missed }) => [pc, { taken, missed }])),
      ]),
    );
    return (prog, pc) => found.get(prog)?.get(pc);
  } finally {
    session.engine.close();
  }
}

async function show(graph: Graph, form: string | undefined): Promise<void> {
  if (form === 'json') await printJson(graph);
  else if (form === 'dot') await print(dotText(graph));
  else if (form === 'svg') await print(svgText(graph));
  else await printLines(textLines(graph));
}

/** Programs with their calls and where these lead, then the arrays. */
function textLines({ programs, arrays, edges }: Graph): string[] {
  const lines = programs.flatMap((prog) => [
    `${prog.name} (${prog.type})${prog.error === undefined ? '' : `: refused: ${prog.error.message}`}`,
    ...prog.calls.flatMap((site) => {
      const ends = edges.filter((edge) => edge.from === prog.name && edge.pc === site.pc);
      return [
        `  ${siteText(site, arrays)}  ${site.where}`,
        ...ends.map((edge) => `    ${edge.map}[${edge.slot}] -> ${edge.to}`),
        ...(ends.length === 0 ? ['    no slot it can reach is filled'] : []),
      ];
    }),
  ]);
  const maps = arrays.map(({ name, entries, slots }) => {
    const filled = slots.map(({ slot, program }) => `${slot}: ${program}`);
    return `${name}[${entries}]  ${filled.join('  ') || 'empty; fill slots with --set'}`;
  });
  return [...lines, ...(maps.length > 0 ? ['', ...maps] : [])];
}
