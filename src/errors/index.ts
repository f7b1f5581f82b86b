/**
 * Errors are data: a stage, a code, and the fields that say what, where and what to do. The text is derived from them.
 * Each stage has one table (`src/errors/<stage>.ts`) with a row per code and one class; all are `BpfError`.
 */
import { BTF_ERRORS } from './btf.ts';
import { CAPTURE_ERRORS } from './capture.ts';
import { CBPF_ERRORS } from './cbpf.ts';
import { COMPILE_ERRORS } from './compile.ts';
import { ELF_ERRORS } from './elf.ts';
import { INSN_ERRORS } from './insn.ts';
import { LINK_ERRORS } from './link.ts';
import { OBJECT_ERRORS } from './object.ts';
import { RUN_ERRORS } from './run.ts';
import { VERIFIER_ERRORS } from './verifier.ts';

/** What every row table looks like: code -> text made from that code's fields. */
export type ErrorTable = Record<string, (fields: never) => string>;
/** The fields of one code of a table. */
export type FieldsOf<T extends ErrorTable, C extends keyof T> = Parameters<T[C]>[0];

export type Stage = 'elf' | 'btf' | 'insn' | 'cbpf' | 'object' | 'link' | 'verifier' | 'compile' | 'run' | 'capture';

/** The base of every error this package throws on purpose. `JSON.stringify(error)` gives stage, code, message and fields. */
export abstract class BpfError extends Error {
  readonly stage: Stage;
  readonly code: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(stage: Stage, code: string, message: string, fields: object) {
    super(message);
    this.name = new.target.name;
    this.stage = stage;
    this.code = code;
    this.fields = fields as Record<string, unknown>;
  }

  toJSON(): { name: string; stage: Stage; code: string; message: string; fields: Readonly<Record<string, unknown>> } {
    return { name: this.name, stage: this.stage, code: this.code, message: this.message, fields: this.fields };
  }
}

function text<T extends ErrorTable, C extends keyof T>(table: T, code: C, fields: FieldsOf<T, C>): string {
  return table[code](fields as never);
}

/** The bytes are not a usable ELF64 little-endian BPF file. */
export class ElfError<C extends keyof typeof ELF_ERRORS = keyof typeof ELF_ERRORS> extends BpfError {
  constructor(code: C, fields: FieldsOf<typeof ELF_ERRORS, C>) {
    super('elf', code, text(ELF_ERRORS, code, fields), fields);
  }
}

/** `.BTF` or `.BTF.ext` is malformed. */
export class BtfError<C extends keyof typeof BTF_ERRORS = keyof typeof BTF_ERRORS> extends BpfError {
  constructor(code: C, fields: FieldsOf<typeof BTF_ERRORS, C>) {
    super('btf', code, text(BTF_ERRORS, code, fields), fields);
  }
}

/** An instruction cannot be decoded, encoded or parsed from text. */
export class InsnError<C extends keyof typeof INSN_ERRORS = keyof typeof INSN_ERRORS> extends BpfError {
  constructor(code: C, fields: FieldsOf<typeof INSN_ERRORS, C>) {
    super('insn', code, text(INSN_ERRORS, code, fields), fields);
  }
}

/** A classic BPF filter is malformed, breaks a rule, or asks for what cannot be answered. */
export class CbpfError<C extends keyof typeof CBPF_ERRORS = keyof typeof CBPF_ERRORS> extends BpfError {
  constructor(code: C, fields: FieldsOf<typeof CBPF_ERRORS, C>) {
    super('cbpf', code, text(CBPF_ERRORS, code, fields), fields);
  }
}

/** The ELF file is sound, but what it declares as BPF is not. */
export class ObjectError<C extends keyof typeof OBJECT_ERRORS = keyof typeof OBJECT_ERRORS> extends BpfError {
  constructor(code: C, fields: FieldsOf<typeof OBJECT_ERRORS, C>) {
    super('object', code, text(OBJECT_ERRORS, code, fields), fields);
  }
}

/** A reference of a program cannot be resolved. */
export class LinkError<C extends keyof typeof LINK_ERRORS = keyof typeof LINK_ERRORS> extends BpfError {
  constructor(code: C, fields: FieldsOf<typeof LINK_ERRORS, C>) {
    super('link', code, text(LINK_ERRORS, code, fields), fields);
  }
}

/** A program is refused. */
export class VerifierError<C extends keyof typeof VERIFIER_ERRORS = keyof typeof VERIFIER_ERRORS> extends BpfError {
  constructor(code: C, fields: FieldsOf<typeof VERIFIER_ERRORS, C>) {
    super('verifier', code, text(VERIFIER_ERRORS, code, fields), fields);
  }
}

/** A program is accepted but cannot be turned into Wasm (a limit of Wasm engines, or what this package lacks and names). */
export class CompileError<C extends keyof typeof COMPILE_ERRORS = keyof typeof COMPILE_ERRORS> extends BpfError {
  constructor(code: C, fields: FieldsOf<typeof COMPILE_ERRORS, C>) {
    super('compile', code, text(COMPILE_ERRORS, code, fields), fields);
  }
}

/** The engine, a map, a device or a run was used in a way that cannot work. */
export class RunError<C extends keyof typeof RUN_ERRORS = keyof typeof RUN_ERRORS> extends BpfError {
  constructor(code: C, fields: FieldsOf<typeof RUN_ERRORS, C>) {
    super('run', code, text(RUN_ERRORS, code, fields), fields);
  }
}

/** A capture file is malformed. */
export class CaptureError<C extends keyof typeof CAPTURE_ERRORS = keyof typeof CAPTURE_ERRORS> extends BpfError {
  constructor(code: C, fields: FieldsOf<typeof CAPTURE_ERRORS, C>) {
    super('capture', code, text(CAPTURE_ERRORS, code, fields), fields);
  }
}

/** Every table, for the generated error page and the test that gives each row its text. */
export const ERROR_TABLES = {
  elf: ELF_ERRORS,
  btf: BTF_ERRORS,
  insn: INSN_ERRORS,
  cbpf: CBPF_ERRORS,
  object: OBJECT_ERRORS,
  link: LINK_ERRORS,
  verifier: VERIFIER_ERRORS,
  compile: COMPILE_ERRORS,
  run: RUN_ERRORS,
  capture: CAPTURE_ERRORS,
} as const satisfies Record<Stage, ErrorTable>;
