/** All templates of the table as one tree of tokens and holes, and the search of a line's tokens in it. */
import { lazy } from '../util/lazy.ts';
import type { Token } from './lexer.ts';
import { tokensOf } from './lexer.ts';
import { type Names, READERS, type Reading } from './operands.ts';
import { type Field, HOLES, type Hole, templateParts } from './syntax.ts';
import { type IsaRow, isaTable } from './table.ts';

interface Node {
  readonly literals: Map<string, Node>;
  readonly holes: Map<Hole, Node>;
  /** The row whose template ends here. */
  row?: IsaRow;
}

const emptyNode = (): Node => ({ literals: new Map(), holes: new Map() });

function child<K>(children: Map<K, Node>, key: K): Node {
  const found = children.get(key) ?? emptyNode();
  children.set(key, found);
  return found;
}

function buildTree(): Node {
  const root = emptyNode();
  // Other spellings come last: they never take a text from a row that prints it.
  const templates = [
    ...isaTable().map((row) => [row, row.syntax] as const),
    ...isaTable().flatMap((row) => row.alt.map((alt) => [row, alt] as const)),
  ];
  for (const [row, syntax] of templates) {
    let node = root;
    for (const part of templateParts(syntax)) {
      if ('hole' in part) node = child(node.holes, part.hole);
      else for (const token of tokensOf(part.text, 0)) node = child(node.literals, token.text);
    }
    node.row ??= row;
  }
  return root;
}

const tree = lazy(buildTree);

export type Bound = ReadonlyMap<Field, number>;

export interface Match {
  readonly row: IsaRow;
  /** Fields that operands filled. */
  readonly bound: Bound;
  readonly label: Reading['label'];
}

/** Why a line matches nothing: the first token that no template can have there, and what could stand in its place. */
export interface Mismatch {
  readonly at: number;
  readonly expected: readonly string[];
}

class Search {
  private readonly tokens: readonly Token[];
  private readonly names: Names;
  private furthest = 0;
  private expected = new Set<string>();

  constructor(tokens: readonly Token[], names: Names) {
    this.tokens = tokens;
    this.names = names;
  }

  run(): Match | Mismatch {
    return this.from(tree(), 0, new Map(), undefined) ?? { at: this.furthest, expected: [...this.expected] };
  }

  private fail(at: number, expected: string): undefined {
    if (at < this.furthest) return undefined;
    if (at > this.furthest) this.expected.clear();
    this.furthest = at;
    this.expected.add(expected);
    return undefined;
  }

  private from(node: Node, at: number, bound: Bound, label: Reading['label']): Match | undefined {
    const token = this.tokens[at];
    if (token === undefined && node.row !== undefined) return { row: node.row, bound, label };
    const literal = token === undefined ? undefined : node.literals.get(token.text);
    const found = literal === undefined ? undefined : this.from(literal, at + 1, bound, label);
    if (found !== undefined) return found;
    for (const [hole, next] of node.holes) {
      const match = this.throughHole(hole, next, at, bound, label);
      if (match !== undefined) return match;
    }
    for (const text of node.literals.keys()) if (text !== token?.text) this.fail(at, `\`${text}\``);
    if (node.row !== undefined) this.fail(at, 'the end of the line');
    return undefined;
  }

  private throughHole(hole: Hole, next: Node, at: number, bound: Bound, label: Reading['label']): Match | undefined {
    const reading = READERS[hole](this.tokens, at, this.names);
    if (reading === undefined) return this.fail(at, HOLES[hole].expected);
    const merged = new Map(bound);
    for (const [field, value] of reading.fields) {
      const before = merged.get(field);
      // `r1 = be16 r1`: a register that stands twice is one operand.
      if (before !== undefined && before !== value) return this.fail(at, `\`${hole[0]}${before}\``);
      merged.set(field, value);
    }
    return this.from(next, reading.at, merged, reading.label ?? label);
  }
}

/** The row and operands of a line. */
export function matchLine(tokens: readonly Token[], names: Names): Match | Mismatch {
  return new Search(tokens, names).run();
}
