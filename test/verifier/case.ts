// The files of cases in test/verifier/*.yaml: what they may say, and how they are read and written.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Document, isSeq, parseDocument, type YAMLMap } from 'yaml';
import type { ProgType } from '../../src/object/types.ts';
import type { AttachTypeName } from '../../src/verifier/tables/prog-types.ts';

/** Map types by the names the cases use; numbers are enum bpf_map_type's. */
export const MAP_TYPES = {
  ...{ hash: 1, array: 2, prog_array: 3, perf_event_array: 4, percpu_hash: 5, percpu_array: 6, stack_trace: 7 },
  ...{ cgroup_array: 8, lru_hash: 9, lru_percpu_hash: 10, lpm_trie: 11, array_of_maps: 12, hash_of_maps: 13 },
  ...{ devmap: 14, sockmap: 15, cpumap: 16, xskmap: 17, sockhash: 18, cgroup_storage: 19, reuseport_sockarray: 20 },
  ...{ percpu_cgroup_storage: 21, queue: 22, stack: 23, sk_storage: 24, devmap_hash: 25, ringbuf: 27 },
  ...{ inode_storage: 28, task_storage: 29, bloom_filter: 30, user_ringbuf: 31, cgrp_storage: 32 },
} as const;

export interface CaseMap {
  readonly type: keyof typeof MAP_TYPES;
  readonly key?: number;
  readonly value?: number;
  readonly entries?: number;
  /** BPF_F_*. */
  readonly flags?: number;
  readonly inner?: CaseMap;
  /** Bytes of value 0 as hex; the map is frozen, as .rodata is. */
  readonly rodata?: string;
  /** The value has these fields at these offsets, told by BTF. */
  readonly fields?: Readonly<Partial<Record<'spin_lock' | 'res_spin_lock' | 'timer', number>>>;
}

export type CaseFlag = 'unprivileged' | 'strict' | 'any' | 'test_state_freq' | 'frags' | 'sleepable';

/** What a program is and what the verifier answers. */
export interface VerifierCase {
  readonly name: string;
  readonly type?: ProgType;
  readonly attach?: AttachTypeName;
  readonly maps?: Readonly<Record<string, CaseMap>>;
  readonly license?: string;
  readonly flags?: readonly CaseFlag[];
  readonly limit?: number;
  /** `none`: functions have no BTF. */
  readonly btf?: 'none';
  /** Arguments of global functions, by index of the function: `int`, `ctx`, `mem:8`, `mem:8:nonnull`. */
  readonly globals?: Readonly<Record<number, readonly string[]>>;
  /** Text of the assembler, src/isa/asm.ts. `{N} * text` lines are repeated. */
  readonly insns: string;
  readonly verdict: 'accept' | 'refuse';
  /** The kernel's words, whole; part of them where `partly` is true. */
  readonly message?: string;
  /** Insns processed on all paths. */
  readonly processed?: number;
}

/** A file: `type` and `maps` hold for all of its cases. */
export interface CaseFile {
  readonly file: string;
  readonly document: Document;
  readonly cases: readonly VerifierCase[];
}

const HERE = new URL('./', import.meta.url);

function readFile(file: string): CaseFile {
  const document = parseDocument(readFileSync(new URL(file, HERE), 'utf8'));
  if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]?.message}`);
  const { cases, ...shared } = document.toJS() as { cases: VerifierCase[] } & Partial<VerifierCase>;
  return {
    file,
    document,
    cases: cases.map((one) => ({ ...shared, ...one, maps: { ...shared.maps, ...one.maps } })),
  };
}

export function caseFiles(): CaseFile[] {
  const names = readdirSync(HERE).filter((name) => name.endsWith('.yaml'));
  return names.sort().map(readFile);
}

/** What the kernel answered becomes what the file expects. */
export function bless(file: CaseFile, answers: readonly Partial<VerifierCase>[]): void {
  const items = file.document.get('cases');
  if (!isSeq(items)) return;
  items.items.forEach((item, i) => {
    const map = item as YAMLMap;
    const answer = answers[i] as Partial<VerifierCase>;
    for (const key of ['verdict', 'message', 'processed'] as const) {
      if (answer[key] === undefined || answer[key] === '') map.delete(key);
      else map.set(key, answer[key]);
    }
  });
  writeFileSync(new URL(file.file, HERE), file.document.toString({ lineWidth: 0 }));
}
