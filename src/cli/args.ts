/** Command lines: node:util's parser with this command's words for what is wrong. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './errors.ts';

export type OptionTable = NonNullable<ParseArgsConfig['options']>;

/** Options every command has. */
const COMMON = { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } } as const satisfies OptionTable;

export class Args {
  readonly positionals: readonly string[];
  private readonly values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>, positionals: readonly string[]) {
    this.values = values;
    this.positionals = positionals;
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  text(name: string): string | undefined {
    return this.values[name] as string | undefined;
  }

  list(name: string): readonly string[] {
    return (this.values[name] as readonly string[] | undefined) ?? [];
  }

  /** The option must be given. */
  needed(name: string, what: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageError(`--${name} is needed: ${what}`);
    return value;
  }

  choice<const C extends string>(name: string, choices: readonly C[]): C | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw new UsageError(`--${name}: '${value}' is none of ${choices.join(', ')}`);
  }

  /** A count such as `1000`, `0x10` or `1e6`. */
  integer(name: string, min: number, max: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^(\d+|0x[0-9a-f]+|\d+e\d+)$/i.test(value) ? Number(value) : Number.NaN;
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    throw new UsageError(`--${name}: '${value}' is no integer from ${min} to ${max}`);
  }
}

/** Why a text is no JSON, in one line: V8 quotes the text, line ends included. */
export function jsonReason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' ');
}

/** The node:util text for one mistake, in one line and without advice on its own API. */
function parserMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [, dashed] = /^Option '[^']*(--[\w-]+)[^']*' argument is ambiguous/.exec(text) ?? [];
  if (dashed !== undefined) return `${dashed} needs a value; one that begins with - is written ${dashed}=-...`;
  const [first = ''] = text.split(/\. To specify|\n/);
  return first
    .replace(/\.$/, '')
    .replace(/^Unknown option .*/, (text) => `${text.replace('U', 'u')}; --help lists the options`);
}

export function parseCommandLine(argv: readonly string[], options: OptionTable): Args {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { ...COMMON, ...options },
      allowPositionals: true,
    });
    return new Args(values, positionals);
  } catch (error) {
    throw new UsageError(parserMessage(error), 'USAGE_OPTION');
  }
}

/** The positionals by name, all of them and no more. */
export function positionals<const N extends readonly string[]>(args: Args, names: N): { [K in keyof N]: string } {
  const given = args.positionals;
  if (given.length < names.length) {
    const missing = names.slice(given.length).map((name) => `<${name}>`);
    throw new UsageError(`${missing.join(' and ')} missing; --help says what is needed`, 'USAGE_MISSING');
  }
  if (given.length > names.length) throw new UsageError(`unexpected argument '${given[names.length]}'`, 'USAGE_EXTRA');
  return given as unknown as { [K in keyof N]: string };
}
