/** `bpf2wasm inspect`: what an object file holds. */
import { declare } from '../btf/declare.ts';
import { dumpBtf } from '../btf/dump.ts';
import { prepare } from '../compiler.ts';
import { tailCallSites } from '../jit/compile.ts';
import { tailCallMap } from '../jit/tail-site.ts';
import type { BpfObject, MapSpec, ProgSpec } from '../object/types.ts';
import { variables } from '../object/variables.ts';
import { mapTypeName } from '../util/map-types.ts';
import { parseCommandLine, positionals } from './args.ts';
import { describeError, type ErrorData, EXIT, EXIT_HELP, type ExitCode } from './errors.ts';
import { readObject } from './files.ts';
import { inspectLines } from './inspect-text.ts';
import { print, printJson, printLines } from './output.ts';

const INSPECT_HELP = `Usage: bpf2wasm inspect <object> [options]

Shows the programs, maps, sections, BTF and licence of an object file. Nothing is loaded.

  --btf                  print the types as C definitions
  --json                 print it as JSON: { name, license, gplCompatible, programs, subprograms, maps, variables, externs, sections, btf, error? }
  -h, --help

${EXIT_HELP}
`;

export interface ProgInfo {
  readonly name: string;
  readonly section: string;
  readonly type: string;
  readonly autoload: boolean;
  /** Insns with its subprograms; those of its own where it cannot be linked. */
  readonly insns: number;
  readonly maps: readonly string[];
  readonly subprograms: readonly string[];
  readonly tailCalls: readonly { readonly pc: number; readonly map?: string }[];
  /** Why it cannot be loaded. */
  readonly error?: ErrorData;
}

export interface MapInfo {
  readonly name: string;
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** C declarations. */
  readonly key?: string;
  readonly value?: string;
  readonly slots?: readonly (string | null)[];
}

/** A global variable or kernel configuration value: what `--set NAME=VALUE` and `setVariable` set. */
export interface VariableInfo {
  readonly name: string;
  readonly map: string;
  /** C declaration. */
  readonly type: string;
  readonly size: number;
}

export interface ObjectInfo {
  readonly name: string;
  readonly license: string;
  readonly gplCompatible: boolean;
  readonly programs: readonly ProgInfo[];
  readonly subprograms: readonly string[];
  readonly maps: readonly MapInfo[];
  readonly variables: readonly VariableInfo[];
  readonly externs: readonly { readonly name: string; readonly kind: string; readonly weak: boolean }[];
  readonly sections: readonly { readonly name: string; readonly size: number; readonly relocations: number }[];
  readonly btf: { readonly types: number; readonly kinds: Readonly<Record<string, number>> } | null;
}

export async function inspectCommand(argv: readonly string[]): Promise<ExitCode> {
  const args = parseCommandLine(argv, { btf: { type: 'boolean' } });
  if (args.flag('help')) {
    await print(INSPECT_HELP);
    return EXIT.ok;
  }
  const [path] = positionals(args, ['object']);
  const object = readObject(path);
  const definitions = args.flag('btf') && object.btf !== undefined ? dumpBtf(object.btf) : undefined;
  if (args.flag('json')) {
    await printJson({ ...inspect(object), ...(definitions !== undefined && { definitions }) });
  } else if (args.flag('btf')) {
    await printLines([definitions ?? '/* no BTF */']);
  } else {
    await printLines(inspectLines(inspect(object)));
  }
  return EXIT.ok;
}

function inspect(object: BpfObject): ObjectInfo {
  const { name, license, gplCompatible, btf, elf } = object;
  return {
    name,
    license,
    gplCompatible,
    programs: object.progs.map((prog) => progInfo(object, prog)),
    subprograms: object.subprogs.map((sub) => sub.name),
    maps: object.maps.map((map) => mapInfo(object, map)),
    variables: variables(object).map(({ name: variable, map, type, size }) => {
      return { name: variable, map: map.name, type: btf === undefined ? '' : declare(btf, type, variable), size };
    }),
    externs: object.externs.map(({ name: extern, kind, weak }) => ({ name: extern, kind, weak })),
    sections: elf.sections
      .filter((section) => section.index > 0)
      .map(({ name: section, size, relocations }) => ({ name: section, size, relocations: relocations.length })),
    btf: btf === undefined ? null : { types: btf.types.length - 1, kinds: kindsOf(object) },
  };
}

function kindsOf({ btf }: BpfObject): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const type of btf?.types.slice(1) ?? []) kinds[type.kind] = (kinds[type.kind] ?? 0) + 1;
  return kinds;
}

function progInfo(object: BpfObject, spec: ProgSpec): ProgInfo {
  const own = { name: spec.name, section: spec.section, type: spec.type, autoload: spec.autoload };
  try {
    const [checked] = prepare(object, [spec.name]);
    const { prog } = checked;
    return {
      ...own,
      insns: prog.insns.length / 8,
      maps: prog.maps.map((map) => map.name),
      subprograms: prog.funcs.slice(1).map((func) => func.name),
      tailCalls: tailCallSites(checked).map((pc) => {
        const map = tailCallMap(checked, pc)?.name;
        return { pc, ...(map !== undefined && { map }) };
      }),
    };
  } catch (error) {
    const { data, exit } = describeError(error);
    if (exit === EXIT.internal) throw error;
    return { ...own, insns: spec.size / 8, maps: [], subprograms: [], tailCalls: [], error: data };
  }
}

function mapInfo(object: BpfObject, spec: MapSpec): MapInfo {
  const { name, type, keySize, valueSize, maxEntries, flags } = spec;
  const declared = (id: number) => (object.btf === undefined || id === 0 ? undefined : declare(object.btf, id));
  const [key, value] = [declared(spec.btfKeyTypeId), declared(spec.btfValueTypeId)];
  return {
    name,
    type: mapTypeName(type),
    keySize,
    valueSize,
    maxEntries,
    flags,
    ...(key !== undefined && { key }),
    ...(value !== undefined && { value }),
    ...(spec.initialSlots.length > 0 && { slots: spec.initialSlots.map((slot) => slot ?? null) }),
  };
}
