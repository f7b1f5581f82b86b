/**
 * Compiles programs to one Wasm module.
 *
 *     CheckedProg -> blocks -> (reducible) Cfg -> structured flow -> function body -> module
 *
 * The module imports `env.memory`, `env.table` if it tail-calls, the helpers it calls (`helper.NAME`) and, unless it is bound to an engine, its addresses as
 * globals. It exports each program under its name and its batch loop as `run:NAME`. Same programs and options, same bytes.
 */
import { BPF_MAP_TYPE_ARENA } from '../../assembly/isa.ts';
import { CompileError } from '../errors/index.ts';
import { buildBlocks } from '../ir/block.ts';
import type { Cfg } from '../ir/cfg.ts';
import { makeReducible } from '../ir/irreducible.ts';
import { findProvenance } from '../ir/provenance.ts';
import { BPF_FUNC_tail_call, HELPER_BY_ID, type HelperProto, wasmArg, wasmRet } from '../isa/helpers.ts';
import type { MapSpec } from '../object/types.ts';
import type { Facts } from '../verifier/facts.ts';
import type { CheckedProg } from '../verifier/structural.ts';
import { batchLoop, enterFamily, type LoopProg } from './batch.ts';
import { Code } from './code.ts';
import type { WasmWriter } from './encoder.ts';
import { type Arena, type ImportedFuncs, type ProgEnv, pushRef, type Ref, type Siblings, seesSkb } from './env.ts';
import { countTailCalls, families, tailCallPcs } from './family.ts';
import { inlineFunc, lowerFunc } from './lower.ts';
import { type FuncType, ModuleBuilder } from './module.ts';
import { type ObjectSite, objectSite, siteKey } from './object-site.ts';
import * as w from './opcodes.ts';
import { liveOps, proofOf, provedFacts } from './proved.ts';
import { variantOf } from './variants.ts';

/** Addresses of one engine. With them the code holds constants; without, the module imports globals and fits any engine. */
export interface Binding {
  readonly vm: number;
  readonly cpus: number;
  /** Threads share the engine's memory. What each of them has of its own, its struct Vm and the statistics, are imported globals then. */
  readonly shared?: boolean;
  readonly map: (map: MapSpec) => { readonly address: number; readonly tableBase: number };
  /** The u32 at an address: numbers that are fixed when a map is made become constants. Without it they are loaded. */
  readonly word?: (address: number) => number;
  readonly prog: (prog: CheckedProg) => { readonly id: number; readonly stats: number };
  /** Address of a type of objects that the program makes. */
  readonly objectType: (prog: CheckedProg, site: ObjectSite) => number;
  /** Table slot of a callback. */
  readonly funcSlot: (prog: CheckedProg, pc: number) => number;
}

export interface CompileOptions {
  /** Compile a bounds check into every access (default true). Only verified programs may do without. */
  readonly checked?: boolean;
  readonly binding?: Binding;
  /** Name in the module's name section. */
  readonly name?: string;
}

const PROG_TYPE: FuncType = { params: [w.I32, w.I32], results: [w.I64] };
const SUBPROG_TYPE: FuncType = { params: [w.I64, w.I64, w.I64, w.I64, w.I64, w.I32], results: [w.I64] };
const BATCH_TYPE: FuncType = { params: [w.I32, w.I32], results: [] };
const FAMILY_TYPE: FuncType = { params: [w.I32, w.I32, w.I32], results: [] };
const VIOLATION_TYPE: FuncType = { params: [w.I64, w.I32, w.I64], results: [] };
/** trap(code, prog, pc, addr, size, write) */
const TRAP_TYPE: FuncType = { params: [w.I32, w.I32, w.I32, w.I64, w.I32, w.I32], results: [] };
const CHECK_MEM_TYPE: FuncType = { params: [w.I64, w.I32, w.I32], results: [w.I32] };
const CHECK_MAP_TYPE: FuncType = { params: [w.I64], results: [w.I32] };
const ARENA_AT_TYPE: FuncType = { params: [w.I32, w.I32, w.I32], results: [w.I32] };
const KFUNC_TYPE: FuncType = SUBPROG_TYPE;

/** Every tail call of a function has a direct call of each of so many programs. */
const MAX_SIBLINGS = 8;

/** Functions larger than this are beyond what Wasm engines take (V8's limit is 7,654,321 bytes). */
const MAX_FUNCTION_BYTES = 7_654_321;

const valtype = (t: 'i32' | 'i64'): number => (t === 'i32' ? w.I32 : w.I64);

function helperType(proto: HelperProto, quiet: boolean): FuncType {
  return {
    params: [...proto.args.map((arg) => valtype(wasmArg(arg))), ...(proto.callsBack ? [w.I32] : [])],
    results: quiet || proto.ret === 'void' ? [] : [valtype(wasmRet(proto.ret))],
  };
}

/** The same where a key is its hash and two words. */
function wordsType(proto: HelperProto): FuncType {
  const { params, results } = helperType(proto, false);
  return { params: [params[0], w.I32, w.I64, w.I64, ...params.slice(2)], results };
}

function protoOf(helper: number): HelperProto {
  const proto = HELPER_BY_ID.get(helper);
  if (proto === undefined) throw new CompileError('COMPILE_INTERNAL', { detail: `helper #${helper} has no prototype` });
  return proto;
}

/** A program with what was found out about it before any code is written. */
interface Analysed {
  /** As it was given: what the binding knows it by. */
  readonly source: CheckedProg;
  /** The same without dead code. */
  readonly checked: CheckedProg;
  readonly facts: Facts;
  /** Of each function, in the order of `checked.funcs`. */
  readonly cfgs: readonly Cfg[];
}

/** With checks nothing that the verifier found is believed: where a pointer comes from is found out anew. */
function analyse(prog: CheckedProg, checks: boolean): Analysed {
  const proof = checks ? undefined : proofOf(prog);
  const checked = proof === undefined ? prog : { ...prog, ops: liveOps(prog.ops, proof) };
  const cfgs = checked.funcs.map((f) => makeReducible(buildBlocks(checked.ops, f.start, f.end)));
  if (proof !== undefined) return { source: prog, checked, facts: provedFacts(checked, proof), cfgs };
  const shapes = checked.funcs.map((f, i) => ({ start: f.start, end: f.end, blocks: cfgs[i].blocks }));
  return { source: prog, checked, facts: findProvenance(checked.ops, shapes, !seesSkb(checked.prog)), cfgs };
}

/** Imports every function the programs call, in the order of their first calls. */
function importFuncs(
  module: ModuleBuilder,
  progs: readonly Analysed[],
  checks: boolean,
  shared: boolean,
): ImportedFuncs {
  const trap = module.importFunc('env', 'trap', TRAP_TYPE);
  const checkMem = checks ? module.importFunc('env', 'check_mem', CHECK_MEM_TYPE) : -1;
  const checkMap = checks ? module.importFunc('env', 'check_map', CHECK_MAP_TYPE) : -1;
  const hasArena = progs.some(({ checked }) => checked.prog.maps.some((map) => map.type === BPF_MAP_TYPE_ARENA));
  const arenaAt = hasArena ? module.importFunc('env', 'arena_at', ARENA_AT_TYPE) : -1;
  const helpers = new Map<string, number>();
  const kfuncs = new Map<string, number>();
  const importOnce = (name: string, type: FuncType): void => {
    if (!helpers.has(name)) helpers.set(name, module.importFunc('helper', name, type));
  };
  for (const { checked, facts } of progs) {
    checked.ops.forEach((op, pc) => {
      if (op?.kind === 'call' && op.helper !== BPF_FUNC_tail_call) {
        const variant = variantOf({ checked, facts, checks, shared }, pc, op);
        if (variant.kind !== 'call') return;
        const { name, words } = variant;
        const proto = protoOf(op.helper);
        importOnce(name, helperType(proto, name === 'trace_printk_void'));
        // Of two calls of one function the first may have a key that is too long for words.
        if (words !== undefined && !shared) importOnce(words, wordsType(proto));
      } else if (op?.kind === 'call_kfunc') {
        const name = checked.prog.kfuncs[op.id] ?? `#${op.id}`;
        if (name !== 'bpf_throw' && !kfuncs.has(name)) kfuncs.set(name, module.importFunc('kfunc', name, KFUNC_TYPE));
      }
    });
  }
  return {
    trap,
    checkMem,
    checkMap,
    arenaAt,
    helper: (n) => helpers.get(n) as number,
    kfunc: (n) => kfuncs.get(n) as number,
  };
}

/** Imported globals, each made when first asked for. */
class Globals {
  private readonly module: ModuleBuilder;
  private readonly known = new Map<string, Ref>();

  constructor(module: ModuleBuilder) {
    this.module = module;
  }

  get(space: string, name: string): Ref {
    const key = `${space}\0${name}`;
    let ref = this.known.get(key);
    if (ref === undefined) {
      ref = { kind: 'global', index: this.module.importGlobal(space, name) };
      this.known.set(key, ref);
    }
    return ref;
  }
}

const constant = (value: number): Ref => ({ kind: 'const', value });

/** Pcs of the tail-call sites of a program, in the order of the statistics. */
export function tailCallSites(checked: CheckedProg): number[] {
  return [...tailCallPcs(checked)];
}

/** Start pcs of functions whose address a program takes: the callbacks. */
export function callbackTargets(checked: CheckedProg): number[] {
  const targets = new Set<number>();
  for (const op of checked.ops) if (op?.kind === 'lddw' && op.value.kind === 'func') targets.add(op.value.target);
  return [...targets].sort((a, b) => a - b);
}

/** The loop of a program: a shared one, that it enters at its place, or its own, with other programs in it. */
type LoopSeat = { readonly loop: number; readonly place: number } | { readonly members: readonly number[] };

function pick<T>(all: readonly T[], indices: readonly number[]): T[] {
  return indices.map((i) => all[i]);
}

class Compiler {
  private readonly module = new ModuleBuilder();
  private readonly globals = new Globals(this.module);
  private readonly progs: readonly CheckedProg[];
  private readonly checks: boolean;
  private readonly binding: Binding | undefined;

  constructor(progs: readonly CheckedProg[], options: CompileOptions) {
    this.progs = progs;
    this.checks = options.checked ?? true;
    this.binding = options.binding;
  }

  run(name: string): Uint8Array {
    this.module.importMemory('env', 'memory', this.binding?.shared === true);
    // V8 keeps an instance for as long as a table that it imports: only who jumps through the table imports it.
    if (this.progs.some((prog) => countTailCalls(prog) > 0)) this.module.importTable('env', 'table');
    const progs = this.progs.map((prog) => analyse(prog, this.checks));
    const funcs = importFuncs(this.module, progs, this.checks, this.binding?.shared === true);
    // Local functions of each program: violation, entry and subprograms, batch loop. Then the loops of families.
    let count = 0;
    const firsts = progs.map(({ checked }) => {
      const first = count;
      count += checked.funcs.length + 2;
      return first;
    });
    const groups = this.idsFollow() ? families(progs.map(({ checked }) => checked)) : [];
    const shared = groups.filter((group) => group.shared);
    const seatOf = (i: number): LoopSeat => {
      const loop = shared.findIndex(({ members }) => members.includes(i));
      if (loop >= 0) return { loop: this.module.localIndex(count + loop), place: shared[loop].members.indexOf(i) };
      const members = groups.find((group) => group.members.includes(i))?.members ?? [i];
      // Who calls nobody needs nobody else in its loop.
      return { members: countTailCalls(progs[i].checked, 0) > 0 ? members : [i] };
    };
    const siblings = this.siblings(progs, firsts);
    const inLoops = progs.map((prog, i): LoopProg => {
      return { prog: this.env(prog, firsts[i], funcs, siblings), cfg: prog.cfgs[0] };
    });
    progs.forEach((prog, i) => {
      const seat = seatOf(i);
      const { prog: env } = inLoops[i];
      if ('loop' in seat) this.addProg(prog, env, enterFamily(seat.place, seat.loop));
      else this.addProg(prog, env, batchLoop(pick(inLoops, seat.members), seat.members.indexOf(i)));
    });
    for (const { members } of shared) {
      const loop = batchLoop(pick(inLoops, members), undefined);
      const { prog } = inLoops[members[0]];
      this.checkSize(prog, 'run', loop);
      this.module.addFunc(`run/${prog.checked.prog.name}`, FAMILY_TYPE, loop);
    }
    return this.module.finish(name);
  }

  /** Whether each program's id is one above that of the program before it. */
  private idsFollow(): boolean {
    const ids = this.progs.map((prog) => this.binding?.prog(prog).id ?? 0);
    return ids.length > 0 && ids.every((id, i) => id !== 0 && id === ids[0] + i);
  }

  private siblings(progs: readonly Analysed[], firsts: readonly number[]): Siblings | undefined {
    if (progs.length > MAX_SIBLINGS || !this.idsFollow()) return undefined;
    const base = constant(this.binding?.prog(this.progs[0]).id ?? 0);
    return { base, entries: firsts.map((first) => this.module.localIndex(first + 1)) };
  }

  private env(
    { source, checked, facts, cfgs }: Analysed,
    first: number,
    funcs: ImportedFuncs,
    siblings: Siblings | undefined,
  ): ProgEnv {
    const { binding, globals, module } = this;
    const { name, maps } = checked.prog;
    const index = new Map(checked.funcs.map((f, i) => [f.start, module.localIndex(first + 1 + i)]));
    const bound = binding?.prog(source);
    const shared = binding?.shared === true;
    const env: ProgEnv = {
      checked,
      facts,
      checks: this.checks,
      funcs,
      cpus: binding?.cpus,
      shared,
      vm: binding && !shared ? constant(binding.vm) : globals.get('env', 'vm'),
      progId: bound ? constant(bound.id) : globals.get('prog', `${name}.id`),
      stats: bound && !shared ? constant(bound.stats) : globals.get('prog', `${name}.stats`),
      map: (i) => (binding ? constant(binding.map(maps[i]).address) : globals.get('map', maps[i].name)),
      word: binding?.word,
      mapTable: (i) =>
        binding ? constant(binding.map(maps[i]).tableBase) : globals.get('map', `${maps[i].name}.table`),
      funcSlot: (pc) =>
        binding ? constant(binding.funcSlot(source, pc)) : globals.get('func', `${name}.${funcName(checked, pc)}`),
      arena: this.arena(source, funcs),
      objectType: (pc) => {
        const site = objectSite({ ...checked, proof: proofOf(source) }, pc);
        if (site === undefined) throw new CompileError('COMPILE_OBJECT_TYPE', { prog: name, pc });
        if (binding) return constant(binding.objectType(source, site));
        return globals.get('object', `${name}.${siteKey(site)}`);
      },
      ksym: (id) => globals.get('ksym', `${id}`),
      callee: (pc) => index.get(pc) as number,
      violation: module.localIndex(first),
      progType: module.typeOf(PROG_TYPE),
      tailCallsBelow: countTailCalls(checked) > countTailCalls(checked, 0),
      siblings,
      sites: new Map(tailCallPcs(checked).map((pc, i) => [pc, i])),
      proto: protoOf,
      plans: new Map(),
      inline: (target, frame) => {
        const i = checked.funcs.findIndex((func) => func.start === target);
        inlineFunc(env, checked.funcs[i], cfgs[i], frame);
      },
    };
    return env;
  }

  private arena(source: CheckedProg, funcs: ImportedFuncs): Arena | undefined {
    const { maps } = source.prog;
    const index = maps.findIndex((map) => map.type === BPF_MAP_TYPE_ARENA);
    const proof = proofOf(source);
    if (index < 0) return undefined;
    const { binding, globals } = this;
    const map = binding ? constant(binding.map(maps[index]).address) : globals.get('map', maps[index].name);
    return { map, at: funcs.arenaAt, holds: (pc) => proof?.inArena(pc) ?? false };
  }

  private addProg({ checked, cfgs }: Analysed, env: ProgEnv, batch: WasmWriter): void {
    const { module } = this;
    const { prog } = checked;
    module.addFunc(`${prog.name}:violation`, VIOLATION_TYPE, violationBody(env));
    checked.funcs.forEach((func, i) => {
      const name = i === 0 ? prog.name : `${prog.name}/${func.name}`;
      this.addFunc(env, i, name, cfgs[i]);
    });
    this.checkSize(env, `run:${prog.name}`, batch);
    const loop = module.addFunc(`run:${prog.name}`, BATCH_TYPE, batch);
    module.exportFunc(prog.name, env.callee(checked.funcs[0].start));
    module.exportFunc(`run:${prog.name}`, loop);
    const { handler } = prog;
    if (handler !== undefined) module.exportFunc(`${prog.name}:handler`, env.callee(handler));
    for (const pc of callbackTargets(checked))
      module.exportFunc(`${prog.name}/${funcName(checked, pc)}`, env.callee(pc));
  }

  private checkSize({ checked: { prog } }: ProgEnv, func: string, body: WasmWriter): void {
    if (body.length <= MAX_FUNCTION_BYTES) return;
    throw new CompileError('COMPILE_TOO_LARGE', {
      prog: prog.name,
      func,
      bytes: body.length,
      limit: MAX_FUNCTION_BYTES,
    });
  }

  private addFunc(env: ProgEnv, i: number, name: string, cfg: Cfg): void {
    const { funcs } = env.checked;
    const body = lowerFunc(env, funcs[i], cfg);
    this.checkSize(env, name, body);
    this.module.addFunc(name, i === 0 ? PROG_TYPE : SUBPROG_TYPE, body);
  }
}

function funcName(checked: CheckedProg, pc: number): string {
  return checked.prog.funcs.find((f) => f.start === pc)?.name ?? `${pc}`;
}

/** (what: code | write << 8 | size << 32, pc, addr): tells the runtime, with the program's id. */
function violationBody(env: ProgEnv) {
  const code = new Code(3);
  code.get(0);
  code.i64(0xff);
  code.op(w.I64_AND, w.I32_WRAP_I64);
  pushRef(code, env.progId);
  code.get(1);
  code.get(2);
  code.get(0);
  code.i64(32);
  code.op(w.I64_SHR_U, w.I32_WRAP_I64);
  code.get(0);
  code.op(w.I32_WRAP_I64);
  code.i32(8);
  code.op(w.I32_SHR_U);
  code.i32(1);
  code.op(w.I32_AND);
  code.call(env.funcs.trap);
  code.op(w.END);
  return code.body();
}

/**
 * One Wasm module for all `progs` (of one object, say), which call each other only through the shared table.
 * @throws CompileError when a function is too large for Wasm engines
 */
export function compile(progs: readonly CheckedProg[], options: CompileOptions = {}): Uint8Array {
  const names = new Set<string>();
  for (const { prog } of progs) {
    if (names.has(prog.name)) throw new CompileError('COMPILE_DUPLICATE', { prog: prog.name });
    names.add(prog.name);
  }
  return new Compiler(progs, options).run(options.name ?? progs[0]?.prog.name ?? 'empty');
}
