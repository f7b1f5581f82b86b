/** A graph of tail calls as a picture: programs and prog arrays in columns from left to right, packets go with the lines. */
import { type Graph, siteText } from './graph-data.ts';

const LINE = 18;
const PAD = 8;
const CHAR = 7.3;
const COLUMN_GAP = 90;
const ROW_GAP = 22;
const MARGIN = 16;

interface Box {
  readonly key: string;
  readonly kind: 'prog' | 'map';
  readonly lines: readonly string[];
  x: number;
  y: number;
  readonly width: number;
  readonly height: number;
}

interface Line {
  readonly from: string;
  readonly fromRow: number;
  readonly to: string;
  readonly toRow: number;
  readonly dashed: boolean;
}

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

function box(key: string, kind: Box['kind'], lines: readonly string[]): Box {
  const width = Math.max(...lines.map((line) => line.length)) * CHAR + 2 * PAD;
  return { key, kind, lines, x: 0, y: 0, width, height: lines.length * LINE + 2 * PAD };
}

function boxesOf({ programs, arrays }: Graph): Box[] {
  const progs = programs.map((prog) =>
    box(`prog ${prog.name}`, 'prog', [
      `${prog.name} (${prog.type})`,
      ...prog.calls.map((site) => siteText(site, arrays)),
      ...(prog.error === undefined ? [] : ['refused']),
    ]),
  );
  const maps = arrays.map(({ name, entries, slots }) =>
    box(`map ${name}`, 'map', [`${name}[${entries}]`, ...slots.map(({ slot, program }) => `${slot}: ${program}`)]),
  );
  return [...progs, ...maps];
}

function linesOf({ programs, arrays, edges }: Graph): Line[] {
  const rowOf = (map: string, slot: number): number =>
    1 + (arrays.find((array) => array.name === map)?.slots.findIndex((one) => one.slot === slot) ?? -1);
  const calls = programs.flatMap((prog) =>
    prog.calls.flatMap((site, i): Line[] => {
      const ends = edges.filter((edge) => edge.from === prog.name && edge.pc === site.pc);
      const own = { from: `prog ${prog.name}`, fromRow: i + 1, dashed: site.lo !== site.hi };
      if (ends.length === 0 && site.map !== undefined) return [{ ...own, to: `map ${site.map}`, toRow: 0 }];
      return ends.map((edge) => ({ ...own, to: `map ${edge.map}`, toRow: rowOf(edge.map, edge.slot) }));
    }),
  );
  const slots = arrays.flatMap((array) =>
    array.slots.map(({ program }, i): Line => {
      return { from: `map ${array.name}`, fromRow: i + 1, to: `prog ${program}`, toRow: 0, dashed: false };
    }),
  );
  return [...calls, ...slots];
}

/** How many lines lead to a box from where packets enter; boxes of a circle stay where they were first reached. */
function columnsOf(boxes: readonly Box[], lines: readonly Line[]): Map<string, number> {
  const reached = new Set(lines.filter((line) => line.from !== line.to).map((line) => line.to));
  const columns = new Map<string, number>();
  const roots = boxes.filter(({ key }) => !reached.has(key)).map(({ key }) => key);
  const queue = roots.length > 0 ? roots : boxes.slice(0, 1).map(({ key }) => key);
  for (const key of queue) columns.set(key, 0);
  for (let i = 0; i < queue.length; i++) {
    for (const line of lines) {
      if (line.from !== queue[i] || columns.has(line.to)) continue;
      columns.set(line.to, (columns.get(line.from) ?? 0) + 1);
      queue.push(line.to);
    }
  }
  for (const { key } of boxes) if (!columns.has(key)) columns.set(key, 0);
  return columns;
}

function place(boxes: readonly Box[], columns: ReadonlyMap<string, number>): { width: number; height: number } {
  let x = MARGIN;
  let height = 0;
  for (let column = 0; column <= Math.max(0, ...columns.values()); column++) {
    const own = boxes.filter(({ key }) => columns.get(key) === column);
    let y = MARGIN;
    for (const one of own) {
      one.x = x;
      one.y = y;
      y += one.height + ROW_GAP;
    }
    height = Math.max(height, y);
    x += Math.max(0, ...own.map(({ width }) => width)) + COLUMN_GAP;
  }
  return { width: x - COLUMN_GAP + MARGIN, height: height - ROW_GAP + MARGIN };
}

function boxText(one: Box): string {
  const { x, y, width, height, kind, lines } = one;
  const text = lines.map((line, i) => {
    const weight = i === 0 ? ' font-weight="bold"' : '';
    return `<text x="${x + PAD}" y="${y + PAD + LINE * (i + 0.75)}"${weight}>${escaped(line)}</text>`;
  });
  const round = kind === 'prog' ? ' rx="6"' : '';
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}"${round} class="${kind}"/>\n${text.join('\n')}`;
}

function lineText(line: Line, boxes: ReadonlyMap<string, Box>): string {
  const [from, to] = [boxes.get(line.from), boxes.get(line.to)];
  if (from === undefined || to === undefined) return '';
  const row = (one: Box, index: number): number => one.y + PAD + LINE * (index + 0.5);
  const [x1, y1, x2, y2] = [from.x + from.width, row(from, line.fromRow), to.x, row(to, line.toRow)];
  const bend = Math.max(40, Math.abs(x2 - x1) / 2);
  const dash = line.dashed ? ' stroke-dasharray="5 3"' : '';
  return `<path d="M ${x1} ${y1} C ${x1 + bend} ${y1}, ${x2 - bend} ${y2}, ${x2} ${y2}" marker-end="url(#end)"${dash}/>`;
}

const STYLE =
  'text{font:12px monospace;fill:#222}rect{stroke:#555;fill:#fff}rect.map{fill:#eef3fb}path{fill:none;stroke:#777}';

export function svgText(graph: Graph): string {
  const boxes = boxesOf(graph);
  const lines = linesOf(graph);
  const { width, height } = place(boxes, columnsOf(boxes, lines));
  const byKey = new Map(boxes.map((one) => [one.key, one]));
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${Math.ceil(height)}">`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" style="fill:#777"/></marker></defs>',
    `<rect width="100%" height="100%" style="stroke:none"/>`,
    ...lines.map((line) => lineText(line, byKey)),
    ...boxes.map(boxText),
    '</svg>',
  ].join('\n')}\n`;
}
