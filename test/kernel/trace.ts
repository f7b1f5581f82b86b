// The lines this process printed to the kernel's trace, read without consuming them: for tests of trace_printk's text.

import { readFileSync } from 'node:fs';

const traceFile = '/sys/kernel/tracing/trace';
const eventText = ' bpf_trace_printk: ';

/** The whole trace, or why it cannot be read (tracefs is not mounted, or no permission). */
export function readTrace(): { readonly text: string } | { readonly reason: string } {
  try {
    return { text: readFileSync(traceFile, 'latin1') };
  } catch (error) {
    return { reason: `${traceFile}: ${(error as NodeJS.ErrnoException).code}` };
  }
}

/**
 * What was printed between two markers, as trace_pipe shows it after `bpf_trace_printk: `, one string for a call of the
 * helper, a character for a byte. A call's text may have line ends: lines of other events or without a task begin nothing.
 */
export function printedBetween(trace: string, begin: string, end: string): string[] {
  const from = trace.lastIndexOf(begin);
  const to = trace.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`the trace has lost "${begin}" .. "${end}"`);
  const lineStart = trace.lastIndexOf('\n', from) + 1;
  const task = trace.slice(lineStart, trace.indexOf('[', lineStart)).trim();
  const lines: string[] = [];
  for (const line of trace
    .slice(trace.indexOf('\n', from) + 1, trace.lastIndexOf('\n', to) + 1)
    .split('\n')
    .slice(0, -1)) {
    const at = line.indexOf(eventText);
    if (at < 0) lines[lines.length - 1] += `\n${line}`;
    else if (line.trimStart().startsWith(task)) lines.push(line.slice(at + eventText.length));
  }
  return lines;
}
