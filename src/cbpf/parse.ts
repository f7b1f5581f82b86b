/**
 * A filter's text, as compilers of filters print it:
 *
 *     tcpdump -ddd        4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0
 *     iptables -m bpf     4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0
 */
import { CbpfError } from '../errors/index.ts';
import type { SockFilter } from './insn.ts';

const NUMBER = /^(?:0x[0-9a-f]{1,8}|-?\d{1,10})$/i;

const FIELDS = ['code', 'jt', 'jf', 'k'] as const;

/** As much of a text as an error shows. */
const shown = (text: string): string => (text.length > 40 ? `${text.slice(0, 37)}...` : text);

function parseInsn(text: string, insn: number): SockFilter {
  const words = text.split(/\s+/);
  if (words.length !== FIELDS.length || !words.every((word) => NUMBER.test(word))) {
    throw new CbpfError('CBPF_SYNTAX', { insn, found: shown(text) });
  }
  const [code, jt, jf, k] = words.map(Number);
  return { code, jt, jf, k };
}

/**
 * Reads what `tcpdump -ddd` prints, in lines or with commas between the insns; what the insns mean is not asked.
 * @throws CbpfError CBPF_HEAD, CBPF_SYNTAX or CBPF_COUNT
 */
export function parseFilter(text: string): SockFilter[] {
  const entries = text.split(/[\n,]/).map((entry) => entry.trim());
  // An end of line, or the comma some compilers of filters print behind the last insn.
  while (entries.length > 1 && entries.at(-1) === '') entries.pop();
  const [head, ...insns] = entries;
  if (!/^\d{1,9}$/.test(head)) throw new CbpfError('CBPF_HEAD', { found: shown(head) });
  const filter = insns.map(parseInsn);
  const expected = Number(head);
  if (filter.length !== expected) throw new CbpfError('CBPF_COUNT', { expected, found: filter.length });
  return filter;
}
