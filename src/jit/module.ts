/** Puts a Wasm module together: types, imports, globals, functions, exports and the name section, in the order the format wants. */
import { WasmWriter } from './encoder.ts';
import { FUNCREF, I32 } from './opcodes.ts';

/** Value types of parameters and results. */
export interface FuncType {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

interface LocalFunc {
  readonly name: string;
  readonly type: number;
  readonly body: WasmWriter;
}

const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
/** Limits of a memory: it has a maximum, threads share it. */
const LIMITS_SHARED = 3;
const MAX_PAGES = 65536;
const KIND = { func: 0, table: 1, memory: 2, global: 3 } as const;

export class ModuleBuilder {
  private readonly typeIndex = new Map<string, number>();
  private readonly types: FuncType[] = [];
  private readonly imports = new WasmWriter();
  private importCount = 0;
  private readonly importedFuncs: string[] = [];
  private readonly importedGlobals: string[] = [];
  private readonly funcs: LocalFunc[] = [];
  private readonly exports: { readonly name: string; readonly func: number }[] = [];

  typeOf(type: FuncType): number {
    const key = `${type.params.join()}:${type.results.join()}`;
    let index = this.typeIndex.get(key);
    if (index === undefined) {
      index = this.types.length;
      this.types.push(type);
      this.typeIndex.set(key, index);
    }
    return index;
  }

  private importEntry(module: string, name: string, kind: number): WasmWriter {
    this.importCount++;
    this.imports.name(module);
    this.imports.name(name);
    this.imports.u8(kind);
    return this.imports;
  }

  /** A memory of any size; one that threads share must be imported as such, and has a maximum. */
  importMemory(module: string, name: string, shared: boolean): void {
    const w = this.importEntry(module, name, KIND.memory);
    w.u8(shared ? LIMITS_SHARED : 0);
    w.u32(0);
    if (shared) w.u32(MAX_PAGES);
  }

  importTable(module: string, name: string): void {
    const w = this.importEntry(module, name, KIND.table);
    w.u8(FUNCREF);
    w.u8(0);
    w.u32(0);
  }

  /** An immutable i32; returns its global index. */
  importGlobal(module: string, name: string): number {
    const w = this.importEntry(module, name, KIND.global);
    w.u8(I32);
    w.u8(0);
    this.importedGlobals.push(name);
    return this.importedGlobals.length - 1;
  }

  /** Returns the function index. All imports must come before the first local function is indexed. */
  importFunc(module: string, name: string, type: FuncType): number {
    const w = this.importEntry(module, name, KIND.func);
    w.u32(this.typeOf(type));
    this.importedFuncs.push(name);
    return this.importedFuncs.length - 1;
  }

  /** The index the `n`th local function will have. */
  localIndex(n: number): number {
    return this.importedFuncs.length + n;
  }

  /** Adds the next local function; `body` holds its locals and code. */
  addFunc(name: string, type: FuncType, body: WasmWriter): number {
    this.funcs.push({ name, type: this.typeOf(type), body });
    return this.importedFuncs.length + this.funcs.length - 1;
  }

  exportFunc(name: string, func: number): void {
    this.exports.push({ name, func });
  }

  finish(moduleName: string): Uint8Array {
    const out = new WasmWriter(this.size());
    out.raw(new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]));
    section(out, SECTION.type, this.types.length, (w) => this.writeTypes(w));
    section(out, SECTION.import, this.importCount, (w) => w.raw(this.imports.finish()));
    section(out, SECTION.function, this.funcs.length, (w) => {
      for (const f of this.funcs) w.u32(f.type);
    });
    section(out, SECTION.export, this.exports.length, (w) => {
      for (const e of this.exports) {
        w.name(e.name);
        w.u8(KIND.func);
        w.u32(e.func);
      }
    });
    section(out, SECTION.code, this.funcs.length, (w) => {
      for (const f of this.funcs) w.sized(f.body);
    });
    this.writeNames(out, moduleName);
    return out.finish().slice();
  }

  /** More bytes than the module has, but for its names. */
  private size(): number {
    return this.funcs.reduce((sum, { body }) => sum + body.length + 16, 4096);
  }

  private writeTypes(w: WasmWriter): void {
    for (const t of this.types) {
      w.u8(0x60);
      w.u32(t.params.length);
      for (const p of t.params) w.u8(p);
      w.u32(t.results.length);
      for (const r of t.results) w.u8(r);
    }
  }

  /** The `name` custom section: module name (0) and function names (1), so that stack traces speak of progs and subprogs. */
  private writeNames(out: WasmWriter, moduleName: string): void {
    const content = new WasmWriter();
    content.name('name');
    const module = new WasmWriter();
    module.name(moduleName);
    content.u8(0);
    content.sized(module);
    const names = new WasmWriter();
    names.u32(this.importedFuncs.length + this.funcs.length);
    [...this.importedFuncs, ...this.funcs.map((f) => f.name)].forEach((name, i) => {
      names.u32(i);
      names.name(name);
    });
    content.u8(1);
    content.sized(names);
    out.u8(SECTION.custom);
    out.sized(content);
  }
}

function section(out: WasmWriter, id: number, count: number, write: (w: WasmWriter) => void): void {
  if (count === 0) return;
  const content = new WasmWriter();
  content.u32(count);
  write(content);
  out.u8(id);
  out.sized(content);
}
