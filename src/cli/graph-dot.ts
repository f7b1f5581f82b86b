/** A graph of tail calls in Graphviz's language. */
import { type Graph, siteText } from './graph-data.ts';

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
/** Record labels have braces, bars and angle brackets of their own. */
const field = (text: string): string => text.replace(/[{}|<>\\" ]/g, '\\$&');

export function dotText({ programs, arrays, edges }: Graph): string {
  const lines = ['digraph tail_calls {', '  rankdir=LR;', '  node [fontname="monospace"];'];
  for (const { name, type, error } of programs) {
    const style = error === undefined ? '' : ', style=dashed';
    lines.push(
      `  ${quoted(`prog ${name}`)} [shape=box, label=${quoted(`${name}\n${type}`).replace(/\n/g, '\\n')}${style}];`,
    );
  }
  for (const { name, entries, slots } of arrays) {
    const rows = slots.map(({ slot, program }) => `<s${slot}> ${slot}: ${field(program)}`);
    const label = [`<head> ${field(name)} \\[${entries}\\]`, ...rows].join('|');
    lines.push(`  ${quoted(`map ${name}`)} [shape=record, label="${label}"];`);
    for (const { slot, program } of slots)
      lines.push(`  ${quoted(`map ${name}`)}:s${slot} -> ${quoted(`prog ${program}`)};`);
  }
  for (const { name, calls } of programs) {
    for (const site of calls) {
      const label = quoted(siteText(site, arrays));
      const ends = edges.filter((edge) => edge.from === name && edge.pc === site.pc);
      const targets = new Set(ends.map((edge) => `${quoted(`map ${edge.map}`)}:s${edge.slot}`));
      if (targets.size === 0 && site.map !== undefined) targets.add(`${quoted(`map ${site.map}`)}:head`);
      for (const target of targets) lines.push(`  ${quoted(`prog ${name}`)} -> ${target} [label=${label}];`);
    }
  }
  return [...lines, '}', ''].join('\n');
}
