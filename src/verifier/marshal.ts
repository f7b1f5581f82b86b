/** LinkedProg -> struct Input and its tables (layouts: assembly/verifier/abi/). */
import { BPF_CALL, BPF_COMPLEXITY_LIMIT_INSNS, BPF_JMP } from '../../assembly/isa.ts';
import type { Btf } from '../btf/types.ts';
import { VerifierError } from '../errors/index.ts';
import type { LinkedProg } from '../link/types.ts';
import type { ProgType } from '../object/types.ts';
import * as abi from './abi.ts';
import { marshalKfuncs } from './marshal-kfuncs.ts';
import { marshalMaps } from './marshal-maps.ts';
import { marshalSubprogs } from './marshal-subprogs.ts';
import type { RequestWriter } from './request.ts';
import { StructTable } from './struct-table.ts';
import { ctxStructNames, encodeCtxTable } from './tables/ctx/encode.ts';
import type { CtxConditions } from './tables/ctx/views.ts';
import { helperStructs, isPacketType } from './tables/helpers.ts';
import { HelperTable } from './tables/helpers-encode.ts';
import {
  effectiveAttachType,
  type PacketProgType,
  type ProgTypeRow,
  packetAccessWord,
  progTypeRow,
  retRange,
} from './tables/prog-types.ts';

export interface VerifyLimits {
  /**
   * Insns a program may have: 1,000,000 with CAP_BPF, 4,096 (BPF_MAXINSNS) without. 4,096 gives the limits of Linux before 5.2, which also
   * processed 131,072 at most.
   */
  readonly insns?: number;
  /** Insns that may be processed on all paths together; 1,000,000 (BPF_COMPLEXITY_LIMIT_INSNS) unless `insns` says otherwise. */
  readonly processed?: number;
}

const INSN_SIZE = 8;
const INSN_IMM = 4;
const CALL = BPF_JMP | BPF_CALL;
const BPF_MAXINSNS = 4096;
/** BPF_COMPLEXITY_LIMIT_INSNS of Linux 4.14 to 5.1. */
const OLD_COMPLEXITY_LIMIT = 131_072;

/** Rights and rules that the program is judged by. */
export interface VerifyRules {
  /** Neither CAP_BPF nor CAP_PERFMON: the rules for unprivileged users. */
  readonly unprivileged?: boolean;
  readonly limits?: VerifyLimits;
  /** Refuse misaligned accesses, as BPF_F_STRICT_ALIGNMENT does. */
  readonly strictAlignment?: boolean;
  /** Allow misaligned accesses everywhere, as BPF_F_ANY_ALIGNMENT does. */
  readonly anyAlignment?: boolean;
  /** Store a state at every prune point, as BPF_F_TEST_STATE_FREQ does: for tests of the verifier. */
  readonly testStateFreq?: boolean;
  /** Find out between what bounds the index of each tail call is: `Proof.tailCallRange`. Walks more than Linux does. */
  readonly tailCallRanges?: boolean;
  /** CPUs that the machine may have, which bounds what bpf_get_smp_processor_id says; 128 unless given. */
  readonly cpus?: number;
  /** As the kernel's: 1 says why a program is refused, 2 all that was walked; 4 more: time and stack depth. */
  readonly logLevel?: number;
  /** BTF of the kernel (vmlinux) whose structs the program reads; without it those it was compiled with. */
  readonly btf?: Btf;
}

/** Enough for most machines; a program that relies on fewer is refused. */
const DEFAULT_CPUS = 128;

/** Insns that may be processed. */
export function processedLimit({ limits }: VerifyRules): number {
  if (limits?.processed !== undefined) return limits.processed;
  if (limits?.insns === undefined) return BPF_COMPLEXITY_LIMIT_INSNS;
  return limits.insns <= BPF_MAXINSNS ? OLD_COMPLEXITY_LIMIT : BPF_COMPLEXITY_LIMIT_INSNS;
}

interface Target {
  readonly row: ProgTypeRow;
  readonly attach: number;
}

/** The program's type and attach type, if they can be loaded together. */
function targetOf(prog: LinkedProg, rules: VerifyRules): Target {
  const row = progTypeRow(prog.type);
  if (row === undefined) throw new VerifierError('VERIFIER_PROG_TYPE', { prog: prog.name, type: prog.type });
  if (rules.unprivileged === true && !row.unprivileged)
    throw new VerifierError('VERIFIER_RIGHTS', { prog: prog.name, type: prog.type });
  const attach = effectiveAttachType(row, prog.expectedAttachType);
  if (attach === undefined) {
    const fields = { prog: prog.name, type: prog.type, attach: prog.expectedAttachType };
    throw new VerifierError('VERIFIER_ATTACH_TYPE', fields);
  }
  return { row, attach };
}

function flagsOf(prog: LinkedProg, rules: VerifyRules, hasRange: boolean): number {
  let flags = 0;
  if (prog.gplCompatible) flags |= abi.IN_GPL;
  if (rules.unprivileged !== true) flags |= abi.IN_BPF_CAPABLE | abi.IN_PERFMON;
  if (rules.strictAlignment === true) flags |= abi.IN_STRICT_ALIGNMENT;
  if (rules.anyAlignment === true) flags |= abi.IN_ANY_ALIGNMENT;
  if (rules.testStateFreq === true) flags |= abi.IN_TEST_STATE_FREQ;
  if (rules.tailCallRanges === true) flags |= abi.IN_TAIL_RANGES;
  if (hasRange) flags |= abi.IN_RET_RANGE;
  if (prog.sleepable === true) flags |= abi.IN_SLEEPABLE;
  if (prog.frags === true) flags |= abi.IN_FRAGS;
  if (prog.deviceBound === true) flags |= abi.IN_DEVICE_BOUND;
  if (prog.funcs.some((func) => func.btfId !== undefined)) flags |= abi.IN_HAS_FUNC_INFO;
  return flags;
}

/**
 * What depends on the program's type and rights alone. The tables are encoded once, so the structs they name come first in every program's
 * table of structs, in the same order.
 */
interface TypeTables {
  readonly structs: readonly string[];
  readonly ctx: Uint8Array;
  readonly helpers: HelperTable | undefined;
}

/** By type and rights. Making them costs more than most verifications. */
const TYPE_TABLES = new Map<string, TypeTables>();

function makeTypeTables(type: ProgType, rights: CtxConditions): TypeTables {
  const { attach, bpfCapable } = rights;
  const structs = [...new Set([...ctxStructNames(type as PacketProgType, rights), ...helperStructs()])];
  const structIndex = (name: string): number => structs.indexOf(name);
  const ctx = encodeCtxTable(type as PacketProgType, { ...rights, structIndex });
  const options = { attachType: attach, bpf: bpfCapable, perfmon: bpfCapable, structIndex };
  return { structs, ctx, helpers: isPacketType(type) ? new HelperTable(type, options) : undefined };
}

function typeTables(type: ProgType, rights: CtxConditions): TypeTables {
  const key = `${type} ${rights.attach} ${rights.bpfCapable}`;
  const tables = TYPE_TABLES.get(key) ?? makeTypeTables(type, rights);
  TYPE_TABLES.set(key, tables);
  return tables;
}

/** The helpers that the program calls; what else looks like a call adds rows that nobody reads. */
function called(insns: Uint8Array): ReadonlySet<number> {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.length);
  const ids = new Set<number>();
  for (let at = 0; at + INSN_SIZE <= insns.length; at += INSN_SIZE) {
    if (insns[at] === CALL) ids.add(view.getInt32(at + INSN_IMM, true));
  }
  return ids;
}

function writeTypeTables(input: RequestWriter, prog: LinkedProg, rights: CtxConditions, structs: StructTable): void {
  const tables = typeTables(prog.type, rights);
  for (const name of tables.structs) structs.kernelStruct(name);
  input.set(abi.INPUT_CTX_TABLE, input.add(tables.ctx));
  if (tables.helpers === undefined) return;
  const { address, bytes } = input.room(tables.helpers.size);
  tables.helpers.write(bytes, called(prog.insns));
  input.set(abi.INPUT_HELPERS, address);
}

/** Writes everything the verifier is given. Messages name structs by the table it answers with. */
export function marshal(input: RequestWriter, prog: LinkedProg, rules: VerifyRules): StructTable {
  const { row, attach } = targetOf(prog, rules);
  const bpfCapable = rules.unprivileged !== true;
  const range = retRange(row, attach);
  input.table(abi.INPUT_INSNS, prog.insns, abi.INPUT_INSN_COUNT, Math.floor(prog.insns.length / 8));
  input.set(abi.INPUT_PROG_TYPE, row.number);
  input.set(abi.INPUT_ATTACH_TYPE, attach);
  input.set(abi.INPUT_FLAGS, flagsOf(prog, rules, range !== undefined));
  input.set(abi.INPUT_INSN_LIMIT, processedLimit(rules));
  input.set(abi.INPUT_SIZE_LIMIT, rules.limits?.insns ?? (bpfCapable ? BPF_COMPLEXITY_LIMIT_INSNS : BPF_MAXINSNS));
  input.set(abi.INPUT_RET_LO, range?.lo ?? 0);
  input.set(abi.INPUT_RET_HI, range?.hi ?? 0);
  input.set(abi.INPUT_PACKET_ACCESS, packetAccessWord(row));
  input.set(abi.INPUT_LOG_LEVEL, (rules.logLevel ?? 0) & 3);
  input.set(abi.INPUT_CPUS, rules.cpus ?? DEFAULT_CPUS);
  const structs = new StructTable(prog.btf, rules.btf);
  writeTypeTables(input, prog, { attach, bpfCapable }, structs);
  marshalMaps(input, prog, structs);
  marshalSubprogs(input, prog, row.ctx, structs);
  marshalKfuncs(input, prog, row.ctx, structs);
  structs.write(input);
  return structs;
}
