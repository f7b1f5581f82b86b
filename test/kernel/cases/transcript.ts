// An observation as text: one line for each step and map, so that `test/kernel/observed/*.txt` keeps what the kernel did
// and an engine is compared with it on machines whose kernel cannot be asked.

import type { Case, Observation, Step, StepResult } from './types.ts';

const HASHED_FROM = 512;

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** FNV-1a, 64 bits: long data is compared by it. */
export function fnv(bytes: Uint8Array): string {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100_0000_01b3n);
  return hash.toString(16).padStart(16, '0');
}

/** u64 words in hex, `0*5` for five zeros; bytes in hex where the length is no multiple of 8. */
export function showValue(bytes: Uint8Array): string {
  if (bytes.length > HASHED_FROM) return `${bytes.length} bytes #${fnv(bytes)}`;
  if (bytes.length % 8 !== 0) return hex(bytes);
  const words = [...new BigUint64Array(bytes.slice().buffer)].map((word) => word.toString(16)).join(' ');
  return words.replace(/\b0(?: 0){2,}(?=$| )/g, (zeros) => `0*${(zeros.length + 1) / 2}`);
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

function showResult(step: Step, result: StepResult): string {
  if ('error' in result) return result.error;
  if ('retval' in result) {
    const unchanged = step.op === 'run' && same(step.data, result.data);
    const data = unchanged ? 'same' : `${result.data.length} #${fnv(result.data)}`;
    const ctx = result.ctx === undefined ? '' : ` ctx ${new Uint32Array(result.ctx.slice().buffer).join(',')}`;
    return `${result.retval | 0} data ${data}${ctx}`;
  }
  if ('value' in result) return showValue(result.value as Uint8Array);
  if ('key' in result) return hex(result.key as Uint8Array);
  return 'ok';
}

function showStep(source: Case, step: Step): string {
  switch (step.op) {
    case 'run':
      return `run ${source.progs[step.prog ?? 0]!.name}`;
    case 'update':
      return `update ${step.map}[${hex(step.key)}] = ${showValue(step.value)} flags ${(step.flags ?? 0).toString(16)}`;
    case 'setProg':
      return `set ${step.map}[${hex(step.key)}] = ${source.progs[step.prog]!.name} flags ${step.flags ?? 0}`;
    case 'lookup':
      return `lookup ${step.map}[${hex(step.key)}]${step.flags ? ` flags ${step.flags}` : ''}`;
    case 'delete':
      return `delete ${step.map}[${hex(step.key)}]`;
    case 'closeProg':
      return `close ${source.progs[step.prog]!.name}`;
    case 'next':
      return `next ${step.map}[${step.key === undefined ? '' : hex(step.key)}]`;
  }
}

const fromHex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** The case's name, a line for each step, and each map's entries when the steps are done. */
export function transcript(source: Case, observed: Observation): string {
  if (observed.refused !== undefined) return `${source.name}\n  refused: ${observed.refused}\n`;
  const steps = source.steps.map(
    (step, i) => `  ${showStep(source, step)} -> ${showResult(step, observed.steps[i]!)}\n`,
  );
  const maps = observed.maps.map((entries, i) => {
    if (entries === undefined) return '';
    return `  map ${i}: ${entries.map(([key, value]) => `${key}=${showValue(fromHex(value))}`).join('; ')}\n`;
  });
  return [`${source.name}\n`, ...steps, ...maps].join('');
}
