/** Lines of assembler text to tokens. Comments: `;` and `//` to the end of the line, `#` at its start. */
import { InsnError } from '../errors/index.ts';

export interface Token {
  readonly kind: 'word' | 'number' | 'mark';
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

/** What a number token can have: more than 64 bits is no operand of any insn. */
const MAX_NUMBER = 24;
const TOKEN = /([A-Za-z_.$][\w.$]*)|(\d\w*)|(<<=|>>=|[-+*/%&|^=!<>]=|[-+*/%&|^=<>()[\]:,#])/y;

/** `12: (b7) ` as the verifier log and `bpftool` begin a line. */
const LISTING = /^\s*(\d+:\s*(\([0-9a-f]{2}\)\s*)?|\([0-9a-f]{2}\)\s*)/;
/** `<LBB0_1>` or `<name+0x8>` behind a jump, as llvm-objdump explains its target. */
const EXPLAINED = /\s<[^<>]*>\s*$/;

function withoutComment(line: string): string {
  if (/^\s*#/.test(line)) return '';
  const end = line.search(/;|\/\//);
  return end < 0 ? line : line.slice(0, end);
}

export function tokensOf(source: string, line: number): Token[] {
  const text = withoutComment(source).replace(EXPLAINED, '').trimEnd();
  const tokens: Token[] = [];
  let at = LISTING.exec(text)?.[0].length ?? 0;
  while (at < text.length) {
    if (/\s/.test(text[at])) {
      at++;
      continue;
    }
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) {
      const found = `\`${String.fromCodePoint(text.codePointAt(at) as number)}\``;
      throw new InsnError('INSN_SYNTAX', { line, column: at + 1, found, expected: ['an insn or a label'] });
    }
    const kind = match[1] !== undefined ? 'word' : match[2] !== undefined ? 'number' : 'mark';
    tokens.push({ kind, text: match[0], column: at + 1 });
    at += match[0].length;
  }
  return tokens;
}

/** The value of a number token; undefined when it is none, or far beyond 64 bits. */
export function numberOf(token: Token | undefined): bigint | undefined {
  if (token?.kind !== 'number' || token.text.length > MAX_NUMBER) return undefined;
  return /^(0x[0-9a-f]+|\d+)$/i.test(token.text) ? BigInt(token.text) : undefined;
}
