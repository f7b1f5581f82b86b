/**
 * A plugin for the bundler: arrow functions of a module's top level become function expressions. Engines skip over the body of a function until it is called, but V8 parses an
 * arrow function's in full: rows of tables, and tables that are made when they are first asked for. At the top level nothing has a `this` or `arguments`, so both mean the same.
 */
import { parseAst } from 'rolldown/parseAst';

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
/** What is inside has an instance for its `this`. */
const OF_INSTANCES = new Set(['PropertyDefinition', 'AccessorProperty', 'StaticBlock']);

/** Arrow functions that are in no other function. */
function* topArrows(node) {
  if (Array.isArray(node)) {
    for (const one of node) yield* topArrows(one);
    return;
  }
  if (node === null || typeof node !== 'object') return;
  if (node.type === 'ArrowFunctionExpression') yield node;
  if (FUNCTIONS.has(node.type) || OF_INSTANCES.has(node.type)) return;
  for (const child of Object.values(node)) yield* topArrows(child);
}

function behindParentheses(code, at, count) {
  let end = at;
  for (let closed = 0; closed < count; end++) if (code[end] === ')') closed++;
  return end;
}

/** Pieces of the text that change, and what is there instead; none for what is written in an unusual way. */
function editsOf(code, { start, body, async }) {
  const arrow = code.lastIndexOf('=>', body.start);
  // `=> ({ ... })`: the parentheses are no part of the body.
  const [, spaces, open] = /^(\s*)(\(*)$/.exec(code.slice(arrow + 2, body.start)) ?? [];
  if (async || open === undefined || !/^[(<]/.test(code.slice(start, arrow))) return [];
  const head = { at: start, end: start, text: 'function ' };
  if (body.type === 'BlockStatement') return [head, { at: arrow, end: arrow + 2, text: '' }];
  const end = behindParentheses(code, body.end, open.length);
  // No line may end behind `return`.
  return [head, { at: arrow, end: arrow + 2 + spaces.length, text: `{${spaces}return ` }, { at: end, end, text: ' }' }];
}

/** The text of a TypeScript module without arrow functions at its top level. Lines stay where they are. */
export function withoutTopArrows(code) {
  const edits = [...topArrows(parseAst(code, { lang: 'ts' }).body)].flatMap((arrow) => editsOf(code, arrow));
  edits.sort((a, b) => b.at - a.at);
  return edits.reduce((text, { at, end, text: put }) => text.slice(0, at) + put + text.slice(end), code);
}

export const lazyFunctions = {
  name: 'lazy-functions',
  transform: {
    filter: { id: /\/(src|assembly)\/.*\.ts$/ },
    handler: (code) => ({ code: withoutTopArrows(code), map: null }),
  },
};
