// A case's text as a linked program: labels become functions, names of maps become indices, functions get the least BTF.

import { parseBtf } from '../../src/btf/parse.ts';
import { assemble } from '../../src/isa/asm.ts';
import { encodeInsns } from '../../src/isa/decode.ts';
import type { Insn } from '../../src/isa/insn.ts';
import type { LinkedFunc, LinkedProg } from '../../src/link/types.ts';
import { newMap } from '../../src/object/map-spec.ts';
import type { MapSpec, ProgType } from '../../src/object/types.ts';
import { ATTACH_TYPES, progTypeRow } from '../../src/verifier/tables/prog-types.ts';
import { type CaseMap, MAP_TYPES, type VerifierCase } from './case.ts';
import { caseBtf } from './case-btf.ts';

const CALL = 0x85;
const LDDW = 0x18;
const PSEUDO_CALL = 1;
const PSEUDO_FUNC = 4;
const RDONLY_PROG = 128;

/** Slots where functions begin: 0, every target of a call and every function whose address is taken. */
export function funcStarts(insns: readonly Insn[]): number[] {
  const starts = new Set([0]);
  insns.forEach((insn, pc) => {
    const refers =
      (insn.opcode === CALL && insn.src === PSEUDO_CALL) || (insn.opcode === LDDW && insn.src === PSEUDO_FUNC);
    if (refers) starts.add(pc + 1 + insn.imm);
  });
  return [...starts].filter((at) => at >= 0 && at < insns.length).sort((a, b) => a - b);
}

/** `{N} * text` is N lines of `text`. */
const repeated = (text: string): string =>
  text.replace(/^[ \t]*\{(\d+)\} \*(.*)$/gm, (_, count: string, line: string) => `${line}\n`.repeat(Number(count)));

/** `call bpf_x!` calls kfunc bpf_x: names are collected, the call's imm counts them. */
function numberKfuncs(text: string, names: string[]): string {
  return text.replace(/^([ \t]*(?:\w+: )?)call (\w+)!$/gm, (_, before: string, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `${before}call kfunc[id:${names.indexOf(name)}]`;
  });
}

const hexBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

export function caseMap(name: string, map: CaseMap, btfValueTypeId = 0, btfKeyTypeId = 0): MapSpec {
  const spec = newMap(name, 0, 0);
  const data = map.rodata === undefined ? undefined : hexBytes(map.rodata);
  return {
    ...spec,
    type: MAP_TYPES[map.type],
    keySize: map.key ?? 4,
    valueSize: data?.length ?? map.value ?? 4,
    maxEntries: map.entries ?? 1,
    flags: (map.flags ?? 0) | (data === undefined ? 0 : RDONLY_PROG),
    btfKeyTypeId,
    btfValueTypeId,
    ...(map.inner === undefined ? {} : { innerMap: caseMap(`${name}_inner`, map.inner) }),
    ...(data === undefined ? {} : { initialValue: data, dataKind: 'rodata' }),
  };
}

/** A case ready for our verifier and for the kernel. */
export interface BuiltCase {
  readonly prog: LinkedProg;
  /** What `prog.btf` was parsed from. */
  readonly btf: Uint8Array | undefined;
}

/** The case's program as `link` would give it. */
export function buildCase(one: VerifierCase): BuiltCase {
  const type = one.type ?? 'xdp';
  const used = Object.entries(one.maps ?? {}).filter(([name]) => one.insns.includes(`map[${name}]`));
  const kfuncs: string[] = [];
  const insns = assemble(numberKfuncs(repeated(one.insns), kfuncs), { maps: used.map(([name]) => name) });
  const starts = funcStarts(insns);
  const funcs = starts.map((start, i): LinkedFunc => {
    return { name: i === 0 ? 'main' : `sub${i}`, start, end: starts[i + 1] ?? insns.length };
  });
  const needsBtf = (one.btf !== 'none' && starts.length > 1) || used.some(([, map]) => map.fields !== undefined);
  const names = one.btf === 'none' ? [] : funcs.map((func) => func.name);
  const btf = needsBtf ? caseBtf(names, one.globals ?? {}, Object.fromEntries(used), ctxName(type)) : undefined;
  const keyType = (name: string): number => (btf?.values.has(name) === true ? btf.int : 0);
  const prog: LinkedProg = {
    name: one.name,
    section: type,
    type,
    expectedAttachType: one.attach === undefined ? -1 : ATTACH_TYPES[one.attach],
    gplCompatible: (one.license ?? 'GPL') === 'GPL',
    insns: encodeInsns(insns),
    funcs: funcs.map((func, i) => withBtf(func, btf?.funcs[i], one.globals?.[i] !== undefined)),
    maps: used.map(([name, map]) => caseMap(name, map, btf?.values.get(name), keyType(name))),
    kfuncs,
    lines: [],
    ...(btf === undefined ? {} : { btf: parseBtf(btf.bytes) }),
    ...(one.flags?.includes('sleepable') === true ? { sleepable: true } : {}),
    ...(one.flags?.includes('frags') === true ? { frags: true } : {}),
  };
  return { prog, btf: btf?.bytes };
}

function withBtf(func: LinkedFunc, btfId: number | undefined, global: boolean): LinkedFunc {
  return btfId === undefined ? func : { ...func, btfId, global };
}

const ctxName = (type: ProgType): string => progTypeRow(type)?.ctx ?? 'xdp_md';
